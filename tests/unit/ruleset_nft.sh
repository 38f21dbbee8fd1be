#!/bin/bash
# Loads the rules with nft, and tests their effect: users a, b, c on one network (a and c on its first bridge,
# b on its second; a and b in one group), d on another, two hosts outside. It needs root, and works in
# namespaces that end with it.
# usage: ruleset_nft.sh [ruleset_test program]
set -u
program=$(readlink -f "${1:-build/unit/ruleset_test}")
if [ "$(id -u)" -ne 0 ] || ! command -v nft >/dev/null || [ ! -x "$program" ]; then
	echo 'ruleset_nft: skipped: needs root, nft and the built ruleset_test' >&2
	exit 77
fi
if [ "${RULESET_NFT_INSIDE:-}" != yes ]; then
	RULESET_NFT_INSIDE=yes exec unshare --mount --net --ipc --pid --fork --kill-child \
		--mount-proc --propagation private -- "$0" "$program"
fi
mount -t tmpfs tmpfs /run || exit 1
logs=$(mktemp -d /run/logs.XXXXXX)
export ASAN_OPTIONS=detect_leaks=0
passed=0 failed=0

check() { # what, 0 or another code
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1"
	fi
}

yes() { # what, command...
	local what=$1
	shift
	"$@" >"$logs/.output" 2>&1
	check "$what: $*" $?
}

no() {
	local what=$1
	shift
	! "$@" >"$logs/.output" 2>&1
	check "$what: not $*" $?
}

load() { "$program" "$@" >"$logs/text" && nft -f "$logs/text"; }
listed() { nft list ruleset | grep -qF -- "$1"; }
chain_has() { nft list chain inet pam_netns "$1" | grep -qF -- "$2"; }
tcp() { ip netns exec "$1" nc -z -w 1 "$2" "$3"; }
echoes() { ip netns exec "$1" ping -q -c 1 -W 1 "$2"; }
host_tcp() { nc -z -w 1 "$1" "$2"; }
# Prints the last source address that the server outside or the user has seen.
source_seen() {
	sleep 0.1
	sed -n 's/^Connection received on \([^ ]*\) .*/\1/p' "$logs/$1" | tail -n 1 | grep -qx "$2"
}

text_checks() {
	nft 'add table inet other; add chain inet other c; add rule inet other c counter'
	for what in empty three 'live peers=yes' 'live peers=group egress=list host=ports alone' \
		'live egress=none host=all nat=address max=1'; do
		# shellcheck disable=SC2086
		yes "nft takes $what" load $what
		nft list ruleset | sort >"$logs/first"
		# shellcheck disable=SC2086
		yes "and takes it again" load $what
		nft list ruleset | sort >"$logs/second"
		yes 'the same rules' cmp "$logs/first" "$logs/second"
	done
	load three
	yes 'a name with - and a digit' chain_has from_0-lab_x- 'goto egress_0-lab_x-'
	yes 'guard of a member' listed '"pnua.1" . 02:6e:0a:cb:00:02 . 10.203.0.2'
	yes 'a group' listed '10.204.0.2 : 0x000003e8'
	yes 'SNAT' chain_has nat_out 'snat ip6 to [2001:db8:99::9]:1024-32767'
	no 'counters' chain_has from_default counter
	no 'an element added to a constant set' nft 'add element inet pam_netns bridges { "x" }'
	no 'a constant set flushed' nft flush set inet pam_netns bridges
	yes "others' table stays" nft list table inet other
	yes 'removal' load removal
	no 'our table after it' nft list table inet pam_netns
	no 'our bridge table after it' nft list table bridge pam_netns
	yes 'removal of what is not there' load removal
	yes '6,000 members' load many 6000
	check 'all in' "$([ "$(nft list set bridge pam_netns guard6 | grep -c 02:6e)" -ge 3000 ]; echo $?)"
	load removal
	nft delete table inet other
}

add_bridge() { # name, gateway, gateway6
	ip link add "$1" address 02:70:6e:00:00:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	ip link set "$1" addrgenmode none
	echo 0 >"/proc/sys/net/ipv6/conf/$1/accept_ra"
	ip link set "$1" up
	ip addr add "$2/32" dev "$1"
	ip -6 addr add "$3/128" dev "$1" nodad
}

