# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# For the smoke's parts.
# shellcheck disable=SC2034 # for scripts that source this file

# shellcheck source=tests/integration/systemd_lib.sh
. "$CHECKOUT/tests/integration/systemd_lib.sh"

JOURNAL_EXPECTED+=(
	# On a busy machine qemu's clocks are late.
	'kernel: (tsc: |TSC found unstable|hpet: Lost|APIC calibration|clocksource: |hrtimer: )'
	# A shutdown takes long there, and PID 1 no longer listens.
	'systemd-journald.*Failed to send WATCHDOG=1 notification message: Connection refused'
	# The end of another user's network takes long there.
	'waited [0-9]+ ms for the kernel.s lock of network configuration'
	# Of qemu's PCI bus and of its processor.
	'kernel: acpi PNP0A03:00: fail to add MMCONFIG information'
	'kernel: amd_pstate: the _CPC object is not present'
)
# conf_shipped: the conf file as it is shipped, but with the longest deadline. A first login after a boot makes the whole
# set-up, or waits for it, and in qemu on a busy machine this takes longer than the shipped 10 s.
conf_shipped() {
	conf_reset
	conf_set deadline 60s
}

UNITS=(pam-netns.service pam-netns-gc.timer pam-netns-gc.path pam-netns-resolv.path)

# guest_state: what a purge must leave as it was.
guest_state() {
	find /etc /usr /var/lib -xdev ! -type d \( -path /etc/pam.d/\* -o -path '*pam[-_]netns*' -o -path '/etc/systemd/system/*.wants/*' \) | sort
	sha256sum /etc/pam.d/*
	ip -o link | cut -d : -f 2
	ip rule
	nft list ruleset
	cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding
	grep netns /proc/self/mountinfo || :
}

# address_of USER: the IPv4 address.
address_of() {
	in_netns "$1" ip -4 -o address show dev eth0 | sed -nE 's/.* inet ([0-9.]+).*/\1/p'
}

# SHOW: prints the network of a session, that of what its user manager starts, and the manager's state.
SHOW='echo $(stat -L -c %i /proc/self/ns/net; systemd-run --user -q --wait --pipe stat -L -c %i /proc/self/ns/net
	systemctl --user is-system-running);'

# For sessions one and two, of alice and bob, and with "new" for new sessions: they have networks of their own, do not
# reach each other, and reach the outside. The control is alice's own address.
sessions_work() {
	local one two address
	address=$(address_of alice)
	one=$(in_session one "$SHOW ping -q -c 1 -W 10 $address >/dev/null")
	two=$(in_session two "$SHOW ! ping -q -c 1 -W 2 $address >/dev/null")
	assert_match '^([0-9]+) \1 running$' "$one" alice
	assert_match '^([0-9]+) \1 running$' "$two" bob
	assert_ne "$one" "$two" "networks"
	assert_ne "$(netns_inode 1)" "${one%% *}" "alice's network"
	assert_ne "$(netns_inode 1)" "${two%% *}" "bob's network"
	reaches_outside alice
	[[ ${1-} != new ]] ||
		assert_eq "${one%% *}" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "a new session's network"
}
