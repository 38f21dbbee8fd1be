# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# IPv6 disabled on the host by sysctl, or missing in the kernel: before users log in, while they are
# active, and enabled again.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

ALL=/proc/sys/net/ipv6/conf/all/disable_ipv6
DEFAULT=/proc/sys/net/ipv6/conf/default/disable_ipv6

setup() {
	host_pam_install
	cp "$CONF" "$OUT/conf"
}

# The outside's addresses and routes go with IPv6, so these tests ask for the host's side of it.
addresses6() {
	su "$1" -c 'ip -6 -o address show dev eth0 scope global' | grep -o 'inet6 [^ /]*' || :
}

reaches4() {
	assert_match "^you are $HOST4" "$(su "$1" -c "curl -sS -m 3 http://$OUTSIDE4/")"
}

gateway6() {
	ip -6 -o address show dev pnbr0 scope global | grep -o 'inet6 [^ ]*' || :
}

ipv6_on() {
	echo 0 >"$ALL"
	echo 0 >"$DEFAULT"
}

anew_up() {
	umount /proc/sys/net/ipv6 2>/dev/null || :
	ipv6_on
	host_clean
	pam-netns down
	pam-netns up
}

# with_ipv6_off SETTING VALUE-NAME: users log in with IPv4 alone, the log says so once.
with_ipv6_off() {
	anew_up
	pam-netns down
	echo 1 >"$1"
	log_mark
	reaches4 alice
	assert_eq '' "$(addresses6 bob)"
	assert_eq 1 "$(log_lines | grep -c "network default gets no IPv6: it is disabled on this host ($2")"
	assert_match "gets no IPv6: .*$2" "$(pam-netns up 2>&1)"
	host_clean
	ipv6_on
	# The next first login adds it.
	assert_match '^inet6 fd' "$(addresses6 alice)"
	assert_match '^inet6 fd' "$(gateway6)"
	host_clean
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1 | grep IPv6 || :)"
}

test_auto_without_ipv6_on_all_links() {
	with_ipv6_off "$ALL" 'net.ipv6.conf.all.disable_ipv6 = 1'
}

test_auto_without_ipv6_on_new_links() {
	with_ipv6_off "$DEFAULT" 'net.ipv6.conf.default.disable_ipv6 = 1'
}

# As with ipv6.disable=1 on the kernel's command line.
test_auto_without_ipv6_in_the_kernel() {
	anew_up
	pam-netns down
	mkdir -p "$OUT/empty"
	mount --bind "$OUT/empty" /proc/sys/net/ipv6
	reaches4 alice
	assert_match 'gets no IPv6: .*ipv6.disable = 1' "$(pam-netns up 2>&1)"
	assert_eq '' "$(addresses6 bob)"
	host_clean
	umount /proc/sys/net/ipv6
	pam-netns up
	assert_match '^inet6 fd' "$(addresses6 alice)"
	host_clean
}

# A user who is active keeps their session and IPv4; new ones get IPv4 alone; no packet of the active
# one's IPv6 address passes the bridge.
test_disabled_while_active() {
	local setting name
	for setting in "$ALL" "$DEFAULT"; do
		name=$(basename "$(dirname "$setting")")
		anew_up
		hold_session one alice
		assert_match 'inet6 fd' "$(in_session one 'ip -6 -o address show dev eth0 scope global')"
		echo 1 >"$setting"
		log_mark
		if [[ $setting == "$DEFAULT" ]]; then
			# Links that are there keep IPv6: nothing changes until the next set-up.
			assert_match '^inet6 fd' "$(addresses6 bob)"
			host_clean_of bob
			assert_match 'gets no IPv6: .*default.disable_ipv6 = 1' "$(pam-netns up 2>&1)"
		fi
		reaches4 bob
		assert_eq '' "$(addresses6 bob)" "$name"
		[[ $setting == "$DEFAULT" ]] ||
			log_grep 'network default gets no IPv6: .*all.disable_ipv6 = 1' >/dev/null
		assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")" "$name"
		reaches4 alice
		assert_eq 0 "$(nft list set bridge pam_netns guard6 | grep -c '02:6e' || :)" "guard6"
		pam-netns gc
		assert_eq 0 "$(nft list set bridge pam_netns guard6 | grep -c '02:6e' || :)" "guard6 after gc"
		assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")" "after gc"
		# Enabled again, the active user has it back with the next set-up, a first login being one.
		ipv6_on
		assert_match '^inet6 fd' "$(addresses6 bob)"
		in_session one "ping -6 -q -n -c 1 -W 2 $(gateway6 | sed 's/.* //; s|/.*||')" >/dev/null
		end_session one
		host_clean
	done
}

