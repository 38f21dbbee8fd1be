# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The network of users: topology, NAT, peers, host_access, egress, limits.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	network_setup
	"$TOOLS/host-outside" "$OUT/server.host" 192.0.2.1 2001:db8::1
}

test_bridge_port_is_isolated_and_locked() {
	local user port flag
	for user in alice bob carol; do
		port=$(port_of "$user")
		for flag in isolated=1 learning=0 unicast_flood=0 multicast_flood=0 broadcast_flood=0 \
			hairpin_mode=0 group_fwd_mask=0xfffd state=3; do
			assert_eq "${flag#*=}" "$(cat "/sys/class/net/$port/brport/${flag%=*}")" "$port ${flag%=*}"
		done
		assert_match ' locked on( |$)' "$(bridge -d link show dev "$port")"
		assert_eq pnbr0 "$(basename "$(readlink "/sys/class/net/$port/master")")"
		assert_eq 1 "$(find "/sys/class/net/$port/queues" -name 'tx-*' | wc -l)"
	done
}

test_fdb_is_static() {
	assert_same "$ALICE_MAC dev $(port_of alice) master pnbr0 static
$BOB_MAC dev $(port_of bob) master pnbr0 static
$CAROL_MAC dev $(port_of carol) master pnbr0 static" \
		"$(bridge fdb show br pnbr0 | sed 's/ *$//' | grep -v permanent | sort)"
}

test_bridge_has_gateway_and_safe_settings() {
	local setting
	assert_eq "$GATEWAY_MAC" "$(cat /sys/class/net/pnbr0/address)"
	assert_eq 0 "$(cat /sys/class/net/pnbr0/bridge/stp_state)"
	assert_eq 0 "$(cat /sys/class/net/pnbr0/bridge/multicast_snooping)"
	for setting in ipv6/conf/pnbr0/accept_ra ipv4/conf/pnbr0/route_localnet ipv4/conf/pnbr0/send_redirects \
		ipv4/conf/pnbr0/accept_redirects ipv6/conf/pnbr0/accept_redirects; do
		assert_eq 0 "$(cat "/proc/sys/net/$setting")" "$setting"
	done
	assert_same "inet $GATEWAY4/32
inet6 $GATEWAY6/128" "$(ip -o address show dev pnbr0 | awk '{ print $3, $4 }' | sort)"
}

test_routes_of_the_host_are_for_active_users() {
	assert_same "$ALICE4 dev pnbr0 scope link
$BOB4 dev pnbr0 scope link
$CAROL4 dev pnbr0 scope link" "$(ip route show dev pnbr0 | sed 's/ *$//; s/ scope/ dev pnbr0 scope/' | sort)"
	assert_eq unreachable "$(ip route show 10.203.0.0/16 | cut -d ' ' -f 1)"
	assert_eq unreachable "$(ip -6 route show fd00:203::/64 | cut -d ' ' -f 1)"
	assert_match 'dev pnbr0' "$(ip -6 route get "$ALICE6")"
	assert_fails ip route get 10.203.0.77
	assert_fails ip -6 route get fd00:203::77
}

test_neighbours_are_permanent_on_both_sides() {
	assert_reach alice yes "icmp $GATEWAY4" "icmp $GATEWAY6" "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	assert_same "$ALICE4 lladdr $ALICE_MAC PERMANENT
$BOB4 lladdr $BOB_MAC PERMANENT
$CAROL4 lladdr $CAROL_MAC PERMANENT
$ALICE6 lladdr $ALICE_MAC PERMANENT
$BOB6 lladdr $BOB_MAC PERMANENT
$CAROL6 lladdr $CAROL_MAC PERMANENT" "$(ip neigh show dev pnbr0 | sed 's/ *$//' | sort)"
	assert_same "$GATEWAY4 lladdr $GATEWAY_MAC PERMANENT
$GATEWAY6 lladdr $GATEWAY_MAC PERMANENT" "$(in_netns alice ip neigh show | sed 's/ *$//; s/ dev eth0//' | sort)"
}

test_user_has_own_addresses_only() {
	assert_same "inet $ALICE4/32
inet6 $ALICE6/128" "$(in_netns alice ip -o address show dev eth0 | awk '{ print $3, $4 }' | sort)"
	assert_eq "$ALICE_MAC" "$(in_session alice 'cat /sys/class/net/eth0/address')"
	assert_eq 'eth0 lo' "$(in_session alice 'ls /sys/class/net' | paste -sd ' ')"
}

