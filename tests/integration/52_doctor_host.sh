# shellcheck shell=bash
# Faults of the host's live set-up, and files that could stop doctor itself.
# shellcheck source=tests/integration/doctor_lib.sh
. "$CHECKOUT/tests/integration/doctor_lib.sh"

setup() {
	host_pam_install
	pam-netns up
}

# Opening a FIFO never returns, and reading a device never ends: doctor reads neither.
test_files_that_are_not_regular_are_skipped() {
	local file
	for file in /etc/pam.d/fifo /etc/sysctl.d/fifo.conf /etc/sudoers.d/fifo; do
		mkfifo "$file"
		assert_match '^no problem' "$(timeout 60 pam-netns doctor | tail -n 1)" "$file"
		rm "$file"
	done
	mkfifo /etc/pam.d/fifo
	ln -s /dev/zero /etc/pam.d/zero
	assert_match '^no problem' "$(as alice timeout 60 pam-netns doctor | tail -n 1)"
	assert_code 0 timeout 60 bash /srv/checkout/conf/removal-check --files >/dev/null
	rm /etc/pam.d/fifo /etc/pam.d/zero
}

# sshd -T opens each included file, and can hang. Doctor then reads the files itself.
test_sshd_that_hangs_is_ended() {
	mkfifo /etc/ssh/fifo /usr/sbin/fcron
	chmod 755 /usr/sbin/fcron
	echo 'Include /etc/ssh/fifo' >>/etc/ssh/sshd_config
	assert_match '^no problem' "$(timeout 120 pam-netns doctor | tail -n 1)"
	assert_fails pgrep -xf '/usr/sbin/sshd -T'
	sed -i '/fifo/d' /etc/ssh/sshd_config
	rm /etc/ssh/fifo /usr/sbin/fcron
}

