# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# namespaces with pid: a user sees and reaches their own processes only, below a process 1 of their own.

setup() {
	host_pam_install
	sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/pid
	conf_set namespaces 'net mnt uts ipc pid'
	# Prints "NAMESPACE-IS-OWN USERS", the owners of all processes that it sees but its own root's.
	cat >/usr/bin/pid-look <<-'END'
		#!/bin/sh
		[ "$(cat /proc/1/comm)" = pam-netns-init ] && [ -e /proc/self/status ] && [ -e /proc/$$/status ] || exit 9
		ps -e -o user= | sort -u | tr '\n' ' '
		readlink /proc/self/ns/pid
	END
	chmod 0755 /usr/bin/pid-look
}

# inits: the pids of all processes 1 of users, on the host.
inits() {
	pgrep -x pam-netns-init || :
}

# pid_pin UID: process 1, by number and start. The kernel gives the inode of a namespace that ended to another.
pid_pin() {
	readlink "/run/pam-netns/pins/$1/init"
}

# ended: nothing of any user is left, no process 1 either.
ended() {
	host_clean
	wait_until 5 eval '[[ -z $(inits) ]]'
}

test_each_way_of_login_is_in_the_namespace() {
	local pid
	hold_session one alice
	pid=$(in_session one pid-look)
	assert_match '^alice root pid:\[[0-9]+\]$' "$pid"
	assert_ne "$(readlink /proc/1/ns/pid)" "${pid##* }"
	assert_each_way "$pid" alice pid-look
	assert_eq "$pid" "$(ssh_as alice -tt -- pid-look | tr -d '\r')" 'ssh with a terminal'
	assert_eq "$pid" "$(su alice -c pid-look)" su
	assert_eq "$pid" "$(sudo -i -u alice pid-look)" 'sudo -i'
	assert_eq "$pid" "$(in_session one 'su alice -c pid-look')" 'su from inside'
	assert_eq "$pid" "$(in_session one 'sudo -u alice pid-look')" 'sudo from inside'
	assert_eq "$pid" "$(in_session one 'sudo pid-look')" 'root from inside'
	assert_eq "$pid" "$(pam-netns exec alice -- pid-look)" exec
	assert_eq "$pid" "$(pam-netns exec --root alice -- pid-look)" 'exec --root'
	assert_match "seen=alice root ${pid##* }" "$(as_pty login <<-'END' | tr -d '[]'
		< login:
		> alice
		< assword:
		> lemon-tree-7
		< \$
		> echo seen=$(pid-look)
		< seen=[a-z]
		> exit
	END
	)" login
	end_session one
	ended
}

test_copies_work() {
	copies_work alice
	ended
}

test_users_and_host_are_separate() {
	local pid host
	sleep 611 &
	host=$!
	hold_session one alice
	hold_session two bob
	in_session one 'sleep 612 >/dev/null 2>&1 &'
	wait_until 5 pgrep -f '^sleep 612'
	pid=$(pgrep -f '^sleep 612')
	assert_ne "$(in_session one pid-look)" "$(in_session two pid-look)"
	assert_eq '' "$(in_session two 'pgrep -f "^sleep 61[12]" || :')"
	assert_eq '' "$(in_session one 'pgrep -f "^sleep 611" || :')"
	assert_fails in_session one "sudo kill -0 $host"
	assert_eq "$pid" "$(pgrep -u alice -f '^sleep 612')" 'the host sees all'
	assert_match 'processes +4' "$(pam-netns status alice)"
	kill "$host"
	end_session one
	end_session two
	kill "$pid"
	ended
}

# T52: what /proc tells of process 1 is not the host's, and no way leads out by it.
test_t52_process_1_is_no_way_out() {
	local what
	hold_session one alice
	for what in root cwd exe fd environ maps mem ns/net ns/mnt ns/pid; do
		assert_fails in_session one "cat /proc/1/$what 2>/dev/null || ls /proc/1/$what/ 2>/dev/null || readlink /proc/1/$what"
	done
	assert_eq "$(in_session one 'cat /proc/self/net/route')" "$(in_session one 'cat /proc/1/net/route')"
	assert_eq "$(in_session one 'cat /proc/self/mountinfo')" "$(in_session one 'cat /proc/1/mountinfo')"
	assert_fails in_session one 'nsenter -t 1 -a true'
	assert_fails in_session one 'ls /run/pam-netns/hostproc/proc'
	assert_fails in_session one 'unshare -Urm umount /proc'
	assert_fails in_session one 'unshare -Urm umount -l /proc'
	what=/proc/$(inits)
	assert_match '^CapPrm:.0+ CapEff:.0+ CapBnd' "$(grep -E '^Cap(Prm|Eff|Bnd)' "$what/status" | tr '\n' ' ')"
	assert_match $'NoNewPrivs:\t1' "$(<"$what/status")"
	assert_eq 0 "$(find "$what/fd" -mindepth 1 | wc -l)" 'descriptors'
	end_session one
	ended
}

