# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The host's set-up: made, mended by the next login where others undid it, removed.

setup() {
	host_pam_install
	cp "$CONF" "$OUT/conf"
	pam-netns up
	# Every attempt that is rejected is to be answered at once.
	echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
	echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
}

# Three, as some versions of ping count the host's redirect as the first answer.
reaches_user() {
	in_netns "$1" ping -q -c 3 -i 0.1 -W 0.3 "$(recorded "$2" address)" &&
		in_netns "$1" ping -q -c 3 -i 0.1 -W 0.3 "$(recorded "$2" address6)"
}

reaches_no_user() {
	assert_fails in_netns "$1" ping -q -c 1 -W 0.3 "$(recorded "$2" address)" >/dev/null
	assert_fails in_netns "$1" ping -q -c 1 -W 0.3 "$(recorded "$2" address6)" >/dev/null
}

# spoofed USER: how many packets with a forged source arrive on the host from the user.
spoofed() {
	nft -f - <<-END
		table inet watch {
			chain prerouting {
				type filter hook prerouting priority -500
				ip saddr 10.203.99.99 counter comment "forged"
				ip6 saddr fd99::99 counter comment "forged"
			}
		}
	END
	in_netns "$1" ip address add 10.203.99.99/32 dev eth0
	in_netns "$1" ip address add fd99::99/128 dev eth0 nodad
	in_netns "$1" ping -q -c 1 -W 0.3 -I 10.203.99.99 "$OUTSIDE4" >/dev/null || :
	in_netns "$1" ping -q -c 1 -W 0.3 -I fd99::99 "$OUTSIDE6" >/dev/null || :
	in_netns "$1" ip address del 10.203.99.99/32 dev eth0
	in_netns "$1" ip address del fd99::99/128 dev eth0
	nft list table inet watch | awk '/forged/ { for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1) } END { print n + 0 }'
	nft delete table inet watch
}

# Our rules, without users and counters.
rules() {
	nft -s -t list table inet pam_netns
	nft -s -t list table bridge pam_netns
}

port_forwards() {
	grep -qx 3 "/sys/class/net/$(port_of "$1")/brport/state"
}

port_is_safe() {
	local flags
	# The bridge hears of a carrier a moment after the login that made it.
	wait_until 5 port_forwards "$1"
	flags=$(bridge -d link show dev "$(port_of "$1")")
	assert_match 'isolated on' "$flags"
	assert_match 'locked on' "$flags"
	assert_match 'learning off' "$flags"
	assert_match ' flood off' "$flags"
	assert_match "master ${2:-pnbr0} " "$flags"
	assert_match "$(ip -n "$1" -j link show eth0 | jq -r '.[0].address') .*static" \
		"$(bridge fdb show brport "$(port_of "$1")")"
}

# mended DAMAGE: alice is in, somebody does DAMAGE, bob logs in: all is as it was for both.
# A reaper that found somebody inside would wait for 10 s, longer than host_clean is given.
mended() {
	local before
	pam-netns gc
	hold_session a alice
	before=$(rules)
	"$@"
	hold_session b bob
	assert_same "$before" "$(rules)" 'our rules'
	reaches_outside alice
	reaches_outside bob
	port_is_safe alice
	port_is_safe bob
	reaches_no_user alice bob
	reaches_no_user bob alice
	assert_eq 0 "$(spoofed alice)"
	end_session a
	end_session b
	host_clean 8
}

# The controls: without mending, all of it is open.
test_ruleset_flushed() {
	local before
	hold_session a alice
	hold_session b bob
	before=$(rules)
	reaches_no_user alice bob
	assert_eq 0 "$(spoofed alice)"
	nft flush ruleset
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	reaches_no_user alice bob
	# The bridge's filter stops it. Without the filter nothing would.
	tc qdisc del dev pnbr0 clsact
	reaches_user alice bob
	assert_ne 0 "$(spoofed alice)"
	hold_session c carol
	log_grep 'network default: rules had been flushed: loaded again'
	assert_same "$before" "$(rules)"
	reaches_outside alice
	reaches_outside bob
	reaches_outside carol
	reaches_no_user alice bob
	reaches_no_user bob carol
	assert_eq 0 "$(spoofed alice)"
	port_is_safe alice
	end_session c
	end_session b
	end_session a
	host_clean 8
}

