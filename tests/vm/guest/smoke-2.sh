# shellcheck shell=bash
# bare
# The smoke after a reboot, with bob lingering.

# shellcheck source=tests/vm/guest/smoke_lib.sh
. "$CHECKOUT/tests/vm/guest/smoke_lib.sh"

test_units_made_the_set_up_at_boot() {
	local unit
	for unit in "${UNITS[@]}"; do
		assert_eq active "$(systemctl is-active "$unit")" "$unit"
	done
	assert_eq 1 "$(</proc/sys/net/ipv4/ip_forward)" forwarding
	nft list table inet pam_netns >/dev/null
	[[ $(systemctl show -P ActiveEnterTimestampMonotonic pam-netns.service) -lt \
		$(systemctl show -P ExecMainStartTimestampMonotonic user@2002) ]]
}

test_lingering_user_has_the_same_address_after_the_reboot() {
	local pid
	assert_eq active "$(systemctl is-active user@2002)"
	pid=$(systemctl show -P MainPID user@2002)
	assert_ne "$(netns_inode 1)" "$(netns_inode "$pid")" network
	assert_eq "$(</root/address)" "$(address_of bob)" address
	assert_eq "$(netns_inode "$pid")" "$(ssh_as bob -- stat -L -c %i /proc/self/ns/net)" "a session's network"
	loginctl disable-linger bob
	wait_until 30 user_manager_ended 2002
}

test_y_no_unit_failed_and_the_journal_is_as_expected() {
	host_is_well
}

# README's way back.
test_z_purge_leaves_nothing() {
	local user
	pam-netns list --json | jq -r '.[].user' | while read -r user; do
		pam-netns kick "$user"
	done
	apt-get -q -y purge libpam-netns pam-netns >&2
	systemctl restart nftables
	assert_same "$(</root/before)" "$(guest_state)" "the guest before and after"
	assert_eq '' "$(find / -xdev -path '*pam[-_]netns*' ! -path '/srv/*' ! -path '/var/log/*' ! -path '/proc/*' ! -path '/tmp/*')" files
	assert_eq '' "$(systemctl list-unit-files --no-legend 'pam-netns*' || :)" "unit files"
	assert_eq '' "$(systemctl list-units --all --no-legend 'pam-netns*')" units
	assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	host_is_well
}
