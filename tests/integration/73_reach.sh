# shellcheck shell=bash
# shellcheck disable=SC2119 # policy without lines
# What a user with all power over their own network namespace can reach from their own address, and what
# stays closed without the rules, the bridge or port flags (T21 to T27).
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	attacks_setup
}

# T21: packets to the gateway's MAC, with a neighbour's address.
test_t21_hairpin_through_the_gateway_is_stopped() {
	attack alice hairpin4 udp "$ALICE4" "$BOB4" 9999
	attack alice hairpin6 udp "$ALICE6" "$BOB6" 9999
	attack alice -d 01:80:c2:00:00:0e hairpin-group udp "$ALICE4" "$BOB4" 9999
	attack alice -d ff:ff:ff:ff:ff:ff hairpin-all udp "$ALICE4" "$BOB4" 9999
	unseen_by_others hairpin4 hairpin6 hairpin-group hairpin-all
	nft insert rule inet pam_netns forward accept
	attack alice hairpin-loose4 udp "$ALICE4" "$BOB4" 9999
	attack alice hairpin-loose6 udp "$ALICE6" "$BOB6" 9999
	assert_seen bob hairpin-loose4 "udp $ALICE4"
	assert_seen bob hairpin-loose6 "udp $ALICE6"
	defences_on
}

both_listen() {
	[[ $(ss -Hltn 'sport = :8088' | wc -l) == 2 ]]
}

test_t22_scan_of_the_host_finds_no_service() {
	local address ways=() icmp=()
	policy
	ip address add 192.0.2.77/32 dev lo
	ip address add 2001:db8:77::77/128 dev lo
	nc -lk 0.0.0.0 8088 >/dev/null &
	nc -6 -lk :: 8088 >/dev/null &
	wait_until 5 both_listen
	# Two further addresses of the host, on lo, are in no rule.
	for address in "$GATEWAY4" "$GATEWAY6" "$HOST4" "$HOST6" 192.0.2.77 2001:db8:77::77; do
		ways+=("tcp $address 22" "tcp $address 2222" "tcp $address 8088" "udp $address 9999")
		icmp+=("icmp $address")
	done
	assert_reach alice yes "${icmp[@]}"
	assert_reach alice no "${ways[@]}"
	attack alice scan4 udp "$ALICE4" 192.0.2.77 9999
	attack alice scan6 udp "$ALICE6" 2001:db8:77::77 9999
	sent scan4 scan6
	witnesses_follow host
	assert_eq '' "$(grep -E '^scan[46] udp' "$OUT/witness.host" || :)"
	policy 'host_access = all'
	assert_reach alice yes 'tcp 192.0.2.77 8088' 'tcp 2001:db8:77::77 8088' "tcp $HOST4 8088" "tcp $HOST6 8088"
	kill %1 %2
	ip address delete 192.0.2.77/32 dev lo
	ip address delete 2001:db8:77::77/128 dev lo
}

# forged_from_outside PREFIX: packets from the outside with a user's source (T38), without rp_filter.
forged_from_outside() {
	local mac
	mac=$(</sys/class/net/uplink0/address)
	outside "$TOOLS/host-rawsend" -d "$mac" "${1}4" udp "$ALICE4" "$HOST4" 9999
	outside "$TOOLS/host-rawsend" -d "$mac" "${1}6" udp "$ALICE6" "$HOST6" 9999
	wait_until 5 seen host "${1}4" 'in uplink0'
	wait_until 5 seen host "${1}6" 'in uplink0'
	witnesses_follow host
}

test_t38_users_source_from_outside_is_stopped() {
	echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
	echo 0 >/proc/sys/net/ipv4/conf/uplink0/rp_filter
	policy 'host_access = all'
	forged_from_outside forged
	assert_eq '' "$(grep -E '^forged[46] udp' "$OUT/witness.host" || :)"
	nft insert rule inet pam_netns raw iifname uplink0 accept
	forged_from_outside loose
	assert_seen host loose4 "udp $ALICE4"
	assert_seen host loose6 "udp $ALICE6"
	defences_on
}

