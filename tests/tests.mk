# Tests. Unit tests run under ASan and UBSan.

SAN        = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_CFLAGS = $(STANDARD) $(WARNINGS) -O1 -g $(SAN) -MMD -MP
SAN_LIB   := $(patsubst lib/%.c,$B/san/lib/%.o,$(wildcard lib/*/*.c))
UNIT      := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*_test.c))
TEST_LIBS  = -lcap-ng
# Two tests have libnl-route-3 read what our own messages wrote.
RTNL_TESTS = $(addprefix $B/unit/,uplink_test uplink_bridge_test)
$(RTNL_TESTS): TEST_LIBS += $(NL_LIBS)
$B/san/tests/unit/uplink%.o: SAN_CFLAGS += $(NL_CFLAGS)

# One has the whole helper but its first steps, which are a process's own.
HELPER_PART := $(patsubst %.c,$B/san/%.o,$(filter-out $(addprefix %/,main.c inherited.c memory.c sandbox.c), \
	$(wildcard helper/pam-netns-helper/*.c helper/pam-netns-helper/*/*.c)))
$B/unit/helper_test: $(HELPER_PART)
$B/unit/helper_test: TEST_OBJECTS = $(HELPER_PART)

$B/san/%.o: %.c
	$(call say,CC san,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) -c -o $@ $<

$B/san/libpam_netns.a: $(SAN_LIB)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$B/unit/%: $B/san/tests/unit/%.o $B/san/libpam_netns.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN) -o $@ $< $(TEST_OBJECTS) $B/san/libpam_netns.a $(TEST_LIBS) -lcmocka -lpthread

# Objects of test programs are kept for the next run.
.PRECIOUS: $B/san/%.o $B/fuzz/%.o

-include $(SAN_LIB:.o=.d) $(HELPER_PART:.o=.d) $(patsubst $B/unit/%,$B/san/tests/unit/%.d,$(UNIT))

## unit		unit tests (cmocka), each under ASan and UBSan
.PHONY: unit unit-programs
unit-programs: $(UNIT)
unit: $(UNIT)
	@tests/unit/run $(UNIT)

## ruleset	the firewall rules, in the real nft (root)
.PHONY: ruleset
ruleset: $B/unit/ruleset_test
	@tests/unit/ruleset_nft.sh $<

# Fuzzing: libFuzzer, so clang. SECONDS counts only from make's command line: shells have their own.
FUZZ_CC     ?= clang
FUZZ_SECONDS = $(if $(filter command line,$(origin SECONDS)),$(SECONDS),60)
FUZZ_SAN     = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_CFLAGS  = $(STANDARD) -O1 -g $(FUZZ_SAN) -fsanitize=fuzzer-no-link -MMD -MP
FUZZ_LIB    := $(patsubst lib/%.c,$B/fuzz/lib/%.o,$(wildcard lib/*/*.c))
FUZZ        := $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

$B/fuzz/%.o: %.c
	$(call say,CC fuzz,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -c -o $@ $<

$B/fuzz/libpam_netns.a: $(FUZZ_LIB)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$B/fuzz/%_fuzz: $B/fuzz/tests/fuzz/%_fuzz.o $B/fuzz/libpam_netns.a
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $B/fuzz/libpam_netns.a $(TEST_LIBS)

# Has the helper's main() in it, under another name. memory.c needs the helper's own linking.
$B/fuzz/arguments_fuzz: $(patsubst %.c,$B/fuzz/%.o,$(filter-out %/main.c %/memory.c,$(wildcard helper/pam-netns-helper/*.c helper/pam-netns-helper/resources/*.c)))
$B/fuzz/helper/pam-netns-helper/sandbox.o: $B/sandbox/sandbox_filter.h
$B/fuzz/helper/pam-netns-helper/sandbox.o: FUZZ_CFLAGS += -I$B/sandbox

-include $(FUZZ_LIB:.o=.d) $(patsubst $B/fuzz/%,$B/fuzz/tests/fuzz/%.d,$(FUZZ))

## fuzz		fuzz targets, SECONDS=60 in all
.PHONY: fuzz
fuzz: $(FUZZ)
	@tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ)

## others	doctor next to real packages: Docker, ufw, firewalld, mail servers... (root)
.PHONY: others
others: $(PROGRAMS)
	@tests/host/others $B/others
	@CI=true tests/integration/run long_doctor_packages.sh

## integration	a throw-away host in namespaces of its own, with real logins (root)
.PHONY: integration
integration: $(PROGRAMS)
	@tests/integration/run

## demo		the main job, shown and checked on a throw-away host (root)
.PHONY: demo
demo: all
	@B='$B' tests/host/demo

## lint		format, clang-tidy, cppcheck, gcc -fanalyzer, scan-build, shellcheck
.PHONY: lint format-check
lint: $B/sandbox/sandbox_filter.h
	@CC='$(CC)' MAKE='$(MAKE)' B='$B' tests/lint.sh $(STANDARD) $(NL_CFLAGS) -I$B/sandbox $(WARNINGS)

## format-check	only the format of the C files
format-check:
	@tests/lint.sh --only format

## threats	every threat in SECURITY.md has its defence and its tests
.PHONY: threats
threats:
	@tests/threats

## docs		manuals, conf file and help know each subcommand, option and key
.PHONY: docs
docs: $B/pam-netns $(addprefix $B/man/,$(MANPAGES))
	@B='$B' tests/docs

.PHONY: build-report
build-report: $(PROGRAMS)
	@echo "build: 1 passed, 0 failed"

include tests/bench/bench.mk
include tests/fault/fault.mk
include tests/long.mk

## check		everything: build, unit, integration, fuzz, lint (what CI runs; root)
.PHONY: check
check:
	@MAKE='$(MAKE)' B='$B' tests/check.sh
