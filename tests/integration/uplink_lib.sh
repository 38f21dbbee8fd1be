# shellcheck shell=bash
# What the tests of the set-up share: is each user's uplink whole, and isolated from the others?

uplink_setup() {
	host_pam_install
	pam-netns up
	# Each rejected attempt is answered at once.
	echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
	echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
}

# Three packets, as some versions of ping count the host's redirect as the first answer.
reaches_user() {
	in_netns "$1" ping -q -c 3 -i 0.1 -W 1 "$(recorded "$2" address)" &&
		in_netns "$1" ping -q -c 3 -i 0.1 -W 1 "$(recorded "$2" address6)"
}

reaches_no_user() {
	assert_fails in_netns "$1" ping -q -c 1 -W 0.3 "$(recorded "$2" address)" >/dev/null
	assert_fails in_netns "$1" ping -q -c 1 -W 0.3 "$(recorded "$2" address6)" >/dev/null
}

# spoofed USER: prints how many packets with a forged source arrive on the host from the user.
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

# rules: prints our rules, without users and counters.
rules() {
	nft -s -t list table inet pam_netns
	nft -s -t list table bridge pam_netns
}

port_forwards() {
	grep -qx 3 "/sys/class/net/$(port_of "$1")/brport/state"
}

port_is_safe() {
	local flags
	# The bridge hears of a new carrier a moment after the login.
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

# lines REGEX: the matching lines; no match is no error.
lines() {
	grep -E "$1" || :
}
