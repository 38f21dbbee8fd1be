# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# A login's network, mount namespace and host name; the sessions that join it, and the users who stay on
# the host.

setup() {
	host_pam_install
}

# prefix6: the first half of the network's IPv6 addresses.
prefix6() {
	ip -6 -o addr show dev pnbr0 scope global | sed -nE 's/.* inet6 ([0-9a-f:]+)::1\/.*/\1/p'
}

# --- the network ---

test_addresses_follow_from_the_uid() {
	local output
	output=$(ssh_as alice -- 'ip -o address; ip -o link')
	assert_match 'lo +inet 127\.0\.0\.1/8' "$output"
	assert_match 'lo +inet6 ::1/128' "$output"
	assert_match 'lo: <[A-Z,]*UP' "$output"
	assert_match 'eth0@[^:]*: <[A-Z,]*UP,LOWER_UP>' "$output"
	assert_match 'eth0 +inet 10\.203\.7\.209/32 ' "$output"
	assert_match "eth0 +inet6 $(prefix6)::7d1/128 scope global" "$output"
	assert_match '^fd[0-9a-f]{2}:' "$(prefix6)"
	assert_eq 2 "$(grep -c ': <' <<<"$output")" 'interfaces'
	assert_match "10\.203\.7\.210/32.*$(prefix6)::7d2/128" "$(ssh_as bob -- ip -o address | paste -sd ' ')"
}

test_addresses_stay_the_same() {
	local first
	first=$(ssh_as carol -- 'ip -o address show dev eth0 | grep -o "inet.*/[0-9]*"; cat /sys/class/net/eth0/address')
	host_clean
	assert_same "$first" "$(ssh_as carol -- 'ip -o address show dev eth0 | grep -o "inet.*/[0-9]*"; cat /sys/class/net/eth0/address')"
}

test_default_routes_lead_to_the_gateway() {
	assert_match '^default via 10\.203\.0\.1 dev eth0' "$(ssh_as alice -- ip route)"
	assert_match "default via $(prefix6)::1 dev eth0" "$(ssh_as alice -- ip -6 route)"
}

# The first packet can leave at once. During duplicate address detection, which takes a second, there would
# be no source address.
test_ipv6_works_for_the_first_command() {
	local i
	for i in 1 2 3; do
		host_clean
		assert_match "^you are $HOST6" "$(ssh_as alice -- curl -sS -m 3 "http://[$OUTSIDE6]/")" "login $i"
	done
	assert_eq '' "$(ssh_as alice -- ip -6 address show tentative)"
}

test_pages_and_pings_pass_nat() {
	assert_match "^you are $HOST4 port" "$(ssh_as alice -- curl -sS -m 5 "http://$OUTSIDE4/")"
	assert_match "^you are $HOST6 port" "$(ssh_as alice -- curl -sS -m 5 "http://[$OUTSIDE6]/")"
	ssh_as alice -- ping -4 -n -c 1 -W 2 "$OUTSIDE4" >/dev/null
	ssh_as alice -- ping -6 -n -c 1 -W 2 "$OUTSIDE6" >/dev/null
}

test_login_over_ipv6_has_its_own_network() {
	assert_match 'eth0' "$(SSH_TO=$HOST6 ssh_as alice -- ls /sys/class/net)"
}

# A ping without a capability, as in Debian 13, works if the host's ping_group_range allows it.
test_ping_without_capability_follows_the_host() {
	local range=/proc/sys/net/ipv4/ping_group_range before
	before=$(<$range)
	cp "$(command -v ping)" "$OUT/ping"
	setcap -q -r "$OUT/ping" 2>/dev/null || :
	assert_eq "$before" "$(ssh_as alice -- cat $range)"
	ssh_as alice -- "$OUT/ping" -4 -n -c 1 -W 2 "$OUTSIDE4" >/dev/null
	ssh_as alice -- "$OUT/ping" -6 -n -c 1 -W 2 "$OUTSIDE6" >/dev/null
	host_clean
	echo 1 0 >$range
	assert_eq $'1\t0' "$(ssh_as alice -- cat $range)"
	assert_fails ssh_as alice -- "$OUT/ping" -4 -n -c 1 -W 2 "$OUTSIDE4" 2>/dev/null
	host_clean
	echo "$before" >$range
}

test_low_ports_are_open_if_configured() {
	local listen='timeout 10 nc -l 80'
	assert_match 'Permission denied' "$(ssh_as alice -- "$listen" 2>&1)"
	host_clean
	conf_set low_ports yes
	hold_session alice alice
	serve_once alice 80 'I am alice'
	assert_eq 'I am alice' "$(in_session alice 'nc -d -w 2 ::1 80 || nc -d -w 2 127.0.0.1 80')"
	end_session alice
	conf_reset
	host_clean
	assert_match 'Permission denied' "$(ssh_as alice -- "$listen" 2>&1)"
}

