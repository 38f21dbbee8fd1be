# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Frames that a user with all power over their own network namespace can send (T20): false sources, addresses
# and claims, sent by root in alice's namespace. As a control, each test removes the defence once, and the
# witnesses must see the frame then.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	attacks_setup
}

# passes MARK NAME: sent, and seen by that witness.
passes() {
	sent "$1"
	assert_seen "$2" "$1" 'in'
}

# Each removes a defence: the guard, the filters between ports, the port flags.
guard_off() {
	nft insert rule bridge pam_netns from_port accept
}
# With br_netfilter the rules for packets see frames between ports too.
filter_off() {
	guard_off
	nft insert rule inet pam_netns forward accept
}
lock_off() {
	local user
	for user in alice bob carol; do
		bridge link set dev "$(port_of "$user")" locked off isolated off flood on mcast_flood on bcast_flood on
	done
}

test_frames_with_the_right_source_pass() {
	attack alice legal4 udp "$ALICE4" "$OUTSIDE4" 9999
	attack alice legal6 udp "$ALICE6" "$OUTSIDE6" 9999
	attack alice host4 udp "$ALICE4" "$GATEWAY4" 9999
	attack alice host6 udp "$ALICE6" "$GATEWAY6" 9999
	assert_seen outside legal4 "udp $HOST4"
	assert_seen outside legal6 "udp $HOST6"
	assert_seen host host4 "udp $ALICE4"
	assert_seen host host6 "udp $ALICE6"
}

test_t20_spoofed_source_to_the_outside_is_stopped() {
	attack alice spoof-bob4 udp "$BOB4" "$OUTSIDE4" 9999
	attack alice spoof-bob6 udp "$BOB6" "$OUTSIDE6" 9999
	attack alice spoof-free4 udp 10.203.99.99 "$OUTSIDE4" 9999
	attack alice spoof-free6 udp fd00:203::9999 "$OUTSIDE6" 9999
	attack alice spoof-world4 udp 192.0.2.55 "$OUTSIDE4" 9999
	attack alice spoof-world6 udp 2001:db8::55 "$OUTSIDE6" 9999
	attack alice spoof-host4 udp "$HOST4" "$OUTSIDE4" 9999
	attack alice spoof-link6 udp fe80::55 "$OUTSIDE6" 9999
	attack alice spoof-zero6 udp :: "$OUTSIDE6" 9999
	stopped spoof-{bob4,bob6,free4,free6,world4,world6,host4,link6,zero6}
	guard_off
	attack alice unguarded4 udp 10.203.99.99 "$OUTSIDE4" 9999
	attack alice unguarded6 udp fd00:203::9999 "$OUTSIDE6" 9999
	passes unguarded4 outside
	passes unguarded6 outside
	defences_on
}

test_t20_spoofed_source_to_the_host_is_stopped() {
	local to
	for to in "$GATEWAY4" "$HOST4" 127.0.0.1; do
		attack alice "spoof-to-$to" udp "$BOB4" "$to" 9999
		attack alice "self-to-$to" udp "$to" "$to" 9999
		stopped "spoof-to-$to" "self-to-$to"
	done
	for to in "$GATEWAY6" "$HOST6" ::1; do
		attack alice "spoof-to-$to" udp "$BOB6" "$to" 9999
		attack alice "self-to-$to" udp "$to" "$to" 9999
		stopped "spoof-to-$to" "self-to-$to"
	done
	guard_off
	attack alice unguarded-host udp "$BOB4" "$GATEWAY4" 9999
	assert_seen host unguarded-host "udp $BOB4"
	defences_on
}

