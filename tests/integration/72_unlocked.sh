# shellcheck shell=bash
# Attacks and set-up on a kernel that cannot lock bridge ports to a MAC (before Linux 5.18). The helper of these
# tests never sets the lock, and reads none back. The guard alone must stop all that it stops with the lock.
# shellcheck source=tests/integration/72_attacks.sh
. "$CHECKOUT/tests/integration/72_attacks.sh"

setup() {
	host_pam_install
	install -m 0755 /srv/build/unlocked/pam-netns-helper /usr/libexec/pam-netns/pam-netns-helper
	policy 'host_access = all'
	users_login alice bob carol
	serve bob
	probe_make
	witnesses_start alice bob carol
}

# assert_unlocked: the users' ports are not locked, and otherwise as ever.
assert_unlocked() {
	local user flags
	for user in alice bob carol; do
		flags=$(bridge -d link show dev "$(port_of "$user")")
		assert_match ' isolated on locked off' "$flags"
		assert_match ' learning off flood off' "$flags"
	done
}

test_t20_unlocked_port_sends_no_spoofed_source_to_the_outside() {
	assert_unlocked
	test_t20_spoofed_source_to_the_outside_is_stopped
	assert_unlocked
}

test_t20_unlocked_port_sends_no_spoofed_source_to_the_host() {
	test_t20_spoofed_source_to_the_host_is_stopped
}

test_t20_unlocked_port_sends_no_stolen_mac() {
	test_t20_stolen_mac_is_stopped
	assert_unlocked
}

test_t20_unlocked_port_claims_change_no_table() {
	test_t20_arp_and_neighbour_claims_change_no_table
}

test_t20_unlocked_port_sends_nothing_to_link_local_groups() {
	test_t20_frames_to_link_local_groups_are_stopped
}

test_t20_unlocked_port_fills_no_table() {
	test_t20_flood_of_addresses_fills_no_table
}

test_t20_unlocked_port_sends_nothing_to_a_neighbour() {
	test_t20_frames_straight_to_a_neighbour_are_stopped
}

# Without the rules the guard is gone. A user's frames with another MAC still end at the bridge's filter, change no
# entry of the bridge's table, and reach no other user.
test_t32_unlocked_port_sends_no_stolen_mac_after_a_flush() {
	local fdb
	fdb=$(bridge fdb show br pnbr0 | sort)
	nft flush ruleset
	attack alice -s "$BOB_MAC" flush-own udp "$ALICE4" "$HOST4" 9999
	attack alice -s "$BOB_MAC" flush-bob udp "$BOB4" "$HOST4" 9999
	attack alice -s "$BOB_MAC" flush-bob6 udp "$BOB6" "$HOST6" 9999
	attack alice -s "$GATEWAY_MAC" flush-gateway udp "$GATEWAY4" "$HOST4" 9999
	attack alice -s "$CAROL_MAC" -d "$BOB_MAC" flush-peer udp "$CAROL4" "$BOB4" 9999
	attack alice -s "$BOB_MAC" -d ff:ff:ff:ff:ff:ff flush-arp arp reply "$BOB4" "$GATEWAY4"
	attack alice -s "$BOB_MAC" -d 01:80:c2:00:00:0e flush-group udp "$BOB4" "$HOST4" 9999
	unseen_by_others flush-{own,bob,bob6,gateway,peer,arp,group}
	witnesses_follow host
	assert_eq '' "$(grep -E '^flush-[a-z0-9]* udp' "$OUT/witness.host" || :)" 'packets at services of the host'
	assert_same "$fdb" "$(bridge fdb show br pnbr0 | sort)"
	# The control: without the filter they arrive.
	tc qdisc del dev pnbr0 clsact
	attack alice -s "$BOB_MAC" flush-loose udp "$BOB4" "$GATEWAY4" 9999
	assert_seen host flush-loose "udp $BOB4"
	defences_on
	assert_unlocked
}