test_two_users_listen_on_8080() {
	hold_session alice alice
	hold_session bob bob
	serve_once alice 8080 'I am alice'
	serve_once bob 8080 'I am bob'
	assert_eq 'I am bob' "$(in_session bob 'nc -d -w 2 127.0.0.1 8080')"
	assert_eq 'I am alice' "$(in_session alice 'nc -d -w 2 ::1 8080 || nc -d -w 2 127.0.0.1 8080')"
	assert_fails nc -z -w 1 127.0.0.1 8080
	end_session alice
	end_session bob
}

test_uid_above_2_31_keeps_its_address() {
	local output offset
	output=$(ssh_as longuid -- "ip -o address show dev eth0; curl -sS -m 5 http://$OUTSIDE4/; id -u")
	assert_match 'inet 10\.203\.' "$output"
	# A uid beyond the subnet's size gets an address by a hash, the same in both families.
	offset=$(sed -nE 's/.*inet 10\.203\.([0-9]+)\.([0-9]+).*/\1 \2/p' <<<"$output")
	# shellcheck disable=SC2086
	assert_match "inet6 $(prefix6)::$(printf '%x' $((${offset% *} * 256 + ${offset#* })))/128" "$output"
	assert_match "you are $HOST4 port" "$output"
	assert_match '3000000000$' "$output"
	host_clean
	assert_eq "$(grep -o 'inet .*/32' <<<"$output")" \
		"$(ssh_as longuid -- ip -4 -o address show dev eth0 | grep -o 'inet .*/32')"
	host_clean
}

# --- names ---

RESOLVE='getent ahostsv4 www.example.test | head -n 1; getent ahostsv6 www.example.test | head -n 1'

assert_resolves() {
	assert_match "^$OUTSIDE4 .*"$'\n'"$OUTSIDE6 " "$("$@" "$RESOLVE")" "$*"
}

resolv_reset() {
	rm -f /etc/resolv.conf
	echo "nameserver $OUTSIDE4" >/etc/resolv.conf
}

# stub_set: name server files as of systemd-resolved, with a stub on the loopback that does not listen.
stub_set() {
	install -d /run/systemd/resolve
	echo "nameserver $OUTSIDE4" >/run/systemd/resolve/resolv.conf
	printf 'nameserver 127.0.0.53\noptions edns0\n' >/run/systemd/resolve/stub-resolv.conf
}

test_names_resolve_through_the_hosts_server() {
	assert_resolves ssh_as alice --
	assert_match "you are $HOST4" "$(ssh_as alice -- curl -4 -sS -m 5 http://www.example.test/)"
	host_clean
}

test_names_resolve_with_a_stub_behind_a_link() {
	stub_set
	ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
	assert_resolves ssh_as alice --
	assert_no_match '127\.0\.0\.53' "$(ssh_as alice -- cat /etc/resolv.conf)"
	host_clean
	resolv_reset
	rm -r /run/systemd
}

test_names_resolve_with_a_stub_in_a_file() {
	stub_set
	rm -f /etc/resolv.conf
	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	assert_resolves ssh_as alice --
	host_clean
	resolv_reset
	rm -r /run/systemd
}

# A resolver replaces its file by a rename when the machine moves to another network.
test_names_follow_a_replaced_file() {
	hold_session one alice
	assert_resolves in_session one
	printf 'nameserver %s\nsearch example.test\n' "$OUTSIDE4" >/etc/resolv.conf.new
	mv /etc/resolv.conf.new /etc/resolv.conf
	pam-netns gc
	assert_match 'search example.test' "$(in_session one 'cat /etc/resolv.conf')"
	assert_match "^$OUTSIDE4 " "$(in_session one 'getent ahostsv4 www | head -n 1')"
	assert_match "^# pam_netns" "$(in_session one 'cat /etc/resolv.conf')" 'the header'
	end_session one
	host_clean
	resolv_reset
	pam-netns gc
}

test_names_follow_a_link_that_turns_elsewhere() {
	stub_set
	ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
	hold_session one alice
	assert_resolves in_session one
	printf 'nameserver %s\nsearch example.test\n' "$OUTSIDE4" >/run/systemd/resolve/new
	mv /run/systemd/resolve/new /run/systemd/resolve/resolv.conf
	ln -sf ../run/systemd/resolve/resolv.conf /etc/resolv.conf.new
	mv /etc/resolv.conf.new /etc/resolv.conf
	pam-netns gc
	assert_match 'search example.test' "$(in_session one 'cat /etc/resolv.conf')"
	assert_resolves in_session one
	end_session one
	host_clean
	resolv_reset
	rm -r /run/systemd
	pam-netns gc
}

test_resolv_conf_of_the_host_is_unchanged() {
	local before
	before=$(stat -c '%i %y' /etc/resolv.conf)
	ssh_as alice -- true
	host_clean
	assert_eq "$before" "$(stat -c '%i %y' /etc/resolv.conf)"
	assert_eq "nameserver $OUTSIDE4" "$(cat /etc/resolv.conf)"
}

# --- the host's name ---

