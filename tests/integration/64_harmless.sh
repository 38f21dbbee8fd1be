# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for another shell
# Settings of a host that were suspected of harm to users' networks and do none, so doctor has no check for them.
# Others are in 58_interrupt (the clock) and in 72_attacks and 74_flush (br_netfilter).

setup() {
	host_pam_install
	conf_set mtu 1500
	pam-netns up
	router_make
}

# router_make: 203.0.113.1 and 2001:db8:113::1, $FAR, is behind a router, "outside". The links are as large as users'.
router_make() {
	unshare --net sh -c 'echo $$ >"$0"; exec sleep infinity' /run/test-host/far.pid &
	wait_until 5 test -s /run/test-host/far.pid
	outside ip link add tofar type veth peer name eth0 netns "$(</run/test-host/far.pid)"
	outside ip address add 203.0.113.2/24 dev tofar
	outside ip address add 2001:db8:113::2/64 dev tofar nodad
	outside ip link set tofar up
	far ip link set eth0 up
	far ip address add 203.0.113.1/24 dev eth0
	far ip address add 2001:db8:113::1/64 dev eth0 nodad
	far ip route add default via 203.0.113.2
	far ip route add default via 2001:db8:113::2
	outside sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# far COMMAND…: behind the router.
far() {
	nsenter --net="/proc/$(</run/test-host/far.pid)/ns/net" "$@"
}

# sends ADDRESS: alice sends 200,000 bytes over TCP, and 4,000 in one datagram. The first datagrams may be lost: with
# IPv6 the kernel learns the path's MTU from them.
sends() {
	local server try
	: >"$OUT/tcp"
	far nc -l -N "$1" 9000 >"$OUT/tcp" &
	server=$!
	in_session one "for try in 1 2 3 4 5; do head -c 200000 /dev/zero | nc -w 3 -N $1 9000 && break; sleep 0.2; done"
	wait "$server"
	assert_eq 200000 "$(stat -c %s "$OUT/tcp")" "bytes over TCP to $1"
	far timeout 20 nc -u -l "$1" 9001 >"$OUT/udp" &
	server=$!
	for try in 1 2 3 4 5; do
		in_session one "head -c 4000 /dev/zero | nc -u -w 1 $1 9001"
		[[ ! -s $OUT/udp ]] || break
	done
	kill "$server" 2>/dev/null || :
	assert_eq 4000 "$(stat -c %s "$OUT/udp")" "bytes over UDP to $1, try $try"
}

# As with a tunnel of the host's: WireGuard's links have 1420 bytes, users' have 1500.
test_path_mtu_is_found_if_the_uplink_is_a_tunnel() {
	hold_session one alice
	ip link set uplink0 mtu 1400
	outside ip link set eth0 mtu 1400
	sends 203.0.113.1
	sends 2001:db8:113::1
	ip link set uplink0 mtu 1500
	outside ip link set eth0 mtu 1500
	end_session one
}

# The router's error is about a packet that has the host's address. NAT finds the user.
test_path_mtu_is_found_behind_a_router() {
	hold_session one alice
	outside ip link set tofar mtu 1300
	sends 203.0.113.1
	sends 2001:db8:113::1
	outside ip link set tofar mtu 1500
	end_session one
}

test_users_work_with_hidepid_on_the_hosts_proc() {
	mount -o remount,hidepid=invisible /proc
	login_works alice
	assert_match 'alice' "$(su alice -c 'pam-netns list')"
	su alice -c '/usr/libexec/pam-netns/pam-netns-enter true'
	user_clean alice
	mount -o remount,hidepid=off /proc
}

test_users_work_with_each_rp_filter() {
	local value link
	for value in 1 2 0; do
		for link in all default uplink0 pnbr0; do
			echo "$value" >"/proc/sys/net/ipv4/conf/$link/rp_filter"
		done
		login_works alice
		assert_match "you are $HOST4" "$(ssh_as alice -- curl -sS -m 3 "http://$OUTSIDE4/")" "rp_filter $value"
		user_clean alice
	done
}

# MACAddressPolicy= of systemd.link(5) changes the address of links for which the kernel chose one at random (1), as
# it does for the host's end of a user's veth pair. The bridge was given its own (3).
test_udevs_addresses_for_links_do_no_harm() {
	hold_session one alice
	assert_eq 3 "$(<"/sys/class/net/pnbr0/addr_assign_type")"
	ip link set "$(port_of alice)" address 02:11:22:33:44:55
	reaches_outside alice
	assert_match 'ok +records' "$(pam-netns doctor || :)"
	pam-netns gc
	reaches_outside alice
	end_session one
	user_clean alice
}
