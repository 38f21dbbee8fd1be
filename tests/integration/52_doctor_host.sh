# shellcheck shell=bash
# Faults of the host that no login shows yet, each planted, found, mended by what is printed, and
# found no more.

setup() {
	host_pam_install
	cp "$CONF" "$OUT/conf"
	pam-netns up
}

findings() {
	pam-netns doctor 2>&1 || :
}

# remedy REGEX: of the one finding.
remedy() {
	local said
	said=$(findings | grep -E "$1")
	echo "${said##* -> }"
}

# absent REGEX, present REGEX: in the findings.
absent() {
	assert_no_match "$1" "$(findings)"
}
present() {
	assert_match "$1" "$(findings)"
}

conf_back() {
	cp "$OUT/conf" "$CONF"
	pam-netns up
}

# overlap_mended REGEX: it is found, and warned of by up; another subnet mends it.
overlap_mended() {
	present "warn overlap: $1.*-> write another subnet in \\[network default\\]"
	assert_match "$1" "$(pam-netns up 2>&1)"
	conf_set subnet 10.209.0.0/16
	pam-netns up
	absent 'overlaps subnet'
	conf_back
}

as_alice() {
	setpriv --reuid alice --regid lab --init-groups "$@"
}

# A FIFO would never open, a device never end: neither is read, by root or by a user.
test_files_that_are_no_regular_files() {
	local file
	for file in /etc/pam.d/fifo /etc/sysctl.d/fifo.conf /etc/sudoers.d/fifo; do
		mkfifo "$file"
		assert_match '^no problem' "$(timeout 60 pam-netns doctor | tail -n 1)" "$file"
		rm "$file"
	done
	mkfifo /etc/pam.d/fifo
	ln -s /dev/zero /etc/pam.d/zero
	assert_match '^no problem' "$(as_alice timeout 60 pam-netns doctor | tail -n 1)"
	assert_code 0 timeout 60 bash /srv/checkout/conf/removal-check --files >/dev/null
	rm /etc/pam.d/fifo /etc/pam.d/zero
}

# sshd -T opens what its configuration includes. What it does not say is then read in its files.
test_an_sshd_that_hangs() {
	mkfifo /etc/ssh/fifo /usr/sbin/fcron
	chmod 755 /usr/sbin/fcron
	echo 'Include /etc/ssh/fifo' >>/etc/ssh/sshd_config
	assert_match '^no problem' "$(timeout 120 pam-netns doctor | tail -n 1)"
	assert_fails pgrep -xf '/usr/sbin/sshd -T'
	sed -i '/fifo/d' /etc/ssh/sshd_config
	rm /etc/ssh/fifo /usr/sbin/fcron
}