test_guard_names_port_mac_and_address() {
	local user
	for user in "alice $ALICE_MAC $ALICE4 $ALICE6" "bob $BOB_MAC $BOB4 $BOB6" "carol $CAROL_MAC $CAROL4 $CAROL6"; do
		# shellcheck disable=SC2086
		set -- $user
		nft get element bridge pam_netns guard4 "{ \"$(port_of "$1")\" . $2 . $3 }"
		nft get element bridge pam_netns guard6 "{ \"$(port_of "$1")\" . $2 . $4 }"
	done
	assert_eq 3 "$(nft list set bridge pam_netns guard4 | grep -c 02:6e)"
	assert_eq 3 "$(nft list set bridge pam_netns guard6 | grep -c 02:6e)"
}

test_nat_works_in_both_families() {
	assert_match "^you are $HOST4 port" "$(in_session alice "curl -sS -m 5 http://$OUTSIDE4/")"
	assert_match "^you are $HOST6 port" "$(in_session alice "curl -sS -m 5 http://[$OUTSIDE6]/")"
	assert_match "^you are $HOST4 port" "$(in_session bob 'curl -4 -sS -m 5 http://www.example.test/')"
	assert_reach carol yes "udp $OUTSIDE4 7" "udp $OUTSIDE6 7" "icmp $OUTSIDE4" "icmp $OUTSIDE6"
}

test_outside_reaches_no_user() {
	outside ip route add 10.203.0.0/16 via "$HOST4"
	outside ip -6 route add fd00:203::/64 via "$HOST6"
	probe_from outside 1.5 "tcp $BOB4 80" "tcp $BOB6 80" "udp $BOB4 7" "icmp $BOB4" "icmp $BOB6" >"$OUT/result"
	# The control: the host reaches its users, so the servers work.
	probe_from host 3 "tcp $BOB4 80" "tcp $BOB6 80" "udp $BOB4 7" "icmp $BOB6" >"$OUT/result.host"
	outside ip route delete 10.203.0.0/16
	outside ip -6 route delete fd00:203::/64
	assert_eq 5 "$(grep -c '^no' "$OUT/result")"
	assert_eq 4 "$(grep -c '^yes' "$OUT/result.host")"
}

# BOB_WAYS: probes of bob's own addresses.
BOB_WAYS=("tcp $BOB4 80" "tcp $BOB6 80" "tcp $BOB4 7" "udp $BOB4 7" "udp $BOB6 7" "icmp $BOB4" "icmp $BOB6")

test_peers_no_separates_users() {
	local address
	assert_reach alice no "${BOB_WAYS[@]}"
	assert_reach carol no "${BOB_WAYS[@]}"
	# At the host's addresses the host answers, not bob.
	policy 'host_access = all'
	for address in "$GATEWAY4" "[$GATEWAY6]" "$HOST4" "[$HOST6]"; do
		assert_match "^you are (${ALICE4//./\\.}|$ALICE6) " "$(in_session alice "curl -sS -m 3 http://$address/")"
	done
	policy
}

test_peers_yes_goes_through_the_gateway() {
	policy 'peers = yes'
	assert_reach alice yes "${BOB_WAYS[@]}"
	assert_match "^you are $ALICE4 " "$(in_session alice "curl -sS -m 3 http://$BOB4/")"
	assert_match "^you are $ALICE6 " "$(in_session alice "curl -sS -m 3 http://[$BOB6]/")"
	# The gateway is one hop more.
	assert_match 'ttl=63' "$(in_session alice "ping -n -c 1 -W 1 $BOB4")"
	policy
	assert_reach alice no "tcp $BOB4 80" "tcp $BOB6 80"
}