test_missing_lock_is_told_by_up_and_doctor() {
	local told='this kernel cannot lock bridge ports to a MAC'
	assert_match "$told \(Linux 5.18 can\): only the firewall rules stop false MACs" "$(pam-netns up 2>&1)"
	assert_eq port_lock=2 "$(grep port_lock /run/pam-netns/networks/host)"
	assert_match "warn locked: $told.*install Linux 5.18 or later" "$(pam-netns doctor || :)"
}

# The kernel is tried once after a boot. A set-up that a login mends, or makes anew for another conf file, reads
# the record.
test_kernel_is_tried_once() {
	log_mark
	nft flush ruleset
	ssh_as alice -- true
	echo '# changed' >>"$CONF"
	ssh_as bob -- true
	assert_match 'network default: .*conf file.*set up anew' "$(log_lines)"
	assert_no_match 'cannot lock bridge ports' "$(log_lines)"
	assert_eq port_lock=2 "$(grep port_lock /run/pam-netns/networks/host)"
	assert_unlocked
	# A record of a version that did not try the kernel.
	sed -i '/^port_lock=/d' /run/pam-netns/networks/host
	assert_match 'skip locked: no set-up has tried this kernel since the boot -> pam-netns up' \
		"$(pam-netns doctor || :)"
	echo '# changed again' >>"$CONF"
	ssh_as alice -- true
	log_grep 'cannot lock bridge ports' >/dev/null
	assert_eq port_lock=2 "$(grep port_lock /run/pam-netns/networks/host)"
}

test_required_lock_refuses_the_set_up() {
	local told='network default: locked = required, and this kernel cannot lock bridge ports'
	assert_fails_with "$told to a MAC: run Linux 5.18 or later, or write locked = auto" \
		policy 'host_access = all' 'locked = required'
	assert_match "FAIL locked: $told" "$(pam-netns doctor || :)"
	user_add erin 2005
	assert_fails ssh_as erin -- true
	assert_eq '' "$(find /sys/class/net -name 'pnu1jp*')" 'the port of uid 2005'
	# The users who are active stay guarded, and the next set-up lets users in again.
	attack alice -s "$BOB_MAC" required-mac udp "$BOB4" "$OUTSIDE4" 9999
	stopped required-mac
	policy 'host_access = all'
	ssh_as erin -- true
}

# Only users of the network that requires the lock are refused.
test_required_lock_of_one_network_leaves_others_alone() {
	local told='network strict: locked = required, and this kernel cannot lock bridge ports'
	user_add frank 2006
	cat >"$CONF" <<-'END'
		[network default]
		subnet6 = fd00:203::/64
		host_access = all
		[network strict]
		bridge = pnbr1
		subnet = 10.204.0.0/16
		locked = required
		[profile staff]
		match = root, @sudo, 1-999
		isolate = no
		[profile strict]
		match = frank
		network = strict
		[profile default]
		match = *
	END
	ssh_as alice -- true
	log_mark
	assert_fails ssh_as frank -- true
	log_grep "$told" >/dev/null
	assert_fails ip link show pnbr1 2>/dev/null
	pam-netns up default
	assert_fails_with "$told" pam-netns up
	assert_fails ip link show pnbr1 2>/dev/null
	# The refused set-up of that network has changed nothing of the other.
	assert_reach alice yes "tcp $OUTSIDE4 80" "tcp $OUTSIDE6 80"
	ssh_as alice -- true
	attack alice -s "$BOB_MAC" strict-mac udp "$BOB4" "$OUTSIDE4" 9999
	stopped strict-mac
	policy 'host_access = all'
}

# The installed helper finds the lock of this kernel: each user's port is locked then.
test_lock_of_a_newer_kernel_is_used() {
	install -m 0755 /srv/build/pam-netns-helper /usr/libexec/pam-netns/pam-netns-helper
	policy 'host_access = all' 'locked = required'
	assert_eq port_lock=1 "$(grep port_lock /run/pam-netns/networks/host)"
	assert_match "ok   locked: the kernel locks each user's bridge port" "$(pam-netns doctor || :)"
	assert_match ' isolated on locked on' "$(bridge -d link show dev "$(port_of alice)")"
}
