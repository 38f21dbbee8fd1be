# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Attacks of users who administer their own network (net_admin = yes, T57): the frames of 72_attacks, sent by
# alice herself without capabilities, and what ip(8), tc(8) and nft(8) can build in her network.
# shellcheck source=tests/integration/72_attacks.sh
. "$CHECKOUT/tests/integration/72_attacks.sh"

PROFILE='net_admin = yes'
# Users' PATH is without these.
SBIN='PATH=$PATH:/usr/sbin:/sbin'

setup() {
	attacks_setup
}

# attack USER [OPTION…] MARK KIND…: as that user.
attack() {
	local user=$1
	shift
	nsenter --net="/run/netns/$user" setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups \
		--inh-caps=-all "$TOOLS/host-rawsend" "$@"
}

# owner USER 'COMMANDS': ip(8) and others, in the user's session.
owner() {
	in_session "$1" "$SBIN; $2"
}

test_owner_has_no_capability_and_the_hosts_user_namespace() {
	assert_eq 0000000000000000 "$(in_session alice 'sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status')"
	assert_eq "$(readlink /proc/1/ns/user)" "$(in_session alice 'readlink /proc/self/ns/user')"
	owner alice 'ip link add probe type bridge && ip link del probe'
}

test_t57_owner_frames_with_the_right_source_pass() {
	test_frames_with_the_right_source_pass
}

test_t57_owner_spoofed_source_to_the_outside_is_stopped() {
	test_t20_spoofed_source_to_the_outside_is_stopped
}

test_t57_owner_spoofed_source_to_the_host_is_stopped() {
	test_t20_spoofed_source_to_the_host_is_stopped
}

test_t57_owner_stolen_mac_is_stopped() {
	test_t20_stolen_mac_is_stopped
}

test_t57_owner_claims_change_no_table() {
	test_t20_arp_and_neighbour_claims_change_no_table
}

test_t57_owner_rogue_router_and_dhcp_server_are_stopped() {
	test_t20_rogue_router_and_dhcp_server_are_stopped
}

test_t57_owner_frames_to_link_local_groups_are_stopped() {
	test_t20_frames_to_link_local_groups_are_stopped
}

test_t57_owner_odd_ethertypes_and_tags_are_stopped() {
	test_t20_odd_ethertypes_and_tags_are_stopped
}

test_t57_owner_flood_fills_no_table() {
	test_t20_flood_of_addresses_fills_no_table
}

test_t57_owner_frames_straight_to_a_neighbour_are_stopped() {
	test_t20_frames_straight_to_a_neighbour_are_stopped
}
