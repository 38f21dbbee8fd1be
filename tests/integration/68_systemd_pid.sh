# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# systemd
# namespaces with pid on a host with systemd: logins have no user manager, and the unit of gc serves them.

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
	log_grep 'alice has no systemd user manager, because namespaces has pid: user@2001.service is refused' >/dev/null
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
