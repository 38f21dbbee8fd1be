# shellcheck shell=bash
# shellcheck disable=SC2119 # policy without lines
# The rules are flushed, as by a restart of nftables.service (T32). Until the next login or gc loads them, the
# bridges carry no packet without the rules' mark, and the host forwards for other machines only if it did so
# before.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

FAR4=203.0.113.2 FAR6=2001:db8:77::2

# Servers answer on each address of the host, and the outside has routes to the users' addresses.
setup() {
	network_setup
	policy 'host_access = none'
	far_make
	"$TOOLS/host-outside" "$OUT/server.host" 192.0.2.1 2001:db8::1
	outside ip route add 10.203.0.0/16 via "$HOST4"
	outside ip -6 route add fd00:203::/64 via "$HOST6"
}

# ways ADDRESS4 ADDRESS6: prints probes of TCP, UDP and ping.
ways() {
	printf '%s\n' "tcp $1 80" "udp $1 7" "icmp $1" "tcp $2 80" "udp $2 7" "icmp $2"
}

# reach WHERE yes|no ADDRESS4 ADDRESS6
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

# no_packet_arrives PREFIX: one packet is enough for an attack that needs no answer.
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
	assert_eq '' "$(grep -E "^$1-[a-z0-9]* udp" "$OUT/witness.host" || :)" 'packets at services of the host'
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

# The controls: each probe finds a service that answers if the rules accept it.
test_t32_open_rules_let_probes_pass() {
	policy 'host_access = all' 'peers = yes'
	user_to_host yes
	user_to_user yes
	policy 'host_access = none'
	nft insert rule inet pam_netns forward accept
	outside_to_user yes
	pam-netns down --force
	forwarding_set 1
	transit yes
	anew host_forwards 0
	as_before
}

# host_forwards 0|1: the host's own setting of forwarding before the set-up.
host_forwards() {
	forwarding_set "$1"
	policy 'host_access = none'
}

# A host that forwarded before the set-up still does after a flush.
test_t32_host_with_forwarding_still_forwards_after_a_flush() {
	anew host_forwards 1
	transit yes
	nft flush ruleset
	transit yes
	user_to_host no
	user_to_user no
	outside_to_user no
	pam-netns gc
	legitimate yes
	anew host_forwards 0
	as_before
}

test_t32_no_packet_passes_after_a_flush() {
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

# Without the inet table the host still gets single packets of a user (see SECURITY.md), but the user gets no
# answer, and other users get no packet.
test_t32_no_packet_passes_without_one_table() {
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

# With br_netfilter the rules of the IP families see frames of the bridge too.
test_t32_no_packet_passes_with_br_netfilter() {
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

# Rules for users of one group use the mark too.
test_t32_no_packet_passes_within_a_group() {
	policy 'host_access = none' 'peers = group'
	reach alice yes "$CAROL4" "$CAROL6"
	user_to_user no
	nft flush ruleset
	reach alice no "$CAROL4" "$CAROL6"
	closed
	policy 'host_access = none'
}

# An open connection stays open after a flush, but no byte passes.
test_t32_established_connections_stop_after_a_flush() {
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

# Filters and routing rules are removed: gc makes them again and reports it.
test_t32_filters_and_routing_rules_are_mended() {
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
	# Record and rules are lost: the rest still shows that our set-up switched forwarding on.
	nft flush ruleset
	rm /run/pam-netns/networks/host
	pam-netns gc
	as_before
	pam-netns down --force
	assert_eq '' "$(ip rule | grep '^130' || :)$(ip -6 rule | grep '^130' || :)"
	pam-netns up
	as_before
}

# systemd runs this command after each start and reload of nftables.service, which flush all rules.
test_t32_nftables_service_loads_the_rules_again() {
	local unit=/usr/lib/systemd/system/nftables.service.d/pam-netns.conf command
	policy 'host_access = none'
	assert_eq "$(sed -n 's/^ExecStartPost=//p' "$unit")" "$(sed -n 's/^ExecReload=//p' "$unit")"
	command=$(sed -n 's/^ExecReload=-//p' "$unit")
	nft flush ruleset
	eval "$command"
	as_before
	# On a host without a set-up it makes none.
	pam-netns down --force
	eval "$command"
	assert_eq '' "$(nft list tables | grep pam_netns || :)"
	assert_fails ip link show pnbr0
	pam-netns up
}
