# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# namespaces with time: the time since boot begins at a user's first login.

PRIVATE='/tmp /var/tmp /dev/shm /run/sudo'

setup() {
	host_pam_install
	sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	install -d -m 0711 /run/sudo
	install -d -m 0700 /run/sudo/ts
	echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/time
	echo lemon-tree-7 >/etc/alice.password
	chmod 0644 /etc/alice.password
	conf_set namespaces 'net mnt uts time'
	conf_set private "$PRIVATE"
	# The namespace, and whether the session is younger than the host, by all ways that tell the time since boot.
	cat >/usr/bin/time-look <<-'END'
		#!/bin/bash
		read -r up _ </proc/uptime
		[ "$(readlink /proc/self/ns/time)" = "$(readlink /proc/self/ns/time_for_children)" ] || exit 8
		[ ${up%.*} -lt 600 ] && uptime | grep -Eq 'up +[0-9] min' && readlink /proc/self/ns/time
	END
	chmod 0755 /usr/bin/time-look
}

# seconds_up: whole seconds since boot, as this process sees it.
seconds_up() {
	cut -d . -f 1 /proc/uptime
}

test_each_way_of_login_is_in_the_namespace() {
	local time
	hold_session one alice
	time=$(in_session one time-look)
	assert_match '^time:\[[0-9]+\]$' "$time"
	assert_ne "$(readlink /proc/1/ns/time)" "$time"
	assert_each_way "$time" alice time-look
	assert_eq "$time" "$(ssh_as alice -tt -- time-look | tr -d '\r')" 'ssh with a terminal'
	assert_eq "$time" "$(sudo -i -u alice time-look)" 'sudo -i'
	assert_eq "$time" "$(in_session one 'su alice -c time-look')" 'su from inside'
	assert_eq "$time" "$(in_session one 'sudo -S time-look </etc/alice.password 2>/dev/null')" 'root from inside'
	assert_eq "$time" "$(pam-netns exec alice -- time-look)" exec
	assert_eq "$time" "$(pam-netns exec --root alice -- time-look)" 'exec --root'
	assert_eq "$time" "$(as alice pam-netns exec -- time-look)" enter
	end_session one
	host_clean
}

# Only the time since boot is the user's: the date, and the monotonic clock, are the host's.
test_other_clocks_are_the_hosts() {
	local before after now
	hold_session one alice
	before=$(date +%s)
	now=$(in_session one 'date +%s')
	after=$(date +%s)
	[[ $before -le $now && $now -le $after ]] || fail "the date is $now, not between $before and $after"
	assert_match '^monotonic +0 +0 boottime +-[0-9]+ +0 $' "$(in_session one 'cat /proc/self/timens_offsets' | tr '\n' ' ')"
	# A process that the session starts, as ps shows it on both sides.
	in_session one 'sleep 620 >/dev/null 2>&1 & echo $!' >"$OUT/pid"
	now=$(ps -o lstart= -p "$(<"$OUT/pid")")
	assert_eq "$now" "$(in_session one "ps -o lstart= -p $(<"$OUT/pid")")" 'ps lstart'
	# In its first second ps can show a process as 441077234 days old, on the host too.
	wait_until 10 in_session one "ps -o etime= -p $(<"$OUT/pid") | grep -q '^ *0[0-9]:'"
	[[ $(in_session one 'sed -n "s/^btime //p" /proc/stat') -ge $((before - 30)) ]]
	kill "$(<"$OUT/pid")"
	end_session one
	host_clean
}

# The user and root inside cannot shift it.
test_clocks_cannot_be_changed_inside() {
	hold_session one alice
	assert_fails in_session one 'echo "boottime 1000 0" >/proc/self/timens_offsets'
	assert_fails in_session one "sudo -S sh -c 'echo \"boottime 1000 0\" >/proc/self/timens_offsets' </etc/alice.password"
	end_session one
	host_clean
}

test_begins_anew_with_each_first_login() {
	local one two up began
	began=$(seconds_up)
	hold_session one alice
	hold_session two bob
	one=$(in_session one time-look)
	two=$(in_session two time-look)
	assert_ne "$one" "$two"
	sleep 2
	up=$(su alice -c 'cut -d . -f 1 /proc/uptime')
	[[ $up -ge 2 && $up -le $(($(seconds_up) - began + 1)) ]] || fail "up for $up s"
	end_session one
	user_clean alice
	began=$(seconds_up)
	up=$(su alice -c 'cut -d . -f 1 /proc/uptime')
	[[ $up -le $(($(seconds_up) - began + 1)) ]] || fail "up for $up s"
	end_session two
	host_clean
}

