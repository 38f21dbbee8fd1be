# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# systemd
# User managers, logind and timers with hidden processes and paths.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

setup() {
	host_pam_install
	logind_stops_managers_at_once
	mkdir -p /srv/secret
	echo secret >/srv/secret/file
	conf_set processes own
	conf_set hide '/home/* /srv/secret'
	conf_set read_only /usr
	# PROCESSES: the owners of all processes that are seen. SEEN: what of the hidden paths is seen.
	cat >/usr/local/bin/seen <<-'END'
		#!/bin/sh
		for p in /proc/[0-9]*; do stat -c %U "$p" 2>/dev/null; done | sort -u
		cat /srv/secret/file 2>/dev/null
		ls /home
	END
	chmod 0755 /usr/local/bin/seen
}

# left USER: the user's manager has ended, and gc finds all of the user gone.
left() {
	wait_until 20 user_manager_ended "$(id -u "$1")"
	pam-netns gc
	user_clean "$1"
}

SEEN=$'alice\nalice'

test_managers_and_their_units_are_in_the_users_view() {
	hold_session one alice
	assert_eq running "$(in_session one 'systemctl --user is-system-running')"
	assert_eq "$SEEN" "$(in_session one seen)" session
	assert_eq "$SEEN" "$(in_session one 'systemd-run --user --quiet --wait --pipe seen')" systemd-run
	assert_eq "$SEEN" "$(in_session one 'systemd-run --user --quiet --scope seen')" 'systemd-run --scope'
	in_session one 'mkdir -p ~/.config/systemd/user
		printf "[Service]\nType=oneshot\nExecStart=sh -c \"seen >%%h/unit\"\n" >~/.config/systemd/user/mine.service
		systemctl --user daemon-reload && systemctl --user start mine'
	assert_eq "$SEEN" "$(</home/alice/unit)" "a unit of the user's own"
	assert_eq alice "$(in_session one 'loginctl show-session $XDG_SESSION_ID -P Name')"
	assert_match 'org.freedesktop.systemd1 ' "$(in_session one 'busctl --user list --no-pager')"
	assert_match '^alice \(2001\)' "$(in_session one 'loginctl user-status --no-pager')"
	end_session one
	left alice
}

test_each_way_of_login_has_the_users_view() {
	assert_eq "$SEEN" "$(ssh_as alice -tt -- seen | tr -d '\r')" 'ssh with a terminal'
	assert_eq "$SEEN" "$(su - alice -c seen)" 'su -'
	assert_eq "$SEEN" "$(sudo -u alice seen)" sudo
	left alice
}

# What SECURITY.md does not promise: PID 1 tells all users about units.
test_pid_1_still_tells_about_units() {
	hold_session two bob
	assert_match 'user@2002.service|session' "$(ssh_as alice -- 'systemctl status user-2002.slice --no-pager' || :)"
	assert_match "[0-9]" "$(ssh_as alice -- 'find /sys/fs/cgroup -name cgroup.procs -exec cat {} + 2>/dev/null | head -n 1')"
	end_session two
	left bob
	left alice
}

test_host_is_well() {
	host_is_well
}
