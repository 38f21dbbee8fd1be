# shellcheck shell=bash
# A share of the fault injection, other sites each day; `make fault` does all of it. See
# tests/fault/inject.c. T1, T2, T3, T8, T9, T10.
#
# The share is a tenth of the calls of open, close, gc, up, down and the module, each with one of the
# eight errors: every call has failed after ten days, with every error after eighty. A tenth of all
# combinations would be 6,000 runs of 40 ms and more, four minutes; this is a minute and a half.
# Kills are a fortieth. A stopped process costs those who wait for it 300 ms: one in two hundred.

setup() {
	host_pam_install
}

# inject SHARE SWEEP…: one site of SHARE; names are beginnings.
inject() {
	local output=/run/test-host/fault
	bash "$CHECKOUT/tests/fault/run" --on-host -o -s "$@" 2>&1 | tee "$output"
	assert_match 'fault: [1-9][0-9]* passed, 0 failed' "$(<"$output")"
}

test_T1_failing_calls_of_open() {
	inject 10 open
}

test_T1_failing_calls_of_close_and_gc() {
	inject 10 close reaper gc
}

test_T8_failing_calls_of_the_module() {
	inject 10 module-
}

# An odd share, so that each day has all combinations of failing setns(2).
test_T9_half_a_switch() {
	inject 41 join
}

test_T1_failing_allocations() {
	inject 10 malloc-
}

test_T2_failing_set_up() {
	inject 10 =up =down
	inject 40 up-nft down-nft
}

test_T3_killed() {
	inject 40 kill-
}

test_T10_stopped_and_frozen() {
	inject 200 stop- freeze- user-
}