# T51: nothing inside ends or stops process 1; its end from outside ends all, and the next login makes all anew.
test_t51_process_1_that_ends_is_made_again() {
	local before after init
	hold_session one alice
	before=$(in_session one pid-look)
	in_session one 'sudo sh -c "kill -KILL 1; kill -STOP 1; kill -TERM 1; kill -SEGV 1"'
	assert_eq "$before" "$(in_session one pid-look)"
	in_session one 'setsid nohup sleep 613 >/dev/null 2>&1 &'
	wait_until 5 pgrep -f '^sleep 613'
	init=$(inits)
	kill -KILL "$init"
	wait_until 5 process_gone "$init"
	assert_eq '' "$(pgrep -f '^sleep 613' || :)"
	after=$(ssh_as alice -- pid-look)
	assert_match '^alice root pid:' "$after"
	drop_session one
	ended
	# No program has noticed it: the session is open, without a process.
	pamtester su alice open_session >/dev/null
	init=$(inits)
	kill -KILL "$init"
	wait_until 5 process_gone "$init"
	assert_match '^alice root pid:' "$(ssh_as alice -- pid-look)"
	ended
	# gc alone removes what is left.
	hold_session one alice
	kill -KILL "$(inits)"
	drop_session one
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	ended
}

test_t51_stopped_process_1_holds_nothing_up() {
	hold_session one alice
	kill -STOP "$(inits)"
	assert_match '^alice root pid:' "$(su alice -c pid-look)"
	assert_match '^bob root pid:' "$(su bob -c pid-look)"
	end_session one
	ended
}

# A stopped parent outside holds up the end of the namespace in the kernel; logins and kick do not wait for it.
test_t51_stopped_parent_outside_holds_nothing_up() {
	local before leader
	hold_session one alice
	before=$(pid_pin 2001)
	leader=$(find /run/pam-netns/users/2001/sessions -type f -printf '%f\n' | cut -d . -f 1)
	kill -STOP "$leader"
	pam-netns kick alice || :
	su alice -c 'pid-look && sleep 616' >"$OUT/after" &
	wait_until 10 grep -q pid: "$OUT/after"
	assert_match '^alice root pid:' "$(<"$OUT/after")"
	assert_ne "$before" "$(pid_pin 2001)"
	wait_until 5 pkill -f '^sleep 616'
	kill -CONT "$leader" 2>/dev/null || :
	drop_session one
	ended
}

test_processes_keep_it_and_kick_ends_them() {
	local before
	before=$(ssh_as alice -- 'setsid nohup sleep 614 >/dev/null 2>&1 & pid-look')
	assert_eq "$before" "$(su alice -c pid-look)"
	pam-netns gc
	assert_eq "$before" "$(su alice -c pid-look)"
	pam-netns kick alice
	assert_eq '' "$(pgrep -f '^sleep 614' || :)"
	ended
}

test_login_of_others_from_inside_is_refused_with_the_reason() {
	local who
	hold_session one alice
	for who in 'su bob -c' 'sudo -u bob sh -c' 'sudo su bob -c'; do
		log_mark
		assert_fails in_session one "$who 'echo let in' >$OUT/said 2>&1"
		assert_no_match 'let in' "$(<"$OUT/said")"
		log_grep 'bob cannot log in from here: this session is in a PID namespace' >/dev/null
		[[ ! -e /run/pam-netns/users/2002 && ! -e /run/pam-netns/pins/2002 && ! -e /run/pam-netns/pins/.2002 ]]
	done
	# bob is active: the same.
	hold_session two bob
	assert_fails in_session one 'su bob -c true'
	assert_fails_with 'in a PID namespace.* run it outside' in_session one 'sudo pam-netns exec bob -- true'
	end_session two
	end_session one
	ended
}

# A container of root's, for one: the helper would take other processes of the host for the user's.
test_t51_login_from_another_pid_namespace_is_refused() {
	local before
	pam-netns up
	log_mark
	assert_fails unshare -pf --mount-proc su alice -c true
	log_grep 'alice cannot log in from here: this session is in a PID namespace' >/dev/null
	ended
	hold_session one alice
	before=$(pid_pin 2001)
	assert_fails unshare -pf --mount-proc su alice -c true
	assert_eq "$before" "$(pid_pin 2001)" 'process 1 of the session that was there'
	assert_match '^alice root pid:' "$(in_session one pid-look)"
	assert_fails_with 'run it from outside' unshare -pf --mount-proc pam-netns gc
	assert_fails_with 'run it from outside' unshare -pf --mount-proc pam-netns kick alice
	end_session one
	ended
}

