# shellcheck shell=bash
# What README's first command shows: every claim of the demo holds, and one that does not is told.

setup() {
	host_pam_install
}

test_every_claim_holds() {
	local output
	output=$(TERM=dumb bash "$CHECKOUT/tests/host/demo" --inside)
	assert_match '[3-9][0-9] claims held, 0 did not' "$output"
	assert_no_match 'NOT SO' "$output"
	assert_eq "" "$(awk 'length > 100' <<<"$output")" "lines of more than 100 columns"
	assert_no_match $'\e' "$output" "no colour where there is no terminal"
}

test_a_broken_claim_is_told() {
	local output code=0
	sed -i 's/^host_access = .*/host_access = all/' /etc/security/pam_netns.conf
	output=$(bash "$CHECKOUT/tests/host/demo" --inside) || code=$?
	assert_eq 1 "$code" "exit status"
	assert_match 'NOT SO: alice does not reach sshd at the gateway' "$output"
}
