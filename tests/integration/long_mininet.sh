# shellcheck shell=bash
# Mininet in a user's lab, without any privilege on the host. It needs mininet and bridge-utils.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

PROFILE='net_admin = yes'

setup() {
	host_pam_install
	policy
}

test_mininet_pings_all() {
	type mn brctl >/dev/null 2>&1 || skip 'no mininet and bridge-utils'
	hold_session alice alice
	assert_match 'Results: 0% dropped \(12/12 received\)' \
		"$(in_session alice 'pam-netns lab -- mn --switch lxbr --controller none --topo linear,4 --test pingall 2>&1')"
	end_session alice
	host_clean
}
