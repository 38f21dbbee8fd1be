# shellcheck shell=bash
# For tests on a host with systemd.

# Expected messages of level warning or above, since the boot, of all programs.
JOURNAL_EXPECTED=(
	# The machine's limit of open files may be low.
	'dbus-daemon.*Failed to set fd limit to 65536'
)

# journal_unexpected: prints the messages of level warning or above that are not expected.
journal_unexpected() {
	journalctl --sync
	journalctl --no-pager -q -o short -p warning | grep -vE -f <(printf '%s\n' "${JOURNAL_EXPECTED[@]}") || :
}

host_is_well() {
	assert_eq '' "$(systemctl --failed --no-legend --plain)" "failed units"
	assert_eq '' "$(journal_unexpected)" "unexpected messages"
}

# Else a user's manager ends 10 seconds after the last session.
logind_stops_managers_at_once() {
	printf '[Login]\nUserStopDelaySec=0\n' >/etc/systemd/logind.conf
	systemctl restart systemd-logind
}

# user_manager_ended UID: logind has ended the manager and removed /run/user/UID.
user_manager_ended() {
	[[ $(systemctl is-active "user@$1") != active && ! -e /run/user/$1 ]]
}

# user_manager_drop_in: user managers run in PID namespaces, as the example says.
user_manager_drop_in() {
	mkdir -p /etc/systemd/system/user@.service.d
	cp "$CHECKOUT/conf/examples/user-manager.conf" /etc/systemd/system/user@.service.d/pam-netns.conf
	systemctl daemon-reload
}