# The parent of a helper whose caller has ended is process 1, which lives on.
test_t51_killed_caller_inside_leaves_no_session() {
	local helper=/usr/libexec/pam-netns/pam-netns-helper
	hold_session one alice
	mv "$helper" "$helper.real"
	cat >"$helper" <<-END
		#!/bin/sh
		: >/run/begun
		while [ -e /proc/\$PPID ]; do sleep 0.1; done
		exec $helper.real "\$@"
	END
	chmod 0755 "$helper"
	in_session one 'sudo su alice -c "sleep 617" >/dev/null 2>&1 &'
	wait_until 10 test -e /run/begun
	pkill -KILL -f '^su alice'
	wait_until 10 eval '! pgrep -f "/pam-netns-helper(.real)? open"'
	mv "$helper.real" "$helper"
	assert_eq '' "$(find /run/pam-netns/users/2001/sessions -name "$(inits).*")"
	end_session one
	ended
}

# Root inside has other process numbers than the host, so commands that end processes are refused.
test_commands_inside_are_refused() {
	local command
	hold_session one alice
	for command in gc up 'kick alice' 'down --force'; do
		assert_fails_with 'in another PID namespace than the host.s: run it from outside' in_session one "sudo pam-netns $command"
	done
	assert_match 'alice' "$(in_session one 'sudo pam-netns list')"
	end_session one
	ended
}

# No process leaves its PID namespace, so root cannot go back to the host. A password is still checked there.
test_nested_host_is_refused_inside() {
	conf_set nested host
	hold_session one alice
	log_mark
	assert_fails in_session one 'sudo true'
	log_grep 'root cannot go back to the host .nested = host.: this session is in a PID namespace' >/dev/null
	sed -i '1i auth requisite pam_netns.so host' /etc/pam.d/sudo
	conf_set nested stay
	assert_eq 'pam-netns-init' "$(in_session one 'sudo cat /proc/1/comm')"
	sed -i 1d /etc/pam.d/sudo
	end_session one
	ended
}

# After close the caller and its children are on the host again.
test_close_goes_back_to_the_host() {
	strace -f -e trace=setns,execve -o "$OUT/trace" "$TOOLS/host-session" su alice true
	awk 'NR == 1 { caller = $1 } $1 == caller' "$OUT/trace" | grep -c 'CLONE_NEWPID) *= 0' >"$OUT/count"
	assert_eq 2 "$(<"$OUT/count")"
	ended
	# The same process opens sessions of both, one after the other.
	pamtester su alice open_session close_session open_session close_session >/dev/null
	ended
}

test_killed_leader_is_cleaned_up() {
	killed_leader_is_cleaned_up "sleep 615" ended
}

# The kernel refuses a PID namespace, or process 1 fails at a step: nothing is left.
test_failed_process_1_refuses_login() {
	local helper=/usr/libexec/pam-netns/pam-netns-helper call
	mv "$helper" "$helper.real"
	for call in clone3:error=ENOSPC fsmount:error=ENOMEM socketpair:error=EMFILE \
		symlink:error=ENOSPC:when=2 sendmsg:error=EPIPE:when=1; do
		printf '#!/bin/sh\nexec strace -f -qq -o /run/trace -e trace=%s -e inject=%s %s "$@"\n' \
			"${call%%:*}" "$call" "$helper.real" >"$helper"
		chmod 0755 "$helper"
		assert_fails su alice -c true
		grep -q INJECTED /run/trace || fail "$call: not called"
		mv "$helper.real" "$helper"
		ended
		mv "$helper" "$helper.real"
	done
	mv "$helper.real" "$helper"
	su alice -c true
	ended
}

test_pid_without_mnt_is_refused() {
	conf_set namespaces 'net uts pid'
	assert_fails_with 'pid needs mnt, for a /proc that shows' pam-netns check "$CONF"
	conf_set namespaces 'net mnt uts ipc pid'
}

# hidepid goes with it.
test_processes_own_hides_process_1_too() {
	conf_set processes own
	assert_eq 'alice' "$(su alice -c 'ps -e -o user= | sort -u')"
	conf_set processes all
	ended
}

# T53: the network namespace tells whether PAM has isolated a manager, whatever the records of sessions are.
test_t53_a_manager_in_the_network_of_the_user_is_never_outside() {
	local manager=(/usr/libexec/pam-netns/pam-netns-manager /usr/bin/readlink /proc/self/ns/pid) pid state
	hold_session one alice
	pid=$(in_session one 'readlink /proc/self/ns/pid')
	assert_eq "$(readlink /proc/self/ns/pid)" "$(as alice "${manager[@]}")" "exempt: in the host's network"
	assert_eq "$pid" "$(nsenter -t "$(inits)" --net --uts --ipc bash -c "$(declare -f as); as alice ${manager[*]}")"
	state=/run/pam-netns/users/2001/state
	sed -i.old '/^net_inode=/d' "$state"
	assert_eq "$pid" "$(as alice "${manager[@]}")" 'in doubt'
	echo damaged >"$state"
	assert_fails_with 'read /run/pam-netns/users/2001/state' as alice "${manager[@]}"
	mv "$state.old" "$state"
	end_session one
	ended
}
