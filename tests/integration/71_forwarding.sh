# shellcheck shell=bash
# shellcheck disable=SC2119 # the policy as it is, without further lines
# A host forwards the users' traffic; other machines' only where it did so before.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	network_setup
	far_make
}

# A second network behind the host, of nobody's users: what the host forwards to it is not ours.
far() {
	nsenter --net="/proc/$(<"$OUT/far.pid")/ns/net" "$@"
}

far_make() {
	unshare --net "$TOOLS/host-outside" "$OUT/far.pid" 203.0.113.2 2001:db8:77::2
	ip link add far0 index 110 type veth peer name eth0 netns "$(<"$OUT/far.pid")"
	ip address add 203.0.113.1/24 dev far0
	ip address add 2001:db8:77::1/64 dev far0 nodad
	ip link set far0 up
	far ip -batch - <<-END
		link set lo up
		address add 203.0.113.2/24 dev eth0
		address add 2001:db8:77::2/64 dev eth0 nodad
		link set eth0 up
		route add default via 203.0.113.1
		route add default via 2001:db8:77::1
	END
	outside ip route add 203.0.113.0/24 via "$HOST4"
	outside ip -6 route add 2001:db8:77::/64 via "$HOST6"
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
