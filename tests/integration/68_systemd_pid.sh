# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# systemd
# namespaces with pid on a host with systemd: managers are in it or refused, and the unit of gc serves these users.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"
# shellcheck source=tests/integration/root_lib.sh
. "$CHECKOUT/tests/integration/root_lib.sh"

setup() {
	host_pam_install
	logind_stops_managers_at_once
	conf_set namespaces 'net mnt uts ipc pid'
}

test_logins_work_without_a_user_manager() {
	local pid
	log_mark
	hold_session one alice
	pid=$(in_session one 'readlink /proc/self/ns/pid')
	assert_ne "$(readlink /proc/1/ns/pid)" "$pid"
	assert_eq alice "$(in_session one 'loginctl show-session $XDG_SESSION_ID -P Name')"
	assert_eq 'alice:700' "$(in_session one 'stat -c %U:%a $XDG_RUNTIME_DIR')"
	assert_eq "$pid" "$(ssh_as alice -tt -- 'readlink /proc/self/ns/pid' | tr -d '\r')"
	assert_eq "$pid" "$(su - alice -c 'readlink /proc/self/ns/pid')"
	assert_eq "$pid" "$(cron_run alice 'readlink /proc/self/ns/pid')"
	# A manager would be on the host, as all that it starts: systemd-run --user.
	log_grep 'alice has no systemd user manager, because namespaces has pid and the unit does not start pam-netns-manager: user@2001.service is refused' >/dev/null
	assert_ne active "$(systemctl is-active user@2001.service || :)"
	assert_fails in_session one 'systemd-run --user --quiet --wait true' 2>/dev/null
	# Process 1 is in no session, which would otherwise stay.
	cat "/proc/$(pgrep -x pam-netns-init)/cgroup"
	assert_no_match 'user.slice|session' "$(cat "/proc/$(pgrep -x pam-netns-init)/cgroup")"
	systemctl daemon-reload
	systemctl daemon-reexec
	assert_eq "$pid" "$(in_session one 'readlink /proc/self/ns/pid')"
	end_session one
	host_clean 20
	wait_until 10 eval '! pgrep -x pam-netns-init'
	wait_until 10 eval '! loginctl list-sessions --no-legend | grep -q alice'
	systemctl reset-failed user@2001.service
}

# The unit's sandbox permits each kind of namespace that gc enters.
test_gc_in_its_unit_mends_and_removes_a_user_with_each_key() {
	local port
	conf_set processes own
	conf_set hide '/home/* /srv'
	conf_set net_admin yes
	conf_set read_only /opt
	conf_set bind /usr/share/doc:/mnt
	conf_set namespaces 'net mnt uts ipc pid'
	hold_session one alice
	port=$(port_of alice)
	ip link set "$port" down
	nsenter -t "$(pgrep -x pam-netns-init)" -m umount /srv
	assert_ne '' "$(in_session one 'ls /srv')" "seen until gc"
	systemctl start pam-netns-gc.service
	assert_eq '' "$(in_session one 'ls /srv')" "hidden by gc"
	assert_match 'state UP' "$(ip link show "$port")"
	end_session one
	wait_until 10 eval '! loginctl list-sessions --no-legend | grep -q alice'
	systemctl start pam-netns-gc.service
	user_clean alice
	systemctl reset-failed user@2001.service || :
}

# logind's modules come before ours, and its directory is in the host's /run.
test_logins_in_an_image_work_without_a_user_manager() {
	image_make /srv/images/busybox
	image_set /srv/images/busybox
	usermod -s /bin/sh alice
	log_mark
	hold_session one alice
	assert_eq 'of busybox 700' "$(in_session one 'echo $(cat /etc/name) $(stat -c %a $XDG_RUNTIME_DIR)')"
	assert_eq 'of busybox' "$(su - alice -c 'cat /etc/name')"
	assert_eq 'of busybox' "$(cron_run alice 'cat /etc/name')"
	log_grep "alice has no systemd user manager, because root is an image's: user@2001.service is refused" >/dev/null
	assert_ne active "$(systemctl is-active user@2001.service || :)"
	systemctl start pam-netns-gc.service
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)" 'after gc'
	end_session one
	host_clean 20
	wait_until 10 eval '! loginctl list-sessions --no-legend | grep -q alice'
	assert_no_log 'not closed cleanly'
	systemctl reset-failed user@2001.service || :
	usermod -s /bin/bash alice
}