test_t20_stolen_mac_is_stopped() {
	local fdb
	fdb=$(bridge fdb show br pnbr0 | grep -F "$BOB_MAC")
	attack alice -s "$BOB_MAC" mac-own4 udp "$ALICE4" "$OUTSIDE4" 9999
	attack alice -s "$BOB_MAC" mac-bob4 udp "$BOB4" "$OUTSIDE4" 9999
	attack alice -s "$BOB_MAC" mac-bob6 udp "$BOB6" "$OUTSIDE6" 9999
	attack alice -s "$GATEWAY_MAC" mac-gateway udp "$ALICE4" "$OUTSIDE4" 9999
	stopped mac-{own4,bob4,bob6,gateway}
	assert_eq "$fdb" "$(bridge fdb show br pnbr0 | grep -F "$BOB_MAC")"
	# Without the lock the guard still stops it. Without both it passes.
	lock_off
	attack alice -s "$BOB_MAC" mac-guarded udp "$BOB4" "$OUTSIDE4" 9999
	stopped mac-guarded
	guard_off
	attack alice -s "$BOB_MAC" mac-unguarded udp "$BOB4" "$OUTSIDE4" 9999
	passes mac-unguarded outside
	defences_on
	attack alice -s "$BOB_MAC" mac-again udp "$BOB4" "$OUTSIDE4" 9999
	stopped mac-again
}

# neighbours: prints all neighbour tables that a claim could change.
neighbours() {
	ip neigh show dev pnbr0 | sort
	for user in bob carol; do
		in_netns "$user" ip neigh show | sort
	done
}

test_t20_arp_and_neighbour_claims_change_no_table() {
	local before to
	before=$(neighbours)
	for to in ff:ff:ff:ff:ff:ff "$GATEWAY_MAC" "$BOB_MAC"; do
		attack alice -d "$to" "arp-ask-$to" arp request "$ALICE4" "$BOB4"
		attack alice -d "$to" "arp-bob-$to" arp reply "$BOB4" "$GATEWAY4"
		attack alice -d "$to" "arp-gateway-$to" arp reply "$GATEWAY4" "$BOB4"
		stopped "arp-ask-$to" "arp-bob-$to" "arp-gateway-$to"
	done
	for to in 33:33:00:00:00:01 "$GATEWAY_MAC" "$BOB_MAC"; do
		attack alice -d "$to" "na-bob-$to" na "$BOB6" "$BOB6"
		attack alice -d "$to" "na-gateway-$to" na "$GATEWAY6" "$GATEWAY6"
		attack alice -d "$to" "na-link-$to" na fe80::1 "$GATEWAY6"
		stopped "na-bob-$to" "na-gateway-$to" "na-link-$to"
	done
	# With alice's own address it reaches only the host, which does not believe it.
	attack alice -d 33:33:00:00:00:01 na-own na "$ALICE6" "$BOB6"
	unseen_by_others na-own
	assert_same "$before" "$(neighbours)"
	filter_off
	lock_off
	attack alice -d ff:ff:ff:ff:ff:ff arp-loose arp reply "$BOB4" "$CAROL4"
	attack alice -d 33:33:00:00:00:01 na-loose na "$BOB6" "$BOB6"
	passes arp-loose carol
	passes na-loose bob
	# Permanent entries stay even then.
	assert_same "$before" "$(neighbours)"
	defences_on
}

# routes_by_advertisement: prints those of the host and of users.
routes_by_advertisement() {
	ip -6 route show proto ra
	for user in bob carol; do
		in_netns "$user" ip -6 route show proto ra
		in_netns "$user" ip -6 -o address show dynamic
	done
}

routed_by_advertisement() {
	[[ $(in_netns "$1" ip -6 route show proto ra) == *default* ]]
}

# T23 too: CVE-2020-13401.
test_t20_rogue_router_and_dhcp_server_are_stopped() {
	local to
	for to in 33:33:00:00:00:01 "$GATEWAY_MAC" "$BOB_MAC" ff:ff:ff:ff:ff:ff; do
		attack alice -d "$to" "ra-link-$to" ra fe80::6e
		attack alice -d "$to" "ra-gateway-$to" ra "$GATEWAY6"
		stopped "ra-link-$to" "ra-gateway-$to"
		attack alice -d "$to" "ra-own-$to" ra "$ALICE6"
		attack alice -d "$to" "dhcp-own-$to" dhcp "$ALICE4"
		attack alice -d "$to" "dhcp-gateway-$to" dhcp "$GATEWAY4"
		unseen_by_others "ra-own-$to" "dhcp-own-$to"
		stopped "dhcp-gateway-$to"
	done
	assert_eq '' "$(routes_by_advertisement)"
	filter_off
	lock_off
	attack alice -d 33:33:00:00:00:01 ra-loose ra fe80::6e
	attack alice -d ff:ff:ff:ff:ff:ff dhcp-loose dhcp "$ALICE4"
	passes ra-loose bob
	passes dhcp-loose carol
	wait_until 2 routed_by_advertisement bob
	# The host never believes an advertisement from a bridge, even without the other defences.
	assert_eq '' "$(ip -6 route show proto ra)"
	defences_on
	in_netns bob ip -6 route flush proto ra
	in_netns carol ip -6 route flush proto ra
	in_netns bob ip -6 address flush dynamic
	in_netns carol ip -6 address flush dynamic
}