# What a user may not read is no fault of the host's, and says nothing of it.
test_files_that_users_cannot_read() {
	local said
	chmod 600 /etc/pam.d/* "$CONF"
	said=$(as_alice pam-netns doctor) || :
	assert_no_match 'no user is isolated|no login goes through' "$said"
	assert_match "^note conf: this user cannot read $CONF -> sudo pam-netns doctor" "$said"
	assert_match 'note pam: this user cannot read the stacks of [0-9]+ services -> sudo' "$said"
	assert_match '^no problem, 0 warnings' "$(tail -n 1 <<<"$said")"
	chmod 644 /etc/pam.d/* "$CONF"
}

# A process's name is its user's choice.
test_names_of_processes_are_no_remedies() {
	local outside
	hold_session one alice
	cp "$(command -v sleep)" "$OUT/x -> reboot"
	setpriv --reuid alice --regid lab --init-groups "$OUT/x -> reboot" 600 &
	outside=$!
	wait_until 20 grep -qx 'x -> reboot' "/proc/$outside/comm"
	present "process $outside \\(x -\\? reboot\\) of uid 2001, .* is on the host's: what started it"
	kill "$outside"
	end_session one
	host_clean
}

test_docker0_in_the_subnet() {
	absent 'overlaps subnet'
	ip link add docker0 type bridge
	ip address add 10.203.5.1/24 dev docker0
	ip link set docker0 up
	overlap_mended 'docker0 has address 10.203.5.1 and route 10.203.5.0/24, which overlaps subnet 10.203.0.0/16 of network default'
	ip link delete docker0
	absent 'overlaps subnet'
}

test_gateway_on_another_link() {
	ip link add site0 type bridge
	ip address add 10.203.0.1/32 dev site0
	ip link set site0 up
	overlap_mended "site0 has address 10.203.0.1, the gateway's,"
	ip link delete site0
}

test_route_of_a_vpn() {
	ip link add tun9 type bridge
	ip link set tun9 up
	ip route add 10.0.0.0/8 dev tun9 table 77
	overlap_mended_by_removal 'tun9 has route 10.0.0.0/8, which overlaps' ip route del 10.0.0.0/8 dev tun9 table 77
	ip route add 10.203.64.0/18 dev tun9
	overlap_mended_by_removal 'tun9 has route 10.203.64.0/18, which overlaps' ip route del 10.203.64.0/18 dev tun9
	# A default route in halves holds everything; it overlaps nothing in particular.
	ip route add 0.0.0.0/1 dev tun9
	absent 'overlaps subnet'
	ip link delete tun9
}

overlap_mended_by_removal() {
	present "$1"
	"${@:2}"
	absent 'overlaps subnet'
}

test_ipv6_overlap() {
	sed -i 's|^subnet6 = .*|subnet6 = fd00:203::/64|' "$CONF"
	pam-netns up
	absent 'overlaps subnet'
	ip link add site0 type bridge
	ip link set site0 up
	ip address add fd00:203::1/64 dev site0 nodad
	present "site0 has address fd00:203::1, the gateway's, and route fd00:203::/64, which overlaps subnet fd00:203::/64"
	ip link delete site0
	absent 'overlaps subnet'
	conf_back
}

test_automatic_subnet_is_chosen_anew() {
	local said chosen
	conf_set subnet auto
	pam-netns up
	chosen=$(readlink /var/lib/pam-netns/leases/default/subnet | tr _ /)
	ip link add site0 type bridge
	ip link set site0 up
	ip route add "$chosen" dev site0 metric 5
	said=$(remedy "warn overlap: site0 has route $chosen, which overlaps")
	assert_eq 'rm /var/lib/pam-netns/leases/default/subnet && pam-netns up' "$said"
	eval "$said"
	absent 'overlaps subnet'
	assert_ne "$chosen" "$(readlink /var/lib/pam-netns/leases/default/subnet | tr _ /)"
	ip link delete site0
	rm /var/lib/pam-netns/leases/default/subnet
	conf_back
}

test_metadata_service_in_the_subnet() {
	conf_set subnet 100.64.0.0/10
	pam-netns up
	present '100.100.100.200, the metadata service of a cloud, lies in subnet 100.64.0.0/10'
	conf_back
	absent 'metadata service'
}

# It is reached by the default route, so no route of its own tells.
test_name_server_in_the_subnet() {
	local what='10.203.0.53, a name server of this host, lies in subnet 10.203.0.0/16 of network default'
	cp /etc/resolv.conf "$OUT/resolv.conf"
	absent 'a name server of this host'
	echo 'nameserver 10.203.0.53' >>/etc/resolv.conf
	present "$what"
	assert_match "$what" "$(pam-netns up 2>&1)"
	conf_set subnet 10.209.0.0/16
	pam-netns up
	absent 'a name server of this host'
	cp "$OUT/resolv.conf" /etc/resolv.conf
	conf_back
}

# changed_mended KEY FROM TO: edited while alice is active.
changed_mended() {
	local what="the conf file changes $1 from $2 to $3, but 1 user is active: all logins to it are refused"
	absent 'the conf file changes'
	hold_session one alice
	conf_set "$1" "$3"
	present "FAIL subnet: $CONF:[1-9][0-9]*: network default: $what"
	assert_match "login +refused: .*$what" "$(pam-netns explain bob)"
	assert_match "login +refused: .*the conf file changes $1 from $2 to $3" \
		"$(setpriv --reuid bob --regid "$(id -g bob)" --init-groups pam-netns explain)"
	assert_fails su bob -c true
	assert_match "the conf file changes $1 from $2 to $3, but 1 user is active: change it back" "$(assert_fails pam-netns up 2>&1)"
	# The first remedy: as it was.
	conf_set "$1" "$2"
	absent 'the conf file changes'
	assert_no_match 'login +refused' "$(pam-netns explain bob)"
	su bob -c true
	wait_until 15 test ! -e /run/netns/bob
	# The second.
	conf_set "$1" "$3"
	eval "$(remedy "$what")"
	absent 'the conf file changes'
	su bob -c true
	host_clean
	drop_session one
	conf_back
}

test_subnet_edited_while_active() {
	changed_mended subnet 10.203.0.0/16 10.209.0.0/16
}

test_bridge_edited_while_active() {
	changed_mended bridge pnbr0 pnother
}

test_subnet6_edited_while_active() {
	sed -i 's|^subnet6 = .*|subnet6 = fd00:203::/64|' "$CONF"
	pam-netns up
	changed_mended subnet6 fd00:203::/64 fd00:209::/64
	sed -i 's|^subnet6 = .*|subnet6 = fd00:203::/64|' "$CONF"
	pam-netns up
	changed_mended subnet6 fd00:203::/64 none
}

# With nobody active, nothing is refused: the next login sets it up.
test_subnet_edited_with_nobody_active() {
	conf_set subnet 10.209.0.0/16
	absent 'the conf file changes'
	su bob -c true
	host_clean
	conf_back
}

# mended_by_up REGEX COMMAND…: what the command breaks is found; the printed remedy mends it.
mended_by_up() {
	absent "$1"
	"${@:2}"
	assert_code 2 pam-netns doctor
	assert_code 1 pam-netns check
	assert_eq 'pam-netns up' "$(remedy "^FAIL live: .*$1")"
	pam-netns up
	absent "$1"
	assert_match '^no problem, 0 warnings' "$(findings | tail -n 1)"
}

test_rules_flushed_at_the_moment() {
	mended_by_up 'our firewall rules were flushed' nft flush ruleset
	mended_by_up 'our firewall rules were flushed' nft delete table inet pam_netns \; delete table bridge pam_netns
	mended_by_up 'our firewall rules were changed' nft flush chain inet pam_netns forward
}

test_forwarding_off_at_the_moment() {
	mended_by_up 'net.ipv4.ip_forward = 0' sysctl -q -w net.ipv4.ip_forward=0
	mended_by_up 'net.ipv6.conf.all.forwarding = 0' sysctl -q -w net.ipv6.conf.all.forwarding=0
}

test_filter_of_a_bridge_gone() {
	tc qdisc del dev pnbr0 clsact
	present 'the filter of bridge pnbr0 was removed.*pam-netns up'
	pam-netns up
	absent 'the filter of bridge'
}

# As set-up records it on a kernel that cannot do it.
test_kernel_without_filters() {
	local record=/run/pam-netns/networks/host
	sed -i 's/^open_if_flushed=.*/open_if_flushed=3/' $record
	grep -q '^open_if_flushed=3' $record
	present 'this kernel has no filter for bridges .*pam-netns-gc.timer'
	present 'the routing rules .* cannot be set: after a flush, this host forwards for others'
	sed -i 's/^open_if_flushed=.*/open_if_flushed=0/' $record
	absent 'has no filter for bridges|cannot be set'
}

