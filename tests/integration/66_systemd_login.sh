# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# systemd
# Logins on a host with systemd, logind and user managers.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

setup() {
	host_pam_install
	logind_stops_managers_at_once
}

test_systemd_runs_the_host() {
	assert_eq systemd "$(cat /proc/1/comm)"
	assert_eq running "$(systemctl is-system-running)"
	for unit in ssh cron atd dbus systemd-logind systemd-journald; do
		assert_eq active "$(systemctl is-active $unit)" $unit
	done
	assert_eq '' "$(systemctl list-timers --no-legend | grep -v systemd-tmpfiles-clean || :)" timers
}

# written_again FILE: its own value, which changes nothing.
written_again() {
	local value
	value=$(<"$1")
	echo "$value" >"$1"
}

# Such settings are the machine's.
test_host_with_systemd_cannot_change_the_machine() {
	local file
	for file in /proc/sys/kernel/pid_max /proc/sys/fs/file-max /proc/sys/vm/overcommit_memory; do
		assert_fails written_again "$file"
	done
	written_again /proc/sys/net/ipv4/ip_forward
	systemd-run -q --collect --wait sh -c '! date -s "$(date)"'
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

test_user_manager_and_its_services_are_in_the_users_namespaces() {
	local inodes
	hold_session one alice
	inodes=$(in_session one "$PRINT_INODES")
	assert_eq "$inodes" "$(in_session one "systemd-run --user --quiet --wait --pipe sh -c '$PRINT_INODES'")" systemd-run
	assert_eq "$inodes" "$(in_session one "systemd-run --user --quiet --scope sh -c '$PRINT_INODES'")" "systemd-run --scope"
	assert_match "you are $HOST4" "$(in_session one "systemd-run --user -q --wait --pipe curl -sS -m 3 http://$OUTSIDE4/")"
	# The manager itself lets others have what it has: its bus, its units, its timers.
	assert_eq "$(netns_inode "$(hold_pid one)")" "$(netns_inode "$(systemctl show -P MainPID user@2001)")" manager
	echo "$PRINT_INODES >$OUT/unit" >"$OUT/unit.sh"
	in_session one "mkdir -p ~/.config/systemd/user
		printf '[Service]\nType=oneshot\nExecStart=sh $OUT/unit.sh\n' >~/.config/systemd/user/mine.service
		systemctl --user daemon-reload && systemctl --user start mine"
	assert_eq "$inodes" "$(<"$OUT/unit")" "a unit of the user's own"
	end_session one
}

# /run/user/UID is there for the session, its manager, and root on the host: it is one and the same.
test_runtime_directory_is_that_of_the_host() {
	hold_session one alice
	in_session one 'echo mine >$XDG_RUNTIME_DIR/file'
	assert_eq mine "$(</run/user/2001/file)"
	assert_eq mine "$(in_session one 'systemd-run --user --quiet --wait --pipe cat /run/user/2001/file')"
	end_session one
	wait_until 20 user_manager_ended 2001
	# A new one for the next session, and a new bus.
	assert_match $'^0\nrunning$' "$(ssh_as alice -- 'ls $XDG_RUNTIME_DIR | grep -c file; systemctl --user is-system-running')"
}

test_lingering_user_has_a_network_without_a_session() {
	local pid
	loginctl enable-linger bob
	wait_until 20 systemctl --quiet is-active user@2002
	pid=$(systemctl show -P MainPID user@2002)
	assert_ne "$(netns_inode 1)" "$(netns_inode "$pid")" network
	reaches_outside bob
	assert_eq "$(netns_inode "$pid")" "$(ssh_as bob -- 'stat -L -c %i /proc/self/ns/net')"
	# After the session the manager stays, and so does the network.
	wait_until 20 sh -c '! loginctl list-sessions --no-legend | grep -qw bob'
	assert_eq "$pid" "$(systemctl show -P MainPID user@2002)"
	pam-netns gc
	reaches_outside bob
	loginctl disable-linger bob
	wait_until 20 user_manager_ended 2002
	pam-netns gc
	user_clean bob
}

# Without KillUserProcesses the sleep would keep bob's manager, which is a session of bob's.
test_linger_no_with_kill_user_processes_ends_what_goes_on() {
	local remedy
	assert_no_match 'warn linger' "$(pam-netns doctor || :)"
	conf_set linger no
	remedy=$({ pam-netns doctor || :; } | sed -n 's/^warn linger: .*linger = no.* -> //p')
	bash -ec "$remedy"
	assert_no_match 'warn linger' "$(pam-netns doctor || :)"
	ssh_as bob -- "setsid sleep 300 >/dev/null 2>&1 & echo \$! >$OUT/sleep"
	wait_until 30 process_gone "$(<"$OUT/sleep")"
	wait_until 30 user_manager_ended 2002
	pam-netns gc
	user_clean bob
	rm -r /etc/systemd/logind.conf.d
	logind_stops_managers_at_once
	conf_reset
}

# What a user starts with the right of `systemd-run --uid` of root, without a PAM session, is on the host: the
# control for the user manager.
test_system_service_of_a_user_needs_a_pam_session() {
	hold_session one alice
	assert_eq "$(netns_inode 1)" "$(systemd-run -q --wait --pipe --uid alice stat -L -c %i /proc/self/ns/net)"
	assert_eq "$(netns_inode "$(hold_pid one)")" \
		"$(systemd-run -q --wait --pipe --uid alice -p PAMName=cron stat -L -c %i /proc/self/ns/net)" PAMName
	end_session one
}

test_cron_and_at_jobs_have_the_users_network() {
	local at
	hold_session one alice
	at=$(at_run alice 'stat -L -c %i /proc/self/ns/net')
	assert_eq "$(netns_inode "$(hold_pid one)")" "$at"
	end_session one
}

# sessions_still_work: those that were opened before, and new ones.
sessions_still_work() {
	assert_eq running "$(in_session one 'systemctl --user is-system-running')"
	assert_match "you are $HOST4" "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	assert_eq "$(netns_inode "$(hold_pid one)")" "$(ssh_as alice -- 'stat -L -c %i /proc/self/ns/net')"
	assert_match "$(netns_inode "$(hold_pid one)")"$'\nrunning' \
		"$(ssh_as alice -- 'systemd-run --user -q --wait --pipe stat -L -c %i /proc/self/ns/net; systemctl --user is-system-running')"
	reaches_outside alice
	assert_ne "$(netns_inode 1)" "$(ssh_as bob -- 'stat -L -c %i /proc/self/ns/net')" bob
}

test_sessions_outlive_a_reexecuted_systemd() {
	hold_session one alice
	systemctl daemon-reexec
	sessions_still_work
	systemctl daemon-reload
	in_session one 'systemctl --user daemon-reexec'
	sessions_still_work
	end_session one
}

test_sessions_outlive_restarted_ssh_and_logind() {
	hold_session one alice
	systemctl restart ssh
	sessions_still_work
	# sshd tells logind of a session's end after the client has gone.
	wait_until 20 eval "[[ \$(pgrep -fc '^sshd: .* .priv.') == 1 ]]"
	systemctl restart systemd-logind
	sessions_still_work
	end_session one
}

# The manager ends after the last session, and its network can be removed then.
test_users_manager_ends_after_the_last_logout() {
	ssh_as alice -- true
	ssh_as bob -- true
	wait_until 20 user_manager_ended 2001
	wait_until 20 user_manager_ended 2002
	pam-netns gc
	host_clean
	assert_eq '' "$(find /run/user -mindepth 1)"
}

test_z_no_unit_failed_and_the_journal_is_as_expected() {
	host_is_well
}