add_user() { # name, bridge, address, address6, gateway, gateway6
	local port="pnu$1.1" mac
	# shellcheck disable=SC2046,SC2183 # the address becomes four words
	mac=$(printf '02:6e:%02x:%02x:%02x:%02x' $(echo "$3" | tr . ' '))
	ip netns add "$1"
	ip link add "$port" numtxqueues 1 numrxqueues 1 type veth peer name eth0 netns "$1" address "$mac"
	ip link set "$port" addrgenmode none
	ip -n "$1" link set eth0 addrgenmode none
	ip link set "$port" master "$2"
	ip link set "$port" type bridge_slave isolated on locked on learning off flood off \
		mcast_flood off bcast_flood off group_fwd_mask 0xfffd
	bridge fdb replace "$mac" dev "$port" master static
	ip route replace "$3/32" dev "$2"
	ip -6 route replace "$4/128" dev "$2"
	ip neigh replace "$3" lladdr "$mac" dev "$2" nud permanent
	ip -6 neigh replace "$4" lladdr "$mac" dev "$2" nud permanent
	ip -n "$1" link set lo up
	ip -n "$1" addr add "$3/32" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" -6 addr add "$4/128" dev eth0 nodad
	for gateway in "$5" "$6"; do
		ip -n "$1" neigh replace "$gateway" lladdr 02:70:6e:00:00:01 dev eth0 nud permanent
		ip -n "$1" route add "$gateway" dev eth0
		ip -n "$1" route add default via "$gateway" dev eth0
	done
	ip link set "$port" up
}

add_outside() { # name, interface, host's address, its address, host's address6, its address6
	ip netns add "$1"
	ip link add "$2" type veth peer name eth0 netns "$1"
	ip link set "$2" up
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
	ip addr add "$3/24" dev "$2"
	ip -n "$1" addr add "$4/24" dev eth0
	ip -6 addr add "$5/64" dev "$2" nodad
	ip -n "$1" -6 addr add "$6/64" dev eth0 nodad
}

serve() { # log name, ports; in the current network namespace
	local log="$logs/$1"
	shift
	for port; do
		nc -lkvn 0.0.0.0 "$port" 2>>"$log" >/dev/null &
		nc -6 -lkvn :: "$port" 2>>"$log" >/dev/null &
	done
}

build() {
	ip link set lo up
	load live
	add_outside out up0 198.51.100.1 198.51.100.2 2001:db8:99::1 2001:db8:99::2
	ip -n out addr add 198.51.100.3/24 dev eth0
	ip -n out addr add 169.254.169.254/16 dev eth0
	ip addr add 198.51.100.9/24 dev up0
	ip route add 169.254.0.0/16 dev up0
	add_outside far up1 203.0.113.1 203.0.113.2 2001:db8:77::1 2001:db8:77::2
	ip -n far route add default via 203.0.113.1
	ip -n out route add 203.0.113.0/24 via 198.51.100.1
	add_bridge pnbr0 10.203.0.1 fd00:203::1
	add_bridge pnbr0.1 10.203.0.1 fd00:203::1
	add_bridge pntwo 10.204.0.1 fd00:204::1
	ip route add unreachable 10.203.0.0/24
	ip -6 route add unreachable fd00:203::/64
	# Errors to one user are limited to a burst of six, which would make rejections slow here.
	echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
	echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	add_user a pnbr0 10.203.0.2 fd00:203::2 10.203.0.1 fd00:203::1
	add_user b pnbr0.1 10.203.0.3 fd00:203::3 10.203.0.1 fd00:203::1
	add_user c pnbr0 10.203.0.4 fd00:203::4 10.203.0.1 fd00:203::1
	add_user d pntwo 10.204.0.2 fd00:204::2 10.204.0.1 fd00:204::1
	serve host 22 53 80
	for user in a b c d; do
		ip netns exec "$user" "$BASH" -c "logs=$logs; $(declare -f serve); serve $user 7001; wait" &
	done
	ip netns exec out "$BASH" -c "logs=$logs; $(declare -f serve); serve out 7001 7003; wait" &
	sleep 0.5
}

