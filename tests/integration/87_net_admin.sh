# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Users who administer their own network (net_admin = yes): what they can do without a capability, and what
# not. 72_owner has their attacks.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

PROFILE='net_admin = yes'
PINS=/run/pam-netns/pins
# Users' PATH is without these.
SBIN='PATH=$PATH:/usr/sbin:/sbin'

setup() {
	host_pam_install
	policy
}

# owner SESSION 'COMMANDS': ip(8) and others, in the session. The first failure ends them.
owner() {
	in_session "$1" "$SBIN; set -e; $2"
}

test_owner_administers_their_network_without_a_capability() {
	hold_session alice alice
	assert_eq 0000000000000000 "$(in_session alice 'sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status')"
	assert_eq "$(readlink /proc/1/ns/user)" "$(in_session alice 'readlink /proc/self/ns/user')"
	owner alice '
		ip link add br9 type bridge && ip link set br9 up && ip address add 192.168.9.1/24 dev br9
		ip link add v0 type veth peer name v1 && ip link set v0 master br9
		ip route add 192.168.10.0/24 via 192.168.9.2 && ip rule add from 192.168.9.0/24 lookup main
		ip link set eth0 mtu 1400 && ip neigh add 192.168.9.3 lladdr 02:00:00:00:00:03 dev br9
		nft add table inet own && nft add chain inet own in "{ type filter hook input priority 0; }"
		tc qdisc add dev eth0 root tbf rate 10mbit burst 10kb latency 50ms
		echo 1 >/proc/sys/net/ipv4/ip_forward
		ping -q -c 1 -W 2 '"$OUTSIDE4"' >/dev/null'
	assert_match 'chain in' "$(owner alice 'nft list ruleset')"
	owner alice 'ping -q -i 0.2 -w 120 '"$OUTSIDE4"' >/dev/null &
		timeout 60 tcpdump -i eth0 -c 1 -w /dev/null icmp 2>/dev/null && kill $!'
	owner alice 'conntrack -L 2>/dev/null; ethtool -K eth0 tso off; iptables -A INPUT -p tcp --dport 99 -j DROP'
	# The host has none of it.
	assert_eq '' "$(ip -o link show type bridge | grep br9 || :)$(nft list tables | grep own || :)"
	end_session alice
	host_clean
}

test_user_without_the_key_administers_nothing() {
	PROFILE='' policy
	hold_session alice alice
	assert_fails_with 'not permitted' owner alice 'ip link add br9 type bridge'
	assert_fails_with 'not permitted' owner alice 'nft add table inet own'
	assert_eq '' "$(readlink "$PINS/2001/owner" || :)"
	# The key takes effect at the next first login.
	policy
	hold_session again alice
	assert_fails owner again 'ip link add br9 type bridge 2>&1'
	end_session again
	end_session alice
	host_clean
	hold_session alice alice
	owner alice 'ip link add br9 type bridge'
	end_session alice
	host_clean
}

test_t56_owner_has_no_power_outside_their_network() {
	local command commands
	hold_session alice alice
	hold_session bob bob
	mapfile -t commands <<-END
		ip link set eth0 netns 1
		ip link set eth0 netns $(hold_pid bob)
		ip link add x0 type veth peer name x1 netns 1
		nsenter --net=/proc/1/ns/net true
		nsenter --net=/proc/$(hold_pid bob)/ns/net true
		nsenter --net=/proc/self/ns/net true
		mount -t sysfs sysfs /mnt
		mount --bind /tmp /mnt
		ip netns add x
		hostname x
		chroot / true
		echo 1 >/proc/sys/net/core/bpf_jit_enable
		echo 9999 >/proc/sys/net/netfilter/nf_conntrack_max
		echo 0 >/proc/sys/net/ipv4/neigh/default/gc_thresh3
		tc filter add dev eth0 ingress bpf object-file /dev/null
		modprobe dummy
		unshare -n true
		unshare -Ur ip link add x0 type bridge
		ethtool -K $(port_of alice) tso off
	END
	for command in "${commands[@]}"; do
		# Some kernels let it pass, and doctor says so.
		[[ $command != *'type veth'* || $(pam-netns doctor) != *'put links into'* ]] || continue
		assert_fails owner alice "$command 2>/dev/null"
	done
	# Another user's process in the network, and a capability of no use there.
	assert_fails_with 'not permitted' nsenter --net=/run/netns/alice \
		setpriv --reuid bob --regid lab --clear-groups --inh-caps=-all ip link add x0 type bridge
	assert_eq 1 "$(ip -o link show | grep -c " $(port_of alice)@")"
	end_session bob
	end_session alice
	host_clean
}

