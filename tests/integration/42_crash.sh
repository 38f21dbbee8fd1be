# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Sessions without a close, and damaged records: the next login works without gc, and gc alone cleans up.

USERS=/run/pam-netns/users
PINS=/run/pam-netns/pins

setup() {
	host_pam_install
	pamtester_session su alice
	host_clean 5
}

# session_abandon: a session of alice whose leader ends without closing it. No process is left.
session_abandon() {
	pamtester su alice open_session >/dev/null
	[[ -e $PINS/2001/net && -e $USERS/2001/state ]]
}

leader() {
	find "$USERS/$1/sessions" -type f -printf '%f\n' | cut -d . -f 1
}

# leader_kill UID: kills the leader, and waits for its end. Until then gc finds it alive.
leader_kill() {
	local pid
	pid=$(leader "$1")
	kill -KILL "$pid"
	wait_until 5 process_gone "$pid"
}

# killed_leader_check gc|login: leftovers exist; gc removes them, or a login works in spite of them.
killed_leader_check() {
	assert_ne '' "$(host_residue)"
	[[ $1 == login ]] || pam-netns gc
	[[ $1 == gc ]] || login_works
	host_clean 5
}

test_killed_sshd_is_cleaned_up() {
	local how
	for how in gc login; do
		hold_session one alice
		leader_kill 2001
		drop_session one
		wait_until 5 eval '! pgrep -u alice'
		killed_leader_check $how
	done
}

# A leftover without processes is no active user.
test_down_removes_a_leftover() {
	session_abandon
	pam-netns down
	assert_fails ip link show pnbr0
	assert_eq '' "$(host_residue)"
	login_works
	host_clean 5
}

test_killed_su_is_cleaned_up() {
	local how
	for how in gc login; do
		su alice -c "echo \$\$ >$OUT/pid; exec sleep 600" &
		wait_until 5 test -s "$OUT/pid"
		leader_kill 2001
		kill "$(<"$OUT/pid")"
		rm "$OUT/pid"
		wait_until 5 eval '! pgrep -u alice'
		killed_leader_check $how
	done
}

test_killed_login_is_cleaned_up() {
	local how
	for how in gc login; do
		script -qec 'exec login -f alice' /dev/null < <(sleep 30) >/dev/null 2>&1 &
		# A record exists already while login still waits for its helper.
		wait_until 5 pgrep -u alice -x bash
		assert_eq login "$(cat "/proc/$(leader 2001)/comm")"
		leader_kill 2001
		# In some versions the shell ends with login, in others it has its own session.
		pgrep -u alice | xargs -r kill -HUP 2>/dev/null || :
		wait_until 5 eval '! pgrep -u alice'
		killed_leader_check $how
	done
}

test_killed_cron_is_cleaned_up() {
	cron_run alice "sleep 600 & echo \$! >$OUT/pid; wait" >/dev/null &
	wait_until 10 test -s "$OUT/pid"
	leader_kill 2001
	kill "$(<"$OUT/pid")"
	wait || :
	wait_until 5 eval '! pgrep -u alice'
	killed_leader_check gc
}

test_open_without_close_is_cleaned_up() {
	local how
	for how in gc login; do
		session_abandon
		killed_leader_check $how
	done
}

# Another process has the leader's number now.
test_reused_leader_number_is_no_session() {
	session_abandon
	mv "$USERS/2001/sessions/"*.* "$USERS/2001/sessions/$$.1"
	pam-netns gc
	host_clean 5
}

# --- records ---

