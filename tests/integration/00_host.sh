# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The throw-away host itself, without pam_netns in its PAM stacks.

test_page_from_outside_comes_over_ipv4() {
	assert_match "^you are $HOST4 port" "$(curl -sS -m 5 "http://$OUTSIDE4/")"
}

test_page_from_outside_comes_over_ipv6() {
	assert_match "^you are $HOST6 port" "$(curl -sS -m 5 "http://[$OUTSIDE6]/")"
}

test_names_resolve_through_the_outside() {
	assert_eq 198.51.100.1 "$(getent ahostsv4 www.example.test | awk 'NR == 1 { print $1 }')"
	assert_eq 2001:db8:51::1 "$(getent ahostsv6 www.example.test | awk 'NR == 1 { print $1 }')"
	assert_fails getent ahosts unknown.example.test
	assert_match "you are $HOST4" "$(curl -4 -sS -m 5 http://www.example.test/)"
}

test_outside_echoes_tcp_and_udp() {
	local address proto answer
	for address in $OUTSIDE4 $OUTSIDE6; do
		for proto in tcp udp; do
			exec 3<>"/dev/$proto/$address/7"
			echo "$proto $address" >&3
			# `read` takes a byte at a time and would lose the rest of a datagram.
			answer=$(timeout 3 head -n 1 <&3)
			assert_eq "$proto $address" "$answer"
			exec 3>&-
		done
	done
}

# The control for the tests of NAT.
test_outside_has_no_route_to_users() {
	assert_fails outside ip route get 10.203.0.2
	assert_fails outside ip -6 route get fd00::2
	assert_eq 1 "$(outside ip route | wc -l)"
}

# A namespace behind the host gets no answer from the outside until the host translates.
test_answers_come_back_by_nat_only() {
	local inside
	unshare --net sleep 60 &
	inside=$!
	wait_until 10 eval "[[ \$(netns_inode $inside) != $(netns_inode self) ]]"
	ip link add hand0 index 101 type veth peer name eth0 netns "$inside"
	ip address add 10.203.0.1/24 dev hand0
	ip address add fd00:51::1/64 dev hand0 nodad
	ip link set hand0 up
	nsenter --net="/proc/$inside/ns/net" ip -batch - <<-END
		address add 10.203.0.2/24 dev eth0
		address add fd00:51::2/64 dev eth0 nodad
		link set eth0 up
		route add default via 10.203.0.1
		route add default via fd00:51::1
	END
	forwarding_set 1
	get() { nsenter --net="/proc/$inside/ns/net" curl -sS -m "$1" "http://$2/"; }
	assert_fails get 1 "$OUTSIDE4"
	assert_fails get 1 "[$OUTSIDE6]"
	nft 'add table inet hand; add chain inet hand post { type nat hook postrouting priority srcnat; }
		add rule inet hand post oifname "uplink0" masquerade'
	assert_match "you are $HOST4" "$(get 3 "$OUTSIDE4")"
	assert_match "you are $HOST6" "$(get 3 "[$OUTSIDE6]")"
	nft delete table inet hand
	forwarding_set 0
	ip link delete hand0
	kill "$inside"
}

test_namespaces_are_those_of_the_host() {
	local ns
	for ns in net mnt uts ipc pid cgroup; do
		assert_eq "$(stat -L -c %i /proc/1/ns/$ns)" "$(stat -L -c %i /proc/self/ns/$ns)" $ns
	done
	assert_eq host-init "$(cat /proc/1/comm)"
	assert_eq testhost "$(hostname)"
	# The root is shared, as with systemd, and is that of the mount namespace, not a chroot.
	assert_match '(^| )shared:' "$(findmnt -n -o PROPAGATION,OPT-FIELDS / || :)$(awk '$5 == "/"' /proc/self/mountinfo)"
	assert_eq overlay "$(nsenter --mount=/proc/1/ns/mnt stat -f -c %T / | sed s/overlayfs/overlay/)"
	assert_eq "$(stat -c %d:%i /)" "$(nsenter --mount=/proc/1/ns/mnt stat -c %d:%i /)"
}

test_signals_and_descriptors_are_clean() {
	assert_eq 0000000000000000 "$(awk '/^SigIgn/ { print $2 }' /proc/1/status)"
	assert_eq '0 1 2' "$(find /proc/1/fd -mindepth 1 -printf '%f\n' | sort -n | paste -sd ' ')"
}

test_devices_work() {
	[[ -c /dev/null && -c /dev/net/tun && -S /dev/log && -k /dev/shm ]]
	assert_eq hello "$(script -qec 'tty >/dev/null && echo hello' /dev/null | tr -d '\r')"
	mkdir /sys/fs/cgroup/mine
	rmdir /sys/fs/cgroup/mine
}

test_log_has_sent_lines() {
	logger -p authpriv.warning -t tester 'a line'
	log_grep '^authpriv\.warning .* tester: a line$'
	log_mark
	assert_no_log 'a line'
}

