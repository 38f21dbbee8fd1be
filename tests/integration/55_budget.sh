# shellcheck shell=bash
# A budget of system calls, netlink messages and page faults of the helper, for a first login, a further
# login and a last logout. With 200 active users it is the same. Other load on the machine does not change
# these numbers. Raise a budget only for a reason that the commit gives; make bench measures the cost.

# The last measured numbers and a margin, since C libraries differ.
declare -A SYSCALLS=([first]=226 [further]=120 [logout]=82) MESSAGES=([first]=28 [further]=4 [logout]=1)
# Page faults of the helper, by getrusage(2) of a parent (tests/host/faults.c). The last measured numbers and
# two more, since C libraries and linkers differ.
declare -A FAULTS=([first]=23 [further]=22 [logout]=19)
USERS=200
# From 128 users on a login looks at a further bridge too. If the rules still have the user's elements of the
# login before, the rules have no new generation to be noted (setup_rules.c). With many active users a first
# login mounts a procfs for its settings (setup_sysctl.c).
BRIDGE_SYSCALLS=1 NOTE_SYSCALLS=5 PROC_SYSCALLS=5

setup() {
	host_pam_install
	users_add crowd 50000 "$USERS"
	pamtester_session su alice # sets up the host
	host_clean
	measure alone
}