# 01:80:c2:00:00:03 and :0e passed lock, isolation and guard once (see uplink.h).
test_t20_frames_to_link_local_groups_are_stopped() {
	local last to
	for last in 0{0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f}; do
		to=01:80:c2:00:00:$last
		attack alice -d "$to" "group4-$last" udp "$BOB4" "$GATEWAY4" 9999
		attack alice -d "$to" "group6-$last" udp "$BOB6" "$GATEWAY6" 9999
		attack alice -d "$to" "group-arp-$last" arp reply "$BOB4" "$GATEWAY4"
		attack alice -d "$to" -s "$BOB_MAC" "group-mac-$last" udp "$BOB4" "$HOST4" 9999
	done
	stopped group{4,6,-arp,-mac}-0{0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f}
	# Without the mask and our rule on port names the host accepts it from the port.
	ip link set "$(port_of alice)" type bridge_slave group_fwd_mask 0
	attack alice -d 01:80:c2:00:00:0e group-rule udp "$BOB4" "$GATEWAY4" 9999
	stopped group-rule
	nft insert rule inet pam_netns raw iifname '"pnu*"' accept
	echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
	attack alice -d 01:80:c2:00:00:0e group-loose udp "$BOB4" "$GATEWAY4" 9999
	assert_seen host group-loose "udp $BOB4"
	defences_on
	assert_eq 0xfffd "$(cat "/sys/class/net/$(port_of alice)/brport/group_fwd_mask")"
}

# The source is alice's own port, MAC and address, but the frame is not plain IPv4 or IPv6.
test_t20_odd_ethertypes_and_tags_are_stopped() {
	local type mark
	for type in 0x{88cc,888e,8808,8809,8847,8863,8864,88f7,0806,8035,6558,9000}; do
		attack alice -e "$type" "type-$type" plain
		attack alice -e "$type" -d ff:ff:ff:ff:ff:ff "type-all-$type" plain
		attack alice -e "$type" -d "$BOB_MAC" "type-bob-$type" plain
	done
	for mark in vlan vlan0 ad double triple snap snapvlan; do
		case $mark in
		vlan) set -- -t 8100:7 ;;
		vlan0) set -- -t 8100:0 ;;
		ad) set -- -t 88a8:7 ;;
		double) set -- -t 88a8:7 -t 8100:7 ;;
		triple) set -- -t 8100:0 -t 8100:0 -t 8100:0 ;;
		snap) set -- -l ;;
		snapvlan) set -- -t 8100:7 -l ;;
		esac
		attack alice "$@" "$mark-spoof" udp "$BOB4" "$GATEWAY4" 9999
		attack alice "$@" "$mark-spoof6" udp "$BOB6" "$GATEWAY6" 9999
		attack alice "$@" "$mark-own" udp "$ALICE4" "$GATEWAY4" 9999
		attack alice "$@" "$mark-own6" udp "$ALICE6" "$GATEWAY6" 9999
		attack alice "$@" -d "$BOB_MAC" "$mark-bob" udp "$ALICE4" "$BOB4" 9999
		attack alice "$@" "$mark-arp" arp reply "$BOB4" "$GATEWAY4"
	done
	stopped type{,-all,-bob}-0x{88cc,888e,8808,8809,8847,8863,8864,88f7,0806,8035,6558,9000}
	stopped {vlan,vlan0,ad,double,triple,snap,snapvlan}-{spoof,spoof6,own,own6,bob,arp}
	guard_off
	attack alice -e 0x88cc type-loose plain
	assert_seen host type-loose 'in pnbr0'
	attack alice -t 8100:7 vlan-loose udp "$BOB4" "$GATEWAY4" 9999
	assert_seen host vlan-loose 'in pnbr0'
	defences_on
}

