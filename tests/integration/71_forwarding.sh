# shellcheck shell=bash
# shellcheck disable=SC2119 # policy without lines
# The host forwards the users' traffic. It forwards for other machines only if it did so before.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	network_setup
	far_make
}

# assert_transit yes|no yes|no: the host forwards IPv4, and IPv6, between two other machines.
assert_transit() {
	assert_reach outside "$1" 'tcp 203.0.113.2 80'
	assert_reach outside "$2" 'tcp 2001:db8:77::2 80'
	assert_reach far "$1" "tcp $OUTSIDE4 80"
	assert_reach far "$2" "tcp $OUTSIDE6 80"
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80" "tcp 203.0.113.2 80" "tcp 2001:db8:77::2 80"
}

# forwarding 0|1 0|1: the host's own setting for IPv4, and IPv6, before the set-up.
forwarding() {
	echo "$1" >/proc/sys/net/ipv4/ip_forward
	echo "$2" >/proc/sys/net/ipv6/conf/all/forwarding
	policy
}

test_host_without_forwarding_forwards_ours_alone() {
	anew forwarding 0 0
	assert_transit no no
}

test_host_with_forwarding_forwards_for_others() {
	anew forwarding 1 1
	assert_transit yes yes
}

# A host with Docker forwards IPv4 alone.
test_forwarding_is_separate_for_each_family() {
	anew forwarding 1 0
	assert_transit yes no
	anew forwarding 0 1
	assert_transit no yes
}

# An administrator switches forwarding off: the next login switches it on for our networks alone.
test_forwarding_switched_off_meanwhile_is_for_ours_alone() {
	anew forwarding 1 1
	forwarding_set 0
	ssh_as dave -- true
	hold_session again bob
	end_session again
	assert_transit no no
}

# down_restores [COMMAND…]: pam-netns down, after the command, leaves the host without forwarding, as it was.
down_restores() {
	anew forwarding 0 0
	assert_eq '1 1' "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | paste -sd ' ')"
	for user in alice bob carol; do
		users_logout_only "$user"
	done
	host_clean
	"$@"
	pam-netns down
	assert_eq '0 0' "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | paste -sd ' ')"
	assert_eq '' "$(nft list tables | grep pam_netns || :)"
	assert_eq '' "$(ip route show type unreachable; ip -6 route show type unreachable)"
}

test_down_restores_forwarding() {
	down_restores
}

# Rules that let only our networks pass are removed last: else the host would forward for all.
test_down_restores_forwarding_without_the_record() {
	down_restores rm /run/pam-netns/networks/host
}

# `up` puts accept_ra from 1 to 2, and `down` back. Meanwhile another program may have switched forwarding off.
test_down_restores_accept_ra_after_forwarding_was_off() {
	local setting=/proc/sys/net/ipv6/conf/uplink0/accept_ra user
	for user in alice bob carol; do
		pam-netns kick "$user"
	done
	pam-netns down
	echo 1 >$setting
	pam-netns up
	assert_eq 2 "$(cat $setting)"
	sysctl -q -w net.ipv6.conf.all.forwarding=0
	pam-netns up
	assert_eq 2 "$(cat $setting)"
	pam-netns down
	assert_eq 1 "$(cat $setting)"
	pam-netns up
}