# assert_no_log must wait for a late log.
test_assert_no_log_waits_for_a_late_log() {
	local logd
	logd=$(pgrep -x host-logd)
	kill -STOP "$logd"
	logger -t tester 'a late line'
	(sleep 0.3 && kill -CONT "$logd") &
	assert_fails assert_no_log 'a late line'
}

test_ssh_runs_commands_as_the_user() {
	assert_eq 'alice 2001 lab' "$(ssh_as alice -- 'echo $(id -un) $(id -u) $(id -gn)')"
	assert_eq "$HOST6" "$(SSH_TO=$HOST6 ssh_as bob -- 'set -- $SSH_CONNECTION; echo $3')"
	assert_eq "$OUTSIDE4" "$(ssh_as alice -- 'set -- $SSH_CONNECTION; echo $1')"
	log_grep 'sshd.*session opened for user alice'
	assert_code 42 ssh_as carol -- exit 42
}

test_ssh_works_for_a_high_uid() {
	assert_eq 3000000000 "$(ssh_as longuid -- id -u)"
}

test_ssh_works_on_a_terminal() {
	local output
	output=$(as_pty nsenter --net="/proc/$(</run/test-host/outside.pid)/ns/net" \
		ssh -o PubkeyAuthentication=no "alice@$HOST4" <<-END
			< assword:
			> $PASSWORD
			< \\$
			> tty; echo user=\$(id -un)
			< user=alice
			> exit 3
		END
	) && code=0 || code=$?
	assert_eq 3 "$code"
	assert_match '/dev/pts/' "$output"
}

test_sftp_works_internal_and_external() {
	local port
	echo content >/home/alice/file
	for port in 22 2222; do
		outside sftp -q -o BatchMode=yes -P "$port" "alice@$HOST4:file" "$OUT/got.$port"
		assert_eq content "$(<"$OUT/got.$port")"
	done
}

test_x11_forwarding_offers_a_display() {
	# sshd offers the display only with xauth and a display of the client.
	assert_match '^localhost:1[0-9]' "$(DISPLAY=:0 ssh_as alice -X -- 'echo $DISPLAY')"
}

test_held_session_runs_commands_and_ends() {
	hold_session one alice
	assert_eq 2001 "$(stat -c %u "/proc/$(hold_pid one)")"
	assert_eq "alice $(hold_pid one)" "$(in_session one 'echo $(id -un) $PPID')"
	assert_code 5 in_session one 'exit 5'
	drop_session one
	wait_until 5 process_gone "$(hold_pid one)"
	hold_session two bob -p 2222
	end_session two
	wait_until 5 process_gone "$(hold_pid two)"
}

test_su_works_without_password_for_root() {
	assert_eq bob "$(su - bob -c 'id -un')"
	log_grep 'su.*session opened for user bob'
}

test_su_works_with_password() {
	local output
	output=$(as_pty setpriv --reuid alice --regid lab --init-groups su - bob -c 'echo I am $(id -un)' <<-END
		< assword:
		> $PASSWORD
	END
	)
	assert_match 'I am bob' "$output"
}

test_sudo_works_for_group_sudo_only() {
	assert_eq 'root alice' "$(su dave -c "echo $PASSWORD | sudo -S -p '' sh -c 'id -un; sudo -u alice id -un'" | paste -sd ' ')"
	assert_fails su alice -c "echo $PASSWORD | sudo -S -p '' id"
}

test_login_works_on_a_terminal() {
	local output
	output=$(as_pty login <<-END
		< login:
		> alice
		< assword:
		> $PASSWORD
		< \\$
		> echo here=\$(id -un) \$(tty)
		< here=alice /dev/pts
		> exit
	END
	)
	assert_match 'here=alice' "$output"
	log_grep 'login.*session opened for user alice'
}

test_cron_runs_a_job() {
	assert_eq alice "$(cron_run alice 'id -un')"
	log_grep '(cron|crond).*session opened for user alice'
	assert_code 9 cron_run bob 'exit 9'
}

test_at_runs_a_job() {
	assert_eq 'alice /home/alice' "$(at_run alice 'echo $(id -un) $HOME')"
	log_grep 'atd.*session opened for user alice'
}

test_pamtester_and_pam_session_open_sessions() {
	pamtester_session su alice
	assert_eq bob "$(pam_session -u su bob id -un)"
	assert_code 7 pam_session su bob sh -c 'exit 7'
	echo 'session required pam_deny.so' >/etc/pam.d/refused
	assert_code 254 pam_session refused bob true
}

test_rsync_works_over_ssh() {
	echo data >"$OUT/rsync"
	outside rsync -e 'ssh -o BatchMode=yes' "$OUT/rsync" "alice@$HOST4:rsync"
	assert_eq data "$(</home/alice/rsync)"
}

test_users_add_makes_many_users() {
	users_add pupil 60000 50
	assert_eq 'pupil50 60049' "$(su pupil50 -c 'echo $(id -un) $(id -u)')"
	user_add single 70000
	assert_eq single "$(ssh_as single -- id -gn)"
}

