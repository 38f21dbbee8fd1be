# systemd
# shellcheck shell=bash
# The key limits if systemd is PID 1. This host's systemd has no controllers, so it accepts a limit and does not
# enforce it. tests/vm has the limits in force. T60.
# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"
# shellcheck source=tests/integration/confinement_lib.sh
. "$CHECKOUT/tests/integration/confinement_lib.sh"

setup() {
	host_pam_install
	conf_set limits 'memory=64M tasks=100'
	echo 'memory pids' >/run/test-host/controllers
	mount --bind /run/test-host/controllers /sys/fs/cgroup/cgroup.controllers
}

# refused COMMAND...: no login; prints what was logged.
refused() {
	log_mark
	assert_fails "$@"
	log_lines
}

test_t60_limit_that_systemd_does_not_enforce_refuses_login() {
	local uid said
	uid=$(id -u alice)
	said=$(refused ssh_as alice -- true)
	assert_match "sshd.*the limit memory of uid $uid is not in force: /sys/fs/cgroup/user.slice/user-$uid.slice/memory.max has another value" "$said"
	assert_eq $'MemoryMax=67108864\nTasksMax=100' "$(systemctl show "user-$uid.slice" -p MemoryMax -p TasksMax)"
	user_clean alice
}

# su within root's session begins outside alice's slice, as a cron job does. systemd moves it there, by a scope.
test_t60_session_from_elsewhere_comes_into_the_users_slice() {
	local uid said
	uid=$(id -u alice)
	said=$(refused ssh_as root -- su alice -c true)
	assert_match "Started pam-netns-[0-9]+-[0-9a-f]+.scope" "$said"
	assert_match "su.*the limit memory of uid $uid is not in force" "$said"
}

# A session's group would be the namespace's root, and is another at each login.
test_cgroup_namespace_is_refused() {
	local limits=$CONF.limits
	cp "$CONF" "$limits"
	conf_set limits none
	conf_set namespaces 'net mnt uts cgroup'
	assert_match 'no cgroup namespace for uid [0-9]+: systemd is PID 1, .* remove cgroup from namespaces in the profile default' \
		"$(refused ssh_as alice -- true)"
	assert_fails_with 'profile default: namespaces has cgroup, but systemd is PID 1, .* remove cgroup from namespaces' pam-netns check
	cp "$limits" "$CONF"
	user_clean alice
}

# gc removes what systemd keeps for the next login, if the user's slice has ended.
test_limits_end_with_the_slice() {
	local drop_ins
	drop_ins=/run/systemd/system.control/user-$(id -u alice).slice.d
	test -e "$drop_ins/50-MemoryMax.conf"
	test -e "/run/pam-netns/limits/$(id -u alice)"
	wait_until 30 test ! -e "/sys/fs/cgroup/user.slice/user-$(id -u alice).slice"
	pam-netns gc
	test ! -e "$drop_ins"
	test ! -e "/run/pam-netns/limits/$(id -u alice)"
	assert_eq MemoryMax=infinity "$(systemctl show "user-$(id -u alice).slice" -p MemoryMax)"
}

# The helper runs systemctl and busctl. root's session is outside alice's slice.
test_apparmor_profile_permits_the_files_of_systemctl_and_busctl() {
	echo 'session required pam_netns.so' >/etc/pam.d/only
	assert_fails trace pamtester only alice open_session
	trace pam-netns gc
	rm /etc/pam.d/only
	uses_collect
	grep -qx 'helper x .*/systemctl' "$OUT/uses"
	grep -qx 'helper x .*/busctl' "$OUT/uses"
	assert_eq "" "$(denied)" "denied to the helper"
}
