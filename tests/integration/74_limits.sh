# shellcheck shell=bash
# shellcheck disable=SC2119 # policy without lines
# Shared resources that users can use up: entries of the connection table (T31), source ports of the host's
# address (T33).
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

LOAD=$TOOLS/host-load
# The outside's servers close first, so that the client's ports are free at once.
CLOSING=8001 CLOSING_COUNT=10

setup() {
	host_pam_install
	policy
	users_login alice bob
	(outside "$LOAD" close "$CLOSING" "$CLOSING_COUNT" &)
	wait_until 10 outside nc -z 127.0.0.1 "$CLOSING"
}

entries() {
	cat /proc/sys/net/netfilter/nf_conntrack_count
}

has_entries() {
	[[ $(entries) -ge $1 ]]
}

# full_speed SECONDS: alice connects as fast as possible, in both families at once.
full_speed() {
	in_session alice "$LOAD tcp $OUTSIDE4 $CLOSING $CLOSING_COUNT $1 >$OUT/full4 &
		$LOAD tcp $OUTSIDE6 $CLOSING $CLOSING_COUNT $1 >$OUT/full6; wait"
}

# Closed connections are in no count of connections, but stay in the table for two minutes.
test_t31_ended_connections_count_too() {
	local before start asked=() grown most pid
	before=$(entries)
	start=$EPOCHREALTIME
	full_speed 6 &
	pid=$!
	wait_until 10 has_entries $((before + 500))
	asked+=("$("$LOAD" ask tcp "$OUTSIDE4" 80 200)" "$("$LOAD" ask tcp "$OUTSIDE6" 80 200)")
	asked+=("$(in_session bob "$LOAD ask tcp $OUTSIDE4 80 200")")
	wait "$pid"
	assert_eq '200 200 200' "${asked[*]}" 'connections of the host and of a neighbour'
	grown=$(($(entries) - before))
	# 50 a second, 2,000 at once, those that are still open, and those asked above.
	most=$((2000 + 50 * ((${EPOCHREALTIME/./} - ${start/./}) / 1000000 + 1) + 2 * 256 + 600))
	echo "grown by $grown of at most $most; alice: $(cat "$OUT/full4" "$OUT/full6")" >&2
	[[ $grown -le $most ]] || fail "alice's entries: $grown, at most $most"
	[[ $grown -gt 2000 ]] || fail "alice has not reached her limit: $grown"
}

# If the set is full, users without an entry are refused; the host needs no entry.
test_t31_full_set_refuses_only_users() {
	assert_eq 1 "$("$LOAD" ask tcp "$OUTSIDE4" 80 1)"
	nft flush set inet pam_netns new_connections
	assert_eq 1 "$(in_session bob "$LOAD ask tcp $OUTSIDE4 80 1")"
	{
		echo 'add element inet pam_netns new_connections {'
		for ((i = 0; i < 65534; i++)); do
			printf '02:00:00:00:%02x:%02x timeout 1h,' $((i / 256)) $((i % 256))
		done
		echo '}'
	} | nft -f -
	assert_eq '0 0' "$(in_session alice "$LOAD ask tcp $OUTSIDE4 80 1; $LOAD ask udp $OUTSIDE6 7 1" | paste -sd ' ')"
	assert_eq '20 20' "$(in_session bob "$LOAD ask tcp $OUTSIDE4 80 20") $("$LOAD" ask tcp "$OUTSIDE4" 80 20)"
	nft flush set inet pam_netns new_connections
	assert_eq 20 "$(in_session alice "$LOAD ask tcp $OUTSIDE4 80 20")"
}