host_clean_of() {
	wait_until 15 test ! -e "/run/netns/$1"
}

# gc, which systemd runs each minute, follows as a login does.
test_gc_follows() {
	anew_up
	hold_session one alice
	echo 1 >"$ALL"
	pam-netns gc
	assert_eq '' "$(sed -n 's/^subnet6=//p' /run/pam-netns/networks/default/state | grep -v none || :)"
	ipv6_on
	pam-netns gc
	assert_match '^inet6 fd' "$(gateway6)"
	in_session one "ping -6 -q -n -c 1 -W 2 $(gateway6 | sed 's/.* //; s|/.*||')" >/dev/null
	end_session one
	host_clean
}

# A prefix that the conf file names is wanted: logins are refused rather than without it. Users who
# are active stay protected, also if the rules are flushed meanwhile.
test_explicit_prefix_refuses() {
	local said
	anew_up
	sed -i 's|^subnet6 = .*|subnet6 = fd00:203::/64|' "$CONF"
	pam-netns up
	hold_session one alice
	echo 1 >"$ALL"
	log_mark
	assert_fails su bob -c true
	log_grep 'IPv6 is disabled on this host \(net.ipv6.conf.all.disable_ipv6 = 1\): set it to 0, or write subnet6 = none' >/dev/null
	assert_no_log 'gave no reply'
	said=$(assert_fails pam-netns up 2>&1)
	assert_match 'IPv6 is disabled on this host .*set it to 0, or write subnet6 = none' "$said"
	nft flush ruleset
	assert_fails su bob -c true
	assert_match 'pam_netns' "$(nft list tables)" "rules are mended"
	assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	# The first remedy.
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
	assert_eq 'inet6 fd00:203::7d2' "$(addresses6 bob)"
	end_session one
	host_clean
	# The second.
	echo 1 >"$ALL"
	assert_fails su bob -c true
	sed -i 's|^subnet6 = .*|subnet6 = none|' "$CONF"
	reaches4 bob
	host_clean
	ipv6_on
	cp "$OUT/conf" "$CONF"
	pam-netns up
}

# A further bridge is wanted at the very moment: the users of the first have IPv6 again as well.
test_enabled_as_a_bridge_is_added() {
	anew_up
	sed -i '/^ports_per_bridge/d; s/^\[network default\]/&\nports_per_bridge = 1/' "$CONF"
	pam-netns up
	hold_session one alice
	echo 1 >"$ALL"
	pam-netns gc
	echo 0 >"$ALL"
	echo 0 >"$DEFAULT"
	assert_match '^inet6 fd' "$(addresses6 bob)"
	ip link show pnbr0.1 >/dev/null
	in_session one "ping -6 -q -n -c 1 -W 2 $(gateway6 | sed 's/.* //; s|/.*||')" >/dev/null
	end_session one
	host_clean
	cp "$OUT/conf" "$CONF"
	pam-netns down
	pam-netns up
}

# Many first logins at once while IPv6 has just been disabled: the set-up follows once, all get in.
test_many_logins_as_it_is_disabled() {
	local i pids=()
	anew_up
	echo 1 >"$ALL"
	log_mark
	for user in alice bob carol longuid; do
		su "$user" -c true &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	assert_eq 1 "$(log_lines | grep -c 'network default gets no IPv6')"
	host_clean
	ipv6_on
	pam-netns up
}

# Another program disables it on our bridge alone: that is put right, for active users as well.
test_disabled_on_the_bridge() {
	anew_up
	hold_session one alice
	echo 1 >/proc/sys/net/ipv6/conf/pnbr0/disable_ipv6
	assert_match '^inet6 fd' "$(addresses6 bob)"
	assert_eq 0 "$(cat /proc/sys/net/ipv6/conf/pnbr0/disable_ipv6)"
	in_session one "ping -6 -q -n -c 1 -W 2 $(gateway6 | sed 's/.* //; s|/.*||')" >/dev/null
	host_clean_of bob
	echo 1 >/proc/sys/net/ipv6/conf/pnbr0/disable_ipv6
	pam-netns gc
	assert_match '^inet6 fd' "$(gateway6)"
	end_session one
	host_clean
}

# What was set up for IPv6 goes with `down`, also if IPv6 was disabled in between.
test_down_leaves_nothing() {
	anew_up
	echo 1 >"$DEFAULT"
	pam-netns up
	pam-netns down
	assert_eq '' "$(ip -6 route show type unreachable)"
	ipv6_on
	pam-netns up
}
