# shellcheck shell=bash
# shellcheck disable=SC2119 # the policy as it is, without further lines
# A host forwards the users' traffic; other machines' only where it did so before.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	network_setup
	far_make
}

# assert_transit yes|no yes|no: IPv4 and IPv6 between two machines that are not ours, both ways.
assert_transit() {
	assert_reach outside "$1" 'tcp 203.0.113.2 80'
	assert_reach outside "$2" 'tcp 2001:db8:77::2 80'
	assert_reach far "$1" "tcp $OUTSIDE4 80"
	assert_reach far "$2" "tcp $OUTSIDE6 80"
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80" "tcp 203.0.113.2 80" "tcp 2001:db8:77::2 80"
}

# forwarding IPV4 IPV6: 0 or 1, as the host has it before us.
forwarding() {
	echo "$1" >/proc/sys/net/ipv4/ip_forward
	echo "$2" >/proc/sys/net/ipv6/conf/all/forwarding
	policy
}

test_host_that_did_not_forward_forwards_ours_alone() {
	anew forwarding 0 0
	assert_transit no no
}

test_host_that_forwarded_goes_on() {
	anew forwarding 1 1
	assert_transit yes yes
}

# A host with Docker forwards IPv4 alone.
test_families_forward_each_for_itself() {
	anew forwarding 1 0
	assert_transit yes no
	anew forwarding 0 1
	assert_transit no yes
}

# Whoever switches forwarding off does not want it for others; ours needs it and takes no more.
test_forwarding_switched_off_under_us() {
	anew forwarding 1 1
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	ssh_as dave -- true
	hold_session again bob
	end_session again
	assert_transit no no
}

test_forwarding_is_restored() {
	anew forwarding 0 0
	assert_eq '1 1' "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | paste -sd ' ')"
	for user in alice bob carol; do
		users_logout_only "$user"
	done
	host_clean
	pam-netns down
	assert_eq '0 0' "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | paste -sd ' ')"
	assert_eq '' "$(nft list tables | grep pam_netns || :)"
	assert_eq '' "$(ip route show type unreachable; ip -6 route show type unreachable)"
}