carrier_losses() {
	cat "/sys/class/net/$(port_of "$1")/carrier_down_count"
}

# With thousands of users in, all ports down and up again would take longer than a login waits.
test_ports_stay_up_while_rules_are_mended() {
	local before
	hold_session a alice
	hold_session b bob
	before=$(carrier_losses alice)
	bridge link set dev "$(port_of bob)" isolated off
	nft flush ruleset
	hold_session c carol
	assert_eq "$before" "$(carrier_losses alice)" "alice's port went down"
	assert_eq 0 "$(spoofed alice)"
	reaches_outside alice
	# What is not as it should be is connected anew.
	port_is_safe bob
	reaches_outside bob
	end_session c
	end_session b
	end_session a
	host_clean 8
}

test_all_ports_down_where_rules_cannot_be_made() {
	local nft port code=0 state
	nft=$(readlink -f "$(command -v nft)")
	hold_session a alice
	port=$(port_of alice)
	nft flush ruleset
	mv "$nft" "$nft.away"
	printf '#!/bin/sh\nexit 1\n' >"$nft"
	chmod 0755 "$nft"
	su bob -c true || code=$?
	state=$(<"/sys/class/net/$port/operstate")
	mv "$nft.away" "$nft"
	assert_ne 0 "$code" "bob's login"
	log_grep 'nft refused our rules'
	assert_eq down "$state"
	hold_session b bob
	port_is_safe alice
	reaches_outside alice
	assert_eq 0 "$(spoofed alice)"
	end_session b
	end_session a
	host_clean 8
}

test_inet_table_deleted() {
	mended nft delete table inet pam_netns
}

test_bridge_table_deleted() {
	mended nft delete table bridge pam_netns
}

rule_delete() {
	nft delete rule "$1" pam_netns "$2" handle \
		"$(nft -a list chain "$1" pam_netns "$2" | awk '$NF ~ /^[0-9]+$/ && !/chain/ { print $NF; exit }')"
}

test_one_rule_deleted() {
	mended rule_delete inet forward
	mended rule_delete bridge prerouting
}

test_one_rule_added() {
	mended nft insert rule inet pam_netns forward accept
	mended nft add rule bridge pam_netns prerouting accept
}

rule_replace() {
	nft replace rule inet pam_netns forward handle \
		"$(nft -a list chain inet pam_netns forward | awk '$NF ~ /^[0-9]+$/ && !/chain/ { print $NF; exit }')" accept
}

test_one_rule_replaced() {
	mended rule_replace
}

# Rules that are all there and not in force.
test_table_dormant() {
	mended nft add table bridge pam_netns '{ flags dormant; }'
	assert_no_match dormant "$(nft list table bridge pam_netns)"
}

test_bridge_deleted() {
	mended ip link delete pnbr0
}

test_bridge_down() {
	mended ip link set pnbr0 down
}

forwarding_off() {
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
}

test_forwarding_off() {
	mended forwarding_off
	# By gc as well, and then alice need not wait for anyone.
	hold_session a alice
	forwarding_off
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	pam-netns gc
	reaches_outside alice
	end_session a
	host_clean 8
}

all_of_it() {
	nft flush ruleset
	ip link delete pnbr0
	forwarding_off
	rm -rf /run/pam-netns/networks
}

test_everything_at_once() {
	mended all_of_it
}

test_template_and_hostproc_unmounted() {
	mended umount -l /run/pam-netns/pins/template.default
	mended umount -l /run/pam-netns/hostproc/proc
	mended rm -rf /run/pam-netns/networks/default
}