nat_checks() {
	load live
	yes 'out, IPv4' echoes a 198.51.100.3
	yes 'out, IPv6' echoes a 2001:db8:99::2
	yes 'out, IPv4' tcp b 198.51.100.3 7001
	yes 'behind the host' source_seen out 198.51.100.1
	yes 'out, IPv6' tcp b 2001:db8:99::2 7001
	yes 'behind the host' source_seen out 2001:db8:99::1
	load live nat=address
	yes 'out by SNAT' tcp a 198.51.100.3 7001
	yes 'behind that address' source_seen out 198.51.100.9
	load live nat=no
	ip -n out route add 10.203.0.0/24 via 198.51.100.1
	yes 'out without NAT' tcp a 198.51.100.3 7001
	yes 'as oneself' source_seen out 10.203.0.2
	load live
	no 'in, not asked for' tcp out 10.203.0.2 7001
	nft 'add table ip pub; add chain ip pub p { type nat hook prerouting priority dstnat; };
		add rule ip pub p ip daddr 198.51.100.1 tcp dport 8080 dnat to 10.203.0.2:7001'
	yes 'in to a published port' tcp out 198.51.100.1 8080
	yes "another user's published port" tcp d 198.51.100.1 8080
	load live egress=none
	no 'a published port with egress = none' tcp b 198.51.100.1 8080
	ip -n out route del 10.203.0.0/24
	nft delete table ip pub
}

peers_checks() {
	load live
	for address in 10.203.0.3 10.203.0.4 fd00:203::3 fd00:203::4; do
		no 'peers = no' tcp a "$address" 7001
		no 'peers = no' echoes a "$address"
	done
	load live peers=yes
	for address in 10.203.0.3 10.203.0.4 fd00:203::3 fd00:203::4; do
		yes 'peers = yes' tcp a "$address" 7001
	done
	yes 'peers are not behind NAT' source_seen c fd00:203::2
	yes 'peers are not behind NAT' source_seen b fd00:203::2
	load live peers=group
	for address in 10.203.0.3 fd00:203::3; do
		yes 'one group' tcp a "$address" 7001
		no 'another group' tcp c "$address" 7001
	done
	for address in 10.203.0.4 fd00:203::4; do
		no 'another group' tcp a "$address" 7001
		no 'another group' echoes b "$address"
	done
	yes 'one group, back' tcp b fd00:203::2 7001
	for policy in no yes group; do
		if [ "$policy" = no ]; then load live; else load live "peers=$policy"; fi
		no "between networks, peers = $policy" tcp a 10.204.0.2 7001
		no "between networks, peers = $policy" tcp d fd00:203::2 7001
	done
}

egress_checks() {
	load live egress=list
	yes 'an allowed port' tcp a 198.51.100.3 7001
	no 'a denied address before it' tcp a 198.51.100.2 7001
	no 'a port not allowed' tcp a 198.51.100.3 7003
	no 'what no rule names' echoes a 198.51.100.3
	yes 'which is told' grep -q 'filtered\|prohibited' <(ip netns exec a ping -c 1 -W 1 198.51.100.3)
	yes 'an allowed prefix, IPv6' echoes a 2001:db8:99::2
	no 'denied TCP before it' tcp a 2001:db8:99::2 7001
	yes 'the other network is not concerned' tcp d 198.51.100.2 7003
	load live egress=none
	no 'egress = none' echoes a 198.51.100.3
	no 'egress = none' tcp a 2001:db8:99::2 7001
	yes 'and its own gateway' echoes a 10.203.0.1
}

host_checks() {
	load live
	for address in 10.203.0.1 198.51.100.1 fd00:203::1 2001:db8:99::1 fd00:204::1; do
		yes 'icmp' echoes a "$address"
		yes 'dns' tcp a "$address" 53
		no 'other ports' tcp a "$address" 22
	done
	yes 'host to user' host_tcp 10.203.0.2 7001
	yes 'host to user' host_tcp fd00:204::2 7001
	load live host=none
	no 'host_access = none' echoes a 10.203.0.1
	no 'host_access = none' tcp a fd00:203::1 53
	yes 'host to user' host_tcp fd00:203::2 7001
	load live host=ports
	yes 'tcp/22' tcp a 198.51.100.1 22
	no 'another port' tcp a 198.51.100.1 80
	load live host=all
	yes 'host_access = all' tcp a fd00:203::1 80
}