# As user, root and enter see it.
test_owned_network_works_with_all_commands() {
	local inode
	hold_session alice alice
	inode=$(in_session alice 'readlink /proc/self/ns/net')
	assert_eq "$inode" "$(as alice pam-netns exec -- readlink /proc/self/ns/net)"
	assert_eq "$inode" "$(pam-netns exec alice -- readlink /proc/self/ns/net)"
	as alice pam-netns exec -- ip link add br8 type bridge
	pam-netns exec alice -- ip link del br8
	assert_eq "$inode" "$(ip netns exec alice readlink /proc/self/ns/net)"
	assert_eq "$inode" "$(nsenter -t "$(hold_pid alice)" -n readlink /proc/self/ns/net)"
	assert_match "^alice" "$(ip netns list)"
	assert_eq alice "$(ip netns identify "$(hold_pid alice)")"
	assert_match "${inode//[^0-9]/}" "$(lsns -t net -o NS -n)"
	assert_match 'alice' "$(pam-netns list)"
	pam-netns doctor || [[ $? -eq 1 ]]
	hold_session again alice
	assert_eq "$inode" "$(in_session again 'readlink /proc/self/ns/net')"
	assert_eq "$inode" "$(su alice -c 'readlink /proc/self/ns/net')"
	pam-netns gc
	reaches_outside alice
	# The pin is made again, with its owner.
	ip netns del alice 2>/dev/null || umount "$PINS/2001/net"
	rm -f "$PINS/2001/net"
	assert_eq "$inode" "$(ssh_as alice -- readlink /proc/self/ns/net)"
	log_grep "the pin of uid 2001's network was removed"
	owner again 'ip link add br7 type bridge'
	pam-netns kick alice
	host_clean
}

test_each_caller_gives_the_user_their_network() {
	local add='PATH=$PATH:/usr/sbin:/sbin; ip link add br9 type bridge && ip link del br9 && echo added'
	assert_eq added "$(su alice -c "$add")"
	host_clean
	assert_eq added "$(su - alice -c "$add")"
	host_clean
	assert_eq added "$(sudo -u alice sh -c "$add")"
	host_clean
	assert_eq added "$(cron_run alice "$add" | tail -n 1)"
	host_clean
}

# A login inside a session whose network the user owns is one of the host.
test_login_of_another_user_inside_an_owned_network() {
	hold_session alice alice
	PROFILE='' policy
	assert_eq "$(su bob -c 'readlink /proc/self/ns/user')" "$(nsenter -t "$(hold_pid alice)" -m -n -u su bob -c 'readlink /proc/self/ns/user')"
	nsenter -t "$(hold_pid alice)" -m -n -u "$TOOLS/host-session" su bob sh -c "readlink /proc/self/ns/net; ip -br address show dev eth0" >"$OUT/nested"
	assert_no_match "$(in_session alice 'readlink /proc/self/ns/net')" "$(<"$OUT/nested")"
	assert_match "$BOB4" "$(<"$OUT/nested")"
	end_session alice
	host_clean
	policy
}

# The helper records the owner; another user namespace does not count.
test_namespace_with_another_owner_is_no_pin() {
	hold_session alice alice
	ln -sfn 4026531837 "$PINS/2001/owner"
	assert_fails_with 'is not owned by the host' as alice pam-netns exec -- true
	assert_fails_with 'is not a namespace of the host' pam-netns exec alice -- true
	pam-netns kick alice
	host_clean
}

# --- what the user breaks (T58) ---

