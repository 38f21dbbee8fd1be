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

# --- what the kernel sends for the owner ---

# send MARK SOURCE [TO]: by a socket of alice's.
send() {
	in_session alice "$TOOLS/host-rawsend $1 socket $2 ${3:-$OUTSIDE4} 9999" || :
}

# gateway DEVICE: alice's packets to the outside take it.
gateway() {
	echo "ip route replace default via $GATEWAY4 dev $1 onlink
		ip neigh replace $GATEWAY4 lladdr $GATEWAY_MAC dev $1 nud permanent"
}

repaired() {
	in_session alice 'pam-netns repair' >/dev/null
	send "repaired-$1" "$ALICE4"
	assert_seen outside "repaired-$1" "udp $HOST4"
}

test_t57_changed_mac_or_address_reaches_no_other() {
	owner alice "ip link set eth0 down; ip link set eth0 address $BOB_MAC; ip address add $BOB4/32 dev eth0
		ip link set eth0 up; $(gateway eth0)"
	send stack-mac "$ALICE4"
	send stack-both "$BOB4"
	owner alice "ip link set eth0 down; ip link set eth0 address $ALICE_MAC; ip link set eth0 up; $(gateway eth0)"
	send stack-address "$BOB4"
	stopped stack-mac stack-both stack-address
	guard_off
	send stack-loose "$BOB4"
	passes stack-loose outside
	defences_on
	repaired mac
}

# Each kind of link has a MAC or a tag of its own. A kernel may lack a kind.
test_t57_links_above_the_uplink_reach_no_other() {
	local kind tried=''
	for kind in 'macvlan mode bridge' 'ipvlan mode l2' 'vlan id 7'; do
		owner alice "ip link add link eth0 name above type $kind" 2>/dev/null || continue
		owner alice "ip address add $BOB4/32 dev above; ip link set above up; $(gateway above)"
		tried+=" ${kind%% *}"
		send "above-${kind%% *}" "$BOB4"
		send "above-own-${kind%% *}" "$ALICE4"
		owner alice 'ip link del above'
		stopped "above-${kind%% *}"
		[[ $kind == ipvlan* ]] || stopped "above-own-${kind%% *}"
		repaired "${kind%% *}"
	done
	[[ -n $tried ]] || skip 'this kernel has no such link'
}

# capture NAME OPTION…: tcpdump on host-PORT or in a user's network.
capture() {
	local name=$1 enter=() interface=eth0 BOUND
	shift
	case $name in
	host-*) interface=${name#host-} ;;
	*) enter=(nsenter --net="/run/netns/$name") ;;
	esac
	bound 60
	exec timeout "$BOUND" "${enter[@]}" tcpdump -n -p --immediate-mode -w "$OUT/capture.$name" -i "$interface" "$@" \
		2>"$OUT/capturing.$name"
}

# captured FILTER NAME…: prints how many such frames each of them saw until the first had seen three.
captured() {
	local filter=$1 name others=()
	shift
	for name in "${@:2}"; do
		capture "$name" "$filter" &
		others+=($!)
		wait_until 20 grep -q 'listening on' "$OUT/capturing.$name"
	done
	(capture "$1" -c 3 "$filter") || :
	kill "${others[@]}"
	wait
	for name; do
		tcpdump -n -r "$OUT/capture.$name" 2>/dev/null | wc -l
	done
}

test_t57_spanning_tree_of_the_owner_reaches_no_bridge() {
	local counts
	owner alice 'ip link add br0 type bridge stp_state 1 hello_time 100 forward_delay 200; ip link set eth0 master br0
		ip link set br0 up'
	mapfile -t counts < <(captured 'ether dst 01:80:c2:00:00:00' "host-$(port_of alice)" host-pnbr0 bob)
	[[ ${counts[0]} -gt 0 ]] || fail 'no frame of the spanning tree was sent'
	assert_eq '0 0' "${counts[*]:1}" 'seen by bridge and bob'
	assert_eq forwarding "$(bridge -j link show dev "$(port_of bob)" | jq -r '.[0].state')"
	owner alice 'ip link del br0'
	repaired stp
}

test_t57_tunnels_of_the_owner_reach_no_other_user() {
	local counts
	owner alice "ip link add tunnel type vxlan id 7 remote $BOB4 local $ALICE4 dstport 4789; ip link set tunnel up
		ip address add 192.168.77.1/24 dev tunnel"
	in_session alice 'ping -q -i 0.1 192.168.77.2 >/dev/null 2>&1 &'
	mapfile -t counts < <(captured 'udp port 4789' "host-$(port_of alice)" bob)
	[[ ${counts[0]} -gt 0 ]] || fail 'no packet of the tunnel was sent'
	assert_eq 0 "${counts[1]}" 'seen by bob'
	pkill -u alice -x ping
	owner alice 'ip link del tunnel'
	repaired tunnel
}

test_t57_promiscuous_owner_sees_no_other_user() {
	local counts
	owner alice 'ip link set eth0 promisc on'
	until [[ -e $OUT/captured ]]; do
		in_netns bob ping -q -c 1 -W 1 "$OUTSIDE4" >/dev/null
		in_netns bob ping -q -c 1 -W 0.1 255.255.255.255 -b >/dev/null 2>&1 || :
	done &
	mapfile -t counts < <(captured "host $BOB4 or ether host $BOB_MAC" "host-$(port_of bob)" alice)
	touch "$OUT/captured"
	wait
	[[ ${counts[0]} -gt 0 ]] || fail "no packet of bob's was sent"
	assert_eq 0 "${counts[1]}" 'seen by alice'
	repaired promisc
}
