# shellcheck shell=bash
# shellcheck disable=SC2119 # the policy as it is, without further lines
# The rules are flushed, as a restart of nftables.service does it. Until the next login or gc mends
# them nothing passes that the rules were there to stop (T32): the bridges carry no packet that the rules
# did not stamp, and the host forwards for nobody else if it did not do so before.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

FAR4=203.0.113.2 FAR6=2001:db8:77::2

# The host's own servers answer on each of its addresses. Outside has a way to the users' addresses.
setup() {
	network_setup
	policy 'host_access = none'
	far_make
	"$TOOLS/host-outside" "$OUT/server.host" 192.0.2.1 2001:db8::1
	outside ip route add 10.203.0.0/16 via "$HOST4"
	outside ip -6 route add fd00:203::/64 via "$HOST6"
}

# What each probe asks for: TCP, UDP and ping, in both families.
ways() {
	printf '%s\n' "tcp $1 80" "udp $1 7" "icmp $1" "tcp $2 80" "udp $2 7" "icmp $2"
}

# reach WHO yes|no ADDRESS4 ADDRESS6
reach() {
	local list
	mapfile -t list < <(ways "$3" "$4")
	assert_reach "$1" "$2" "${list[@]}"
}

# The four ways that the rules close or open.
user_to_host() {
	reach alice "$1" "$GATEWAY4" "$GATEWAY6"
	# A UDP server that listens on all addresses answers from the gateway's.
	assert_reach alice "$1" "tcp $HOST4 80" "tcp $HOST6 80" "icmp $HOST4" "icmp $HOST6"
}
user_to_user() {
	reach alice "$1" "$BOB4" "$BOB6"
}
outside_to_user() {
	reach outside "$1" "$ALICE4" "$ALICE6"
	reach far "$1" "$ALICE4" "$ALICE6"
}
transit() {
	reach outside "$1" "$FAR4" "$FAR6"
	reach far "$1" "$OUTSIDE4" "$OUTSIDE6"
}

legitimate() {
	reach alice "$1" "$OUTSIDE4" "$OUTSIDE6"
	reach alice "$1" "$FAR4" "$FAR6"
}

# One packet is enough for an attack that needs no answer.
no_packet_arrives() {
	witnesses_start alice bob
	attack alice "$1-host" udp "$ALICE4" "$HOST4" 9999
	attack alice "$1-host6" udp "$ALICE6" "$HOST6" 9999
	attack alice "$1-peer" udp "$ALICE4" "$BOB4" 9999
	attack alice "$1-peer6" udp "$ALICE6" "$BOB6" 9999
	attack alice "$1-forged" udp "$BOB4" "$HOST4" 9999
	attack alice -d ff:ff:ff:ff:ff:ff "$1-all" udp "$ALICE4" "$HOST4" 9999
	attack alice -d 01:80:c2:00:00:0e "$1-group" udp "$ALICE4" "$HOST4" 9999
	sent "$1"-{host,host6,peer,peer6,forged,all,group}
	assert_unseen bob "$1"-{peer,peer6}
	witnesses_follow host
	assert_eq '' "$(grep -E "^$1-[a-z0-9]* udp" "$OUT/witness.host" || :)" 'what services of the host have got'
	pkill -x host-witness
	wait_until 5 eval '! pgrep -x host-witness'
	rm "$OUT"/witness.*
}

closed() {
	user_to_host no
	user_to_user no
	outside_to_user no
	transit no
	legitimate no
}

as_before() {
	legitimate yes
	user_to_host no
	user_to_user no
	outside_to_user no
	transit no
}

# Each probe finds a service that answers where the rules let it through.
test_t32_controls() {
	policy 'host_access = all' 'peers = yes'
	user_to_host yes
	user_to_user yes
	policy 'host_access = none'
	nft insert rule inet pam_netns forward accept
	outside_to_user yes
	pam-netns down --force
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	transit yes
	anew forwarding_off
	policy 'host_access = none'
	as_before
}

forwarding_off() {
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	policy 'host_access = none'
}

# A host that forwarded before goes on: that is its own business.
test_t32_host_that_forwarded() {
	anew forwarding_on
	transit yes
	nft flush ruleset
	transit yes
	user_to_host no
	user_to_user no
	outside_to_user no
	pam-netns gc
	legitimate yes
	anew forwarding_off
	as_before
}

forwarding_on() {
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	policy 'host_access = none'
}