# alice's profile has time, carol's has not.
test_nested_logins_are_in_the_namespaces_of_their_own_profile() {
	local host
	host=$(readlink /proc/1/ns/time)
	sed -i '0,/^\[profile/s//[profile plain]\nmatch = carol\n\n&/' "$CONF"
	pam-netns check "$CONF"
	hold_session one alice
	assert_eq "$host" "$(in_session one "su carol -c 'readlink /proc/self/ns/time'")"
	assert_eq "$host" "$(su carol -c 'readlink /proc/self/ns/time')"
	assert_eq "$(in_session one time-look)" "$(in_session one "su carol -c 'su alice -c time-look'")"
	conf_set nested host
	assert_eq "$host" "$(in_session one 'sudo -S readlink /proc/self/ns/time </etc/alice.password 2>/dev/null')" 'nested = host'
	end_session one
	host_clean
	conf_reset
	conf_set namespaces 'net mnt uts time'
	conf_set private "$PRIVATE"
}

# The records of sessions have start times of the host, which a command inside does not see.
test_commands_inside_see_sessions() {
	hold_session one alice
	assert_match 'sessions +1' "$(pam-netns status alice)"
	assert_match 'sessions +1' "$(in_session one 'pam-netns status')"
	assert_match 'alice' "$(in_session one 'sudo -S pam-netns list </etc/alice.password')"
	assert_match "time +$(in_session one 'stat -L -c %i /proc/self/ns/time') " "$(pam-netns status alice --namespaces)"
	assert_match ' time +' "$(in_session one 'pam-netns status --namespaces')"
	in_session one 'sudo -S pam-netns gc </etc/alice.password'
	assert_match '^time:' "$(in_session one time-look)"
	end_session one
	host_clean
}

# ticket_shell WHEN PASSWORD-FILE ARGUMENT…: in a session, at WHEN seconds since boot, a new shell runs sudo. Prints
# the shell's number and start, which sudo's ticket names, and sudo's result.
ticket_tools_install() {
	cat >/usr/bin/ticket-shell <<-'END'
		#!/bin/bash
		until read -r up _ </proc/uptime; [[ ${up%%.*} -ge $1 ]]; do :; done
		shift
		bash -c 'read -r pid _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ start _ </proc/$$/stat
			[[ $1 == -S ]] || sleep 1
			if sudo "$@" 2>/dev/null; then echo "$pid $start accepted"; else echo "$pid $start refused"; fi
			' bash "$@" </etc/alice.password
	END
	chmod 0755 /usr/bin/ticket-shell
}

# ticket_login shared|private ARGUMENT…: a first login runs sudo with the arguments. "shared": as if the tickets were
# the host's. A process on the host keeps the file of tickets young.
ticket_login() {
	local how=$1 pid
	shift
	rm -f "$OUT/told" "$OUT/go" "$OUT/ready"
	install -m 0666 /dev/null "$OUT/told"
	install -m 0666 /dev/null "$OUT/ready"
	su alice -c "echo ready >$OUT/ready; while [ ! -e $OUT/go ]; do read -t 0.05 _ <>$OUT/fifo; done
		exec ticket-shell 2 $* >$OUT/told" &
	pid=$!
	wait_until 5 test -s "$OUT/ready"
	if [[ $how == shared ]]; then
		nsenter -m -t "$(pgrep -u alice | head -n 1)" umount /run/sudo
	fi
	[[ ! -e /run/sudo/ts/alice ]] || touch /run/sudo/ts/alice
	: >"$OUT/go"
	wait "$pid"
	cat "$OUT/told"
	host_clean
}

