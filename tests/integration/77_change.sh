# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Changes by an administrator, another program or a user while users are active.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

# lib/state/lock.h
LOCK_HOST=$((1 << 33)) LOCK_RESOLV=$(((1 << 33) + 6))

setup() {
	host_pam_install
	su alice -c true
	host_clean
}

# waited_for LOCK: a process waits for this lock.
waited_for() {
	grep -qE -- "-> POSIX .* $1 $1\$" /proc/locks
}

# held LOCK COMMAND…: another process holds the lock meanwhile. COMMAND runs without errexit.
held() {
	local holder code=0
	rm -f "$OUT/held"
	"$TOOLS/host-lockhold" "$1" "$OUT/held" &
	holder=$!
	shift
	wait_until 3 test -e "$OUT/held"
	("$@") || code=$?
	kill "$holder"
	wait "$holder" || :
	return "$code"
}

# An active user stays in the network of their login, even if the uplink is made again.
test_profile_changed_while_active_keeps_the_network() {
	local before uplink='ip -4 -o address show eth0 | grep -o "inet [^ ]*"; ip -4 route; ip neigh show nud permanent'
	hold_session one alice
	before=$(in_session one "$uplink")
	conf_lab alice ''
	pam-netns up
	ip link delete "$(port_of alice)"
	assert_match "^you are $HOST4" "$(su alice -c "curl -sS -m 3 http://$OUTSIDE4/")"
	assert_same "$before" "$(in_session one "$uplink")"
	end_session one
	host_clean
	# The next first login follows the conf.
	assert_match 'inet 10\.204\.' "$(su alice -c 'ip -4 address show eth0')"
	host_clean
	conf_reset
	pam-netns down
	pam-netns up
}

# The record of the user's network is lost, and the login cannot repair the uplink. It is refused, and makes no
# second network beside the session's.
test_lost_network_of_an_active_user_refuses_login() {
	local inside
	hold_session one alice
	inside=$(in_session one 'readlink /proc/self/ns/net')
	conf_lab alice ''
	pam-netns up
	mv /run/pam-netns/networks/default/state "$OUT/state"
	ip link delete "$(port_of alice)"
	assert_fails_with 'Login refused' su alice -c true
	log_grep 'network default, in which alice is still active, .* pam-netns kick alice' >/dev/null
	assert_eq "${inside//[!0-9]/}" "$(stat -L -c %i /run/netns/alice)"
	mv "$OUT/state" /run/pam-netns/networks/default/state
	assert_eq "$inside" "$(su alice -c 'readlink /proc/self/ns/net')"
	end_session one
	host_clean
	conf_reset
	pam-netns down
	pam-netns up
}

resolv_replace() {
	echo "nameserver $1" >/etc/resolv.conf.new
	mv /etc/resolv.conf.new /etc/resolv.conf
}

# gc leaves a locked user's mount namespace alone: a teardown must not find a folder that gc made anew.
test_gc_skips_files_of_a_locked_user() {
	cp /etc/resolv.conf "$OUT/resolv.conf"
	hold_session one alice
	resolv_replace 192.0.2.53
	assert_eq 'nameserver 192.0.2.53' "$(in_session one 'cat /etc/resolv.conf')" "the host's shows"
	held 2001 pam-netns gc
	assert_eq 'nameserver 192.0.2.53' "$(in_session one 'cat /etc/resolv.conf')"
	pam-netns gc
	assert_match '^#.*nameserver 192.0.2.53' "$(in_session one 'cat /etc/resolv.conf' | tr '\n' ' ')"
	end_session one
	host_clean
	mv "$OUT/resolv.conf" /etc/resolv.conf
}

test_resolv_conf_is_written_under_its_lock() {
	cp /etc/resolv.conf "$OUT/resolv.conf"
	su alice -c true
	# A login that finds a network does not look at name servers.
	host_clean
	resolv_replace 192.0.2.54
	held "$LOCK_RESOLV" login_waits
	wait_until 5 test -e "$OUT/in"
	grep -q 192.0.2.54 /run/pam-netns/networks/default/resolv.conf
	host_clean
	mv "$OUT/resolv.conf" /etc/resolv.conf
}

login_waits() {
	rm -f "$OUT/in"
	(su alice -c "touch $OUT/in") &
	wait_until 10 waited_for "$LOCK_RESOLV"
	[[ ! -e $OUT/in && $(</run/pam-netns/networks/default/resolv.conf) != *192.0.2.54* ]]
}

# Forwarding that our set-up switched on stays limited to our networks if its record is lost.
test_lost_record_of_forwarding_is_made_again() {
	local record=/run/pam-netns/networks/host before
	pam-netns down
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	su alice -c true
	before=$(grep ^forwarding "$record")
	assert_eq 2 "$(nft list chain inet pam_netns forward | grep -c 'nfproto ipv[46] drop')"
	rm "$record"
	su alice -c true
	assert_eq "$before" "$(grep ^forwarding "$record")"
	assert_eq 2 "$(nft list chain inet pam_netns forward | grep -c 'nfproto ipv[46] drop')"
	host_clean
	pam-netns down
	assert_eq '0 0' "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | xargs)"
	# A host that forwarded before is not limited.
	echo 1 >/proc/sys/net/ipv4/ip_forward
	su alice -c true
	rm "$record"
	su alice -c true
	assert_eq 1 "$(nft list chain inet pam_netns forward | grep -c 'nfproto ipv[46] drop')"
	host_clean
	pam-netns down
	assert_eq '1 0' "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | xargs)"
	pam-netns up
}