test_host_is_clean_without_users() {
	host_clean 1
}

# The control for host_clean.
test_host_residue_shows_each_kind_of_leftover() {
	mkdir -p /run/pam-netns/{pins,users,closing}/2001 /run/pam-netns/pins/template.default /run/netns
	touch /run/netns/alice
	ip link add pnbr0 type bridge
	ip address add 10.203.0.1/32 dev pnbr0
	ip address add fd00:52::1/128 dev pnbr0 nodad
	ip link set pnbr0 up
	ip link add pnu1jl0 type veth peer name far0
	ip route add 10.203.7.209 dev pnbr0
	ip route add unreachable 10.203.0.0/16
	ip -6 route add fd00:52::7d1 dev pnbr0
	ip neigh add 10.203.7.209 lladdr 02:00:00:00:00:01 dev pnbr0 nud permanent
	host_residue | sort >"$OUT/residue"
	ip link delete pnbr0
	ip link delete pnu1jl0
	ip route delete unreachable 10.203.0.0/16
	rm -r /run/pam-netns /run/netns
	sed -E 's/ (metric|dev) .*//' "$OUT/residue" | assert_same '/run/netns/alice
/run/pam-netns/closing/2001
/run/pam-netns/pins/2001
/run/pam-netns/users/2001
link pnu1jl0
neighbour 10.203.7.209
route 10.203.7.209
route fd00:52::7d1' "$(cat)"
	host_clean 1
}

test_pam_line_is_the_last_of_its_stack() {
	local file before
	before=$(cat /etc/pam.d/*)
	host_pam_install debug
	for file in common-session common-session-noninteractive; do
		[[ ! -e /etc/pam.d/$file ]] || assert_eq 'session required pam_netns.so debug' "$(tail -n 1 /etc/pam.d/$file)"
	done
	host_pam_install
	assert_eq '' "$(grep -h 'pam_netns.so debug' /etc/pam.d/* || :)"
	host_pam_remove
	assert_same "$before" "$(cat /etc/pam.d/*)"
}

# --- start and end of a host, tried with a host inside this one ---

# shellcheck source=tests/integration/nested_lib.sh
. "$CHECKOUT/tests/integration/nested_lib.sh"

test_host_ends_with_the_commands_status() {
	nested_works
	assert_code 0 nested true
	assert_code 42 nested sh -c 'exit 42'
	assert_code 143 nested sh -c 'kill $$'
	assert_eq 'a b' "$(echo 'a b' | nested cat)"
}

test_host_leaves_nothing_behind() {
	local before
	nested_works
	before=$(everything)
	nested sh -c 'useradd zoe; mount -t tmpfs x /mnt; ip link add br9 type bridge; hostname z
		ip netns add n; mkdir /sys/fs/cgroup/g; nft add table inet t; touch /home/x
		setsid sleep 300 & exit 0'
	assert_same "$before" "$(everything)"
}

test_host_ends_by_sigterm() {
	nested_works
	ends_by TERM
}

test_host_ends_by_sighup() {
	nested_works
	ends_by HUP
}

test_processes_of_a_killed_host_end() {
	nested_works
	ends_by_sigkill
}

# The fastest of three starts counts, since other hosts run too.
test_host_starts_within_two_seconds() {
	local start
	for _ in 1 2 3; do
		start=${EPOCHREALTIME/./}
		nested_works
		((${EPOCHREALTIME/./} - start >= 2000000)) || return 0
	done
	fail "$((${EPOCHREALTIME/./} - start)) us"
}

# A run removes the cgroup of a host that was killed, and does not report it as a change.
test_leftover_of_an_earlier_host_is_no_change() {
	local left=/sys/fs/cgroup/pam-netns-host.999999999
	nested_works
	mkdir "$left"
	env B=/srv/build HOST_BUILT=1 HOST_OPTIONS=--no-install bash "$CHECKOUT/tests/integration/run" \
		-t test_nonesuch >"$OUT/run" 2>&1 || cat "$OUT/run"
	assert_eq "$(printf '%s\n' 'ok machine/unchanged' 'integration: 1 passed, 0 failed')" "$(cat "$OUT/run")"
	[[ ! -e $left ]]
}

# The machine's own users and groups are not on the host, so that names and numbers are free; their homes
# are hidden.
test_users_of_the_machine_are_not_on_the_host() {
	nested_works
	groupadd -g 2950 people
	useradd -m -u 2050 -g people -G sudo person
	user_add mallory 2051
	assert_eq "" "$(nested sh -c 'getent passwd person mallory 2050; getent group people; ls /home/person' 2>/dev/null || :)"
	assert_eq dave "$(nested sh -c 'getent group sudo | cut -d : -f 4')"
	assert_eq 'alice 2001' "$(nested sh -c 'getent passwd 2001 | cut -d : -f 1,3' | tr : ' ')"
	userdel -r person 2>/dev/null
	userdel -r mallory 2>/dev/null
	groupdel people
}
