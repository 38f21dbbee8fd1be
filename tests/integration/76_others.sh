# shellcheck shell=bash
# Foreign rules on the host: `up` and `check` name those that stop users' traffic, and never touch them.

setup() {
	host_pam_install
	pam-netns up
}

# own_drops HOOK RULE…: a foreign table whose chain at the hook drops all but what these rules accept.
own_drops() {
	local hook=$1 rule
	shift
	nft "add table inet own; add chain inet own $hook { type filter hook $hook priority 0; policy drop; }"
	for rule; do
		nft "add rule inet own $hook $rule accept"
	done
}

# advice_follow: runs the advice of each line of standard input that names a chain that drops traffic.
advice_follow() {
	local advice
	while read -r advice; do
		advice=${advice#*drops traffic of *: }
		eval "$advice"
	done < <(grep 'drops traffic')
}

# advice_works REGEX: `up` names the chain, and traffic passes after its advice.
advice_works() {
	local said
	hold_session a alice
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	said=$(pam-netns up 2>&1)
	assert_match "$1" "$said"
	advice_follow <<<"$said"
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)"
	reaches_outside alice
	end_session a
	host_clean 8
}

test_advice_for_nft_policy_drop_works() {
	own_drops forward
	advice_works 'inet own, chain forward'
	nft delete table inet own
}

test_advice_for_iptables_policy_drop_works() {
	command -v iptables-nft ip6tables-nft || skip 'no iptables-nft'
	iptables-nft -P FORWARD DROP
	ip6tables-nft -P FORWARD DROP
	advice_works 'iptables -I FORWARD'
	nft delete table ip filter
	nft delete table ip6 filter
}

test_advice_for_docker_rules_works() {
	command -v iptables-nft || skip 'no iptables-nft'
	for word in 'N DOCKER' 'N DOCKER-USER' 'A FORWARD -j DOCKER-USER' 'A FORWARD -o docker0 -j DOCKER' \
		'A FORWARD -i docker0 ! -o docker0 -j ACCEPT' 'P FORWARD DROP'; do
		# shellcheck disable=SC2086 # words
		iptables-nft -$word
		# shellcheck disable=SC2086
		ip6tables-nft -$word
	done
	advice_works 'DOCKER-USER'
	nft delete table ip filter
	nft delete table ip6 filter
}

# said_mended REGEX COMMAND…: the command names the chain, and no chain after its advice.
said_mended() {
	local said
	said=$("${@:2}" 2>&1)
	assert_match "$1" "$said"
	advice_follow <<<"$said"
	assert_no_match 'drops traffic' "$("${@:2}" 2>&1)"
}

# Foreign rules are found for each bridge of each network.
test_advice_covers_each_bridge_of_each_network() {
	local command
	conf_lab bob '' 'ports_per_bridge = 1'
	pam-netns up
	hold_session a alice
	hold_session c carol
	hold_session b bob
	for command in up check; do
		own_drops forward 'iifname { "pnbr0", "pnbr0.1" }' 'oifname { "pnbr0", "pnbr0.1" }'
		reaches_outside alice
		assert_fails in_netns bob curl -sS -m 1 "http://$OUTSIDE4/"
		said_mended 'inet own, chain forward, drops traffic of pnlab' pam-netns "$command"
		reaches_outside bob
		nft delete table inet own
		own_drops forward 'iifname { "pnbr0", "pnlab" }' 'oifname { "pnbr0", "pnlab" }'
		reaches_outside bob
		assert_fails in_netns carol curl -sS -m 1 "http://$OUTSIDE4/"
		said_mended 'inet own, chain forward, drops traffic of pnbr0.1' pam-netns "$command"
		reaches_outside carol
		nft delete table inet own
	done
	end_session a
	end_session b
	end_session c
	host_clean 8
	conf_reset
	pam-netns down
	pam-netns up
}

# A foreign chain at the input hook may drop what host_access allows.
test_advice_for_input_hook_works() {
	local gateway=10.203.0.1 command
	conf_set host_access 'icmp tcp/22'
	pam-netns up
	hold_session a alice
	in_netns alice ping -q -c 1 -W 2 "$gateway"
	for command in up check; do
		own_drops input 'iifname "lo"' 'ct state established,related'
		assert_fails in_netns alice ping -q -c 1 -W 0.5 "$gateway"
		said_mended 'inet own, chain input, drops traffic of pnbr0' pam-netns "$command"
		in_netns alice ping -q -c 1 -W 2 "$gateway"
		nft delete table inet own
	done
	# A rule that accepts from all sources is enough.
	own_drops input 'ct state established,related' 'tcp dport { 22, 80 }' 'meta l4proto { icmp, icmpv6 }'
	assert_no_match 'drops traffic' "$(pam-netns up 2>&1)"
	nft delete table inet own
	end_session a
	host_clean 8
	conf_reset
	pam-netns up
}

test_foreign_rules_are_never_touched() {
	local before
	others() {
		local table
		nft list tables | grep -v pam_netns | while read -r table; do
			# shellcheck disable=SC2086
			nft -s list ${table}
		done
	}
	nft -f - <<-END
		table inet own {
			set s { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }
			chain forward { type filter hook forward priority 0; policy accept; ip saddr @s drop; }
			chain input { type filter hook input priority -5; tcp dport 9 drop; }
		}
		table bridge own {
			chain f { type filter hook forward priority 0; ether type vlan drop; }
		}
		table ip nat {
			chain POSTROUTING { type nat hook postrouting priority 100; oifname "docker0" masquerade; }
		}
	END
	before=$(others)
	pam-netns down
	pam-netns up
	hold_session a alice
	ip link delete pnbr0
	hold_session b bob
	nft delete table inet pam_netns
	pam-netns gc
	reaches_outside alice
	assert_same "$before" "$(others)"
	end_session a
	end_session b
	host_clean 8
	pam-netns gc
	pam-netns down
	assert_same "$before" "$(others)"
	nft flush ruleset
	pam-netns up
}
