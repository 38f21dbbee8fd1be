# Tests that take minutes or hours; `make check-long` runs them all.

# Unit tests without sanitizers, which other tools replace.
PLAIN_MAKE = $(MAKE) --no-print-directory SAN=

# Without call_caller_test, whose threads fork, which valgrind 3.19 sometimes cannot follow; lock_test, whose
# children stop themselves; owned_test, whose child has its parent's memory; and those that make pins, as
# valgrind takes mount(2)'s NULL for an error.
VALGRIND_NOT = call_caller_test lock_test pins_test owned_test members_test helper_test
## valgrind	unit tests under valgrind
.PHONY: valgrind
valgrind:
	@$(PLAIN_MAKE) -s B=$B/plain unit-programs
	@tests/valgrind $(patsubst $B/%,$B/plain/%,$(filter-out $(addprefix %/,$(VALGRIND_NOT)),$(UNIT)))

## mutants	removes one defence after another: its test must fail (root)
.PHONY: mutants
mutants: all
	@B='$B' tests/mutants/run

## storm		1,000 logins at once, 10,000 rounds, 100,000 in one process (root)
.PHONY: storm
storm: all
	@B='$B' tests/storm/run

## coverage	lines of lib/ and helper/, branches of pam-netns-enter that tests reach (root)
.PHONY: coverage
coverage:
	@B='$B' MAKE='$(MAKE)' tests/coverage/run $(COVERAGE_FILES)

## vm-check	stock kernels with systemd in a virtual machine; KERNELS='6.1 6.12' (root)
.PHONY: vm-check
vm-check:
	@B='$B' tests/vm/run $(KERNELS)
	@for script in $(if $(filter 6.1,$(or $(KERNELS),6.1)),limits namespaces); do B='$B' tests/vm/run -t $$script 6.1 || exit; done

## rpm-check	RPM packages, compared with Debian's; installed, upgraded, erased (root)
.PHONY: rpm-check
rpm-check: all
	@tests/integration/run long_rpm.sh

## mininet-check	mininet's pingall in a user's lab (root, mininet and bridge-utils)
.PHONY: mininet-check
mininet-check: all
	@tests/integration/run long_mininet.sh

## image-check	logins with a Debian as root = DIRECTORY; downloads it once (root, mmdebstrap)
.PHONY: image-check
image-check: all
	@tests/debian-image '$(abspath $B)/images/debian'
	@tests/integration/run long_image.sh

## check-long	check, and all of the above, and an hour of fuzzing; hours (root)
.PHONY: check-long
check-long: check others rpm-check mininet-check image-check valgrind mutants storm fault coverage vm-check
	@$(MAKE) --no-print-directory fuzz SECONDS=3600