# A file that a user cannot read is no fault of the host.
test_unreadable_files_are_noted() {
	local said
	chmod 600 /etc/pam.d/* "$CONF"
	said=$(as alice pam-netns doctor) || :
	assert_no_match 'no user is isolated|all logins are refused' "$said"
	assert_match "^note conf: this user cannot read $CONF -> sudo pam-netns doctor" "$said"
	assert_match 'note pam: this user cannot read the PAM stacks of [0-9]+ services -> sudo' "$said"
	assert_match '^no problem, 0 warnings' "$(tail -n 1 <<<"$said")"
	chmod 644 /etc/pam.d/* "$CONF"
}

# A user chooses the names of their processes, so no finding offers one as a command.
test_process_name_with_arrow_is_no_remedy() {
	local outside
	hold_session one alice
	cp "$(command -v sleep)" "$OUT/x -> reboot"
	setpriv --reuid alice --regid lab --init-groups "$OUT/x -> reboot" 600 &
	outside=$!
	wait_until 20 grep -qx 'x -> reboot' "/proc/$outside/comm"
	present "process $outside \\(x -\\? reboot\\) of uid 2001 is on the host's network, .*: it is older than that, .* or its service has no pam_netns.so"
	kill "$outside"
	end_session one
	host_clean
}

# mended_by_up REGEX COMMAND…: doctor finds what the command broke, and `up` mends it.
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

test_flushed_rules_are_found() {
	mended_by_up 'our firewall rules were flushed' nft flush ruleset
	mended_by_up 'our firewall rules were flushed' nft delete table inet pam_netns \; delete table bridge pam_netns
	mended_by_up 'our firewall rules were changed' nft flush chain inet pam_netns forward
}

test_forwarding_that_is_off_is_found() {
	mended_by_up 'net.ipv4.ip_forward = 0' sysctl -q -w net.ipv4.ip_forward=0
	mended_by_up 'net.ipv6.conf.all.forwarding = 0' sysctl -q -w net.ipv6.conf.all.forwarding=0
}

# A forwarding interface takes router advertisements only if accept_ra is 2.
test_ignored_router_advertisements_are_found() {
	assert_eq 2 "$(cat /proc/sys/net/ipv6/conf/uplink0/accept_ra)"
	absent accept_ra
	sysctl -q -w net.ipv6.conf.uplink0.accept_ra=1
	present 'warn live: net.ipv6.conf.uplink0.accept_ra is 1 again, and uplink0 forwards: '
	mend 'accept_ra is 1 again'
	assert_eq 2 "$(cat /proc/sys/net/ipv6/conf/uplink0/accept_ra)"
	absent accept_ra
}

test_missing_bridge_filter_is_found() {
	tc qdisc del dev pnbr0 clsact
	present 'the filter of bridge pnbr0 was removed.*pam-netns up'
	pam-netns up
	absent 'the filter of bridge'
}

# nft does not list these rules.
test_rules_of_iptables_legacy_are_found() {
	local tool i
	command -v iptables-legacy ip6tables-legacy || skip 'no iptables-legacy'
	absent 'iptables-legacy|ip6tables-legacy'
	assert_eq '' "$(cat /proc/net/ip_tables_names)" "tables that doctor made"
	hold_session one alice
	for tool in iptables-legacy ip6tables-legacy; do
		$tool -P FORWARD DROP
		assert_fails in_netns alice curl -sS -m 1 --fail-early "http://$OUTSIDE4/" "http://[$OUTSIDE6]/"
		present "warn firewall: chain FORWARD of $tool drops traffic of pnbr0 -> /usr/sbin/$tool -I FORWARD -i pnbr0\+"
		mend "chain FORWARD of $tool"
		absent 'warn firewall'
		$tool -D FORWARD -o pnbr0+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		present "chain FORWARD of $tool drops traffic"
		$tool -P FORWARD ACCEPT
		absent 'warn firewall'
		$tool -A FORWARD -j REJECT
		mend "chain FORWARD of $tool"
		absent 'warn firewall'
		reaches_outside alice
		$tool -F FORWARD
	done
	# A rule for all links but the bridge.
	iptables-legacy -P FORWARD DROP
	iptables-legacy -A FORWARD ! -i pnbr0 -j ACCEPT
	iptables-legacy -A FORWARD ! -o pnbr0 -j ACCEPT
	present 'chain FORWARD of iptables-legacy drops traffic'
	iptables-legacy -F FORWARD
	# A rule for all replies is enough.
	iptables-legacy -P FORWARD DROP
	iptables-legacy -A FORWARD -i pnbr0+ -j ACCEPT
	present 'chain FORWARD of iptables-legacy drops traffic'
	iptables-legacy -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	absent 'warn firewall'
	iptables-legacy -F FORWARD
	# More rules than a pipe holds come before the last one.
	iptables-legacy -P FORWARD ACCEPT
	{
		printf '*filter\n:long - [0:0]\n'
		for ((i = 0; i < 2000; i++)); do
			echo "-A FORWARD -s 192.0.2.$((i % 256)) -m comment --comment $i -j long"
		done
		printf '%s\n' '-A FORWARD -j DROP' COMMIT
	} | iptables-legacy-restore
	present 'chain FORWARD of iptables-legacy drops traffic'
	iptables-legacy -F FORWARD
	iptables-legacy -X long
	tool=$(command -v iptables-legacy)
	mv "$tool" "$tool.away"
	present 'warn firewall: cannot read the rules of iptables-legacy, .* -> look at the error of /usr/sbin/iptables-legacy -S'
	mv "$tool.away" "$tool"
	# Of packets to containers Docker's own rules decide.
	iptables-legacy -N DOCKER-USER
	iptables-legacy -A FORWARD -j DOCKER-USER
	iptables-legacy -P FORWARD DROP
	mend 'chain FORWARD of iptables-legacy'
	absent 'warn firewall'
	assert_eq '-i pnbr0+ -o br-+ -j RETURN -i pnbr0+ -o docker0 -j RETURN -i pnbr0+ -j ACCEPT' \
		"$(iptables-legacy -S DOCKER-USER | sed -n 's/^-A DOCKER-USER \(-i.*\)/\1/p' | xargs)"
	reaches_outside alice
	iptables-legacy -P FORWARD ACCEPT
	iptables-legacy -F FORWARD
	iptables-legacy -F DOCKER-USER
	iptables-legacy -X DOCKER-USER
	end_session one
	host_clean
}

# Another program translates addresses, but forwarding was off before us.
test_forwarding_for_our_networks_alone_is_found() {
	absent 'warn forwarding'
	nft 'add table ip vm; add chain ip vm post { type nat hook postrouting priority srcnat; }
		add rule ip vm post ip saddr 192.0.2.0/24 masquerade'
	present 'warn forwarding: ip vm, chain post, translates addresses .* -> echo net.ipv4.ip_forward=1 >'
	mv /usr/sbin/nft /usr/sbin/nft.away
	present 'skip forwarding: cannot read'
	mv /usr/sbin/nft.away /usr/sbin/nft
	mend 'warn forwarding'
	absent 'warn forwarding'
	assert_match 'ok   forwarding' "$(pam-netns doctor)"
	pam-netns down
	nft delete table ip vm
	rm /etc/sysctl.d/60-forwarding.conf
	sysctl -q -w net.ipv4.ip_forward=0
	pam-netns up
}

# The record of the set-up on a kernel without these filters.
test_kernel_without_filters_is_found() {
	local record=/run/pam-netns/networks/host
	sed -i 's/^open_if_flushed=.*/open_if_flushed=3/' $record
	grep -q '^open_if_flushed=3' $record
	present 'this kernel has no filter for bridges .*pam-netns-gc.timer'
	present 'the routing rules .* cannot be set: after a flush, this host forwards for others'
	sed -i 's/^open_if_flushed=.*/open_if_flushed=0/' $record
	absent 'has no filter for bridges|cannot be set'
}