test_t23_metadata_address_is_closed() {
	outside ip address add 169.254.169.254/16 dev eth0
	ip route add 169.254.0.0/16 dev uplink0
	ip address add 169.254.7.7/32 dev lo
	probe_from host 3 'tcp 169.254.169.254 80' 'tcp 169.254.7.7 22' >"$OUT/result"
	assert_reach alice no 'tcp 169.254.169.254 80' 'udp 169.254.169.254 7' 'icmp 169.254.169.254' \
		'tcp 169.254.7.7 22' 'icmp 169.254.7.7'
	attack alice metadata udp "$ALICE4" 169.254.169.254 9999
	sent metadata
	assert_unseen outside metadata
	ip route delete 169.254.0.0/16 dev uplink0
	ip address delete 169.254.7.7/32 dev lo
	outside ip address delete 169.254.169.254/16 dev eth0
	assert_eq 2 "$(grep -c '^yes' "$OUT/result")" 'what the host reaches'
}

# CVE-2020-8558.
test_t23_loopback_of_the_host_is_closed() {
	assert_eq 0 "$(cat /proc/sys/net/ipv4/conf/pnbr0/route_localnet)"
	assert_eq 0 "$(cat /proc/sys/net/ipv6/conf/pnbr0/accept_ra)"
	attack alice local4 udp "$ALICE4" 127.0.0.1 9999
	attack alice local6 udp "$ALICE6" ::1 9999
	sent local4 local6
	witnesses_follow host
	assert_eq '' "$(grep -E '^local[46] udp' "$OUT/witness.host" || :)"
	echo 1 >/proc/sys/net/ipv4/conf/pnbr0/route_localnet
	attack alice local-loose udp "$ALICE4" 127.0.0.1 9999
	assert_seen host local-loose "udp $ALICE4"
	defences_on
	assert_eq 0 "$(cat /proc/sys/net/ipv4/conf/pnbr0/route_localnet)"
}

# A filter sees the router as the destination, but a source route leads the packet on.
test_t23_source_routes_are_not_followed() {
	policy 'host_access = all' "egress = deny $OUTSIDE4, allow any"
	echo 1 >/proc/sys/net/ipv4/conf/all/accept_source_route
	attack alice route-outside loose "$ALICE4" "$HOST4" 9999 "$OUTSIDE4"
	attack alice route-bob loose "$ALICE4" "$HOST4" 9999 "$BOB4"
	unseen_by_others route-outside route-bob
	echo 1 >/proc/sys/net/ipv4/conf/pnbr0/accept_source_route
	attack alice route-loose loose "$ALICE4" "$HOST4" 9999 "$OUTSIDE4"
	assert_seen outside route-loose 'in'
	echo 0 >/proc/sys/net/ipv4/conf/all/accept_source_route
	policy 'host_access = all'
	assert_eq 0 "$(cat /proc/sys/net/ipv4/conf/pnbr0/accept_source_route)"
}

# What a rule denies in IPv4 must not pass in IPv6, and the reverse.
test_t23_both_families_are_filtered() {
	policy 'egress = deny tcp/80, allow any' 'host_access = tcp/2222'
	assert_reach alice no "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80" "tcp $HOST4 22" "tcp $HOST6 22" "icmp $GATEWAY4" "icmp $GATEWAY6"
	assert_reach alice yes "tcp $OUTSIDE4 7" "tcp $OUTSIDE6 7" "tcp $HOST4 2222" "tcp $HOST6 2222"
	# IPv4 addresses inside IPv6 addresses do not pass either.
	assert_reach alice no "tcp ::ffff:$OUTSIDE4 80" "tcp 64:ff9b::c633:6401 80"
	policy 'host_access = all'
}

neighbour_count() {
	ip neigh show nud all | wc -l
}

