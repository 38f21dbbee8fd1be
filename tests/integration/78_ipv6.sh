# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# IPv6 is disabled on the host by sysctl, or missing in the kernel: before users log in, and while they are
# active. Then it is enabled again.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

ALL=/proc/sys/net/ipv6/conf/all/disable_ipv6
DEFAULT=/proc/sys/net/ipv6/conf/default/disable_ipv6

setup() {
	host_pam_install
}

# The outside has no IPv6 route while it is disabled, so these tests look at the host's side.
addresses6() {
	su "$1" -c 'ip -6 -o address show dev eth0 scope global' >"$OUT/addresses6" || echo 'no login'
	grep -o 'inet6 [^ /]*' "$OUT/addresses6" || :
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

# with_ipv6_off SETTING NAME: users log in with IPv4 alone, and the log says so once.
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

test_ipv6_disabled_on_all_links_gives_ipv4_alone() {
	with_ipv6_off "$ALL" 'net.ipv6.conf.all.disable_ipv6 = 1'
}

test_ipv6_disabled_on_new_links_gives_ipv4_alone() {
	with_ipv6_off "$DEFAULT" 'net.ipv6.conf.default.disable_ipv6 = 1'
}

# The kernel has ipv6.disable=1 on its command line.
test_kernel_without_ipv6_gives_ipv4_alone() {
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

# An active user keeps their session and IPv4, and no packet of their IPv6 address passes the bridge. New
# users get IPv4 alone.
test_ipv6_disabled_while_active_keeps_sessions() {
	local setting name
	for setting in "$ALL" "$DEFAULT"; do
		name=$(basename "$(dirname "$setting")")
		anew_up
		hold_session one alice
		assert_match 'inet6 fd' "$(in_session one 'ip -6 -o address show dev eth0 scope global')"
		echo 1 >"$setting"
		log_mark
		if [[ $setting == "$DEFAULT" ]]; then
			# Existing links keep IPv6, so nothing changes until the next set-up.
			assert_match '^inet6 fd' "$(addresses6 bob)"
			user_clean bob
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
		# Once it is enabled again, the next set-up, here by a first login, gives it back.
		ipv6_on
		assert_match '^inet6 fd' "$(addresses6 bob)"
		in_session one "ping -6 -q -n -c 1 -W 2 $(gateway6 | sed 's/.* //; s|/.*||')" >/dev/null
		end_session one
		host_clean
	done
}

# The network has no IPv6 then, and the uplink is made again without it.
test_uplink_is_made_again_while_ipv6_is_disabled() {
	anew_up
	hold_session one alice
	echo 1 >"$ALL"
	reaches4 bob
	ip link del "$(port_of alice)"
	reaches4 alice
	assert_match 'you are' "$(in_session one "curl -sS -m 3 http://$OUTSIDE4/")"
	assert_eq '' "$(in_session one 'ip -6 -o address show dev eth0 scope global')"
	assert_match '^address6=fd' "$(grep '^address6=' /run/pam-netns/users/2001/state)"
	ipv6_on
	end_session one
	host_clean
}

test_gc_follows_disabled_and_enabled_ipv6() {
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

# If the conf file names a prefix, logins without IPv6 are refused. Active users stay protected, even if the
# rules are flushed meanwhile.
test_named_prefix_without_ipv6_refuses_logins() {
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
	# The first remedy: enable it.
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
	assert_eq 'inet6 fd00:203::7d2' "$(addresses6 bob)"
	end_session one
	host_clean
	# The second remedy: no prefix.
	echo 1 >"$ALL"
	assert_fails su bob -c true
	sed -i 's|^subnet6 = .*|subnet6 = none|' "$CONF"
	reaches4 bob
	host_clean
	ipv6_on
	conf_reset
	pam-netns up
}

# The set-up that adds a bridge gives IPv6 back to users of the first bridge too.
test_added_bridge_gives_enabled_ipv6_to_all() {
	anew_up
	sed -i '/^ports_per_bridge/d; s/^\[network default\]/&\nports_per_bridge = 1/' "$CONF"
	pam-netns up
	hold_session one alice
	echo 1 >"$ALL"
	pam-netns gc
	ipv6_on
	assert_match '^inet6 fd' "$(addresses6 bob)"
	ip link show pnbr0.1 >/dev/null
	in_session one "ping -6 -q -n -c 1 -W 2 $(gateway6 | sed 's/.* //; s|/.*||')" >/dev/null
	end_session one
	host_clean
	conf_reset
	pam-netns down
	pam-netns up
}

# Many first logins right after IPv6 was disabled: one of them changes the set-up, and all succeed.
test_many_logins_at_once_follow_disabled_ipv6() {
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

# Another program disables IPv6 on our bridge alone: the next login or gc enables it again.
test_ipv6_disabled_on_our_bridge_is_enabled() {
	anew_up
	hold_session one alice
	echo 1 >/proc/sys/net/ipv6/conf/pnbr0/disable_ipv6
	assert_match '^inet6 fd' "$(addresses6 bob)"
	assert_eq 0 "$(cat /proc/sys/net/ipv6/conf/pnbr0/disable_ipv6)"
	in_session one "ping -6 -q -n -c 1 -W 2 $(gateway6 | sed 's/.* //; s|/.*||')" >/dev/null
	user_clean bob
	echo 1 >/proc/sys/net/ipv6/conf/pnbr0/disable_ipv6
	pam-netns gc
	assert_match '^inet6 fd' "$(gateway6)"
	end_session one
	host_clean
}

# `down` removes the set-up of IPv6, even if IPv6 was disabled meanwhile.
test_down_removes_ipv6_of_the_set_up() {
	anew_up
	echo 1 >"$DEFAULT"
	pam-netns up
	pam-netns down
	assert_eq '' "$(ip -6 route show type unreachable)"
	ipv6_on
	pam-netns up
}