# Another program has taken the name meanwhile: the login is refused, and the session keeps its network.
test_pin_removed_and_name_taken_refuses_login() {
	local inode
	hold_session one alice
	inode=$(in_session one 'readlink /proc/self/ns/net')
	ip netns del alice
	ip netns add alice
	log_mark
	assert_fails_with 'Login refused' su alice -c true
	log_grep '/run/netns/alice exists and is not ours' >/dev/null
	assert_eq "${inode//[!0-9]/}" "$(stat -c %i /run/pam-netns/pins/2001/net)"
	assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	ip netns del alice
	assert_eq "$inode" "$(su alice -c 'readlink /proc/self/ns/net')"
	end_session one
	host_clean
}

# While a session's leader is in the namespace, the login pins it again and makes no second network.
# A leader in another namespace, or another process with its number, does not count.
test_pin_removed_while_active_is_made_again() {
	local inode port state=/run/pam-netns/users/2001/state
	hold_session one alice
	inode=$(in_session one 'readlink /proc/self/ns/net')
	port=$(port_of alice)
	ip netns del alice
	assert_eq "$inode" "$(su alice -c 'readlink /proc/self/ns/net')"
	log_grep 'the pin of uid 2001.s network was removed'
	assert_eq "$port" "$(port_of alice)"
	assert_eq "${inode//[!0-9]/}" "$(stat -L -c %i /run/netns/alice)"
	assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	# The record names another namespace than the leader's.
	ip netns del alice
	sed -i 's/^net_inode=.*/net_inode=1/' "$state"
	assert_ne "$inode" "$(su alice -c 'readlink /proc/self/ns/net')"
	end_session one
	host_clean
}

# A running set-up has read the list of users: no logout removes routes meanwhile.
test_logout_waits_for_a_running_set_up() {
	hold_session one alice
	held "$LOCK_HOST" logout_waits
	host_clean
}

logout_waits() {
	end_session one
	wait_until 10 waited_for "$LOCK_HOST"
	[[ -e /run/pam-netns/users/2001/state && $(ip route show) == *'10.203.7.209 dev pnbr0'* ]]
}

mtu_of() {
	ip -o link show "$@" | grep -o 'mtu [0-9]*'
}

test_mtu_changed_while_active_is_applied() {
	local size
	hold_session one alice
	for size in 1400 1300 1500; do
		sed -i "/^mtu =/d; s/^\\[network default\\]/&\\nmtu = $size/" "$CONF"
		assert_eq "mtu $size" "$(su bob -c "$(declare -f mtu_of); mtu_of eth0")"
		assert_eq "mtu $size" "$(mtu_of pnbr0)"
		assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	done
	end_session one
	host_clean
	conf_reset
	pam-netns up
}

# SECURITY.md recommends a file system for the records alone: a full /run then refuses no login.
test_full_run_with_records_on_their_own_mount_refuses_no_login() {
	local run=/run/pam-netns OUT=/var/out seen
	install -d -m 1777 "$OUT" /run/screen
	echo 'session required pam_netns.so' >/etc/pam.d/only
	pam-netns down
	umount "$run"/pins/template* "$run/pins" "$run/hostproc/proc" 2>/dev/null || :
	rm -rf "${run:?}"/*
	mount -t tmpfs -o mode=0755,size=128m,nosuid,nodev,noexec tmpfs "$run"
	pam-netns up
	mount -o remount,size=4m /run
	setpriv --reuid bob --regid 2002 --clear-groups dd if=/dev/zero of=/run/screen/full bs=4k 2>/dev/null || :
	assert_eq 0 "$(df --output=avail /run | tail -n 1 | tr -d ' ')" "space on /run"
	seen=$(pam_session -u only alice sh -c "readlink /proc/self/ns/net; pam-netns status | head -n 1
		curl -sS -m 3 http://$OUTSIDE4/; df --output=fstype $run | tail -n 1")
	assert_match "^net:.*alice.*you are $HOST4.*tmpfs" "$(tr '\n' ' ' <<<"$seen")"
	assert_ne "$(readlink /proc/self/ns/net)" "$(head -n 1 <<<"$seen")"
	assert_match '^net:' "$(pam_session -u only carol readlink /proc/self/ns/net)"
	rm /run/screen/full
	mount -o remount,size=50% /run
	host_clean
	pam-netns down
	umount "$run"/pins/template* "$run/pins" "$run/hostproc/proc" 2>/dev/null || :
	umount "$run"
	pam-netns up
}

# The first logins to several networks set up one each, at the same time. None takes another's change for one that
# goes against it.
test_first_logins_to_two_networks_at_once_work() {
	local round alice bob
	for ((round = 0; round < 15; round++)); do
		conf_lab alice '' "mtu = $((1400 + round))"
		pam-netns down --force
		su alice -c true &
		alice=$!
		su bob -c true &
		bob=$!
		wait "$alice" || fail "alice, round $round: $(log_lines | tail -n 5)"
		wait "$bob" || fail "bob, round $round: $(log_lines | tail -n 5)"
	done
	conf_reset
}