test_conf_change_is_applied_at_the_next_login() {
	hold_session a alice
	reaches_outside alice
	conf_set egress none
	reaches_outside alice
	hold_session b bob
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	assert_fails in_netns bob curl -sS -m 1 "http://[$OUTSIDE6]/"
	conf_set egress any
	pam-netns up
	reaches_outside alice
	reaches_outside bob
	end_session a
	end_session b
	host_clean 8
}

# The kernel tells of a carrier that is gone up to a second later.
bridge_settled() {
	[[ $(ip -o link show pnbr0) == *NO-CARRIER*'state DOWN'* ]]
}

test_up_is_idempotent() {
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
	# A bridge that never had a port has another state than one without ports.
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

# Those that match; none is no error.
lines() {
	grep -E "$1" || :
}

# Nothing that set-up made is left; what was before is again.
test_down() {
	local family
	hold_session a alice
	assert_match 'alice.*kick.*--force' "$(assert_fails pam-netns down 2>&1)"
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
	# Nobody needs `up`: the next login does it.
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

test_forwarding_that_was_on_stays_on() {
	pam-netns down
	echo 1 >/proc/sys/net/ipv4/ip_forward
	pam-netns up
	pam-netns down
	assert_eq 1 "$(</proc/sys/net/ipv4/ip_forward)"
	assert_eq 0 "$(</proc/sys/net/ipv6/conf/all/forwarding)"
	echo 0 >/proc/sys/net/ipv4/ip_forward
	pam-netns up
}

# --- what up and the log say ---

# said DAMAGE… : what up says on its standard error after it.
said() {
	"$@"
	{ pam-netns up >"$OUT/up"; } 2>&1
}

bridge_delete() {
	ip link delete pnbr0
}
bridge_down() {
	ip link set pnbr0 down
}
rule_add() {
	nft insert rule inet pam_netns forward accept
}
template_unmount() {
	umount -l /run/pam-netns/pins/template.default
}

test_up_says_what_is_set_up() {
	local said subnet6
	pam-netns down
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)" 'of a first set-up'
	subnet6=$(sed -n 's/^subnet6=\(.*\)::$/\1/p' /run/pam-netns/networks/default/state)
	said=$(<"$OUT/up")
	assert_eq "network default: bridge pnbr0, 10.203.0.0/16 and $subnet6::/64, NAT
forwarding: IPv4 for these networks alone, IPv6 for these networks alone" "$said"
	pam-netns down
	echo 1 >/proc/sys/net/ipv4/ip_forward
	assert_match '^forwarding: IPv4, IPv6 for these networks alone$' "$(pam-netns up | tail -n 1)"
	pam-netns down
	echo 0 >/proc/sys/net/ipv4/ip_forward
	conf_set nat no
	conf_set subnet6 none
	assert_eq 'network default: bridge pnbr0, 10.203.0.0/16, no NAT
forwarding: IPv4 for these networks alone' "$(pam-netns up)"
	cp "$OUT/conf" "$CONF"
	pam-netns down
	pam-netns up
}

test_mending_is_said() {
	local n='pam-netns: network default'
	assert_eq "$n: rules had been flushed: loaded again" "$(said nft flush ruleset)"
	assert_eq "$n: rules had been changed: loaded again" "$(said rule_add)"
	assert_eq "$n: bridge pnbr0 was missing: made again" "$(said bridge_delete)"
	assert_eq "$n: bridge pnbr0 was down: brought up" "$(said bridge_down)"
	assert_eq "$n: IPv4 forwarding was off: switched on
$n: IPv6 forwarding was off: switched on" "$(said forwarding_off)"
	assert_eq "$n: the users' mount namespace template was missing: made again" "$(said template_unmount)"
	assert_eq "$n: the conf file or the program was changed: set up anew" "$(said touch "$CONF")"
	assert_eq '' "$(said true)"
	# In the log, by a login; and by gc.
	nft flush ruleset
	su alice -c true
	log_grep 'network default: rules had been flushed: loaded again'
	bridge_delete
	assert_eq "$n: bridge pnbr0 was missing: made again" "$(pam-netns gc 2>&1)"
	host_clean
}

# up makes its record void first: gc, which looks just then, takes that for no change.
test_up_and_gc_at_once() {
	local i
	for ((i = 0; i < 40; i++)); do
		pam-netns up >"$OUT/up" 2>>"$OUT/said" &
		pam-netns gc 2>>"$OUT/said" &
		wait
	done
	assert_eq '' "$(<"$OUT/said")"
	assert_no_log 'network default:'
}

# --- further bridges ---

test_five_users_on_bridges_of_two() {
	local i j gateway port changes=''
	users_add pupil 2101 5
	conf_set ports_per_bridge 2
	pam-netns up
	gateway=$(ip -4 -o address show dev pnbr0 | awk '{ print $4 }')
	for i in 1 2 3 4 5; do
		"$TOOLS/host-session" su "pupil$i" sleep 600 &
		wait_until 5 test -e "/run/pam-netns/pins/$((2100 + i))"
		port_is_safe "pupil$i" "$(sed -n "$(((i + 1) / 2))p" <<<$'pnbr0\npnbr0.1\npnbr0.2')"
		# Who is in notices nothing of a bridge that is made.
		port=$(port_of pupil1)
		: "${changes:=$(<"/sys/class/net/$port/carrier_changes")}"
		assert_eq "$changes" "$(<"/sys/class/net/$port/carrier_changes")"
	done
	for i in pnbr0 pnbr0.1 pnbr0.2; do
		assert_eq "$gateway" "$(ip -4 -o address show dev $i | awk '{ print $4 }')"
	done
	assert_fails ip link show pnbr0.3
	for i in 1 2 3 4 5; do
		reaches_outside "pupil$i"
		in_netns "pupil$i" ping -q -c 1 -W 0.3 "${gateway%/*}"
		assert_eq 0 "$(spoofed "pupil$i")"
		for j in 1 3 5; do
			[[ $i == "$j" ]] || reaches_no_user "pupil$i" "pupil$j"
		done
	done
	# With one more bridge gone, all are connected to theirs again.
	ip link delete pnbr0.1
	ip link delete pnbr0
	su alice -c true
	for i in 1 2 3 4 5; do
		reaches_outside "pupil$i"
	done
	reaches_no_user pupil1 pupil3
	conf_set peers yes
	pam-netns up
	reaches_user pupil1 pupil3
	reaches_user pupil1 pupil2
	reaches_user pupil5 pupil1
	conf_set peers no
	pam-netns up
	reaches_no_user pupil1 pupil3
	for i in 1 2 3 4 5; do
		pam-netns kick "pupil$i"
	done
	host_clean 8
	cp "$OUT/conf" "$CONF"
	pam-netns down
	assert_eq '' "$(ip -o link show | lines pnbr)"
	pam-netns up
}

test_gc_mends_the_uplink_of_a_user_who_is_in() {
	local port flags
	hold_session one alice
	port=$(port_of alice)
	reaches_outside alice
	ip link set "$port" nomaster
	nft flush set bridge pam_netns guard4
	ip route del "$(recorded alice address)/32" dev pnbr0
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/" 2>/dev/null
	pam-netns gc
	reaches_outside alice
	flags=$(bridge -d link show dev "$port")
	assert_match 'isolated on' "$flags"
	assert_match 'locked on' "$flags"
	assert_match 'learning off flood off' "$flags"
	# One flag is enough.
	bridge link set dev "$port" locked off
	pam-netns gc
	assert_match 'locked on' "$(bridge -d link show dev "$port")"
	ip link set "$port" type bridge_slave group_fwd_mask 0
	pam-netns gc
	assert_match 'group_fwd_mask 0xfffd' "$(ip -d link show dev "$port")"
	ip link set "$port" down
	pam-netns gc
	reaches_outside alice
	end_session one
	host_clean
}
