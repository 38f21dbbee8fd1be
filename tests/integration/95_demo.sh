# shellcheck shell=bash
# The demo of README: each claim holds, and a claim that does not hold is reported.

setup() {
	host_pam_install
}

test_each_claim_of_the_demo_holds() {
	local output
	output=$(TERM=dumb bash "$CHECKOUT/tests/host/demo" --inside)
	assert_match '[3-9][0-9] claims held, 0 did not' "$output"
	assert_no_match 'NOT SO' "$output"
	assert_eq "" "$(awk 'length > 100' <<<"$output")" "lines of more than 100 columns"
	assert_no_match $'\e' "$output" "no colour without a terminal"
}

test_false_claim_is_reported() {
	local output code=0
	conf_set host_access all
	output=$(bash "$CHECKOUT/tests/host/demo" --inside) || code=$?
	assert_eq 1 "$code" "exit status"
	assert_match 'NOT SO: alice does not reach sshd at the gateway' "$output"
}
