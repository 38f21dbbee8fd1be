# The benchmark; see BENCHMARKS.md.
BENCH_OBJS  := $(patsubst tests/bench/%.c,$B/bench/%.o,$(wildcard tests/bench/*.c))
BENCH_FLAGS ?=
BENCH_JSON  ?= $B/bench.json

$B/bench/%.o: tests/bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$B/tests/bench: $(BENCH_OBJS) $B/libpam_netns.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(BENCH_OBJS) $B/libpam_netns.a -lpam

-include $(BENCH_OBJS:.o=.d)

## bench		times against the bare kernel work; BENCH_FLAGS='--users 0,100 --rounds 50' (root)
.PHONY: bench
bench: $(PROGRAMS) $B/tests/bench
	@B='$B' tests/bench/run --json '$(BENCH_JSON)' $(BENCH_FLAGS)