test_t20_flood_of_addresses_fills_no_table() {
	local before
	before=$(bridge fdb show br pnbr0 | sort)
	attack alice -s random -n 3000 flood4 udp "$ALICE4" "$OUTSIDE4" 9999
	attack alice -s random -n 3000 flood-arp arp request "$ALICE4" "$GATEWAY4"
	stopped flood4 flood-arp
	# A busy kernel drops frames beyond a queue of a thousand.
	[[ $(grep -c "^flood4 in $(port_of alice)" "$OUT/witness.host") -ge 1000 ]] || fail 'no flood'
	assert_same "$before" "$(bridge fdb show br pnbr0 | sort)"
	assert_reach bob yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	guard_off
	bridge link set dev "$(port_of alice)" locked off learning on
	attack alice -s random -n 100 flood-loose udp "$ALICE4" "$OUTSIDE4" 9999
	sent flood-loose
	assert_ne "$before" "$(bridge fdb show br pnbr0 | sort)" 'a bridge that learns'
	ip link set "$(port_of alice)" type bridge_slave fdb_flush
	defences_on
	assert_same "$before" "$(bridge fdb show br pnbr0 | sort)"
}

# A user's socket sends from a foreign address, which needs no capability. For IPv4 the user's namespace has no
# route for it.
test_t20_freebind_without_capability_is_stopped() {
	local send="$TOOLS/host-rawsend"
	in_session alice "$send freebind-own socket $ALICE6 $OUTSIDE6 9999 &&
		$send freebind socket fd00:203::9999 $OUTSIDE6 9999 &&
		$send freebind-bob socket $BOB6 $OUTSIDE6 9999 &&
		$send freebind-host socket $BOB6 $GATEWAY6 9999"
	assert_seen outside freebind-own "udp $HOST6"
	stopped freebind freebind-bob freebind-host
	assert_fails in_session alice "$send freebind4 socket $BOB4 $OUTSIDE4 9999"
	guard_off
	in_session alice "$send freebind-loose socket fd00:203::9999 $OUTSIDE6 9999"
	assert_seen outside freebind-loose udp
	defences_on
}

test_t20_frames_straight_to_a_neighbour_are_stopped() {
	attack alice -d "$BOB_MAC" straight4 udp "$ALICE4" "$BOB4" 9999
	attack alice -d "$BOB_MAC" straight6 udp "$ALICE6" "$BOB6" 9999
	attack alice -d ff:ff:ff:ff:ff:ff all4 udp "$ALICE4" 255.255.255.255 9999
	attack alice -d 33:33:00:00:00:01 all6 udp "$ALICE6" ff02::1 9999
	attack alice -d 01:00:5e:00:00:fb mdns4 udp "$ALICE4" 224.0.0.251 9999
	unseen_by_others straight4 straight6 all4 all6 mdns4
	filter_off
	lock_off
	attack alice -d "$BOB_MAC" straight-loose udp "$ALICE4" "$BOB4" 9999
	attack alice -d 33:33:00:00:00:01 all-loose udp "$ALICE6" ff02::1 9999
	assert_seen bob straight-loose "udp $ALICE4"
	passes all-loose carol
	defences_on
}

# --- ICMP errors (T35): connection tracking believes them ---