test_peers_group_connects_users_of_one_group() {
	policy 'peers = group'
	assert_reach alice yes "tcp $CAROL4 80" "tcp $CAROL6 80" "udp $CAROL4 7" "udp $CAROL6 7" "icmp $CAROL4" "icmp $CAROL6"
	assert_reach carol yes "tcp $ALICE4 80" "tcp $ALICE6 80"
	assert_reach alice no "${BOB_WAYS[@]}"
	assert_reach bob no "tcp $ALICE4 80" "tcp $ALICE6 80" "udp $CAROL4 7" "icmp $CAROL6"
	# carol logs in while the policy is in force.
	users_logout_only carol
	hold_session carol carol
	serve carol
	assert_reach alice yes "tcp $CAROL4 80" "tcp $CAROL6 80"
	assert_reach bob no "tcp $CAROL4 80" "tcp $CAROL6 80"
	policy
}

# host_ways PROTO PORT: sets HOST_WAYS to probes of all addresses of the host.
host_ways() {
	local address
	HOST_WAYS=()
	for address in "$GATEWAY4" "$GATEWAY6" "$HOST4" "$HOST6"; do
		HOST_WAYS+=("$1 $address${2:+ $2}")
	done
}

test_host_access_by_default_is_ping_only() {
	local HOST_WAYS
	host_ways icmp
	assert_reach alice yes "${HOST_WAYS[@]}"
	host_ways tcp 22
	assert_reach alice no "${HOST_WAYS[@]}"
	host_ways tcp 2222
	assert_reach alice no "${HOST_WAYS[@]}"
	host_ways udp 7
	assert_reach alice no "${HOST_WAYS[@]}"
	# The control: sshd works.
	assert_reach host yes "tcp $GATEWAY4 22" "tcp $GATEWAY6 22"
}

test_host_access_opens_only_listed_ports() {
	local HOST_WAYS
	policy 'host_access = tcp/22'
	host_ways tcp 22
	assert_reach alice yes "${HOST_WAYS[@]}"
	host_ways tcp 2222
	assert_reach alice no "${HOST_WAYS[@]}"
	host_ways icmp
	assert_reach alice no "${HOST_WAYS[@]}"
	policy 'host_access = none'
	assert_reach alice no "${HOST_WAYS[@]}"
	host_ways tcp 22
	assert_reach alice no "${HOST_WAYS[@]}"
	policy 'host_access = udp/7 tcp/2000-3000'
	# A UDP answer always comes from the gateway's address.
	assert_reach alice yes "udp $GATEWAY4 7" "udp $GATEWAY6 7"
	host_ways tcp 2222
	assert_reach alice yes "${HOST_WAYS[@]}"
	host_ways tcp 7
	assert_reach alice no "${HOST_WAYS[@]}"
	policy
}

test_egress_none_closes_the_outside() {
	policy 'egress = none'
	assert_reach alice no "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80" "udp $OUTSIDE4 7" "icmp $OUTSIDE4" "icmp $OUTSIDE6"
	assert_reach alice yes "icmp $GATEWAY4" "icmp $GATEWAY6"
	policy
}

test_egress_list_is_followed_in_order() {
	outside ip address add 198.51.100.3/24 dev eth0
	# The address is deprecated, so the outside does not choose it as its source.
	outside ip address add 2001:db8:51::3/64 dev eth0 nodad preferred_lft 0
	policy 'egress = deny 198.51.100.3, allow tcp/80-90, deny tcp/7, allow 2001:db8:51::3, allow udp/7'
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80" "udp $OUTSIDE4 7" "udp $OUTSIDE6 7" \
		'tcp 2001:db8:51::3 80' 'icmp 2001:db8:51::3'
	# The first matching entry decides.
	assert_reach alice no "tcp 198.51.100.3 80" "udp 198.51.100.3 7" "tcp $OUTSIDE4 7" "tcp $OUTSIDE6 7" \
		'tcp 2001:db8:51::3 7' "icmp $OUTSIDE4" "icmp $OUTSIDE6" 'icmp 198.51.100.3'
	policy 'egress = allow 198.51.100.0/30, deny 198.51.100.0/24, deny ::/0, allow any'
	assert_reach alice yes "tcp $OUTSIDE4 80" "icmp 198.51.100.3"
	assert_reach alice no "tcp $OUTSIDE6 80" "icmp $OUTSIDE6"
	policy
	assert_reach alice yes 'tcp 198.51.100.3 80' 'icmp 2001:db8:51::3'
	outside ip address del 198.51.100.3/24 dev eth0
	outside ip address del 2001:db8:51::3/64 dev eth0
}

