# The benchmark; see BENCHMARKS.md.
BENCH_OBJS  := $(patsubst tests/bench/%.c,$B/bench/%.o,$(wildcard tests/bench/*.c))
BENCH_FLAGS     ?=
BENCH_NET_FLAGS ?=
BENCH_JSON      ?= tests/bench/results/login.json
BENCH_NET_JSON  ?= tests/bench/results/net.json
PEERS           ?= yes

$B/bench/%.o: tests/bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$B/tests/bench: $(BENCH_OBJS) $B/libpam_netns.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(BENCH_OBJS) $B/libpam_netns.a -lpam

$B/tests/bench-traffic: tests/bench/net/traffic.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) -o $@ $<

-include $(BENCH_OBJS:.o=.d)

## bench		times against the bare kernel work and others; PEERS=no: ours alone;
##		BENCH_FLAGS='--users 0,100 --rounds 50' (root)
.PHONY: bench
bench: $(PROGRAMS) $B/tests/bench
	@B='$B' tests/bench/run --json '$(BENCH_JSON)' $(if $(filter no,$(PEERS)),--no-peers) $(BENCH_FLAGS)
	@tests/bench/plot '$(BENCH_JSON)' >'$(BENCH_JSON:.json=.svg)'

## bench-net	throughput, round trip, connections through bridge and NAT (root)
.PHONY: bench-net
bench-net: $(PROGRAMS) $B/tests/bench $B/tests/bench-traffic
	@B='$B' tests/bench/net/run --json '$(BENCH_NET_JSON)' $(BENCH_NET_FLAGS)
