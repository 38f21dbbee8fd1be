# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# systemd
# Logins on a host with systemd, logind and user managers.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

setup() {
	host_pam_install
}

test_systemd_runs_the_host() {
	assert_eq systemd "$(cat /proc/1/comm)"
	assert_eq running "$(systemctl is-system-running)"
	for unit in ssh cron atd dbus systemd-logind systemd-journald; do
		assert_eq active "$(systemctl is-active $unit)" $unit
	done
	assert_eq '' "$(systemctl list-timers --no-legend | grep -v systemd-tmpfiles-clean || :)" timers
}

# Such settings are the machine's.
test_host_with_systemd_cannot_change_the_machine() {
	local file
	for file in /proc/sys/kernel/pid_max /proc/sys/fs/file-max /proc/sys/vm/overcommit_memory; do
		assert_fails cp "$file" "$file"
	done
	systemd-run -q --collect --wait sh -c '! date -s 2001-01-01'
	assert_eq ro "$(findmnt -n -o OPTIONS /sys | cut -d , -f 1)"
	# No process that the host does not see is in its root cgroup, so it can have controllers.
	assert_eq '' "$(cat /sys/fs/cgroup/cgroup.procs)"
}

# The first login makes the set-up.
test_users_log_in_by_ssh() {
	local alice bob
	alice=$(ssh_as alice -- "$PRINT_INODES; loginctl show-session \$XDG_SESSION_ID -P Name; systemctl --user is-system-running; echo \$XDG_RUNTIME_DIR; stat -c %U:%a \$XDG_RUNTIME_DIR")
	bob=$(ssh_as bob -- "$PRINT_INODES; loginctl show-session \$XDG_SESSION_ID -P Name")
	assert_match $'^[0-9 ]+\nalice\nrunning\n/run/user/2001\nalice:700$' "$alice"
	assert_match $'^[0-9 ]+\nbob$' "$bob"
	assert_ne "$(head -n 1 <<<"$alice")" "$(head -n 1 <<<"$bob")"
	assert_ne "$(host_inodes)" "$(head -n 1 <<<"$alice")"
}

test_z_no_unit_failed_and_the_journal_is_as_expected() {
	host_is_well
}