# connections COUNT: prints how many of COUNT simultaneous TCP connections alice gets in each family. Each stays
# open until all are answered.
connections() {
	rm -f "$OUT/answers"
	mkfifo -m 0666 "$OUT/answers"
	in_session alice "bash -c 'exec 4<>$OUT/answers
		one() { { exec 3<>/dev/tcp/\$2/7; } 2>/dev/null && echo \$1 >&4 || echo none >&4; exec sleep 60; }
		for ((i = 0; i < $1; i++)); do one IPv4 $OUTSIDE4 & one IPv6 $OUTSIDE6 & done
		head -n $((2 * $1)) <&4; kill \$(jobs -p)'" |
		grep -v none | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd ' '
}

test_t25_max_connections_is_enforced() {
	policy 'max_connections = 20'
	assert_eq '20 IPv4 20 IPv6' "$(connections 40)"
	# These have ended, which makes room.
	assert_eq '15 IPv4 15 IPv6' "$(connections 15)"
	policy
	assert_eq '40 IPv4 40 IPv6' "$(connections 40)"
}

test_t25_limit_of_one_user_leaves_others_alone() {
	policy 'max_connections = 20'
	in_session alice "bash -c 'for ((i = 0; i < 40; i++)); do exec {fd}<>/dev/udp/$OUTSIDE4/9; echo x >&\$fd
		exec {fd}<>/dev/udp/$OUTSIDE6/9; echo x >&\$fd; done' 2>/dev/null || :"
	assert_reach alice no "udp $OUTSIDE4 7" "udp $OUTSIDE6 7" "tcp $OUTSIDE4 80"
	assert_reach bob yes "udp $OUTSIDE4 7" "udp $OUTSIDE6 7" "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	policy
	assert_reach alice yes "udp $OUTSIDE4 7" "udp $OUTSIDE6 7"
}

test_nat_no_shows_users_addresses() {
	policy 'nat = no'
	outside ip route add 10.203.0.0/16 via "$HOST4"
	outside ip -6 route add fd00:203::/64 via "$HOST6"
	in_session alice "curl -sS -m 3 http://$OUTSIDE4/; curl -sS -m 3 http://[$OUTSIDE6]/" >"$OUT/result" || :
	outside ip route delete 10.203.0.0/16
	outside ip -6 route delete fd00:203::/64
	assert_match "you are $ALICE4 .*you are $ALICE6 " "$(paste -sd ' ' "$OUT/result")"
	policy
}

test_nat_address_is_the_source() {
	ip address add 198.51.100.9/24 dev uplink0
	ip address add 2001:db8:51::9/64 dev uplink0 nodad
	policy 'nat = 198.51.100.9 2001:db8:51::9'
	in_session alice "curl -sS -m 3 http://$OUTSIDE4/; curl -sS -m 3 http://[$OUTSIDE6]/" >"$OUT/result" || :
	policy
	ip address delete 198.51.100.9/24 dev uplink0
	ip address delete 2001:db8:51::9/64 dev uplink0
	assert_match "you are 198.51.100.9 .*you are 2001:db8:51::9 " "$(paste -sd ' ' "$OUT/result")"
}

# --- from here on users log in anew ---

two_networks() {
	conf_lab carol $'subnet6 = fd00:204::/64\npeers = yes\nhost_access = tcp/22' \
		'subnet6 = fd00:203::/64' 'peers = yes' 'host_access = all'
}

test_two_networks_never_reach_each_other() {
	anew two_networks
	assert_reach alice yes "tcp $BOB4 80" "tcp $BOB6 80"
	assert_eq 10.204.7.211 "$(in_netns carol ip -o -4 address show dev eth0 | awk '{ print $4 }' | cut -d / -f 1)"
	assert_reach alice no 'tcp 10.204.7.211 80' 'tcp fd00:204::7d3 80' 'udp 10.204.7.211 7' 'icmp fd00:204::7d3' 'icmp 10.204.7.211'
	assert_reach carol no "${BOB_WAYS[@]}"
	# Each has its own policy.
	assert_reach alice yes "tcp $GATEWAY4 2222" "tcp 10.204.0.1 2222" "icmp $HOST4"
	assert_reach carol yes "tcp $GATEWAY4 22" "tcp 10.204.0.1 22" "tcp fd00:204::1 22" "tcp $OUTSIDE6 80" "tcp $OUTSIDE4 80"
	assert_reach carol no "tcp $GATEWAY4 2222" "tcp 10.204.0.1 2222" "icmp $HOST4"
	assert_reach host yes 'tcp 10.204.7.211 80' 'tcp fd00:204::7d3 80'
}

