# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# All kinds of namespaces that systemd permits, at once, with the example's drop-in for user managers. Only a guest's
# systemd is started at a boot, and has controllers for users' units.

# shellcheck source=tests/vm/guest/smoke_lib.sh
. "$CHECKOUT/tests/vm/guest/smoke_lib.sh"

KINDS='net mnt uts ipc time pid'
MANAGER=/sys/fs/cgroup/user.slice/user-2001.slice/user@2001.service
SEEN='for kind in net mnt uts ipc time pid; do readlink /proc/self/ns/$kind; done'

setup() {
	conf_shipped
	conf_set namespaces "$KINDS"
	conf_set private '/tmp /var/tmp /dev/shm /run/sudo'
	host_pam_install
	pam-netns check
	pam-netns up
}

# cleaned: the timer is not enabled here, and the user manager ends later than the reaper waits.
cleaned() {
	pam-netns gc && host_is_clean
}

# gone: no session, manager or process of alice is left.
gone() {
	wait_until 30 user_manager_ended 2001
	wait_until 30 cleaned
	wait_until 10 eval '! pgrep -x pam-netns-init'
	wait_until 10 eval '! loginctl list-sessions --no-legend | grep -q alice'
	assert_eq '' "$(pgrep -u alice || :)" "processes"
}

test_without_the_drop_in_the_login_works_and_the_manager_is_refused() {
	local kind seen
	hold_session one alice
	seen=$(in_session one "$SEEN")
	for kind in $KINDS; do
		assert_match "$kind:\\[[0-9]+\\]" "$seen"
		assert_no_match "$(readlink "/proc/1/ns/$kind" | sed 's/[][]/\\&/g')" "$seen"
	done
	assert_fails in_session one 'systemctl --user is-system-running' >&2
	log_grep 'alice has no systemd user manager, because namespaces has pid .* user@2001.service is refused' >&2
	end_session one
	gone
	systemctl reset-failed user@2001.service
}

test_time_since_boot_begins_at_login() {
	local before up after
	before=$(cut -d . -f 1 /proc/uptime)
	hold_session one alice
	up=$(in_session one 'cut -d . -f 1 /proc/uptime')
	after=$(cut -d . -f 1 /proc/uptime)
	[[ $up -le $((after - before + 1)) && $up -lt $before ]] || fail "up $up s; the host: $before s, then $after s"
	end_session one
	gone
	systemctl reset-failed user@2001.service
}

test_manager_and_its_units_are_inside() {
	local seen
	user_manager_drop_in
	hold_session one alice
	seen=$(in_session one "$SEEN")
	assert_eq running "$(in_session one 'systemctl --user is-system-running --wait')"
	in_session one 'systemd-run --user --pipe --quiet --wait true'
	assert_eq "$seen" "$(in_session one "systemd-run --user --pipe --quiet --wait sh -c '$SEEN'")" "namespaces of a unit"
	end_session one
	gone
	assert_eq '' "$(systemctl --failed --no-legend --plain)" "failed units"
}

test_memory_of_a_users_unit_is_bounded() {
	local unit
	user_manager_drop_in
	hold_session one alice
	in_session one "mkdir -p ~/.config/systemd/user
		printf '[Service]\nMemoryMax=32M\nExecStart=sleep infinity\n' >~/.config/systemd/user/mine.service
		systemctl --user daemon-reload && systemctl --user start mine"
	unit=$(in_session one 'systemctl --user show -P ControlGroup mine')
	assert_match "^${MANAGER#/sys/fs/cgroup}/.*/mine.service\$" "$unit"
	assert_eq 33554432 "$(<"/sys/fs/cgroup$unit/memory.max")"
	assert_eq 1 "$(wc -l <"/sys/fs/cgroup$unit/cgroup.procs")"
	assert_ne 209715200 "$(in_session one 'systemd-run --user --pipe --quiet --wait -p MemoryMax=32M -p MemorySwapMax=0 \
		sh -c "head -c 200M /dev/zero | tail -c 200M | wc -c"; echo ended')"
	end_session one
	gone
	assert_eq '' "$(systemctl --failed --no-legend --plain)" "failed units"
}

test_gc_in_its_unit_mends_an_active_user() {
	local port
	user_manager_drop_in
	hold_session one alice
	port=$(port_of alice)
	bridge link set dev "$port" isolated off
	systemctl start pam-netns-gc.service
	assert_eq success "$(systemctl show -P Result pam-netns-gc.service)"
	assert_match 'isolated on' "$(bridge -d link show dev "$port")"
	assert_eq running "$(in_session one 'systemctl --user is-system-running')"
	end_session one
	gone
	assert_eq '' "$(systemctl --failed --no-legend --plain)" "failed units"
}

# systemd mounts binfmt_misc at the first use. The kernel's module is not on this disk, so a tmpfs stands in for it.
test_login_triggers_no_automount_and_the_session_can() {
	local mount=proc-sys-fs-binfmt_misc.mount
	user_manager_drop_in
	mkdir -p "/run/systemd/system/$mount.d"
	printf '[Mount]\nType=tmpfs\nOptions=\n' >"/run/systemd/system/$mount.d/tmpfs.conf"
	systemctl daemon-reload
	systemctl start "${mount%.mount}.automount"
	hold_session one alice
	assert_eq inactive "$(systemctl is-active "$mount" || :)"
	assert_eq tmpfs "$(in_session one 'stat -f -c %T /proc/sys/fs/binfmt_misc/.')"
	assert_eq active "$(systemctl is-active "$mount")"
	end_session one
	gone
	assert_eq '' "$(systemctl --failed --no-legend --plain)" "failed units"
}

test_cgroup_namespace_is_refused_by_check_and_login() {
	conf_set namespaces "$KINDS cgroup"
	assert_fails_with 'profile default: namespaces has cgroup, but systemd is PID 1, .* remove cgroup from namespaces' \
		pam-netns check
	assert_fails ssh_as alice -- true >&2
	log_grep 'no cgroup namespace for uid 2001: systemd is PID 1' >&2
	conf_set namespaces "$KINDS"
	gone
}
