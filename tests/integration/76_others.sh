# shellcheck shell=bash
# Rules of others on the host: told of where they stop the users' traffic, and never touched.

setup() {
	host_pam_install
	pam-netns up
}

# After each advice, the traffic passes that did not pass before.
advice_works() {
	local said advice
	hold_session a alice
	assert_fails in_netns alice curl -sS -m 1 "http://$OUTSIDE4/"
	said=$(pam-netns up 2>&1)
	assert_match "$1" "$said"
	while read -r advice; do
		advice=${advice#*drops traffic of *: }
		eval "${advice%% (and in*}"
	done < <(grep 'drops traffic' <<<"$said")
	assert_eq '' "$({ pam-netns up >"$OUT/up"; } 2>&1)"
	reaches_outside alice
	end_session a
	host_clean 8
}

test_nft_policy_drop() {
	nft 'add table inet own; add chain inet own forward { type filter hook forward priority 0; policy drop; }'
	advice_works 'inet own, chain forward'
	nft delete table inet own
}

test_iptables_policy_drop() {
	command -v iptables-nft ip6tables-nft || skip 'no iptables-nft'
	iptables-nft -P FORWARD DROP
	ip6tables-nft -P FORWARD DROP
	advice_works 'iptables -I FORWARD'
	nft delete table ip filter
	nft delete table ip6 filter
}

test_docker_rules() {
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

# said_mended REGEX COMMAND: what it says of others' rules is said; what it advises ends that.
said_mended() {
	local said advice
	said=$("${@:2}" 2>&1)
	assert_match "$1" "$said"
	while read -r advice; do
		advice=${advice#*drops traffic of *: }
		eval "${advice%% (and in*}"
	done < <(grep 'drops traffic' <<<"$said")
	assert_no_match 'drops traffic' "$("${@:2}" 2>&1)"
}

# Not the first network's first bridge alone.
test_every_bridge_of_every_network() {
	local command
	cp "$CONF" "$OUT/conf"
	cat >"$CONF" <<-'END'
		[network default]
		ports_per_bridge = 1
		[network lab]
		bridge = pnlab
		subnet = 10.204.0.0/16
		[profile staff]
		match = root, @sudo, 1-999
		isolate = no
		[profile lab]
		match = bob
		network = lab
		[profile default]
		match = *
	END
	pam-netns up
	hold_session a alice
	hold_session c carol
	hold_session b bob
	for command in up check; do
		nft 'add table inet own; add chain inet own forward { type filter hook forward priority 0; policy drop; }'
		nft 'add rule inet own forward iifname { "pnbr0", "pnbr0.1" } accept; add rule inet own forward oifname { "pnbr0", "pnbr0.1" } accept'
		reaches_outside alice
		assert_fails in_netns bob curl -sS -m 1 "http://$OUTSIDE4/"
		said_mended 'inet own, chain forward, drops traffic of pnlab' pam-netns "$command"
		reaches_outside bob
		nft delete table inet own
		nft 'add table inet own; add chain inet own forward { type filter hook forward priority 0; policy drop; }'
		nft 'add rule inet own forward iifname { "pnbr0", "pnlab" } accept; add rule inet own forward oifname { "pnbr0", "pnlab" } accept'
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
	cp "$OUT/conf" "$CONF"
	pam-netns down
	pam-netns up
}

# What host_access allows may be dropped at the input hook.
test_input_hook() {
	local gateway=10.203.0.1 command
	cp "$CONF" "$OUT/conf"
	conf_set host_access 'icmp tcp/22'
	pam-netns up
	hold_session a alice
	in_netns alice ping -q -c 1 -W 2 "$gateway"
	for command in up check; do
		nft 'add table inet own; add chain inet own input { type filter hook input priority 0; policy drop; }'
		nft 'add rule inet own input iifname "lo" accept; add rule inet own input ct state established,related accept'
		assert_fails in_netns alice ping -q -c 1 -W 0.5 "$gateway"
		said_mended 'inet own, chain input, drops traffic of pnbr0' pam-netns "$command"
		in_netns alice ping -q -c 1 -W 2 "$gateway"
		nft delete table inet own
	done
	# A rule that lets everybody in is enough.
	nft 'add table inet own; add chain inet own input { type filter hook input priority 0; policy drop; }'
	nft 'add rule inet own input ct state established,related accept; add rule inet own input tcp dport { 22, 80 } accept; add rule inet own input meta l4proto { icmp, icmpv6 } accept'
	assert_no_match 'drops traffic' "$(pam-netns up 2>&1)"
	nft delete table inet own
	end_session a
	host_clean 8
	cp "$OUT/conf" "$CONF"
	pam-netns up
}

test_rules_of_others_are_never_touched() {
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