test_bridge_gone_at_the_moment() {
	mended_by_up 'bridge pnbr0 of network default is missing' ip link delete pnbr0
	mended_by_up 'bridge pnbr0 of network default is down' ip link set pnbr0 down
}

# A set-up that is at work has made the record void, and holds LOCK_HOST (lib/state/lock.h).
test_a_set_up_at_work_is_waited_for() {
	local lock=$((1 << 33)) record=/run/pam-netns/networks/host holder doctor
	rm -f "$OUT/held"
	"$TOOLS/host-lockhold" "$lock" "$OUT/held" &
	holder=$!
	wait_until 10 test -e "$OUT/held"
	cp -p "$record" "$OUT/record"
	sed -i 's/^rules=.*/rules=0/' "$record"
	pam-netns doctor >"$OUT/doctor" 2>&1 &
	doctor=$!
	wait_until 20 grep -qE -- "-> POSIX .* $lock $lock\$" /proc/locks
	cp -p "$OUT/record" "$record"
	kill "$holder"
	wait "$holder" || :
	wait "$doctor" || fail "$(<"$OUT/doctor")"
	assert_match 'ok   live' "$(<"$OUT/doctor")"
}

# root in a user's session is told about the host, not about the user's own network.
test_looked_at_from_inside() {
	hold_session one alice
	absent 'overlaps subnet'
	assert_match '^ok' "$(in_netns alice pam-netns check | tail -n 1)"
	end_session one
	host_clean
}