test_t24_scan_does_not_fill_the_neighbour_table() {
	local before first
	before=$(neighbour_count)
	# A user asks 65,534 addresses of the users' subnet, in parts, since a job has 20 s.
	for first in 0 64 128 192; do
		in_session alice "bash -c 'for ((i = $first * 256; i < ($first + 64) * 256; i++)); do
			echo x >/dev/udp/10.203.\$((i >> 8)).\$((i & 255))/9; done 2>/dev/null; :'"
	done
	attack alice -n 1000 scan-all udp "$ALICE4" 10.203.200.200 9999
	in_session alice "bash -c 'for ((i = 0; i < 4096; i++)); do
		printf -v a %x \$i; echo x >/dev/udp/fd00:203::\$a/9; done 2>/dev/null; :'"
	attack alice -d 01:00:5e:00:00:fb -n 500 scan-multicast udp "$ALICE4" 224.0.0.251 5353
	attack alice -d 33:33:00:00:00:fb -n 500 scan-multicast6 udp "$ALICE6" ff02::fb 5353
	sent scan-all
	[[ $(neighbour_count) -le $((before + 2)) ]] || fail "neighbours: $before, then $(neighbour_count)"
	# Another user's login and traffic still work.
	hold_session fresh carol
	assert_reach carol yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	end_session fresh
	# The control: without the unreachable route the host resolves each address.
	ip route delete unreachable 10.203.0.0/16
	ip route add 10.203.50.0/24 dev pnbr0
	nft insert rule inet pam_netns forward accept
	in_session alice "bash -c 'for ((i = 1; i < 40; i++)); do echo x >/dev/udp/10.203.50.\$i/9; done 2>/dev/null; :'"
	[[ $(neighbour_count) -gt $((before + 10)) ]] || fail 'the scan is not seen in the table'
	ip route delete 10.203.50.0/24 dev pnbr0
	ip neigh flush dev pnbr0
	defences_on
}

# resolves_anew: on its own links, where each address is a neighbour, the host resolves an unknown one.
resolves_anew() {
	ip neigh flush dev uplink0
	ping -q -n -c 1 -W 3 "$OUTSIDE4"
	ping -q -n -c 1 -W 3 "$OUTSIDE6"
}

# scan_of_the_link: a user asks 2,500 addresses of the host's link.
scan_of_the_link() {
	in_session alice "bash -c 'for ((i = 0; i < 2500; i++)); do
		printf -v a %x \$i; echo x >/dev/udp/2001:db8:51::1:\$a/9
		echo x >/dev/udp/198.18.\$((i >> 8)).\$((i & 255))/9; done 2>/dev/null; :'"
}

test_t24_scan_of_the_hosts_links_is_limited() {
	local before
	ip address add 198.18.255.1/16 dev uplink0
	before=$(neighbour_count)
	scan_of_the_link
	[[ $(neighbour_count) -le $((before + 300)) ]] || fail "neighbours: $before, then $(neighbour_count)"
	resolves_anew
	assert_reach bob yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	nft insert rule inet pam_netns neighbours return
	nft flush set inet pam_netns new_connections
	scan_of_the_link
	[[ $(neighbour_count) -gt $((before + 600)) ]] || fail 'the scan is not seen in the table'
	ip neigh flush dev uplink0
	ip address delete 198.18.255.1/16 dev uplink0
	defences_on
}

test_t26_flags_hold_without_rules() {
	nft flush ruleset
	attack alice -d "$BOB_MAC" flushed-straight udp "$ALICE4" "$BOB4" 9999
	attack alice -d 33:33:00:00:00:01 flushed-all udp "$ALICE6" ff02::1 9999
	attack alice -s "$BOB_MAC" flushed-mac udp "$BOB4" "$OUTSIDE4" 9999
	attack alice -d ff:ff:ff:ff:ff:ff flushed-arp arp reply "$GATEWAY4" "$BOB4"
	attack alice -d 33:33:00:00:00:01 flushed-ra ra fe80::6e
	unseen_by_others flushed-{straight,all,mac,arp,ra}
	# The bridge's filter stops the rest. Without it the hairpin is open until the next login.
	attack alice filter-hairpin udp "$ALICE4" "$BOB4" 9999
	unseen_by_others filter-hairpin
	tc qdisc del dev pnbr0 clsact
	attack alice flushed-hairpin udp "$ALICE4" "$BOB4" 9999
	assert_seen bob flushed-hairpin "udp $ALICE4"
	ssh_as carol -- true
	log_grep 'network default: rules had been flushed: loaded again'
	attack alice mended-hairpin udp "$ALICE4" "$BOB4" 9999
	attack alice mended-spoof udp "$BOB4" "$OUTSIDE4" 9999
	unseen_by_others mended-hairpin
	stopped mended-spoof
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	assert_reach bob yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
}

