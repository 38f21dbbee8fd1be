# shellcheck shell=bash
# The demo of README: each claim holds, and a claim that does not hold is reported.

setup() {
	host_pam_install
	cp "$CONF" "$OUT/shipped.conf"
}

# demo [CHECKOUT]
demo() {
	TERM=dumb bash "${1:-$CHECKOUT}/tests/host/demo" --inside
	local code=$?
	cp "$OUT/shipped.conf" "$CONF"
	return $code
}

test_each_claim_of_the_demo_holds() {
	local output
	output=$(demo) || fail "$(grep -B9 "NOT SO" <<<"$output")"
	assert_match '5[0-9] claims held, 0 did not' "$output"
	assert_no_match 'NOT SO' "$output"
	assert_eq "" "$(awk 'length > 100' <<<"$output")" "lines of more than 100 columns"
	assert_no_match $'\e' "$output" "no colour without a terminal"
}

test_false_claim_is_reported() {
	local output code=0
	conf_set host_access all
	output=$(demo) || code=$?
	assert_eq 1 "$code" "exit status"
	assert_match 'NOT SO: alice does not reach sshd at the gateway' "$output"
}

# The second act's conf file is the example for a teaching lab, here with other students.
test_false_claim_of_the_second_act_is_reported() {
	local output code=0
	mkdir -p "$OUT/checkout/tests" "$OUT/checkout/conf"
	cp -r "$CHECKOUT/tests/host" "$CHECKOUT/tests/integration" "$OUT/checkout/tests"
	cp -r "$CHECKOUT/conf/examples" "$OUT/checkout/conf"
	sed -i '/^processes = own/d; /^hide = /d' "$OUT/checkout/conf/examples/teaching-lab.conf"
	output=$(demo "$OUT/checkout") || code=$?
	assert_eq 1 "$code" "exit status"
	assert_match 'NOT SO: bob sees only his own processes' "$output"
	assert_match "NOT SO: alice's home is hidden" "$output"
	assert_match ' 3 did not' "$output"
}