# replay shared|private: the user authenticates, logs out, and logs in again. Prints whether sudo then accepts the old
# ticket. With key=same it counts only if the ticket's key is the same, which needs the same tick of 10 ms.
replay() {
	local round first second
	[[ -p $OUT/fifo ]] || mkfifo -m 0666 "$OUT/fifo"
	for ((round = 0; round < 12; round++)); do
		rm -f /run/sudo/ts/*
		first=$(ticket_login "$1" -S true)
		assert_match accepted "$first"
		second=$(ticket_login "$1" -n true)
		[[ $2 == any || ${first% *} == "${second% *}" ]] || continue
		echo "${second##* }"
		return
	done
	fail 'no two tickets had the same key'
}

# Both directions, and from one login to the next. timestamp_type = global: a ticket is for all of a user's processes.
test_t62_tickets_are_valid_on_one_side_only() {
	ticket_tools_install
	echo 'Defaults timestamp_type = global' >/etc/sudoers.d/global
	# Without private tickets the next login would have been let in.
	assert_eq accepted "$(replay shared any)"
	assert_eq refused "$(replay private any)"
	rm -f /run/sudo/ts/*
	hold_session one alice
	in_session one 'sudo -S -v </etc/alice.password 2>/dev/null && sudo -n true'
	assert_eq '' "$(ls /run/sudo/ts)" 'a ticket of the session on the host'
	as alice sudo -S -v </etc/alice.password 2>/dev/null
	as alice sudo -n true
	in_session one 'sudo -k'
	assert_fails in_session one 'sudo -n true' 2>/dev/null
	end_session one
	host_clean
	rm /etc/sudoers.d/global /run/sudo/ts/*
}

# With fresh PID and time namespaces number and start of a process come again.
test_t63_ticket_of_an_earlier_pid_namespace_is_not_valid() {
	ticket_tools_install
	conf_set namespaces 'net mnt uts time pid'
	assert_eq accepted "$(replay shared same)"
	assert_eq refused "$(replay private same)"
	conf_set namespaces 'net mnt uts time'
	rm -f /run/sudo/ts/*
}

test_t62_time_without_private_tickets_is_refused() {
	local private
	for private in none '/tmp /dev/shm' '/tmp /run/sudo/log'; do
		conf_set private "$private"
		assert_fails_with 'namespaces = net mnt uts time: time needs private tickets of sudo.* add /run/sudo to private' \
			pam-netns check "$CONF"
		assert_fails su alice -c true
		host_clean
	done
	conf_set private '/tmp /run/sudo/ts'
	pam-netns check "$CONF"
	conf_set private "$PRIVATE"
	conf_set namespaces 'net time'
	assert_fails_with 'time needs mnt, .* add mnt, or remove time' pam-netns check "$CONF"
	conf_set namespaces 'net mnt uts time'
}

test_missing_folder_of_tickets_refuses_login() {
	mv /run/sudo /run/sudo.kept
	log_mark
	assert_fails su alice -c true
	log_grep 'use /run/sudo as a private directory: No such file' >/dev/null
	assert_fails_with 'private of \[profile default\] names /run/sudo, which .*, so its logins are refused' pam-netns check
	mv /run/sudo.kept /run/sudo
	host_clean
	login_works
	host_clean
}

# helper_faulty CALL: the helper's next calls fail as strace(1) is told.
helper_faulty() {
	local helper=/usr/libexec/pam-netns/pam-netns-helper
	mv "$helper" "$helper.real"
	printf '#!/bin/sh\nexec strace -f -qq -o /run/trace -e trace=%s -e inject=%s %s "$@"\n' "${1%%:*}" "$1" "$helper.real" >"$helper"
	chmod 0755 "$helper"
}

helper_restore() {
	mv /usr/libexec/pam-netns/pam-netns-helper.real /usr/libexec/pam-netns/pam-netns-helper
}

# The kernel has none, or no more, or the login program may not set clocks: the log says what is missing.
test_missing_time_namespace_refuses_login() {
	pam-netns up # which makes a mount namespace
	helper_faulty 'unshare:error=EINVAL:when=1+3'
	log_mark
	assert_fails su alice -c true
	helper_restore
	log_grep 'this kernel has no (uts|time) namespaces: remove (uts|time) from namespaces in the profile' >/dev/null
	host_clean
	helper_faulty 'unshare:error=ENOSPC:when=1+3'
	assert_fails su alice -c true
	helper_restore
	log_grep 'limit: user.max_(uts|time)_namespaces\): No space left' >/dev/null
	host_clean
	log_mark
	assert_fails setpriv --bounding-set -sys_time su alice -c true
	log_grep 'the login program has no CAP_SYS_TIME' >/dev/null
	host_clean
	conf_set namespaces 'net mnt uts'
	setpriv --bounding-set -sys_time su alice -c true
	conf_set namespaces 'net mnt uts time'
	host_clean
}

test_doctor_tells_of_a_kernel_without() {
	local said
	pam-netns up
	said=$(strace -qq -o /dev/null -P /proc/self/ns/time -e trace=/access -e inject=/access:error=ENOENT pam-netns doctor || :)
	assert_match 'profile default: this kernel has no time namespaces, so its logins are refused' "$said"
	assert_no_match 'no time namespaces' "$(pam-netns doctor || :)"
}

# The kernel lets only a process with one thread enter: refused with one clear line, and nothing is left.
test_login_program_with_threads_is_refused() {
	log_mark
	assert_code 254 "$TOOLS/host-session" -T su alice true
	log_grep 'this login program has threads, and the kernel lets only a process with one thread enter a time namespace' >/dev/null
	host_clean
	# It is provably on the host, so on_error = host lets it go on.
	conf_set on_error host
	log_mark
	assert_eq "$(readlink /proc/1/ns/net)" "$("$TOOLS/host-session" -T su alice readlink /proc/self/ns/net)"
	log_grep 'NOT ISOLATED: user=alice' >/dev/null
	conf_set on_error deny
	host_clean
}

test_process_in_the_time_namespace_alone_keeps_it() {
	local pid
	hold_session one alice
	in_session one "sudo -S unshare -n -u -m sleep 621 </etc/alice.password >/dev/null 2>&1 &"
	wait_until 5 pgrep -f '^sleep 621'
	pid=$(pgrep -f '^sleep 621')
	end_session one
	assert_eq "$(readlink "/proc/$pid/ns/time")" "$(su alice -c time-look)"
	pam-netns kick alice
	wait_until 5 process_gone "$pid"
	host_clean
}

test_lost_pin_is_made_again() {
	local before
	hold_session one alice
	before=$(in_session one time-look)
	umount /run/pam-netns/pins/2001/time
	assert_match '^time:' "$(su alice -c time-look)"
	drop_session one
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	host_clean
}

test_killed_leader_is_cleaned_up() {
	killed_leader_is_cleaned_up "sleep 622" host_clean
}
