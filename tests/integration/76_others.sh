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
	assert_eq '' "$(pam-netns up 2>&1)"
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