test_network_removed_from_conf_is_removed_from_host() {
	policy
	assert_fails ip link show pnlab
	assert_eq '' "$(ip route show 10.204.0.0/16; ip -6 route show fd00:204::/64)"
	assert_reach alice no "${BOB_WAYS[@]}"
	assert_reach carol no "icmp $OUTSIDE4"
}

small_mtu() {
	policy 'mtu = 1400'
}

test_mtu_is_set_on_all_links() {
	anew small_mtu
	assert_eq 1400 "$(in_session alice 'cat /sys/class/net/eth0/mtu')"
	assert_eq 1400 "$(cat /sys/class/net/pnbr0/mtu)"
	assert_eq 1400 "$(cat "/sys/class/net/$(port_of alice)/mtu")"
	assert_match ' 0% packet loss' "$(in_session alice "ping -n -c 1 -W 1 -M do -s 1372 $OUTSIDE4")"
	assert_fails in_session alice "ping -n -c 1 -W 1 -M do -s 1373 $OUTSIDE4"
}

# While users are active, a changed bridge or subnet is refused: no rule would name the old bridge.
test_changed_addresses_of_active_network_are_refused() {
	local line
	anew policy
	for line in 'bridge = pnnew' 'subnet = 10.205.0.0/16' 'subnet6 = none'; do
		policy >/dev/null
		sed -i "/^\[network/,/^\[profile/ { /^${line%% =*} =/d }; s|^\[network default\]|&\n$line|" "$CONF"
		assert_fails_with "network default: the conf file changes ${line%% =*} from .* 3 users are active.*pam-netns kick alice && .*pam-netns up" \
			pam-netns up
		assert_fails ip link show pnnew
		assert_reach alice yes "tcp $OUTSIDE4 80" "icmp $GATEWAY6"
		assert_reach alice no "tcp $GATEWAY4 22" "tcp $BOB4 80"
	done
	# Without active users the new network replaces the old one.
	for user in alice bob carol; do
		users_logout_only "$user"
	done
	printf '[network default]\nbridge = pnnew\nsubnet = 10.205.0.0/16\nsubnet6 = fd00:205::/64\n[profile default]\nmatch = *\n' >"$CONF"
	users_login alice bob carol
	assert_fails ip link show pnbr0
	assert_eq '' "$(ip route show 10.203.0.0/16; ip -6 route show fd00:203::/64)"
	assert_reach alice yes "tcp $OUTSIDE4 80" 'icmp 10.205.0.1'
	assert_reach alice no 'tcp 10.205.0.1 22' "tcp $HOST4 22"
	serve alice bob carol
}

# automatic: `subnet = auto` finds a subnet beside the host's own.
automatic() {
	ip address add 10.203.99.1/16 dev lo
	{
		printf '[network default]\nsubnet = auto\nsubnet6 = none\nmtu = auto\n'
		printf '[profile default]\nmatch = *\n'
	} >"$CONF"
	ip link set uplink0 mtu 1450
}

test_subnet_auto_avoids_the_hosts_networks() {
	anew automatic
	assert_eq 10.204.7.209/32 "$(in_netns alice ip -o -4 address show dev eth0 | awk '{ print $4 }')"
	assert_eq '' "$(in_netns alice ip -o -6 address show dev eth0)"
	assert_eq 1450 "$(in_session alice 'cat /sys/class/net/eth0/mtu')"
	assert_reach alice yes "tcp $OUTSIDE4 80" "icmp 10.204.0.1"
	assert_reach alice no "tcp $OUTSIDE6 80" "tcp 10.204.7.210 80"
	assert_eq '' "$(ip -6 -o address show dev pnbr0)"
	ip address delete 10.203.99.1/16 dev lo
	ip link set uplink0 mtu 1500
	# The subnet stays, and each user keeps their address.
	anew :
	assert_eq 10.204.7.209/32 "$(in_netns alice ip -o -4 address show dev eth0 | awk '{ print $4 }')"
}
