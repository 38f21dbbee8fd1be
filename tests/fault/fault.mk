# Fault injection; see tests/fault/inject.c.
FAULT_OBJS := $(patsubst tests/fault/%.c,$B/fault/%.o,$(filter-out %/helper_malloc.c,$(wildcard tests/fault/*.c)))

$B/fault/%.o: tests/fault/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$B/fault/names.o: $B/fault/names.h
$B/fault/names.o: ALL_CFLAGS += -I$B/fault
$B/fault/names.h:
	@mkdir -p $(@D)
	@echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
		sed -nE 's/^#define SYS_([a-z0-9_]+) __NR_.*/NAME(\1)/p' >$@

# -rdynamic: the module's allocations are to be ours too.
$B/tests/fault-inject: $(FAULT_OBJS) $B/libpam_netns.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -rdynamic -o $@ $(FAULT_OBJS) $B/libpam_netns.a -lpam

# The helper as it is, but for allocations that can be made to fail.
$B/tests/fault-helper: RELRO += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$B/tests/fault-helper: $(filter-out %/memory.o,$(HELPER_OBJS)) $(patsubst %,$B/helper/tests/fault/%.o,helper_malloc mark) \
		$B/helper/libpam_netns.a
	@mkdir -p $(@D)
	$(helper_link)

-include $(FAULT_OBJS:.o=.d) $(wildcard $B/helper/tests/fault/*.d)

FAULT_TOOLS := $B/tests/fault-inject $B/tests/fault-helper

.PHONY: fault-tools fault
fault-tools: $(FAULT_TOOLS)

## fault		every system call of a login made to fail, killed, stopped: two hours (root)
fault: $(PROGRAMS) $(FAULT_TOOLS)
	@B='$B' tests/fault/run $(FAULT_FLAGS)
