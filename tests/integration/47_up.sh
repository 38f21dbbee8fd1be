# shellcheck shell=bash
# pam-netns up and down: they make, mend and remove the host's set-up, and print what they did.
# shellcheck source=tests/integration/uplink_lib.sh
. "$CHECKOUT/tests/integration/uplink_lib.sh"

setup() {
	uplink_setup
}

test_up_makes_bridge_and_down_removes_it() {
	pam-netns up
	ip link show pnbr0
	pam-netns up
	pam-netns down
	assert_fails ip link show pnbr0
	pam-netns up default
	ip link show pnbr0
	assert_code 1 pam-netns up nosuchnetwork
}

# The kernel reports a lost carrier up to a second later.
bridge_settled() {
	[[ $(ip -o link show pnbr0) == *NO-CARRIER*'state DOWN'* ]]
}

test_second_up_changes_nothing() {
	state() {
		rules
		ip -d link show type bridge | sed 's/hello_timer.*//'
		ip route show table all
		ip -6 route show table all
		findmnt -n -o TARGET
		find /run/pam-netns -path /run/pam-netns/hostproc/proc -prune -o -print | sort
		cat /run/pam-netns/networks/default/state /run/pam-netns/networks/host
	}
	local before
	# A bridge that never had a port has another state than a bridge that lost its ports.
	su alice -c true
	host_clean
	pam-netns up
	wait_until 5 bridge_settled
	before=$(state)
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)"
	assert_same "$before" "$(state)"
	hold_session a alice
	pam-netns up
	reaches_outside alice
	port_is_safe alice
	end_session a
	host_clean 8
	pam-netns gc
	wait_until 5 bridge_settled
	assert_same "$before" "$(state)"
}

# All of the set-up is removed, and earlier settings of the host are restored.
test_down_removes_all_of_the_set_up() {
	local family
	hold_session a alice
	assert_fails_with 'alice.*kick.*--force' pam-netns down
	assert_code 1 pam-netns down
	reaches_outside alice
	pam-netns down --force
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	assert_fails ip link show pnbr0
	pam-netns up
	reaches_outside alice
	port_is_safe alice
	assert_eq 0 "$(spoofed alice)"
	pam-netns down --force
	# The next login sets up the host without `up`.
	hold_session b bob
	reaches_outside alice
	reaches_outside bob
	reaches_no_user alice bob
	end_session a
	end_session b
	host_clean 8
	pam-netns down
	pam-netns down
	assert_eq '' "$(nft list tables | lines pam_netns)"
	assert_eq '' "$(ip -o link show | lines 'pnbr|pnu')"
	for family in -4 -6; do
		assert_eq '' "$(ip $family route show table all | lines 'pnbr|unreachable (10\.203|fd)')"
	done
	assert_eq 0 "$(</proc/sys/net/ipv4/ip_forward)"
	assert_eq 0 "$(</proc/sys/net/ipv6/conf/all/forwarding)"
	assert_eq '' "$(findmnt -n -o TARGET | lines pam-netns)"
	assert_eq '' "$(find /run/pam-netns/networks /run/pam-netns/users -mindepth 1)"
	hold_session a alice
	reaches_outside alice
	end_session a
	host_clean 8
}

routing_rules() {
	{ ip rule; ip -6 rule; } | sort
}

# down of one network needs no other network's users to leave, and undoes no more than that network.
test_down_of_one_network_keeps_the_others() {
	local alone
	pam-netns up
	alone=$(routing_rules)
	conf_lab bob ''
	pam-netns up
	hold_session a alice
	hold_session b bob
	[[ $(routing_rules) != "$alone" ]] || fail 'network lab has no routing rules'
	assert_fails_with 'bob.*kick.*--force' pam-netns down lab
	reaches_outside bob
	end_session b
	user_clean bob
	pam-netns down lab
	assert_fails ip link show pnlab
	assert_same "$alone" "$(routing_rules)"
	assert_eq 1 "$(</proc/sys/net/ipv4/ip_forward)"
	reaches_outside alice
	port_is_safe alice
	# The next login of lab's user sets it up without `up`.
	hold_session b bob
	reaches_outside bob
	reaches_no_user alice bob
	end_session a
	end_session b
	host_clean 8
	pam-netns down lab
	conf_reset
	pam-netns up
}

test_down_leaves_forwarding_that_was_on() {
	pam-netns down
	echo 1 >/proc/sys/net/ipv4/ip_forward
	pam-netns up
	pam-netns down
	assert_eq 1 "$(</proc/sys/net/ipv4/ip_forward)"
	assert_eq 0 "$(</proc/sys/net/ipv6/conf/all/forwarding)"
	echo 0 >/proc/sys/net/ipv4/ip_forward
	pam-netns up
}

