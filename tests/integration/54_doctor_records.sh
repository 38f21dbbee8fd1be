# shellcheck shell=bash
# The links, routes and neighbours of active users, changed one after another: doctor finds each change,
# and its remedy mends it. Doctor reads with libnl-route-3; the helper wrote with its own code.

# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

BRIDGE=pnbr0

setup() {
	host_pam_install
	policy
	users_login alice bob
	PORT=$(port_of alice)
	echo "$PORT" >"$OUT/port"
}

# record_findings: prints the findings of this check.
record_findings() {
	pam-netns doctor 2>&1 | grep ' records: ' || :
}

records_agree() {
	assert_eq 'ok   records: the kernel agrees with the records of active users' "$(record_findings)"
}

# planted WHAT REMEDY COMMAND…: the command makes this one finding, and the remedy mends it.
planted() {
	local what=$1 remedy=$2
	shift 2
	records_agree
	"$@"
	assert_eq "FAIL records: $what -> $remedy" "$(record_findings)" "after $*"
	assert_code 2 pam-netns doctor >/dev/null
	$remedy
	records_agree
}

test_missing_route_is_found() {
	planted "user alice: there is no route to $ALICE4 over bridge $BRIDGE" 'pam-netns gc' \
		ip route del "$ALICE4" dev $BRIDGE
	planted "user alice: there is no route to $ALICE6 over bridge $BRIDGE" 'pam-netns gc' \
		ip -6 route del "$ALICE6" dev $BRIDGE
	# A route over another link does not count.
	planted "user alice: there is no route to $ALICE4 over bridge $BRIDGE" 'pam-netns gc' \
		ip route replace "$ALICE4" dev lo
}

test_wrong_neighbour_is_found() {
	local what
	for address in "$ALICE4" "$ALICE6"; do
		what="user alice: $address has no neighbour entry with MAC $ALICE_MAC on bridge $BRIDGE"
		planted "$what" 'pam-netns gc' ip neigh del "$address" dev $BRIDGE
		planted "$what" 'pam-netns gc' ip neigh replace "$address" lladdr "$BOB_MAC" nud permanent dev $BRIDGE
		planted "$what" 'pam-netns gc' ip neigh replace "$address" lladdr "$ALICE_MAC" nud stale dev $BRIDGE
	done
}

test_wrong_fdb_entry_is_found() {
	local port what
	port=$(<"$OUT/port")
	what="user alice: MAC $ALICE_MAC is not that of port $port in bridge $BRIDGE"
	planted "$what" 'pam-netns gc' bridge fdb del "$ALICE_MAC" dev "$port" master
	planted "$what" 'pam-netns gc' bridge fdb replace "$ALICE_MAC" dev "$(port_of bob)" master static
}

sysfs() {
	echo "$3" >"/sys/class/net/$1/brport/$2"
}

test_wrong_port_flag_is_found() {
	local port
	port=$(<"$OUT/port")
	planted "user alice: port $port is down" 'pam-netns gc' ip link set "$port" down
	planted "user alice: port $port is not locked" 'pam-netns gc' bridge link set dev "$port" locked off
	planted "user alice: port $port is not isolated" 'pam-netns gc' sysfs "$port" isolated 0
	planted "user alice: port $port is learning addresses" 'pam-netns gc' sysfs "$port" learning 1
	planted "user alice: port $port is flooded with frames to unknown addresses" 'pam-netns gc' \
		sysfs "$port" unicast_flood 1
	planted "user alice: port $port is flooded with multicast frames" 'pam-netns gc' \
		sysfs "$port" multicast_flood 1
	planted "user alice: port $port is flooded with broadcast frames" 'pam-netns gc' \
		sysfs "$port" broadcast_flood 1
	planted "user alice: port $port is handing link-local groups past the guard" 'pam-netns gc' \
		sysfs "$port" group_fwd_mask 0
}

# If the port leaves the bridge, its FDB entry goes too.
test_port_outside_its_bridge_is_found() {
	local port what
	port=$(<"$OUT/port")
	what="user alice: port $port is not in bridge $BRIDGE"
	planted "$what" 'pam-netns gc' ip link set "$port" nomaster
	ip link add other0 type bridge
	records_agree
	ip link set "$port" master other0
	assert_match "FAIL records: $what -> pam-netns gc" "$(record_findings)"
	pam-netns gc
	records_agree
	ip link del other0
}

test_missing_gateway_address_is_found() {
	# A link without an IPv4 address loses all IPv4 routes and neighbours; the first remedy mends all.
	records_agree
	ip address del "$GATEWAY4/32" dev $BRIDGE
	assert_match "^FAIL records: bridge $BRIDGE lacks the gateway's address $GATEWAY4 -> pam-netns up.*alice.*bob" "$(record_findings)"
	pam-netns up
	planted "bridge $BRIDGE lacks the gateway's address $GATEWAY6" 'pam-netns up' \
		ip address del "$GATEWAY6/128" dev $BRIDGE
}

# Doctor reads the tables once for all users, and once more for each user who differs.
test_faults_of_several_users_are_found() {
	local said
	records_agree
	ip route del "$ALICE4" dev $BRIDGE
	ip route del "$BOB4" dev $BRIDGE
	said=$(record_findings)
	assert_match "FAIL records: user alice: there is no route to $ALICE4" "$said"
	assert_match "FAIL records: user bob: there is no route to $BOB4" "$said"
	assert_eq 2 "$(wc -l <<<"$said")"
	pam-netns gc
	records_agree
}

test_logins_meanwhile_are_no_finding() {
	(for ((i = 0; i < 40; i++)); do su carol -c true; done) &
	while kill -0 $! 2>/dev/null; do records_agree; done
	wait $!
	wait_until 15 test ! -e /run/netns/carol
	records_agree
}

test_records_check_skips_for_users() {
	assert_match 'skip records: only root can check this' \
		"$(as bob pam-netns doctor)"
}

# Inside a user's session, root still sees the findings of the host.
test_records_check_works_inside_a_session() {
	records_agree
	assert_match 'ok   records: ' "$(pam-netns exec bob --root -- pam-netns doctor 2>&1 || :)"
}

# lengths TYPE: the lengths of doctor's netlink requests.
lengths() {
	sed -nE "s/.*\[\{nlmsg_len=([0-9]+), nlmsg_type=$1,.*/\1/p" "$OUT/strace" | sort -u | xargs
}

# For a header that is too long, the kernel's log gets a warning.
test_requests_have_headers_of_exact_length() {
	strace -f -qq -v -e trace=sendmsg,sendto -o "$OUT/strace" pam-netns doctor >&2 || :
	assert_eq "32 28 28 24" "$(lengths RTM_GETLINK) $(lengths RTM_GETNEIGH) $(lengths RTM_GETROUTE) $(lengths RTM_GETADDR)"
}

# The last test: it ends alice's port.
test_missing_port_is_found() {
	local port said
	port=$(<"$OUT/port")
	records_agree
	ip link del "$port"
	said=$(record_findings)
	assert_match "user alice: port $port is missing, so the user is cut off .* -> pam-netns kick alice" "$said"
	su alice -c true
	records_agree
	end_session alice
	end_session bob
	host_clean
	records_agree
}