# damage NAME: what a crash, a full disk or an intruder may leave.
damage() {
	local state=$USERS/2001/state sessions=$USERS/2001/sessions
	case $1 in
	state_half) truncate -s $(($(stat -c %s "$state") / 2)) "$state" ;;
	state_empty) : >"$state" ;;
	state_zeroes) dd if=/dev/zero of="$state" bs=200 count=1 status=none ;;
	state_garbage) head -c 3000 /dev/urandom >"$state" ;;
	state_huge) head -c 300000 /dev/zero | tr '\0' a >"$state" ;;
	state_gone) rm "$state" ;;
	state_fifo) rm "$state" && mkfifo "$state" ;;
	state_folder) rm "$state" && mkdir -p "$state/with/content" ;;
	state_link) ln -sf /etc/passwd "$state" ;;
	state_other_user) sed -i 's/^uid=.*/uid=2002/; s/^interface=.*/interface=uplink0/' "$state" ;;
	sessions_gone) rm -r "$sessions" ;;
	sessions_file) rm -r "$sessions" && touch "$sessions" ;;
	sessions_link) rm -r "$sessions" && ln -s /etc "$sessions" ;;
	session_torn) truncate -s 5 "$sessions"/*.* ;;
	session_strange) mkdir "$sessions/1.2" && mkfifo "$sessions/x" "$sessions/99999999.1" ;;
	user_gone) rm -r "$USERS/2001" ;;
	user_file) rm -r "$USERS/2001" && touch "$USERS/2001" ;;
	user_fifo) rm -r "$USERS/2001" && mkfifo "$USERS/2001" ;;
	user_link) rm -r "$USERS/2001" && ln -s /etc "$USERS/2001" ;;
	pins_half) umount "$PINS/2001/mnt" && rm "$PINS/2001/mnt" ;;
	pin_plain) umount "$PINS/2001/net" ;;
	pin_fifo) umount "$PINS/2001/net" && rm "$PINS/2001/net" && mkfifo "$PINS/2001/net" ;;
	pin_folder) umount "$PINS/2001/net" && rm "$PINS/2001/net" && mkdir "$PINS/2001/net" ;;
	pin_wrong) umount "$PINS/2001/net" && mount --bind "$PINS/2001/uts" "$PINS/2001/net" ;;
	pins_strange) touch "$PINS/2001/strange" ;;
	pins_begun) mkdir "$PINS/.2001" && touch "$PINS/.2001/net" ;;
	pins_unpublished) mv "$PINS/2001" "$PINS/.2001" ;;
	pins_file) umount "$PINS"/2001/* && rm -r "$PINS/2001" && touch "$PINS/2001" ;;
	netns_gone) rm /run/netns/alice ;;
	netns_dangling) umount "$PINS"/2001/* && rm -r "$PINS/2001" "$USERS/2001" ;;
	port_gone) ip link delete "$(sed -n 's/^interface=//p' "$state")" ;;
	*) fail "no damage $1" ;;
	esac
}

damages() {
	declare -f damage | sed -n 's/^ *\([a-z_]*\))$/\1/p'
}

# damaged_each COMMAND: runs it after each damage of an abandoned session; nothing is left then.
damaged_each() {
	local what before
	before=$(cksum /etc/passwd /etc/hosts; find /etc)
	for what in $(damages); do
		echo "$what"
		session_abandon
		damage "$what"
		"$@"
		host_clean 5
	done
	assert_eq netns_dangling,port_gone "$(damages | tail -n 2 | paste -sd ,)" 'the last damages'
	assert_same "$before" "$(cksum /etc/passwd /etc/hosts; find /etc)"
}

# The reaper removes the rest, or else gc.
login_then_gc() {
	login_works
	(host_clean 1 2>/dev/null) || pam-netns gc
}

gc_then_login() {
	pam-netns gc
	host_clean 5
	login_works
}

test_login_works_after_each_damage() {
	damaged_each login_then_gc
}

test_gc_cleans_up_after_each_damage() {
	damaged_each gc_then_login
}

# The ports of a bridge are counted; crashes must not use up the count.
test_gc_counts_ports_again() {
	local before
	pam-netns gc
	before=$(cksum </run/pam-netns/networks/default/ports)
	session_abandon
	damage state_gone
	login_works
	host_clean 5
	assert_ne "$before" "$(cksum </run/pam-netns/networks/default/ports)"
	pam-netns gc
	assert_eq "$before" "$(cksum </run/pam-netns/networks/default/ports)"
	hold_session one bob
	pam-netns gc
	assert_ne "$before" "$(cksum </run/pam-netns/networks/default/ports)"
	end_session one
	host_clean 5
	assert_eq "$before" "$(cksum </run/pam-netns/networks/default/ports)"
}

test_foreign_netns_name_refuses_login() {
	local inode
	ip netns add alice
	inode=$(stat -L -c %i /run/netns/alice)
	assert_fails ssh_as alice -- true
	assert_fails_with 'Login refused' su alice -c true
	log_grep '/run/netns/alice exists and is not ours.*ip netns del alice'
	assert_eq "$inode" "$(stat -L -c %i /run/netns/alice)"
	pam-netns gc
	assert_eq "$inode" "$(stat -L -c %i /run/netns/alice)"
	# Only that name is left.
	assert_eq /run/netns/alice "$(host_residue)"
	login_works bob
	ip netns del alice
	login_works
	host_clean 5
	# `ip netns` has now made /run/netns a mount: a name that it makes there is still not ours.
	ip netns add alice
	assert_fails su alice -c true
	ip netns del alice
	login_works
	pam-netns gc
	host_clean 5
}

# A file or a link with the user's name in /run/netns is not ours either.
test_file_with_netns_name_refuses_login() {
	touch /run/netns/alice
	assert_fails su alice -c true
	[[ -f /run/netns/alice ]]
	rm /run/netns/alice
	ln -s /etc/passwd /run/netns/alice
	assert_fails su alice -c true
	assert_eq /etc/passwd "$(readlink /run/netns/alice)"
	rm /run/netns/alice
	login_works
	host_clean 5
}

test_deleted_port_is_made_by_next_login() {
	local port inode
	hold_session one alice
	port=$(sed -n 's/^interface=//p' "$USERS/2001/state")
	inode=$(in_session one 'readlink /proc/self/ns/net')
	ip link delete "$port"
	assert_fails in_session one "curl -sS -m 1 http://$OUTSIDE4/"
	assert_match "^net:[^ ]* you are $HOST4.*you are $HOST6" "$(ssh_as alice -- "readlink /proc/self/ns/net
		curl -sS -m 3 http://$OUTSIDE4/; curl -sS -m 3 'http://[$OUTSIDE6]/'" | tr '\n' ' ')"
	assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	end_session one
	pam-netns gc
	host_clean 5
}

test_port_set_down_is_mended_by_next_login() {
	local port
	hold_session one alice
	port=$(sed -n 's/^interface=//p' "$USERS/2001/state")
	ip link set "$port" down
	assert_fails in_session one "curl -sS -m 1 http://$OUTSIDE4/"
	login_works
	assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	end_session one
	host_clean 5
}

# reboot_simulate: /run, bridge and rules are gone; leases are on disk.
reboot_simulate() {
	umount -l /run/pam-netns/pins/*/* /run/pam-netns/pins/* /run/pam-netns/pins \
		/run/pam-netns/hostproc/proc 2>/dev/null || :
	rm -rf /run/pam-netns
	rm -f /run/netns/*
	nft delete table inet pam_netns
	nft delete table bridge pam_netns
	ip link delete pnbr0
	ip route delete unreachable 10.203.0.0/16 || :
	echo 0 >/proc/sys/net/ipv4/ip_forward
}

# Another user has the address that follows from alice's uid, so only the lease can give hers again.
test_reboot_keeps_addresses() {
	local leases=/var/lib/pam-netns/leases/default address
	pam-netns gc
	rm -r "$leases"
	mkdir -p "$leases/address" "$leases/uid"
	ln -s 60001 "$leases/address/10.203.7.209"
	ln -s 10.203.7.209 "$leases/uid/60001"
	address=$(su alice -c 'ip -4 -o address show eth0' | grep -o '10\.[0-9.]*')
	assert_ne 10.203.7.209 "$address"
	host_clean 5
	hold_session one bob
	session_abandon
	reboot_simulate
	rm "$leases/address/10.203.7.209" "$leases/uid/60001"
	assert_match " $address/32" "$(su alice -c 'ip -4 address show eth0')"
	login_works
	login_works bob
	drop_session one
	wait_until 5 eval '! pgrep -u bob'
	pam-netns gc
	host_clean 5
	rm -r "$leases"
}

# prefix_of USER: prints the network part of their IPv6 address.
prefix_of() {
	su "$1" -c 'ip -6 -o address show dev eth0 scope global' | grep -o 'fd[0-9a-f:]*::'
}

# The prefix is random, and needs no machine id.
test_reboot_keeps_the_prefix() {
	local remembered=/var/lib/pam-netns/leases/default/subnet6 prefix
	assert_fails test -e /etc/machine-id
	pam-netns up
	prefix=$(prefix_of alice)
	assert_eq "${prefix}_64" "$(readlink "$remembered")"
	host_clean 5
	reboot_simulate
	assert_eq "$prefix" "$(prefix_of alice)"
	host_clean 5
	# Without the remembered prefix another one is chosen.
	reboot_simulate
	rm "$remembered"
	assert_ne "$prefix" "$(prefix_of alice)"
	host_clean 5
}

# An older version derived the prefix and did not remember it. Active users keep it after the upgrade.
test_prefix_of_older_version_stays() {
	local remembered=/var/lib/pam-netns/leases/default/subnet6 prefix
	hold_session one bob
	prefix=$(prefix_of bob)
	rm -f "$remembered"
	pam-netns up
	assert_eq "${prefix}_64" "$(readlink "$remembered")"
	assert_eq "$prefix" "$(prefix_of alice)"
	assert_eq "$prefix" "$(prefix_of bob)"
	end_session one
	host_clean 5
}

# The folder is removed while alice is active.
test_removed_run_folder_is_made_by_next_login() {
	hold_session one alice
	umount -l "$PINS"/*/* "$PINS"/template* "$PINS" /run/pam-netns/hostproc/proc
	rm -rf /run/pam-netns
	login_works
	login_works bob
	drop_session one
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	host_clean 5
}

