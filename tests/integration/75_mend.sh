# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Damage to the host's set-up: the next login or gc mends it.
# shellcheck source=tests/integration/uplink_lib.sh
. "$CHECKOUT/tests/integration/uplink_lib.sh"

setup() {
	uplink_setup
}

# mended DAMAGE…: alice is active, DAMAGE is done, and bob's login mends it for both. The last
# host_clean has less time than the 10 s of a reaper that finds processes.
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

# The control for the tests below: before the damage is mended, traffic passes that must not.
test_flushed_rules_are_loaded_by_next_login() {
	local before
	hold_session a alice
	hold_session b bob
	before=$(rules)
	reaches_no_user alice bob
	assert_eq 0 "$(spoofed alice)"
	nft flush ruleset
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	reaches_no_user alice bob
	# The bridge's filter stops it. Without this filter the traffic passes.
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

# With thousands of active users, setting all ports down and up takes longer than a login waits.
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
	# A port with a wrong flag is connected anew.
	port_is_safe bob
	reaches_outside bob
	end_session c
	end_session b
	end_session a
	host_clean 8
}

test_ports_go_down_if_rules_cannot_be_loaded() {
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

test_deleted_inet_table_is_mended() {
	mended nft delete table inet pam_netns
}

test_deleted_bridge_table_is_mended() {
	mended nft delete table bridge pam_netns
}

rule_delete() {
	nft delete rule "$1" pam_netns "$2" handle \
		"$(nft -a list chain "$1" pam_netns "$2" | awk '$NF ~ /^[0-9]+$/ && !/chain/ { print $NF; exit }')"
}

test_deleted_rule_is_mended() {
	mended rule_delete inet forward
	mended rule_delete bridge prerouting
}

test_added_rule_is_removed() {
	mended nft insert rule inet pam_netns forward accept
	mended nft add rule bridge pam_netns prerouting accept
}

rule_replace() {
	nft replace rule inet pam_netns forward handle \
		"$(nft -a list chain inet pam_netns forward | awk '$NF ~ /^[0-9]+$/ && !/chain/ { print $NF; exit }')" accept
}

test_replaced_rule_is_mended() {
	mended rule_replace
}

# A dormant table has all of its rules, and none is in force.
test_dormant_table_is_mended() {
	mended nft add table bridge pam_netns '{ flags dormant; }'
	assert_no_match dormant "$(nft list table bridge pam_netns)"
}

test_deleted_bridge_is_mended() {
	mended ip link delete pnbr0
}

test_bridge_that_is_down_is_mended() {
	mended ip link set pnbr0 down
}

test_forwarding_that_is_off_is_mended() {
	mended forwarding_set 0
	# gc mends it too, without a login.
	hold_session a alice
	forwarding_set 0
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	pam-netns gc
	reaches_outside alice
	end_session a
	host_clean 8
}

all_of_it() {
	nft flush ruleset
	ip link delete pnbr0
	forwarding_set 0
	rm -rf /run/pam-netns/networks
}

test_all_damage_at_once_is_mended() {
	mended all_of_it
}

test_unmounted_template_and_hostproc_are_mended() {
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

test_gc_mends_uplink_of_active_user() {
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
	# One wrong flag is enough.
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