test_hostname_by_default_is_the_hosts() {
	assert_eq testhost "$(ssh_as alice -- hostname)"
	hold_session one alice
	nsenter --uts="/proc/$(hold_pid one)/ns/uts" hostname changed
	assert_eq changed "$(ssh_as alice -- hostname)"
	assert_eq testhost "$(hostname)"
	end_session one
	host_clean
}

test_hostname_by_template_resolves() {
	local start seconds output
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice
	conf_set hostname %u-%h
	assert_eq alice-testhost "$(ssh_as alice -- hostname)"
	assert_eq bob-testhost "$(ssh_as bob -- hostname)"
	assert_match '^127\.|^::1' "$(ssh_as alice -- 'getent hosts $(hostname)')"
	assert_match '^127\.0\.0\.1 ' "$(ssh_as alice -- getent ahostsv4 localhost)"
	assert_match '^127\.' "$(ssh_as alice -- getent ahostsv4 testhost)"
	start=${EPOCHREALTIME/./}
	output=$(ssh_as alice -- 'sudo id -u' 2>&1)
	seconds=$(((${EPOCHREALTIME/./} - start) / 1000000))
	assert_eq 0 "$output" 'the output of sudo'
	# A resolver without an answer waits for 5 s.
	[[ $seconds -lt 5 ]] || fail "login and sudo took $seconds s"
	assert_no_match alice "$(cat /etc/hosts)"
	host_clean
	conf_reset
	rm /etc/sudoers.d/alice
}

# --- joining and exempt users ---

test_further_sessions_join_the_first() {
	local inodes
	hold_session one alice
	inodes=$(in_session one "$PRINT_INODES")
	assert_eq "$inodes" "$(ssh_as alice -- "$PRINT_INODES")" ssh
	assert_eq "$inodes" "$(ssh_as alice -p 2222 -- "$PRINT_INODES")" 'the other sshd'
	assert_eq "$inodes" "$(su alice -c "$PRINT_INODES")" su
	assert_eq "$inodes" "$(su - alice -c "$PRINT_INODES")" 'su -'
	assert_eq "$inodes" "$(sudo -u alice sh -c "$PRINT_INODES")" sudo
	assert_eq "$inodes" "$(sudo -i -u alice sh -c "$PRINT_INODES")" 'sudo -i'
	assert_eq "$inodes" "$(cron_run alice "$PRINT_INODES")" cron
	assert_eq "$inodes" "$(at_run alice "$PRINT_INODES")" at
	assert_eq "$inodes" "$(pam_session -u login alice sh -c "$PRINT_INODES" | grep ^4026)" login
	assert_eq "$inodes" "$(pam-netns exec alice -- sh -c "$PRINT_INODES")" 'pam-netns exec'
	# None of the three is the host's or bob's.
	assert_eq 0 "$(comm -12 <(tr ' ' '\n' <<<"$inodes" | sort) <(host_inodes | tr ' ' '\n' | sort) | wc -l)"
	assert_eq 0 "$(comm -12 <(tr ' ' '\n' <<<"$inodes" | sort) \
		<(ssh_as bob -- "$PRINT_INODES" | tr ' ' '\n' | sort) | wc -l)"
	end_session one
	host_clean
}

test_root_and_staff_stay_on_the_host() {
	local host
	host=$(host_inodes)
	assert_eq "$host" "$(ssh_as root -- "$PRINT_INODES")" root
	assert_eq "$host" "$(ssh_as dave -- "$PRINT_INODES")" 'dave of group sudo'
	assert_eq "$host" "$(su - dave -c "$PRINT_INODES")" 'su - dave'
	assert_eq "$host" "$(su -s /bin/sh daemon -c "$PRINT_INODES")" 'a system account'
	assert_eq "$host" "$(cron_run dave "$PRINT_INODES")" 'cron for dave'
	assert_ne "$host" "$(su - carol -c "$PRINT_INODES")" carol
	host_clean
}

test_exempt_services_stay_on_the_host() {
	printf 'session include common-session\n' | tee /etc/pam.d/vsftpd >/etc/pam.d/ordinary
	assert_eq "$(host_inodes)" "$(pam_session vsftpd alice sh -c "$PRINT_INODES")"
	log_grep 'service vsftpd is exempt: user=alice'
	assert_ne "$(host_inodes)" "$(pam_session ordinary alice sh -c "$PRINT_INODES")"
	host_clean
}

test_log_has_user_address_and_bytes() {
	ssh_as alice -- true
	log_grep "session opened: user=alice uid=2001 service=sshd tty=ssh rhost=$OUTSIDE4 leader=[0-9]+ profile=default network=default netns=alice interface=pnu[0-9a-z]+ address=10.203.7.209 address6=$(prefix6)::7d1$"
	log_grep 'session closed: user=alice uid=2001 service=sshd tty=ssh .*leader=[0-9]+'
	log_grep 'last logout: user=alice .* seconds=[0-9]+ bytes_in=[0-9]+ bytes_out=[0-9]+'
}

test_host_is_clean_after_all_logins() {
	host_clean
}