# first_login_works: while a user is active, or their reaper runs, no lease is looked up.
first_login_works() {
	login_works
	host_clean 5
}

test_damaged_leases_are_made_again() {
	local leases=/var/lib/pam-netns/leases/default
	rm -r "$leases"
	first_login_works
	rm -r /var/lib/pam-netns/leases
	first_login_works
	ln -sfn nonsense "$leases/uid/2001"
	first_login_works
	ln -sfn 2002 "$leases/address/10.203.7.209"
	first_login_works
	rm -r "$leases/uid"
	first_login_works
	rm -r "$leases/address"
	first_login_works
	rm -r "$leases/address" && touch "$leases/address"
	assert_fails su alice -c true
	log_grep 'pam_netns.*leases'
	rm "$leases/address"
	first_login_works
}

# owner ADDRESS: prints the uid that has the lease.
owner() {
	readlink "/var/lib/pam-netns/leases/default/address/$1"
}

# No other user gets an active user's address, even if all leases are lost.
test_t30_lost_leases_of_active_users_are_made_again() {
	local address
	hold_session one alice
	address=$(recorded alice address)
	rm -r /var/lib/pam-netns/leases
	su bob -c true
	assert_eq 2001 "$(owner "$address")"
	log_grep 'network default: leases of 1 active users were lost: made again'
	rm "/var/lib/pam-netns/leases/default/address/$address"
	pam-netns gc
	assert_eq 2001 "$(owner "$address")"
	end_session one
	host_clean 5
}