# Each packet of a flow without an answer is "new".
test_t31_one_way_flow_is_one_connection() {
	policy 'new_connections = 1/second burst 5'
	witness outside outside
	attack alice -n 200 oneway4 udp "$ALICE4" "$OUTSIDE4" 9999
	attack alice -n 200 oneway6 udp "$ALICE6" "$OUTSIDE6" 9999
	witnesses_follow outside
	assert_eq '200 200' "$(grep -c '^oneway4 udp' "$OUT/witness.outside") $(grep -c '^oneway6 udp' "$OUT/witness.outside")"
	# These were two of five.
	assert_eq '2 1' "$(in_session alice "$LOAD ask tcp $OUTSIDE4 80 2; $LOAD ask tcp $OUTSIDE6 80 1" | paste -sd ' ')"
	kill "$(cat "$OUT/witness.outside.pid")"
	policy
}

# --- ports of the host's address ---

# low_arrived: prints how many packets from ports 512 to 1023 have arrived outside.
low_arrived() {
	outside nft list counter inet low n | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

low_asked() {
	local address
	for address in "$OUTSIDE4" "$OUTSIDE6"; do
		in_netns alice "$LOAD" from 700 tcp "$address" 80
		in_netns alice "$LOAD" from 700 udp "$address" 7
		in_session alice "$LOAD from 701 tcp $address 80; $LOAD from 701 udp $address 7"
	done >>"$OUT/low"
}

test_t33_nat_gives_no_privileged_port() {
	outside nft 'add table inet low; add counter inet low n;
		add chain inet low in { type filter hook input priority 0; };
		add rule inet low in meta l4proto { tcp, udp } th sport 512-1023 counter name n'
	# low_ports = yes does this.
	in_netns alice sysctl -qw net.ipv4.ip_unprivileged_port_start=0
	low_asked
	assert_eq 4 "$(grep -c '^you are' "$OUT/low")" 'answers'
	ip address add 198.51.100.9/24 dev uplink0
	ip address add 2001:db8:51::9/64 dev uplink0 nodad
	policy 'nat = 198.51.100.9 2001:db8:51::9'
	low_asked
	policy
	ip address delete 198.51.100.9/24 dev uplink0
	ip address delete 2001:db8:51::9/64 dev uplink0
	assert_eq 8 "$(grep -c '^you are' "$OUT/low")" 'answers'
	assert_eq 0 "$(low_arrived)" 'packets from ports below 1024'
	# The host itself can send from such a port.
	"$LOAD" from 700 tcp "$OUTSIDE4" 80
	assert_ne 0 "$(low_arrived)"
	outside nft delete table inet low
}

pings_allowed() {
	echo '0 2147483647' >"/proc/sys/net/ipv4/ping_group_range"
	in_netns alice sysctl -qw net.ipv4.ping_group_range='0 2147483647'
	in_netns bob sysctl -qw net.ipv4.ping_group_range='0 2147483647'
}

# under_flood PROTOCOL PORT: the host still gets answers during 64,500 flows to one destination, each from
# another port, as 16 users with 4,096 connections each can have.
under_flood() {
	local address
	# The limits are not tested here, and counting so many takes long.
	nft insert rule inet pam_netns forward iifname pnbr0 accept
	for address in "$OUTSIDE4" "$OUTSIDE6"; do
		in_netns alice "$LOAD" flood "$1" "$address" "$2" 1024 35000
		in_netns bob "$LOAD" flood "$1" "$address" "$2" 35001 65535
		assert_eq 200 "$("$LOAD" ask "$1" "$address" "$2" 200)" "answers to the host, $address"
	done
}

test_t33_host_keeps_ports() {
	under_flood udp 7
	# Another port there is another destination, for which all ports are free.
	assert_match "^$OUTSIDE4 " "$(in_session alice 'getent ahostsv4 www.example.test')"
	defences_on
}

test_t33_host_keeps_ids_of_echoes() {
	pings_allowed
	under_flood icmp 0
	defences_on
}

# ESP and GRE have one flow to a destination, which is the host's, even if a user sends first.
test_t33_host_keeps_protocols_without_ports() {
	local family protocol host outside alice mac name
	mac=$(</sys/class/net/uplink0/address)
	witness host env
	witness outside outside
	witness alice in_netns alice
	for family in 4 6; do
		name=HOST$family host=${!name} name=OUTSIDE$family outside=${!name} name=ALICE$family alice=${!name}
		for protocol in 47 50; do
			attack alice "bare$family-$protocol" bare "$alice" "$outside" "$protocol"
			sent "bare$family-$protocol"
			outside "$TOOLS/host-rawsend" -d "$mac" "answer$family-$protocol" bare "$outside" "$host" "$protocol"
			assert_seen host "answer$family-$protocol" 'in uplink0'
		done
	done
	assert_unseen 'alice' answer{4,6}-{47,50}
	assert_unseen 'outside' bare{4,6}-{47,50}
	# Without NAT each user has their own address.
	policy 'nat = no'
	attack alice bare-alone bare "$ALICE4" "$OUTSIDE4" 50
	assert_seen outside bare-alone 'in'
	policy
}

# --- ports of the host's services (T45, CVE-2021-3773) ---

# shadow MARK: a user sends from a service's port to a client, and could get packets to the service.
shadow() {
	in_session alice "$LOAD from 9999 udp $OUTSIDE4 9; $LOAD from 9999 udp $OUTSIDE6 9" || :
	outside "$TOOLS/host-rawsend" -d "$(</sys/class/net/uplink0/address)" "${1}4" udp "$OUTSIDE4" "$HOST4" 9999
	outside "$TOOLS/host-rawsend" -d "$(</sys/class/net/uplink0/address)" "${1}6" udp "$OUTSIDE6" "$HOST6" 9999
	witnesses_follow host
}

# The service runs at the set-up. doctor names later ones.
test_t45_packets_to_a_service_go_to_no_user() {
	local try
	[[ ! -e $OUT/witness.host.pid ]] || kill "$(cat "$OUT/witness.host.pid")"
	pkill -x host-witness || :
	wait_until 5 eval '! pgrep -x host-witness'
	policy
	witness host env
	assert_match 'nat.* 9999' "$(pam-netns doctor 2>&1 | grep 'receive on ports')"
	# Without the defence they go to alice. In one run they did not at the first try; the cause is not known.
	for try in 1 2 3; do
		((try == 1)) || sleep 31 # the kernel forgets the connection of these packets to the host
		shadow "early$try-"
		seen host "early$try-[46]" udp || break
	done
	assert_fails seen host "early$try-[46]" udp
	pam-netns up --drop-connections
	assert_eq '' "$(pam-netns doctor 2>&1 | grep 'receive on ports' || :)"
	shadow late
	assert_seen host late4 "udp $OUTSIDE4"
	assert_seen host late6 "udp $OUTSIDE6"
}

opened_toward_alice() {
	in_netns alice nft list counter inet opened n | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

# opened PORT: alice has guessed a client's port, and connects to it without an answer.
opened() {
	in_session alice "$LOAD from 20088 tcp $OUTSIDE4 $1; $LOAD from 20088 tcp $OUTSIDE6 $1" || :
	outside "$LOAD" from "$1" tcp "$HOST4" 20088 || :
	outside "$LOAD" from "$1" tcp "$HOST6" 20088 || :
}

test_t45_no_connection_is_opened_toward_a_user() {
	outside nft 'add table inet quiet; add chain inet quiet in { type filter hook input priority 0; }
		add rule inet quiet in tcp dport 4444-4445 tcp flags syn drop'
	in_netns alice nft 'add table inet opened; add counter inet opened n
		add chain inet opened in { type filter hook input priority 0; }
		add rule inet opened in tcp dport 20088 tcp flags syn counter name n'
	opened 4444
	assert_eq 0 "$(opened_toward_alice)"
	nft insert rule inet pam_netns forward accept
	opened 4445
	assert_ne 0 "$(opened_toward_alice)"
	outside nft delete table inet quiet
	in_netns alice nft delete table inet opened
	defences_on
}
