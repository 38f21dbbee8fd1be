# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The key limits in force, with systemd and without it. Only a kernel of its own has the controllers. T60, T61.

SLICES=/sys/fs/cgroup/user.slice
MEMORY=67108864

setup() {
	host_pam_install
	conf_set limits 'memory=64M cpu=50% tasks=60'
	pam-netns up
}

slice_of() {
	echo "$SLICES/user-$(id -u "$1").slice"
}

# values FOLDER: the three limits in force.
values() {
	cat "$1/memory.max" "$1/cpu.max" "$1/pids.max" | xargs
}

# The timer is not enabled here, and the user manager ends later than the reaper waits.
cleaned() {
	pam-netns gc && host_is_clean
}

# oom_kills USER: how many of the user's processes the kernel has ended for want of memory.
oom_kills() {
	awk '$1 == "oom_kill" { print $2 }' "$(slice_of "$1")/memory.events"
}

# fill MEBIBYTES: a command that takes so much memory.
fill() {
	echo "head -c $1M /dev/zero | tail -c $1M | wc -c"
}

test_controllers_are_there() {
	local controller
	for controller in memory cpu pids; do
		assert_match "(^| )$controller( |$)" "$(</sys/fs/cgroup/cgroup.controllers)"
	done
	assert_match 'ok   cgroup: the host can enforce the limits of every profile' "$(pam-netns doctor || :)"
}

test_t60_login_is_limited_by_its_slice() {
	local said
	hold_session one alice
	assert_eq "$MEMORY 50000 100000 60" "$(values "$(slice_of alice)")"
	assert_match "user-$(id -u alice).slice/" "$(in_session one 'cat /proc/self/cgroup')"
	said=$(pam-netns status alice)
	assert_match 'memory +[0-9.]+[KM] used, limit 64M' "$said"
	assert_match 'cpu +[0-9]+\.[0-9] s used, limit 50% of one CPU' "$said"
	assert_match 'tasks +[0-9]+ used, limit 60' "$said"
	assert_match '"limits": \{"memory": \{"limit": 67108864, "used": [1-9][0-9]*\}' "$(pam-netns status alice --json)"
	drop_session one
}

# Only alice's program ends. bob has a limit of his own.
test_t60_memory_of_one_user_is_bounded() {
	local before
	hold_session one alice
	hold_session other bob
	before=$(oom_kills bob)
	assert_ne 209715200 "$(in_session one "$(fill 200)" 2>&1 || :)"
	assert_ne 0 "$(oom_kills alice)"
	assert_eq 16777216 "$(in_session other "$(fill 16)")"
	assert_eq "$before" "$(oom_kills bob)"
	assert_eq fine "$(ssh_as alice -- echo fine)"
	drop_session one
	drop_session other
}

test_t60_processes_of_one_user_are_bounded() {
	local said
	hold_session one alice
	hold_session other bob
	said=$(in_session one 'i=0; while [ $i -lt 100 ]; do sleep 300 & i=$((i + 1)); done' 2>&1 || :)
	assert_match '[Cc]annot fork|Resource temporarily unavailable' "$said"
	assert_match '^(5[0-9]|60)$' "$(cat "$(slice_of alice)/pids.current")"
	assert_eq fine "$(in_session other 'echo fine')"
	# root is not hindered.
	pam-netns kick alice >&2
	user_clean alice
	drop_session other
}

test_t60_cpu_time_of_one_user_is_bounded() {
	hold_session one alice
	in_session one 'timeout 5 sh -c "while :; do :; done"' || :
	assert_match '^nr_throttled [1-9]' "$(grep '^nr_throttled ' "$(slice_of alice)/cpu.stat")"
	drop_session one
}

# Each way of login is in the slice: su within another session, sudo, cron and the user manager too.
test_t61_no_way_of_login_escapes_the_limits() {
	local slice said
	slice=user-$(id -u bob).slice/
	assert_match "$slice" "$(ssh_as root -- su bob -c "'cat /proc/self/cgroup'")" "su"
	assert_match "$slice" "$(ssh_as root -- su - bob -c "'cat /proc/self/cgroup'")" "su -"
	assert_match "$slice" "$(ssh_as root -- sudo -u bob cat /proc/self/cgroup)" "sudo"
	assert_match "$slice" "$(ssh_as bob -- systemd-run --user -q --wait --pipe cat /proc/self/cgroup)" "user manager"
	said=$(cron_run bob 'cat /proc/self/cgroup')
	assert_match "$slice" "$said" "cron"
}

# The next login and gc set again what an administrator or another program has changed.
test_changed_limit_is_set_again() {
	hold_session one alice
	systemctl set-property --runtime "user-$(id -u alice).slice" MemoryMax=infinity
	pam-netns gc
	assert_eq "$MEMORY 50000 100000 60" "$(values "$(slice_of alice)")"
	systemctl set-property --runtime "user-$(id -u alice).slice" TasksMax=500
	ssh_as alice -- true
	assert_eq "$MEMORY 50000 100000 60" "$(values "$(slice_of alice)")"
	systemctl daemon-reload
	assert_eq "$MEMORY 50000 100000 60" "$(values "$(slice_of alice)")"
	drop_session one
}

test_limits_end_with_the_slice() {
	local uid
	uid=$(id -u alice)
	wait_until 60 cleaned
	wait_until 60 test ! -e "$(slice_of alice)"
	pam-netns gc
	test ! -e "/run/systemd/system.control/user-$uid.slice.d"
	assert_eq MemoryMax=infinity "$(systemctl show "user-$uid.slice" -p MemoryMax)"
	conf_set limits none
	ssh_as alice -- "cat /sys/fs/cgroup/user.slice/user-$uid.slice/memory.max" >"$OUT/after"
	assert_eq max "$(<"$OUT/after")"
}

# Without systemd, the group is our own. The folder that tells of systemd is hidden meanwhile.
test_t61_limits_hold_without_systemd() {
	local group said filled
	group=/sys/fs/cgroup/pam-netns/$(id -u carol)
	conf_set limits 'memory=64M cpu=50% tasks=60'
	echo 'session required pam_netns.so' >/etc/pam.d/netns-own
	mount -t tmpfs none /run/systemd
	said=$(pam_session netns-own carol bash -c "cat /proc/self/cgroup $group/memory.max $group/cpu.max $group/pids.max
		pam-netns status carol; pam-netns gc; test -e $group && echo stays" 2>&1) || :
	filled=$(pam_session netns-own carol bash -c "$(fill 200)" 2>/dev/null) || :
	for _ in 1 2 3 4 5; do ! cleaned || break; sleep 1; done
	umount /run/systemd
	rm /etc/pam.d/netns-own
	assert_match "0::/pam-netns/$(id -u carol)" "$said"
	assert_match $'67108864\n50000 100000\n60\n' "$said"
	assert_match 'tasks +[1-9][0-9]* used, limit 60' "$said"
	assert_match 'stays' "$said"
	assert_eq 0 "$filled"
	test ! -e "$group"
	test ! -e "${group%/*}"
}