# counted FILE VERB: prints "SYSCALLS MESSAGES" of the helper that ran for VERB, also after it has cloned itself
# into the root cgroup (move.c). Its children, such as the reaper, take no time of the caller.
counted() {
	awk -v verb="\"$2\"" '
		NR == FNR && $2 ~ /^execve\(/ && /pam-netns-helper/ && index($0, verb) { helper = $1 }
		NR == FNR && helper && $1 == helper && /clone3\(.*CLONE_INTO_CGROUP/ { moves = 1 }
		NR == FNR && moves && $1 == helper && /clone3.* = [0-9]+$/ { moved = $NF; moves = 0 }
		NR == FNR { next }
		$2 ~ /^execve\(/ && $1 == helper { begun = 1 }
		begun && ($1 == helper || $1 == moved) && !/resumed>|\+\+\+|---/ {
			calls++
			if ($2 ~ /^send(to|msg)\(/)
				messages += gsub(/nlmsg_len=/, "")
		}
		END { print calls + 0, messages + 0 }' "$1" "$1"
}

# session_start NAME USER: a session under strace, open until session_stop NAME.
session_start() {
	mkfifo "$OUT/$1.stop"
	strace -f -qq -v -s 4096 -o "$OUT/$1.trace" \
		"$TOOLS/host-session" su "$2" sh -c "echo in >$OUT/$1.in; read -r line <$OUT/$1.stop" &
	echo $! >"$OUT/$1.pid"
	wait_until 20 test -s "$OUT/$1.in"
}

session_stop() {
	echo out >"$OUT/$1.stop"
	wait_until 20 process_gone "$(<"$OUT/$1.pid")"
	rm -f "$OUT/$1.stop" "$OUT/$1.in"
}

# measure NAME: writes $OUT/NAME.{first,further,logout}. A round does not count if the mount namespace was
# made again on another CPU, as on a kernel 6.18 in a container (lib/ns/pins.h). The login of bob before finds
# the rules intact: the first login after several at once reads them (setup_rules.c).
measure() {
	local round
	pamtester_session su bob
	for ((round = 0; round < 20; round++)); do
		session_start "$1.one" alice
		session_start "$1.two" alice
		session_stop "$1.two"
		session_stop "$1.one"
		wait_until 15 user_gone 2001
		! grep -q "sched_setaffinity(0, 128," "$OUT/$1.one.trace" || continue
		counted "$OUT/$1.one.trace" open >"$OUT/$1.first"
		counted "$OUT/$1.two.trace" open >"$OUT/$1.further"
		counted "$OUT/$1.one.trace" close >"$OUT/$1.logout"
		! grep -qx '0 0' "$OUT/$1.first" "$OUT/$1.further" "$OUT/$1.logout" || continue # not seen
		return 0
	done
	fail "none of $round logins made its mount namespace at the first attempt"
}

user_gone() {
	[[ ! -e /run/pam-netns/users/$1 ]]
}

test_calls_and_messages_are_within_the_budget() {
	local what calls messages
	for what in first further logout; do
		read -r calls messages <"$OUT/alone.$what"
		echo "measured: $what: $calls system calls, $messages netlink messages"
		((calls > 50)) || fail "$what: only $calls system calls: were they counted?"
		((calls <= SYSCALLS[$what])) ||
			fail "$what: $calls system calls, the budget is ${SYSCALLS[$what]}"
		((messages <= MESSAGES[$what])) ||
			fail "$what: $messages netlink messages, the budget is ${MESSAGES[$what]}"
	done
	read -r calls messages <"$OUT/alone.first"
	((messages > 20)) || fail "first: only $messages netlink messages: were they counted?"
}

# faults_round FILE: a first login, a further login, its logout and the last logout, each a line of FILE.
faults_round() {
	local pid
	rm -f /run/helper.faults
	mkfifo "$OUT/stop"
	"$TOOLS/host-session" su alice sh -c "echo in >$OUT/one; read -r line <$OUT/stop" &
	pid=$!
	wait_until 20 test -s "$OUT/one"
	pamtester_session su alice
	echo out >"$OUT/stop"
	wait_until 20 process_gone "$pid"
	wait_until 15 user_gone 2001
	rm -f "$OUT/stop" "$OUT/one"
	mv /run/helper.faults "$1"
}

# keys_add FIRST FURTHER LOGOUT [KEY VALUE]…: so many calls more than without the keys, as BENCHMARKS says, or
# less. BASE: the measurement without the keys.
keys_add() {
	local -A most=([first]=$1 [further]=$2 [logout]=$3)
	local name=${*:4} round
	shift 3
	while [[ $# -gt 0 ]]; do
		conf_set "$1" "$2"
		shift 2
	done
	pamtester_session su alice # sets up the host
	host_clean
	# Whether a first login notes the rules' generation is chance (NOTE_SYSCALLS).
	for round in 1 2 3 4 5 6; do
		measure keys
		! keys_within >"$OUT/within" || break
	done
	conf_reset
	cat "$OUT/within"
	assert_no_match 'more:' "$(<"$OUT/within")" "$name, in $round rounds"
	rm "$OUT"/keys.*
}

# keys_within: compares with $most; a line for each, which begins with "more:" if it is beyond that.
keys_within() {
	local what calls calls0 messages messages0 verdict code=0
	for what in first further logout; do
		read -r calls0 messages0 <"$OUT/${BASE-alone}.$what"
		read -r calls messages <"$OUT/keys.$what"
		verdict=measured
		((calls - calls0 <= most[$what] && messages == messages0)) || { verdict=more code=1; }
		echo "$verdict: $name: $what: $((calls - calls0)) system calls, $((messages - messages0)) messages more"
	done
	return $code
}

test_keys_of_the_view_add_few_calls() {
	mkdir -p /srv/one /srv/two
	keys_add 14 0 0 processes own
	keys_add 36 15 0 hide '/srv/one /home/*'
	keys_add 17 11 0 read_only /usr
	keys_add 9 0 0 bind /srv/one:/srv/two
	sh "$CHECKOUT/conf/examples/busybox-image.sh" /srv/image
	sed -i 's|:/bin/bash$|:/bin/sh|' /etc/passwd
	keys_add 113 0 0 root /srv/image
	mount -t tmpfs -o mode=0755 lib /var/lib/pam-netns # an overlay holds no changes
	keys_add 137 0 0 root image:/srv/image
	umount /var/lib/pam-netns
	sed -i 's|:/bin/sh$|:/bin/bash|' /etc/passwd
}

test_keys_of_namespaces_add_few_calls() {
	keys_add 8 6 3 namespaces 'net mnt uts ipc'
	mkdir -p /run/sudo
	keys_add 18 6 3 namespaces 'net mnt uts time' private '/tmp /var/tmp /dev/shm /run/sudo'
	keys_add 35 25 10 namespaces 'net mnt uts cgroup'
	keys_add 20 1 0 net_admin yes
	keys_add 24 13 11 namespaces 'net mnt uts pid'
}

# The user's group is there, has the limits, and the session begins in it. The kernel of the test machine may have
# no controllers, so files stand for them.
test_limits_of_a_known_user_add_few_calls() {
	local group=/sys/fs/cgroup/pam-netns/2001 BASE=placed shipped=$SHIPPED SHIPPED=$OUT/shipped
	# bob has no limits.
	sed '0,/^\[profile/s//[profile other]\nmatch = bob\n\n&/' "$CONF" >"$SHIPPED"
	conf_reset
	mkdir -p "$group"
	echo "$BASHPID" >"$group/cgroup.procs"
	pamtester_session su alice
	host_clean
	measure placed
	echo 'memory pids' >"$OUT/controllers"
	mount --bind "$OUT/controllers" /sys/fs/cgroup/cgroup.controllers
	mount -t tmpfs none "$group"
	echo 67108864 >"$group/memory.max"
	echo 100 >"$group/pids.max"
	keys_add 10 10 0 limits 'memory=64M'
	keys_add 13 13 0 limits 'memory=64M tasks=100'
	umount "$group" /sys/fs/cgroup/cgroup.controllers
	SHIPPED=$shipped
	conf_reset
}

# faults_within WHAT LINE: the least of all rounds, because the place of the stack in its first page is random: a
# login touches three to five pages of it.
faults_within() {
	local least
	least=$(awk -v line="$2" 'FNR == line { print $2 }' "$OUT"/faults.* | sort -n | head -n 1)
	echo "measured: $1: $least page faults"
	((least > 5)) || fail "$1: only $least page faults: were they counted?"
	((least <= FAULTS[$1])) || fail "$1: $least page faults, the budget is ${FAULTS[$1]}"
}

test_page_faults_are_within_the_budget() {
	local helper=/usr/libexec/pam-netns/pam-netns-helper round
	pamtester_session su bob
	mv "$helper" "$helper.real"
	install -m 0755 "$TOOLS/host-faults" "$helper"
	for round in 1 2 3 4 5 6 7 8; do
		faults_round "$OUT/faults.$round"
		assert_eq 'open open close close' "$(cut -d ' ' -f 1 "$OUT/faults.$round" | paste -s -d ' ')"
	done
	mv "$helper.real" "$helper"
	faults_within first 1
	faults_within further 2
	faults_within logout 4
}

# The kernel's time for the host's /proc/sys/net grows with the number of network namespaces that were read
# there (setup_sysctl.c), which the number of calls does not show.
test_settings_are_not_read_in_the_hosts_proc() {
	assert_eq '' "$(grep -h '"/proc/sys/net' "$OUT"/alone.*.trace || :)"
	grep -q '"sys/net/ipv4/ping_group_range", O_WRONLY' "$OUT/alone.one.trace"
	assert_eq '' "$(grep -h '^[0-9]* *fsmount(' "$OUT"/alone.*.trace || :)"
}

crowd_is_active() {
	[[ $(find /run/pam-netns/users -mindepth 3 -path '*/sessions/*' | wc -l) -eq $USERS ]]
}

# A line for each login, which begins with "more:" if its calls or messages have grown.
crowd_within() {
	local what calls messages calls0 messages0 verdict code=0
	for what in first further logout; do
		read -r calls0 messages0 <"$OUT/alone.$what"
		read -r calls messages <"$OUT/crowd.$what"
		verdict=measured
		((calls - calls0 <= BRIDGE_SYSCALLS + NOTE_SYSCALLS + PROC_SYSCALLS && messages <= messages0)) ||
			{ verdict=more code=1; }
		echo "$verdict: $what: $calls0 then $calls system calls, $messages0 then $messages messages"
	done
	return $code
}

test_calls_do_not_grow_with_active_users() {
	local i round pids=()
	for ((i = 1; i <= USERS; i++)); do
		"$TOOLS/host-session" su "crowd$i" sleep 300 &
		pids+=($!)
		((i % 10)) || wait_until 30 test -d "/run/pam-netns/users/$((49999 + i))/sessions"
	done
	wait_until 60 crowd_is_active
	# A login that waits for another program's change of the network says so, which is one more call.
	for round in 1 2 3 4; do
		measure crowd
		! crowd_within >"$OUT/within" || break
	done
	grep -q '^[0-9]* *fsmount(' "$OUT/crowd.one.trace" || fail "no procfs was mounted for the settings"
	kill "${pids[@]}"
	cat "$OUT/within"
	assert_no_match 'more:' "$(<"$OUT/within")" "with $USERS active users, in $round rounds"
}