flows() { # user, address, how many
	ip netns exec "$1" "$BASH" -c "for ((i = 0; i < $3; i++)); do
		echo x >/dev/udp/$2/9000; done" 2>/dev/null
}
arrived() { # v4 or v6
	ip netns exec out nft list counter inet count "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}
# Two flows may get the same port by chance, and are one connection then.
about_20() { [ "$1" -ge 20 ] && [ "$1" -le 22 ]; }

limit_checks() {
	load live max=20
	ip netns exec out nft 'add table inet count; add counter inet count v4; add counter inet count v6;
		add chain inet count c { type filter hook input priority 0; };
		add rule inet count c ip protocol udp udp dport 9000 counter name v4 drop;
		add rule inet count c meta nfproto ipv6 udp dport 9000 counter name v6 drop'
	for _ in 1 2 3 4 5; do
		host_tcp 10.203.0.2 7001
	done >/dev/null 2>&1
	flows a 198.51.100.3 30
	count=$(arrived v4)
	yes 'IPv4 limit 20, of 30' about_20 "$count"
	flows c 198.51.100.3 5
	yes 'another user' test "$(arrived v4)" -eq $((count + 5))
	flows a 2001:db8:99::2 30
	yes 'IPv6 limit 20, of 30' about_20 "$(arrived v6)"
	no 'nor to the host' tcp a 10.203.0.1 53
	load live max=20 egress=none
	flows b 198.51.100.3 30
	yes 'what is rejected is not counted' tcp b 10.203.0.1 53
}

local_checks() {
	load live host=all
	ip addr add 169.254.7.7/32 dev lo
	yes 'link-local IPv4 from the host' ping -q -c 1 -W 1 169.254.169.254
	no '169.254.0.0/16 outside' echoes a 169.254.169.254
	no '169.254.0.0/16 on the host' tcp a 169.254.7.7 80
	nft 'add table ip md; add chain ip md p { type nat hook prerouting priority dstnat; };
		add rule ip md p ip daddr { 169.254.169.254, 198.51.100.77 } tcp dport 80 dnat to 10.203.0.1'
	yes 'DNAT to the host' tcp a 198.51.100.77 80
	no '169.254.0.0/16 with DNAT' tcp a 169.254.169.254 80
	nft delete table ip md
	ip -n a -6 addr add fd00:203::99/128 dev eth0 nodad preferred_lft 0
	ip netns exec out nft 'add table inet ping; add counter inet ping n;
		add chain inet ping c { type filter hook input priority 0; };
		add rule inet ping c icmpv6 type echo-request counter name n'
	echoes a 2001:db8:99::2 >/dev/null
	ip netns exec a ping -q -c 2 -i 0.2 -W 1 -I fd00:203::99 2001:db8:99::2 >/dev/null
	yes 'a source that is not theirs' grep -q 'packets 1 ' \
		<(ip netns exec out nft list counter inet ping n)
	ip -n a -6 addr del fd00:203::99/128 dev eth0
}

# A connection without its entry must not go on, since NAT would not translate its packets.
invalid_checks() {
	load live
	ip netns exec out nft 'add table inet leak; add counter inet leak n;
		add chain inet leak c { type filter hook prerouting priority -300; };
		add rule inet leak c ip saddr 10.203.0.0/24 counter name n'
	echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established
	echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose
	(sleep 2; echo late; sleep 1) | ip netns exec a timeout 4 nc -q 0 198.51.100.3 7003 >/dev/null 2>&1
	yes 'no inner source address gets out' grep -q 'packets 0 ' \
		<(ip netns exec out nft list counter inet leak n)
}

alone_checks() {
	load live
	yes 'others are forwarded' echoes out 203.0.113.2
	load live alone
	no 'ours alone' echoes out 203.0.113.2
	yes 'ours still' echoes a 203.0.113.2
	yes 'ours still' echoes a 2001:db8:99::2
	yes 'removal' load removal
	yes 'others are forwarded again' echoes out 203.0.113.2
}

text_checks
build
nat_checks
peers_checks
egress_checks
host_checks
limit_checks
local_checks
alone_checks
invalid_checks
echo "ruleset_nft: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