managers_enter() {
	conf_reset
	conf_set namespaces 'net mnt uts ipc pid'
	user_manager_drop_in
}

# gone: no session, manager or process of alice is left.
gone() {
	wait_until 20 user_manager_ended 2001
	pam-netns gc
	user_clean alice
	wait_until 10 eval '! pgrep -x pam-netns-init'
	assert_eq '' "$(pgrep -u alice || :)"
}

SEEN='readlink /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/ipc'

# T53: by the example's drop-in, manager and units are inside.
test_t53_managers_and_units_are_inside() {
	local group=/sys/fs/cgroup/user.slice/user-2001.slice/user@2001.service seen
	managers_enter
	hold_session one alice
	seen=$(in_session one "$SEEN")
	assert_eq running "$(in_session one 'systemctl --user is-system-running --wait')"
	assert_eq "$seen" "$(in_session one "systemd-run --user --quiet --wait --pipe sh -c '$SEEN'")" systemd-run
	in_session one "mkdir -p ~/.config/systemd/user
		printf '[Service]\nType=oneshot\nExecStart=sh -c \"$SEEN >%%h/unit\"\n' >~/.config/systemd/user/mine.service
		systemctl --user daemon-reload && systemctl --user start mine"
	assert_eq "$seen" "$(</home/alice/unit)" "a unit of the user's own"
	assert_match 'org.freedesktop.systemd1 +2 systemd ' "$(in_session one 'busctl --user list --no-pager')"
	# All of the unit's processes are below its group, so that units can have controllers.
	assert_eq '' "$(<"$group/cgroup.procs")"
	assert_eq 3 "$(wc -l <"$group/init.scope/cgroup.procs")" 'the manager, what waits for it, and PAM'
	assert_eq '' "$(journalctl --no-pager -q -p warning _UID=2001 | grep -v ' --' || :)"
	end_session one
	gone
	# A manager that ends is no failure of the unit.
	assert_eq 0 "$(systemctl --failed --no-legend user@2001.service | wc -l)"
}

# With linger the manager's login is the first one, and the only one.
test_manager_of_a_lingering_user_is_inside() {
	managers_enter
	loginctl enable-linger alice
	wait_until 20 systemctl is-active user@2001.service
	assert_eq "$(readlink "/proc/$(pgrep -x pam-netns-init)/ns/pid")" \
		"$(readlink "/proc/$(pgrep -u alice -f '^/lib/systemd/systemd --user')/ns/pid")"
	hold_session one alice
	assert_eq running "$(in_session one 'systemctl --user is-system-running --wait')"
	end_session one
	assert_eq active "$(systemctl is-active user@2001.service)"
	loginctl disable-linger alice
	gone
}

# Managers of users that PAM does not isolate start as without the drop-in.
test_other_managers_start_as_before() {
	managers_enter
	systemctl start user@0.service
	assert_eq '/lib/systemd/systemd --user ' "$(tr '\0' ' ' <"/proc/$(systemctl show -P MainPID user@0.service)/cmdline")"
	systemctl stop user@0.service
	sed -i '0,/^\[profile/s//[profile other]\nmatch = bob\nnamespaces = net mnt uts\n\n&/' "$CONF"
	hold_session two bob
	assert_eq running "$(in_session two 'systemctl --user is-system-running --wait')"
	assert_eq "$(in_session two "$SEEN")" "$(in_session two "systemd-run --user --quiet --wait --pipe sh -c '$SEEN'")"
	end_session two
	wait_until 20 user_manager_ended 2002
}