test_missing_bridge_is_found() {
	mended_by_up 'bridge pnbr0 of network default is missing' ip link delete pnbr0
	mended_by_up 'bridge pnbr0 of network default is down' ip link set pnbr0 down
}

test_damaged_records_are_found() {
	local run=/run/pam-netns/networks
	truncate -s 9 $run/default/state
	present 'warn live: the record of network default is damaged.* -> pam-netns up'
	pam-netns up
	absent 'the record of'
	rm $run/host
	present "warn live: the record of the host's set-up is missing or damaged.* -> pam-netns up"
	pam-netns up
	absent 'the record of'
}

# A list that cannot be read is not one without users.
test_users_that_cannot_be_listed_are_told() {
	local users=/run/pam-netns/users
	mkdir -p $users
	mv $users $users.away
	touch $users
	present 'warn outside: cannot list the active users'
	present 'warn records: cannot list the active users'
	rm $users
	mv $users.away $users
	absent 'cannot list'
}

test_host_without_set_up_is_skipped() {
	pam-netns down
	present 'no network is set up, the first login does it -> pam-netns up'
	assert_no_match 'ok   live' "$(pam-netns doctor)"
	pam-netns up
	assert_match 'ok   live' "$(pam-netns doctor)"
}

# A running set-up has voided the record, and holds LOCK_HOST (lib/state/lock.h).
test_doctor_waits_for_a_running_set_up() {
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

# Inside a user's session, root sees the findings of the host, not of the user's network.
test_doctor_inside_a_session_sees_the_host() {
	hold_session one alice
	absent 'overlaps subnet'
	assert_match '^ok' "$(in_netns alice pam-netns check | tail -n 1)"
	end_session one
	host_clean
}

# networkd says that it configures a link if one of its files matches. It does not run here.
test_link_managed_by_networkd_is_found() {
	local i networkctl=/usr/bin/networkctl
	mkdir -p /run/systemd/netif/links
	mv $networkctl $networkctl.away || :
	printf '#!/bin/sh\necho "  1 lo loopback carrier unmanaged\n  7 pnbr0 bridge routable %s"\n' configured >$networkctl
	chmod 755 $networkctl
	present 'warn managed: systemd-networkd manages pnbr0, .* -> printf .*Name=pnu\* pnbr0\*.*Unmanaged=yes'
	for ((i = 0; i < 120; i++)); do
		printf '[network n%s]\nbridge = pnname%s\nsubnet = 10.9.%s.0/24\nsubnet6 = none\n' $i $i $i >>"$CONF"
	done
	present 'warn managed: .* pnname0\* .* pnname119\*.n.Link.*networkctl reload'
	conf_reset
	sed -i s/configured/unmanaged/ $networkctl
	absent 'warn managed'
	echo 'exit 1' >$networkctl
	present 'skip managed: /run/systemd/netif/links exists, but /usr/bin/networkctl lists no links'
	mv $networkctl.away $networkctl || rm $networkctl
	rm -r /run/systemd/netif/links
}

# Only what doctor asks of logind is planted.
test_logind_that_gives_no_answer_is_skipped() {
	local busctl=/usr/bin/busctl
	mkdir -p /run/systemd/seats
	mv $busctl $busctl.away || :
	printf '#!/bin/sh\necho "b false"\n' >$busctl
	chmod 755 $busctl
	absent '(warn|skip) linger'
	conf_set linger no
	present 'warn linger: .*KillUserProcesses=yes'
	echo 'exit 1' >>$busctl
	present 'skip linger: /usr/bin/busctl does not tell whether'
	mv $busctl.away $busctl || rm $busctl
	rm -r /run/systemd/seats
	conf_back
}

test_host_without_set_up_has_no_findings() {
	pam-netns down
	assert_match '^no problem, 0 warnings' "$(findings | tail -n 1)"
	pam-netns up
}