# Each is something that a user can do to their network.
DAMAGES=(
	'ip link set eth0 down'
	'ip link set eth0 down; ip link set eth0 name wan'
	'ip link set eth0 down; ip link set eth0 name wan; ip link property add dev wan altname eth0'
	'ip link set eth0 address 02:00:00:00:00:01; ip link set eth0 mtu 68'
	'ip address flush dev eth0; ip address flush dev lo'
	'ip link set eth0 name wan; ip link add eth0 type bridge; ip link set wan master eth0'
	'ip route flush table local; ip -6 route flush table local; ip route flush table main'
	'ip rule add priority 1 unreachable; ip -6 rule add priority 1 unreachable; ip rule del priority 32766'
	'nft add table inet own; nft add chain inet own out "{ type filter hook output priority 0; policy drop; }"'
	'ip link set lo down'
	'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	'tc qdisc add dev eth0 root tbf rate 1kbit burst 2kb latency 1ms; tc qdisc add dev eth0 clsact'
	'ip link del eth0'
	'ip link del eth0; ip link add br7 index 1000 type bridge; ip link property add dev lo altname eth0'
	'ip link del eth0; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	'ip rule add priority 0 unreachable; ethtool -K eth0 tso off gso off'
	'ip link set eth0 arp off; ip neigh replace 10.203.0.1 lladdr 02:00:00:00:00:09 dev eth0'
	'ip route replace default dev lo; ip route add 0.0.0.0/1 dev lo proto 99'
)

# stack SESSION: prints what a login makes of a network.
stack() {
	owner "$1" 'ip -o link show | grep -E "eth0|lo:" | sed "s/^[0-9]*: //; s/@.*mtu/ mtu/; s/<.*>//"
		ip -br address show dev eth0; ip -br address show dev lo; ip neigh; ip -6 neigh
		ip route; ip -6 route; ip rule; ip -6 rule; ip route show table local | sort; nft list ruleset
		tc qdisc show; cat /proc/sys/net/ipv6/conf/*/disable_ipv6
		ethtool -k eth0 | grep -E "^(tcp-seg|generic-seg|tx-check|rx-check|scatter).*"'
}

# damaged_login DAMAGE: a login, enter, gc, status and doctor after it.
damaged_login() {
	local inode
	inode=$(in_session alice 'readlink /proc/self/ns/net')
	owner alice "$1"
	[[ $1 != *'link del'* ]] ||
		assert_fails_with 'not in your network' in_session alice 'pam-netns repair'
	assert_eq "$inode" "$(ssh_as alice -- readlink /proc/self/ns/net)" "after: $1"
	assert_eq "$inode" "$(as alice pam-netns exec -- readlink /proc/self/ns/net)" "after: $1"
	pam-netns gc
	pam-netns status alice >/dev/null
	pam-netns doctor >"$OUT/doctor" || [[ $? -eq 1 ]] || fail "doctor after: $1: $(<"$OUT/doctor")"
	# The host's side is as before.
	assert_match '[<,]UP[,>]' "$(ip link show dev "$(port_of alice)")"
	assert_match 'isolated on' "$(bridge -d link show dev "$(port_of alice)")"
}

# A removed link is made again by a login, before the repair.
test_t58_login_and_repair_succeed_whatever_the_user_has_broken() {
	local damage before
	hold_session alice alice
	before=$(stack alice)
	for damage in "${DAMAGES[@]}"; do
		damaged_login "$damage"
		in_session alice 'pam-netns repair' >/dev/null
		owner alice 'ip -o link show type bridge | sed "s/^[0-9]*: //; s/:.*//" |
			while read -r link; do ip link del "$link"; done'
		assert_same "$before" "$(stack alice)" "after: $damage"
		assert_match "you are $HOST4" "$(in_session alice "curl -sS -m 3 http://$OUTSIDE4/")"
		assert_match "you are $HOST6" "$(in_session alice "curl -sS -m 3 'http://[$OUTSIDE6]/'")"
	done
	login_works bob
	end_session alice
	host_clean
}

test_repair_is_for_owners_inside() {
	assert_fails_with 'root has no network' pam-netns repair
	assert_fails_with 'log in first' as alice pam-netns repair
	hold_session alice alice
	assert_fails_with 'is not in your network' as alice pam-netns repair
	owner alice 'ip link set eth0 down'
	as alice pam-netns exec -- pam-netns repair
	owner alice 'ip link set eth0 down'
	assert_match 'eth0 is up with 10.203.7.209' "$(pam-netns exec alice -- pam-netns repair)"
	reaches_outside alice
	end_session alice
	host_clean
	PROFILE='' policy
	hold_session alice alice
	assert_fails_with 'no net_admin = yes' in_session alice 'pam-netns repair'
	end_session alice
	host_clean
	policy
}