test_nothing_set_up_is_no_finding() {
	pam-netns down
	assert_match '^no problem, 0 warnings' "$(findings | tail -n 1)"
	pam-netns up
}

test_ipv6_disabled() {
	local off='IPv6 is disabled on this host .net.ipv6.conf.all.disable_ipv6 = 1., so'
	absent 'IPv6 is disabled'
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	eval "$(remedy "^warn ipv6: $CONF:[1-9][0-9]*: $off users get IPv4 alone")"
	absent 'IPv6 is disabled'
	# The other remedy.
	sysctl -q -w net.ipv6.conf.default.disable_ipv6=1
	present 'default.disable_ipv6 = 1., so users get IPv4 alone; subnet6 = none in \[network default\] says that it is not wanted'
	conf_set subnet6 none
	pam-netns up
	absent 'IPv6 is disabled'
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	conf_set subnet6 fd00:203::/64
	assert_fails pam-netns up
	eval "$(remedy "^FAIL ipv6: $CONF:[1-9][0-9]*: $off first logins are refused")"
	absent 'IPv6 is disabled'
	conf_back
}

# Set up while it was disabled, and enabled since: the host's part is to be added.
test_ipv6_enabled_since() {
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	pam-netns up
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
	eval "$(remedy 'network default was set up while IPv6 was disabled')"
	absent 'IPv6 was disabled'
}

# limited SETTING VALUE REGEX: the setting has that value for as long as the test; what is printed
# mends it. A file over it, since some are the whole machine's.
limited() {
	local file=/proc/sys/${1//./\/}
	echo "$2" >"$OUT/limit"
	mount --bind "$OUT/limit" "$file"
	eval "$(remedy " limits: $1 is $2, but $3")"
	absent "$1 is"
	umount "$file"
}

test_limits_of_the_kernel() {
	local setting
	hold_session one alice
	absent ' is [0-9]+, but'
	for setting in user.max_net_namespaces user.max_mnt_namespaces user.max_uts_namespaces; do
		limited "$setting" 40 '1 active users need 65 (network|mount|UTS) namespaces; else logins are refused'
	done
	limited fs.mount-max 20 '1 active users need [0-9]+ mounts on the host; else logins are refused'
	limited net.netfilter.nf_conntrack_max 4096 '1 active users need 16192 connections'
	end_session one
	host_clean
}

# Users who have an address count as well: they may all come.
test_limits_count_those_who_may_come() {
	local i leases=/var/lib/pam-netns/leases/default/uid
	su alice -c true
	host_clean
	for ((i = 0; i < 100; i++)); do
		ln -s "10.203.99.$i" "$leases/$((50000 + i))"
	done
	limited user.max_net_namespaces 100 '10[1-9] users who have an address need 1[67][0-9] network namespaces'
	limited net.netfilter.nf_conntrack_max 262144 '10[1-9] users who have an address need [0-9]+ connections'
	for ((i = 0; i < 1000; i++)); do
		ln -sfn "10.203.98.$i" "$leases/$((50000 + i))"
	done
	present 'nf_conntrack_max is [0-9]+, but 1[0-9]+ users who have an address may need [0-9]+ connections -> write smaller max_connections'
	rm "$leases"/5*
}

# Whether users may make user namespaces is the host's choice: a note, and no warning.
test_user_namespaces_are_noted() {
	local said
	echo 1000 >"$OUT/limit"
	mount --bind "$OUT/limit" /proc/sys/user/max_user_namespaces
	said=$(findings)
	if [[ $(cat /proc/sys/kernel/unprivileged_userns_clone 2>/dev/null) != 0 &&
		$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns 2>/dev/null) != 1 ]]; then
		eval "$(remedy '^note userns: ')"
	else
		assert_match 'ok   userns' "$said"
		echo 0 >"$OUT/limit"
	fi
	assert_match '^no problem, 0 warnings' "$(tail -n 1 <<<"$said")"
	assert_match 'ok   userns' "$(findings)"
	umount /proc/sys/user/max_user_namespaces
}

