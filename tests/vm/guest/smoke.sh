# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# bare
# The packages on a stock kernel with systemd: README's steps, and what happens on a host in its first days.
# smoke-2.sh goes on after a reboot.

# shellcheck source=tests/vm/guest/smoke_lib.sh
. "$CHECKOUT/tests/vm/guest/smoke_lib.sh"

test_systemd_runs_the_guest() {
	uname -r >&2
	assert_eq systemd "$(cat /proc/1/comm)"
	assert_eq running "$(systemctl is-system-running)"
}

# README, step 1.
test_installed_packages_change_no_login() {
	systemctl enable --quiet --now nftables
	guest_state >/root/before
	apt-get -q -y install /srv/build/deb/libpam-netns_*.deb /srv/build/deb/pam-netns_*.deb >&2
	assert_eq '' "$(grep -l pam_netns /etc/pam.d/*)" "PAM stacks"
	assert_eq "disabled disabled disabled disabled" "$(systemctl is-enabled "${UNITS[@]}" | xargs)" "enabled units"
	assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
}

# Steps 2 to 7.
test_readme_steps_isolate_the_first_user_and_then_all() {
	conf_shipped
	sed -i 's/^match = \*$/match = alice/' "$CONF"
	printf '[profile rest]\nmatch = *\nisolate = no\n' >>"$CONF"
	pam-netns check >&2
	pam-netns up >&2
	assert_match 'alice' "$(pam-netns explain alice)"
	echo 'session required pam_netns.so' >/etc/pam.d/netns-try
	pamtester_session netns-try alice >&2
	journalctl -q -t pamtester | grep 'session opened: user=alice'
	rm /etc/pam.d/netns-try
	# Managers that began on the host stay there (doctor: outside). They end 10 s after the last session.
	wait_until 30 user_manager_ended 2001
	pam-auth-update --enable pam-netns
	assert_ne "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	assert_eq "$(netns_inode 1)" "$(ssh_as bob -- stat -L -c %i /proc/self/ns/net)" "bob's network"
	wait_until 30 user_manager_ended 2002
	conf_shipped
	systemctl enable --quiet --now "${UNITS[@]}"
	pam-netns check >&2
	assert_ne "$(netns_inode 1)" "$(ssh_as bob -- stat -L -c %i /proc/self/ns/net)" "bob's network"
}

test_two_users_have_networks_and_ports_of_their_own() {
	hold_session one alice
	hold_session two bob
	sessions_work new
	serve_once one 8080 hello
	assert_eq hello "$(in_session one 'nc -w 5 localhost 8080')" "alice's port"
	serve_once one 8080 hello
	assert_fails in_session two 'nc -w 5 localhost 8080' >&2
	assert_fails in_session two "nc -w 2 $(address_of alice) 8080" >&2
	assert_fails nc -w 2 localhost 8080
	assert_eq hello "$(in_session one 'nc -w 5 localhost 8080')" "alice's port"
}

# Earlier the set-up of a user unmounted the /run/user/UID of all users, and user@UID.service failed on Linux 6.12.
test_user_managers_stay_and_work() {
	hold_session one alice
	hold_session two bob
	# The set-up is made anew while they are active, as by a first login after a change.
	sed -i 's/^mtu = .*/mtu = 1400/' "$CONF"
	[[ $(grep -c '^mtu = 1400' "$CONF") -gt 0 ]]
	ssh_as carol -- true
	assert_eq active "$(systemctl is-active user@2001)" "alice's manager"
	assert_eq active "$(systemctl is-active user@2002)" "bob's manager"
	assert_eq tmpfs "$(stat -f -c %T /run/user/2001)"
	sessions_work
	conf_shipped
	pam-netns up >&2
	sessions_work
	end_session two
	end_session one
	wait_until 30 user_manager_ended 2001
	wait_until 30 user_manager_ended 2002
	wait_until 30 host_is_clean
}

test_sessions_outlive_restarts_of_systemds_services() {
	local what
	hold_session one alice
	hold_session two bob
	mkdir -p /etc/systemd/network
	printf '[Match]\nName=uplink0\n[Network]\nKeepConfiguration=yes\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
		>/etc/systemd/network/10-uplink.network
	for what in daemon-reexec 'restart ssh' 'restart systemd-logind' 'restart systemd-networkd' 'restart nftables'; do
		echo "systemctl $what" >&2
		# shellcheck disable=SC2086 # words
		systemctl $what
		sessions_work new
	done
	systemctl stop nftables
	pam-netns gc
	sessions_work
	end_session two
	end_session one
}

# Without a login: the timer alone, within its minute.
test_timer_removes_what_is_left() {
	assert_eq active "$(systemctl is-active pam-netns-gc.timer)"
	wait_until 60 host_is_clean
}

test_y_lingering_user_has_a_network_before_the_reboot() {
	loginctl enable-linger bob
	wait_until 30 systemctl --quiet is-active user@2002
	assert_ne "$(netns_inode 1)" "$(netns_inode "$(systemctl show -P MainPID user@2002)")" network
	address_of bob >/root/address
}

test_z_no_unit_failed_and_the_journal_is_as_expected() {
	host_is_well
}
