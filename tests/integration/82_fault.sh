# shellcheck shell=bash
# A share of the fault injection: other calls each day; `make fault` does all of it. See
# tests/fault/inject.c. T1, T2, T3, T8, T9, T10.
#
# The share is a tenth of the calls of open, close, gc, up, down and the module, each with one of eight
# errors: after ten days every call has failed, after eighty with every error. A tenth of all combinations
# would be 6,000 runs of 40 ms and more, which is four minutes; this share takes a minute and a half.
# Kills are a fortieth. A stopped process makes others wait for 300 ms, so stops are one in two hundred.

setup() {
	host_pam_install
}

# inject SHARE SWEEP…: one call in SHARE of the sweeps whose names begin so.
inject() {
	local output=/run/test-host/fault
	bash "$CHECKOUT/tests/fault/run" --on-host -o -s "$@" 2>&1 | tee "$output"
	assert_match 'fault: [1-9][0-9]* passed, 0 failed' "$(<"$output")"
}

test_t01_failing_calls_of_open_leave_nothing() {
	inject 10 open
}

test_t01_failing_calls_of_close_and_gc_leave_nothing() {
	inject 10 close reaper gc
}

test_t08_failing_calls_of_the_module_refuse_login() {
	inject 10 module-
}

# The share is odd, so that each day has all combinations of failing setns(2).
test_t09_half_a_switch_is_undone() {
	inject 41 join
}

test_t01_failing_allocations_leave_nothing() {
	inject 10 malloc-
}

test_t02_failing_set_up_is_made_again() {
	inject 10 =up =down
	inject 40 up-nft down-nft
}

test_t03_killed_helper_leaves_nothing() {
	inject 40 kill-
}

test_t10_stopped_helper_blocks_no_other_user() {
	inject 200 stop- freeze- user-
}