# sysctl_mended FILE LINE SETTING VALUE: it is found with its line; what is printed takes it away.
sysctl_mended() {
	local command
	command=$(remedy "^warn sysctl: $1:$2: whenever this is applied .*: $3 = $4 ")
	assert_eq "sed -i '$2s/^/#/' $1" "$command"
	eval "$command"
	absent 'whenever this is applied'
}

test_sysctl_files() {
	local file=/etc/sysctl.d/70-hardened.conf
	absent 'whenever this is applied'
	printf '# ours\nnet.ipv4.conf.all.rp_filter = 1\n-net/ipv4/ip_forward=0\n' >"$file"
	sysctl_mended "$file" 3 net.ipv4.ip_forward 0
	# A later file has the last word, /etc/sysctl.conf the very last.
	echo 'net.ipv6.conf.all.disable_ipv6 = 1' >"$file"
	sysctl_mended "$file" 1 net.ipv6.conf.all.disable_ipv6 1
	echo 'net.ipv6.conf.all.disable_ipv6 = 1' >"$file"
	echo 'net.ipv6.conf.all.disable_ipv6 = 0' >/etc/sysctl.d/80-later.conf
	absent 'whenever this is applied'
	printf '\nnet.ipv6.conf.all.forwarding = 0\n' >/etc/sysctl.conf
	sysctl_mended /etc/sysctl.conf 2 net.ipv6.conf.all.forwarding 0
	# One in /etc stands for one of its name elsewhere.
	echo 'net.ipv4.ip_forward = 0' >/usr/lib/sysctl.d/75-vendor.conf
	present '/usr/lib/sysctl.d/75-vendor.conf:1: '
	: >/etc/sysctl.d/75-vendor.conf
	absent 'whenever this is applied'
	rm "$file" /etc/sysctl.d/80-later.conf /etc/sysctl.d/75-vendor.conf /usr/lib/sysctl.d/75-vendor.conf /etc/sysctl.conf
}

# Disabled now, and at the next boot: one command for both.
test_ipv6_disabled_by_a_file() {
	local file=/etc/sysctl.d/70-hardened.conf
	printf 'net.ipv6.conf.all.disable_ipv6 = 1\nnet.ipv6.conf.default.disable_ipv6 = 1\n' >"$file"
	sysctl -q -p "$file"
	eval "$(remedy '^warn ipv6: .*IPv6 is disabled on this host')"
	absent 'IPv6 is disabled|whenever this is applied'
	assert_eq '' "$(grep -v '^#' "$file" || :)"
	rm "$file"
}

# The host's own ports from 1024 on leave users none of their own.
test_ports_of_nat() {
	absent 'nat: the host'
	sysctl -q -w net.ipv4.ip_local_port_range='1024 65000'
	eval "$(remedy '^warn nat: .*: net.ipv4.ip_local_port_range = 1024[^0-9]65000')"
	absent 'nat: the host'
	# Toward one server; alice alone can have 4,096.
	hold_session one alice
	absent '^note nat'
	conf_set max_connections 40000
	assert_match 'write max_connections = [0-9]+ in the networks' "$(remedy '^note nat: 1 active users can take all [0-9]+ ports')"
	assert_match '^no problem, 0 warnings' "$(findings | tail -n 1)"
	conf_set max_connections "$(findings | sed -n 's/^note nat.*max_connections = \([0-9]*\) .*/\1/p')"
	pam-netns up
	absent '^note nat'
	end_session one
	host_clean
	conf_back
}