# errors_count: prints how many errors from users have reached the host's own stack.
errors_count() {
	nft list counter inet errors n | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

# port_from host|USER ADDRESS: prints the source port of its one connection to port 7 there.
port_from() {
	local command=(ss -Htn state established 'dport = :7')
	[[ $1 == host ]] || command=(in_netns "$1" "${command[@]}")
	"${command[@]}" | awk -v to="$2" 'index($4, to) { n = split($3, part, ":"); print part[n] }'
}

connected_to() {
	[[ -n $(port_from "$1" "$2") ]]
}

# port_outside ADDRESS: prints the ports of the host's address that are connected to port 7 outside.
port_outside() {
	outside ss -Htn state established 'sport = :7' |
		awk -v to="$1" 'index($4, to) { n = split($4, part, ":"); print part[n] }'
}

# victims_connect: the host and bob connect to the outside. A counter counts errors.
victims_connect() {
	local address
	nft 'add table inet errors; add counter inet errors n
		add chain inet errors in { type filter hook input priority 100; }
		add rule inet errors in iifname pnbr0 icmp type { destination-unreachable, redirect } counter name n
		add rule inet errors in iifname pnbr0 icmpv6 type { destination-unreachable, packet-too-big } counter name n'
	in_session bob "bash -c 'exec 3<>/dev/tcp/$OUTSIDE4/7 4<>/dev/tcp/$OUTSIDE6/7; sleep 60' >/dev/null 2>&1 &"
	exec {VICTIM4}<>"/dev/tcp/$OUTSIDE4/7" {VICTIM6}<>"/dev/tcp/$OUTSIDE6/7"
	for address in "$OUTSIDE4" "$OUTSIDE6"; do
		wait_until 10 connected_to bob "$address"
		wait_until 10 connected_to host "$address"
	done
}

test_t35_forged_errors_are_stopped() {
	local host outside family bob type of_bob of_host nat before name
	victims_connect
	before=$(errors_count)
	for family in 4 6; do
		name=HOST$family host=${!name} name=OUTSIDE$family outside=${!name} name=BOB$family bob=${!name}
		name=ALICE$family alice=${!name}
		of_bob=$(port_from bob "$outside") of_host=$(port_from host "$outside")
		nat=$(port_outside "$host" | grep -vx "$of_host")
		assert_match '^[0-9]+$' "$nat" "bob's port outside"
		type=$((family == 4 ? 3 : 1))
		# To the host's own socket; to bob by the host's address, which NAT translates; to the
		# outside about the connections of bob and of the host.
		attack alice "err-host$family" error "$alice" "$host" "$type" tcp "$host" "$of_host" "$outside" 7
		attack alice "err-bob$family" error "$alice" "$host" "$type" tcp "$host" "$nat" "$outside" 7
		attack alice "err-out$family" error "$alice" "$outside" "$type" tcp "$outside" 7 "$bob" "$of_bob"
		attack alice "err-own$family" error "$alice" "$outside" "$type" tcp "$outside" 7 "$host" "$of_host"
	done
	unseen_by_others err-{host,bob,out,own}{4,6}
	assert_eq "$before" "$(errors_count)" 'errors that have reached the host'
	# The control: without the rule these errors pass.
	nft insert rule inet pam_netns icmp_error accept
	for family in 4 6; do
		name=HOST$family host=${!name} name=OUTSIDE$family outside=${!name} name=ALICE$family alice=${!name}
		of_host=$(port_from host "$outside") type=$((family == 4 ? 3 : 1))
		attack alice "err-loose$family" error "$alice" "$host" "$type" tcp "$host" "$of_host" "$outside" 7
		attack alice "err-loose-own$family" error "$alice" "$outside" "$type" tcp "$outside" 7 "$host" "$of_host"
		assert_seen outside "err-loose-own$family" 'in'
	done
	assert_eq $((before + 2)) "$(errors_count)" 'errors that have reached the host'
	nft delete table inet errors
	exec {VICTIM4}>&- {VICTIM6}>&-
	defences_on
}

# Errors about alice's own connections pass, except redirects, which only routers send.
test_t35_errors_about_own_connection_pass() {
	local port outside family type alice name
	policy 'peers = yes'
	in_session alice "bash -c 'exec 3<>/dev/tcp/$OUTSIDE4/7 4<>/dev/tcp/$OUTSIDE6/7; sleep 60' >/dev/null 2>&1 &"
	for family in 4 6; do
		name=OUTSIDE$family outside=${!name} name=ALICE$family alice=${!name}
		wait_until 10 connected_to alice "$outside"
		port=$(port_from alice "$outside") type=$((family == 4 ? 3 : 1))
		attack alice "mine$family" error "$alice" "$outside" "$type" tcp "$outside" 7 "$alice" "$port"
		assert_seen outside "mine$family" 'in'
	done
	attack alice redirect4 error "$ALICE4" "$OUTSIDE4" 5 tcp "$OUTSIDE4" 7 "$ALICE4" "$(port_from alice "$OUTSIDE4")"
	unseen_by_others redirect4
	# A closed port is refused at once: outside, and at a user by a user and by the host.
	unused="bash -c 'exec 3<>/dev/udp/\$1/4444; echo x >&3; read -r -t 3 <&3 || echo y >&3' unused"
	for address in "$OUTSIDE4" "$OUTSIDE6" "$BOB4" "$BOB6"; do
		assert_match 'refused' "$(in_session alice "$unused $address" 2>&1)" "alice asks $address"
	done
	for address in "$BOB4" "$BOB6"; do
		assert_match 'refused' "$(eval "$unused $address" 2>&1)" "the host asks $address"
	done
	# An exceeded hop limit is reported.
	assert_match 'Time to live exceeded|Hop limit' "$(in_session alice "ping -n -c 1 -W 2 -t 1 $OUTSIDE4; ping -n -c 1 -W 2 -t 1 $OUTSIDE6" 2>&1)"
	policy 'host_access = all'
}

# If the set is full, errors are dropped and all other traffic passes.
test_t35_full_set_drops_only_errors() {
	local port i
	in_session alice "bash -c 'exec 3<>/dev/tcp/$OUTSIDE4/7; sleep 60' >/dev/null 2>&1 &"
	wait_until 10 connected_to alice "$OUTSIDE4"
	port=$(port_from alice "$OUTSIDE4")
	nft flush set inet pam_netns self4
	{
		echo 'add element inet pam_netns self4 {'
		for ((i = 0; i < 65535; i++)); do
			printf '10.9.%d.%d . 10.9.0.0 timeout 1h,' $((i / 256)) $((i % 256))
		done
		echo '}'
	} | nft -f -
	attack alice full4 error "$ALICE4" "$OUTSIDE4" 3 tcp "$OUTSIDE4" 7 "$ALICE4" "$port"
	unseen_by_others full4
	assert_reach alice yes "tcp $OUTSIDE4 80" "udp $OUTSIDE4 7" "icmp $HOST4"
	defences_on
}

# Connection tracking does not follow these types, so NAT does not translate them.
test_t35_untracked_icmpv6_types_are_stopped() {
	local type
	for type in 130 131 132 133 134 135 136 137 143; do
		attack alice "untracked-$type" icmp "$ALICE6" "$OUTSIDE6" "$type"
	done
	unseen_by_others untracked-{130,131,132,133,134,135,136,137,143}
	nft insert rule inet pam_netns forward accept
	attack alice untracked-loose icmp "$ALICE6" "$OUTSIDE6" 136
	assert_seen outside untracked-loose 'in'
	defences_on
}

# If the rules cannot be loaded, first logins are refused and active users are cut off: no port is without its
# guard (CVE-2025-52889, CVE-2025-52890).
test_t20_missing_rules_cut_users_off() {
	local nft
	nft=$(command -v nft)
	nft flush ruleset
	mount --bind /bin/false "$nft"
	user_add erin 2005
	assert_fails ssh_as erin -- true
	assert_eq '' "$(find /sys/class/net -name 'pnu1jp*')" 'the port of uid 2005'
	attack alice norules-spoof udp "$BOB4" "$OUTSIDE4" 9999 || :
	attack alice norules-hairpin udp "$ALICE4" "$BOB4" 9999 || :
	attack alice norules-host udp "$ALICE4" "$GATEWAY4" 9999 || :
	umount "$nft"
	assert_unseen 'host bob carol outside' norules-{spoof,hairpin,host}
	ssh_as erin -- true
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
}
