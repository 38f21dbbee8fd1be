# shellcheck shell=bash
# What the kernel has of an active user, changed in one place after the other: doctor tells, with what
# mends it, and is content afterwards. It reads with libnl-route-3, the helper wrote with its own code.

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

# findings: of this check alone.
findings() {
	pam-netns doctor 2>&1 | grep ' records: ' || :
}

fine() {
	assert_eq 'ok   records: the kernel has what the records of active users say' "$(findings)"
}

# planted WHAT REMEDY COMMAND…: after the command there is this finding and no other; what it says
# mends it.
planted() {
	local what=$1 remedy=$2
	shift 2
	fine
	"$@"
	assert_eq "FAIL records: $what -> $remedy" "$(findings)" "after $*"
	assert_code 2 pam-netns doctor >/dev/null
	$remedy
	fine
}

test_the_routes() {
	planted "user alice: there is no route to $ALICE4 over bridge $BRIDGE" 'pam-netns gc' \
		ip route del "$ALICE4" dev $BRIDGE
	planted "user alice: there is no route to $ALICE6 over bridge $BRIDGE" 'pam-netns gc' \
		ip -6 route del "$ALICE6" dev $BRIDGE
	# One that is somewhere else is not the user's.
	planted "user alice: there is no route to $ALICE4 over bridge $BRIDGE" 'pam-netns gc' \
		ip route replace "$ALICE4" dev lo
}

test_the_neighbours() {
	local what
	for address in "$ALICE4" "$ALICE6"; do
		what="user alice: $address has no neighbour entry with MAC $ALICE_MAC on bridge $BRIDGE"
		planted "$what" 'pam-netns gc' ip neigh del "$address" dev $BRIDGE
		planted "$what" 'pam-netns gc' ip neigh replace "$address" lladdr "$BOB_MAC" nud permanent dev $BRIDGE
		planted "$what" 'pam-netns gc' ip neigh replace "$address" lladdr "$ALICE_MAC" nud stale dev $BRIDGE
	done
}

test_the_fdb() {
	local port what
	port=$(<"$OUT/port")
	what="user alice: MAC $ALICE_MAC is not that of port $port in bridge $BRIDGE"
	planted "$what" 'pam-netns gc' bridge fdb del "$ALICE_MAC" dev "$port" master
	planted "$what" 'pam-netns gc' bridge fdb replace "$ALICE_MAC" dev "$(port_of bob)" master static
}

sysfs() {
	echo "$3" >"/sys/class/net/$1/brport/$2"
}

test_the_port() {
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

# The FDB entry goes with the port.
test_the_ports_bridge() {
	local port what
	port=$(<"$OUT/port")
	what="user alice: port $port is not in bridge $BRIDGE"
	planted "$what" 'pam-netns gc' ip link set "$port" nomaster
	ip link add other0 type bridge
	fine
	ip link set "$port" master other0
	assert_match "FAIL records: $what -> pam-netns gc" "$(findings)"
	pam-netns gc
	fine
	ip link del other0
}

test_the_gateways_addresses() {
	# With its last IPv4 address a link loses all IPv4 routes and neighbours; what is told first mends all.
	fine
	ip address del "$GATEWAY4/32" dev $BRIDGE
	assert_match "^FAIL records: bridge $BRIDGE has not the gateway's address $GATEWAY4 -> pam-netns up.*alice.*bob" "$(findings)"
	pam-netns up
	planted "bridge $BRIDGE has not the gateway's address $GATEWAY6" 'pam-netns up' \
		ip address del "$GATEWAY6/128" dev $BRIDGE
}

# One reading of the tables for all, and one more for each user who differs.
test_several_users() {
	local said
	fine
	ip route del "$ALICE4" dev $BRIDGE
	ip route del "$BOB4" dev $BRIDGE
	said=$(findings)
	assert_match "FAIL records: user alice: there is no route to $ALICE4" "$said"
	assert_match "FAIL records: user bob: there is no route to $BOB4" "$said"
	assert_eq 2 "$(wc -l <<<"$said")"
	pam-netns gc
	fine
}

# Users log in and out all the time, and nothing of that is a fault.
test_logins_meanwhile_are_no_finding() {
	(for ((i = 0; i < 40; i++)); do su carol -c true; done) &
	while kill -0 $! 2>/dev/null; do fine; done
	wait $!
	wait_until 15 test ! -e /run/netns/carol
	fine
}

test_only_root_looks() {
	assert_match 'skip records: only root can look at this' \
		"$(setpriv --reuid bob --regid "$(id -g bob)" --init-groups pam-netns doctor)"
}

# From inside a user's session root looks at the host all the same.
test_root_inside_a_session() {
	fine
	assert_match 'ok   records: ' "$(pam-netns exec bob --root -- pam-netns doctor 2>&1 || :)"
}

# The last one: alice's port is gone for good.
test_the_port_is_missing() {
	local port said
	port=$(<"$OUT/port")
	fine
	ip link del "$port"
	said=$(findings)
	assert_match "user alice: port $port is missing, and the user is cut off; .* -> pam-netns kick alice" "$said"
	su alice -c true
	fine
	end_session alice
	end_session bob
	host_clean
	fine
}
