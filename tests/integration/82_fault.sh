# shellcheck shell=bash
# A share of the fault injection, other sites each day; `make fault` does all of it. See
# tests/fault/inject.c. T1, T2, T3, T8, T9, T10.

TEST_TIMEOUT=120

setup() {
	host_pam_install
}

# inject SHARE SWEEP…: one site of SHARE; names are beginnings.
inject() {
	local output
	output=$(bash "$CHECKOUT/tests/fault/run" --on-host -s "$@" 2>&1) || fail "$output"
	grep '^#' <<<"$output"
	assert_match 'fault: [1-9][0-9]* passed, 0 failed' "$output"
}

test_T1_failing_calls_of_open() {
	inject 150 open
}

test_T1_failing_calls_of_close_and_gc() {
	inject 150 close reaper gc
}

test_T8_failing_calls_of_the_module() {
	inject 100 module-
}

test_T9_half_a_switch() {
	inject 150 join
}

test_T1_failing_allocations() {
	inject 100 malloc-
}

test_T2_failing_set_up() {
	inject 400 up
}

test_T3_killed() {
	inject 60 kill-
}

test_T10_stopped_and_frozen() {
	inject 100 stop- freeze-
}