test_t32_nothing_passes_after_a_flush() {
	as_before
	nft flush ruleset
	closed
	no_packet_arrives flushed
	ssh_as carol -- true
	as_before
	nft flush ruleset
	closed
	pam-netns gc
	as_before
}

# Without the inet table the host still gets single packets of a user's (SECURITY says so); no answer
# comes back, and nothing reaches another user.
test_t32_one_table_deleted() {
	nft delete table bridge pam_netns
	closed
	no_packet_arrives deleted
	pam-netns gc
	as_before
	nft delete table inet pam_netns
	closed
	pam-netns gc
	as_before
}

# The host's bridge filter hands frames to the rules of the IP families as well.
test_t32_with_br_netfilter() {
	local value
	[[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] || skip 'no br_netfilter in this kernel'
	for value in 0 1; do
		echo "$value" >/proc/sys/net/bridge/bridge-nf-call-iptables
		echo "$value" >/proc/sys/net/bridge/bridge-nf-call-ip6tables
		policy 'host_access = all' 'peers = yes'
		legitimate yes
		user_to_host yes
		user_to_user yes
		nft flush ruleset
		closed
		no_packet_arrives "filter-$value"
		policy 'host_access = none'
		as_before
	done
}

# Users in one group reach each other: those rules use the mark as well.
test_t32_groups() {
	policy 'host_access = none' 'peers = group'
	reach alice yes "$CAROL4" "$CAROL6"
	user_to_user no
	nft flush ruleset
	reach alice no "$CAROL4" "$CAROL6"
	closed
	policy 'host_access = none'
}

# A connection that the rules had let through: both ends stay connected, and no byte passes.
test_t32_established_connections() {
	in_netns alice bash -c "exec 3<>/dev/tcp/$OUTSIDE4/7; echo one >&3; head -n 1 <&3 >$OUT/first
		until [[ -e $OUT/flushed ]]; do sleep 0.05; done
		echo two >&3; read -r -t 1.5 line <&3 && echo \$line >$OUT/second
		touch $OUT/tried; read -r -t 20 line <&3 && echo \$line >$OUT/third" &
	wait_until 5 grep -qx one "$OUT/first"
	nft flush ruleset
	touch "$OUT/flushed"
	wait_until 10 test -e "$OUT/tried"
	assert_fails test -e "$OUT/second"
	pam-netns gc
	wait_until 20 grep -qx two "$OUT/third"
}


# Filters and routing rules that somebody removed: gc makes them again and says so.
test_t32_second_line_is_mended() {
	local rules
	policy 'host_access = none'
	rules=$(ip rule; ip -6 rule)
	assert_match '1304:' "$rules"
	tc qdisc del dev pnbr0 clsact
	ip rule del pref 1304
	ip -6 rule del pref 1302
	pam-netns gc 2>"$OUT/said"
	assert_match 'filter of bridge pnbr0 was missing or changed: set again' "$(<"$OUT/said")"
	assert_match 'routing rules .*: set again' "$(<"$OUT/said")"
	assert_same "$(sort <<<"$rules")" "$(sort <<<"$(ip rule; ip -6 rule)")"
	nft flush ruleset
	closed
	pam-netns gc 2>"$OUT/said"
	assert_match 'rules had been flushed: loaded again' "$(<"$OUT/said")"
	pam-netns gc 2>"$OUT/said"
	assert_eq '' "$(<"$OUT/said")"
	# The record is lost, and the rules are: what is left still says that forwarding is ours.
	nft flush ruleset
	rm /run/pam-netns/networks/host
	pam-netns gc
	as_before
	pam-netns down --force
	assert_eq '' "$(ip rule | grep '^130' || :)$(ip -6 rule | grep '^130' || :)"
	pam-netns up
	as_before
}

# What systemd runs after each start and reload of nftables.service, which flush all rules.
test_t32_after_nftables_service() {
	local unit=/usr/lib/systemd/system/nftables.service.d/pam-netns.conf command
	policy 'host_access = none'
	assert_eq "$(sed -n 's/^ExecStartPost=//p' "$unit")" "$(sed -n 's/^ExecReload=//p' "$unit")"
	command=$(sed -n 's/^ExecReload=-//p' "$unit")
	nft flush ruleset
	eval "$command"
	as_before
	# Nothing is set up: nothing is made.
	pam-netns down --force
	eval "$command"
	assert_eq '' "$(nft list tables | grep pam_netns || :)"
	assert_fails ip link show pnbr0
	pam-netns up
}