# said DAMAGE…: prints the standard error of `up` after the damage.
said() {
	"$@"
	{ pam-netns up >"$OUT/up"; } 2>&1
}

test_up_prints_networks_and_forwarding() {
	local said subnet6
	pam-netns down
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)" 'of a first set-up'
	subnet6=$(sed -n 's/^subnet6=\(.*\)::$/\1/p' /run/pam-netns/networks/default/state)
	said=$(<"$OUT/up")
	assert_eq "network default: bridge pnbr0, 10.203.0.0/16 and $subnet6::/64, NAT
forwarding: IPv4 only for these networks, IPv6 only for these networks" "$said"
	pam-netns down
	echo 1 >/proc/sys/net/ipv4/ip_forward
	assert_match '^forwarding: IPv4, IPv6 only for these networks$' "$(pam-netns up | tail -n 1)"
	pam-netns down
	echo 0 >/proc/sys/net/ipv4/ip_forward
	conf_set nat no
	conf_set subnet6 none
	assert_eq 'network default: bridge pnbr0, 10.203.0.0/16, no NAT
forwarding: IPv4 only for these networks' "$(pam-netns up)"
	conf_reset
	pam-netns down
	pam-netns up
}

test_up_prints_what_it_mends() {
	local n='pam-netns: network default'
	assert_eq "$n: rules had been flushed: loaded again" "$(said nft flush ruleset)"
	assert_eq "$n: rules had been changed: loaded again" "$(said nft insert rule inet pam_netns forward accept)"
	assert_eq "$n: bridge pnbr0 was missing: made again" "$(said ip link delete pnbr0)"
	assert_eq "$n: bridge pnbr0 was down: brought up" "$(said ip link set pnbr0 down)"
	assert_eq "$n: IPv4 forwarding was off: switched on
$n: IPv6 forwarding was off: switched on" "$(said forwarding_set 0)"
	assert_eq "$n: the users' mount namespace template was missing: made again" "$(said umount -l /run/pam-netns/pins/template.default)"
	assert_eq "$n: the conf file or the program was changed: set up anew" "$(said touch "$CONF")"
	assert_eq '' "$(said true)"
	# A login writes it to the log, gc to its standard error.
	nft flush ruleset
	su alice -c true
	log_grep 'network default: rules had been flushed: loaded again'
	ip link delete pnbr0
	assert_eq "$n: bridge pnbr0 was missing: made again" "$(pam-netns gc 2>&1)"
	host_clean
}

# up voids its record first. gc must not take a void record for a change of the host.
test_gc_during_up_reports_no_change() {
	local i
	for ((i = 0; i < 40; i++)); do
		pam-netns up >"$OUT/up" 2>>"$OUT/said" &
		pam-netns gc 2>>"$OUT/said" &
		wait
	done
	assert_eq '' "$(<"$OUT/said")"
	assert_no_log 'network default:'
}

# What refuses logins or lets users out; warnings are for doctor.
test_up_names_problems_of_doctor() {
	local said hint='run pam-netns doctor: it shows all findings'
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)"
	sed -i 's/^session.*pam_netns.so/session optional pam_netns.so/' /etc/pam.d/common-session
	chmod 0711 /usr/libexec/pam-netns/pam-netns-enter
	said=$({ pam-netns up >"$OUT/up"; } 2>&1)
	assert_match '^FAIL installed: /usr/libexec/pam-netns/pam-netns-enter has .* -> chown' "$(sed -n 1p <<<"$said")"
	assert_match "^FAIL pam-control: /etc/pam.d/common-session:[0-9]+: with 'optional' .* -> write" "$(sed -n 2p <<<"$said")"
	assert_eq "$hint" "$(sed -n 3p <<<"$said")"
	assert_eq 3 "$(wc -l <<<"$said")"
	assert_match '^forwarding: ' "$(tail -n 1 "$OUT/up")"
	sed -i 's/^session optional pam_netns.so/session required pam_netns.so/' /etc/pam.d/common-session
	chmod 4755 /usr/libexec/pam-netns/pam-netns-enter
	sed -i '1i UsePAM no' /etc/ssh/sshd_config
	assert_match '^FAIL sshd: .*: UsePAM is no.*'$'\n'"$hint" "$({ pam-netns up >"$OUT/up"; } 2>&1)"
	sed -i 1d /etc/ssh/sshd_config
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)"
}
