# shellcheck shell=bash
# Subnets and bridges that collide with other links, routes and servers of the host, or that were
# edited while users are active.
# shellcheck source=tests/integration/doctor_lib.sh
. "$CHECKOUT/tests/integration/doctor_lib.sh"

setup() {
	host_pam_install
	pam-netns up
}

# overlap_mended REGEX: doctor finds the overlap, up warns of it, another subnet mends it.
overlap_mended() {
	present "warn overlap: $1.*-> write another subnet in \\[network default\\]"
	assert_match "$1" "$(pam-netns up 2>&1)"
	conf_set subnet 10.209.0.0/16
	pam-netns up
	absent 'overlaps subnet'
	conf_back
}

test_docker0_in_the_subnet_is_found() {
	absent 'overlaps subnet'
	ip link add docker0 type bridge
	ip address add 10.203.5.1/24 dev docker0
	ip link set docker0 up
	overlap_mended 'docker0 has address 10.203.5.1 and route 10.203.5.0/24, which overlaps subnet 10.203.0.0/16 of network default'
	ip link delete docker0
	absent 'overlaps subnet'
}

test_gateway_address_on_another_link_is_found() {
	ip link add site0 type bridge
	ip address add 10.203.0.1/32 dev site0
	ip link set site0 up
	overlap_mended "site0 has address 10.203.0.1, the gateway's,"
	ip link delete site0
}

test_route_of_a_vpn_is_found() {
	ip link add tun9 type bridge
	ip link set tun9 up
	ip route add 10.0.0.0/8 dev tun9 table 77
	overlap_mended_by_removal 'tun9 has route 10.0.0.0/8, which overlaps' ip route del 10.0.0.0/8 dev tun9 table 77
	ip route add 10.203.64.0/18 dev tun9
	overlap_mended_by_removal 'tun9 has route 10.203.64.0/18, which overlaps' ip route del 10.203.64.0/18 dev tun9
	# A default route in two halves is no overlap.
	ip route add 0.0.0.0/1 dev tun9
	absent 'overlaps subnet'
	ip link delete tun9
}

overlap_mended_by_removal() {
	present "$1"
	"${@:2}"
	absent 'overlaps subnet'
}

test_ipv6_overlap_is_found() {
	sed -i 's|^subnet6 = .*|subnet6 = fd00:203::/64|' "$CONF"
	pam-netns up
	absent 'overlaps subnet'
	ip link add site0 type bridge
	ip link set site0 up
	ip address add fd00:203::1/64 dev site0 nodad
	present "site0 has address fd00:203::1, the gateway's, and route fd00:203::/64, which overlaps subnet fd00:203::/64"
	ip link delete site0
	absent 'overlaps subnet'
	conf_back
}

test_automatic_subnet_with_overlap_is_chosen_anew() {
	local said chosen
	conf_set subnet auto
	pam-netns up
	chosen=$(readlink /var/lib/pam-netns/leases/default/subnet | tr _ /)
	ip link add site0 type bridge
	ip link set site0 up
	ip route add "$chosen" dev site0 metric 5
	said=$(remedy "warn overlap: site0 has route $chosen, which overlaps")
	assert_eq 'rm /var/lib/pam-netns/leases/default/subnet && pam-netns up' "$said"
	eval "$said"
	absent 'overlaps subnet'
	assert_ne "$chosen" "$(readlink /var/lib/pam-netns/leases/default/subnet | tr _ /)"
	ip link delete site0
	rm /var/lib/pam-netns/leases/default/subnet
	conf_back
}

test_metadata_service_in_the_subnet_is_found() {
	conf_set subnet 100.64.0.0/10
	pam-netns up
	present '100.100.100.200, the metadata service of a cloud, lies in subnet 100.64.0.0/10'
	conf_back
	absent 'metadata service'
}

# The name server is reached by the default route, so no route of its own shows the overlap.
test_name_server_in_the_subnet_is_found() {
	local what='10.203.0.53, a name server of this host, lies in subnet 10.203.0.0/16 of network default'
	cp /etc/resolv.conf "$OUT/resolv.conf"
	absent 'a name server of this host'
	echo 'nameserver 10.203.0.53' >>/etc/resolv.conf
	present "$what"
	assert_match "$what" "$(pam-netns up 2>&1)"
	conf_set subnet 10.209.0.0/16
	pam-netns up
	absent 'a name server of this host'
	cp "$OUT/resolv.conf" /etc/resolv.conf
	conf_back
}

# changed_mended KEY FROM TO: the key is edited while alice is active.
changed_mended() {
	local what="the conf file changes $1 from $2 to $3, but 1 user is active, so all logins to it are refused"
	absent 'the conf file changes'
	hold_session one alice
	conf_set "$1" "$3"
	present "FAIL subnet: $CONF:[1-9][0-9]*: network default: $what"
	assert_match "login +refused: .*$what" "$(pam-netns explain bob)"
	assert_match "login +refused: .*the conf file changes $1 from $2 to $3" \
		"$(as bob pam-netns explain)"
	assert_fails su bob -c true
	assert_fails_with "the conf file changes $1 from $2 to $3, but 1 user is active: change it back" pam-netns up
	# The first remedy: change it back.
	conf_set "$1" "$2"
	absent 'the conf file changes'
	assert_no_match 'login +refused' "$(pam-netns explain bob)"
	su bob -c true
	user_clean bob
	# The second remedy: the printed command.
	conf_set "$1" "$3"
	mend "$what"
	absent 'the conf file changes'
	su bob -c true
	host_clean
	drop_session one
	conf_back
}

test_subnet_edited_while_active_is_found() {
	changed_mended subnet 10.203.0.0/16 10.209.0.0/16
}

test_bridge_edited_while_active_is_found() {
	changed_mended bridge pnbr0 pnother
}

test_subnet6_edited_while_active_is_found() {
	sed -i 's|^subnet6 = .*|subnet6 = fd00:203::/64|' "$CONF"
	pam-netns up
	changed_mended subnet6 fd00:203::/64 fd00:209::/64
	sed -i 's|^subnet6 = .*|subnet6 = fd00:203::/64|' "$CONF"
	pam-netns up
	changed_mended subnet6 fd00:203::/64 none
}

# If no user is active, the next login sets up the new subnet, and is not refused.
test_subnet_edited_without_active_users_is_set_up() {
	conf_set subnet 10.209.0.0/16
	absent 'the conf file changes'
	su bob -c true
	host_clean
	conf_back
}

test_network_removed_while_active_is_found() {
	local what='network lab is not in .*, but 1 user is active in it'
	conf_lab bob ''
	pam-netns up
	hold_session one bob
	absent 'network lab'
	# Before and after the bridge is gone.
	conf_reset
	present "FAIL subnet: $what"
	assert_match 'active +in network lab .*no such network: each login is refused' "$(pam-netns explain bob)"
	assert_match 'this cuts off 1 active user of network lab: .*: pam-netns kick bob && pam-netns up' "$(pam-netns up 2>&1)"
	assert_fails su bob -c true
	present "FAIL subnet: $what"
	# The first remedy: write it again.
	conf_lab bob ''
	pam-netns up
	absent 'network lab'
	in_session one "curl -sS -m 3 http://$OUTSIDE4/"
	su bob -c true
	# The second remedy: the printed command.
	conf_reset
	mend "$what"
	absent 'network lab'
	su bob -c true
	host_clean
	drop_session one
}