test_t26_gc_mends_rules_and_flags() {
	nft flush ruleset
	echo 0 >/proc/sys/net/ipv4/ip_forward
	bridge link set dev "$(port_of alice)" locked off isolated off
	pam-netns gc
	assert_eq 1 "$(cat /proc/sys/net/ipv4/ip_forward)"
	assert_match ' isolated on locked on' "$(bridge -d link show dev "$(port_of alice)")"
	attack alice gc-hairpin udp "$ALICE4" "$BOB4" 9999
	attack alice gc-spoof udp "$BOB4" "$OUTSIDE4" 9999
	unseen_by_others gc-hairpin
	stopped gc-spoof
}

test_t26_login_mends_deleted_bridge() {
	ip link delete pnbr0
	ssh_as carol -- true
	for user in alice bob; do
		assert_eq pnbr0 "$(basename "$(readlink "/sys/class/net/$(port_of "$user")/master")")"
		assert_match ' isolated on locked on' "$(bridge -d link show dev "$(port_of "$user")")"
		assert_reach "$user" yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	done
	attack alice -d "$BOB_MAC" rebuilt udp "$ALICE4" "$BOB4" 9999
	attack alice -s "$BOB_MAC" rebuilt-mac udp "$BOB4" "$OUTSIDE4" 9999
	sent rebuilt
	assert_unseen bob rebuilt
	stopped rebuilt-mac
}

# T27: two ports a bridge, so three users need two bridges.
test_t27_users_on_two_bridges_are_isolated() {
	local user
	for user in alice bob carol; do
		end_session "$user"
	done
	kill "$(cat "$OUT/server.bob")"
	for user in alice bob carol; do
		kill "$(cat "$OUT/witness.$user.pid")"
	done
	host_clean
	policy 'ports_per_bridge = 2' 'host_access = all'
	users_login alice bob carol
	serve carol
	for user in alice bob carol; do
		witness "$user" in_netns "$user"
	done
	assert_same "$(printf '%s\n' pnbr0 pnbr0 pnbr0.1)" \
		"$(for user in alice bob carol; do recorded "$user" bridge; done | sort)"
	for user in alice bob carol; do
		assert_reach "$user" yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80" "icmp $GATEWAY4" "icmp $GATEWAY6"
	done
	# Users on two bridges are isolated too.
	assert_reach alice no "tcp $CAROL4 80" "tcp $CAROL6 80" "icmp $CAROL4"
	attack alice bridges-hairpin udp "$ALICE4" "$CAROL4" 9999
	attack alice bridges-spoof udp "$CAROL4" "$OUTSIDE4" 9999
	attack alice -d "$CAROL_MAC" bridges-straight udp "$ALICE4" "$CAROL4" 9999
	attack alice -d "$CAROL_MAC" -s "$CAROL_MAC" bridges-mac udp "$CAROL4" "$OUTSIDE4" 9999
	unseen_by_others bridges-{hairpin,straight}
	stopped bridges-spoof bridges-mac
	policy 'ports_per_bridge = 2' 'peers = yes'
	assert_reach alice yes "tcp $CAROL4 80" "tcp $CAROL6 80" "icmp $CAROL4"
	policy 'ports_per_bridge = 2'
	assert_reach alice no "tcp $CAROL4 80"
}
