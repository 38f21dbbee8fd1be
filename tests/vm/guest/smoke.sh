# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# bare
# The packages on a stock kernel with systemd: README's steps, and what a host does in its first days.
# smoke-2.sh goes on after a reboot.

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

UNITS=(pam-netns.service pam-netns-gc.timer pam-netns-gc.path pam-netns-resolv.path)

test_systemd_runs_the_guest() {
	uname -r >&2
	assert_eq systemd "$(cat /proc/1/comm)"
	assert_eq running "$(systemctl is-system-running)"
}

# README, step 1.
test_packages_are_installed_and_change_nothing() {
	apt-get -q -y install /srv/build/deb/libpam-netns_*.deb /srv/build/deb/pam-netns_*.deb >&2
	assert_eq '' "$(grep -l pam_netns /etc/pam.d/*)" "PAM stacks"
	assert_eq "disabled disabled disabled disabled" "$(systemctl is-enabled "${UNITS[@]}" | xargs)" "enabled units"
	assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
}

# Steps 3 to 5.
test_readme_steps_lead_to_the_first_isolated_user() {
	pam-netns check >&2
	pam-netns up >&2
	assert_match 10.203 "$(pam-netns explain alice)"
	echo 'session required pam_netns.so' >/etc/pam.d/netns-try
	pamtester_session netns-try alice >&2
	rm /etc/pam.d/netns-try
	pam-auth-update --enable pam-netns
	systemctl enable --quiet --now "${UNITS[@]}"
	pam-netns check >&2
	assert_ne "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
}
