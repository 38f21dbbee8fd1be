# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Logouts: the network stays until the user's last session and process have ended, then all is removed.

setup() {
	host_pam_install
	# The first login of all makes /run/netns and the count of ports, which stay.
	pamtester_session su alice
	host_clean 5
}

# host_state: prints all that a login may add to the host, except the guard's elements.
host_state() {
	find /run/pam-netns /run/netns -path /run/pam-netns/hostproc/proc -prune -o -print | sort
	cksum /run/pam-netns/networks/default/{ports,state}
	awk '{ print "mount", $5 }' /proc/self/mountinfo | sort
	ip -o link show | awk -F '[:@ ]+' '{ print "link", $2 }' | sort
	{ ip route show table all && ip -6 route show table all; } |
		sed 's/^/route /; s/ linkdown//' | sort
	ip neigh show nud permanent | sed 's/^/neighbour /' | sort
	bridge fdb show | sort
	nft list tables
}

state_is() {
	[[ $(host_state) == "$1" ]]
}

# guard_elements: prints the elements {port, MAC, address} of both of the guard's sets.
guard_elements() {
	nft list table bridge pam_netns | grep -o 'pnu[0-9a-z]*" \.' || :
}

namespaces() {
	pam-netns exec "$1" -- readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts
}

test_last_logout_removes_every_trace() {
	local before
	pam-netns gc
	before=$(host_state)
	hold_session one alice
	in_session one "curl -sS -m 5 http://$OUTSIDE4/ && curl -sS -m 5 'http://[$OUTSIDE6]/'" >/dev/null
	assert_ne "$before" "$(host_state)"
	assert_eq 2 "$(guard_elements | wc -l)"
	end_session one
	wait_until 5 state_is "$before"
	host_clean 5
	pam-netns gc
	assert_eq '' "$(guard_elements)"
	assert_same "$before" "$(host_state)"
}

# If the client vanishes, its shell still runs when sshd closes the session.
test_logout_of_vanished_client_removes_every_trace() {
	local before
	before=$(host_state)
	hold_session one alice
	drop_session one KILL
	wait_until 5 state_is "$before"
}

test_end_of_one_of_two_sessions_keeps_the_network() {
	local inside
	hold_session one alice
	hold_session two alice
	inside=$(in_session one 'readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts')
	assert_eq "$inside" "$(in_session two 'readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts')"
	end_session two
	wait_until 5 sessions_are alice 1
	# The helper that could remove the network has ended.
	wait_until 5 eval '! pgrep -f pam-netns-helper'
	pam-netns gc
	sessions_are alice 1
	assert_match "^you are $HOST4" "$(in_session one "curl -sS -m 5 http://$OUTSIDE4/")"
	assert_match "^you are $HOST6" "$(in_session one "curl -sS -m 5 'http://[$OUTSIDE6]/'")"
	assert_eq "$inside" "$(namespaces alice)"
	end_session one
	host_clean 5
}

test_sessions_of_different_programs_share_the_network() {
	local inode
	hold_session one alice
	inode=$(in_session one 'readlink /proc/self/ns/net')
	assert_eq "$inode" "$(su alice -c 'readlink /proc/self/ns/net')"
	assert_eq "$inode" "$(cron_run alice 'readlink /proc/self/ns/net')"
	assert_eq "$inode" "$(pam_session -u su alice readlink /proc/self/ns/net)"
	assert_eq "$inode" "$(in_session one 'readlink /proc/self/ns/net')"
	assert_match 'you are' "$(in_session one "curl -sS -m 5 http://$OUTSIDE4/")"
	end_session one
	host_clean 5
}

test_process_left_behind_keeps_the_network() {
	local inside pid
	hold_session one alice
	inside=$(namespaces alice)
	in_session one 'nohup sleep 600 >/dev/null 2>&1 & echo $! >~/sleep.pid'
	pid=$(</home/alice/sleep.pid)
	end_session one
	wait_until 5 sessions_are alice 0
	pam-netns gc
	assert_eq "$inside" "$(readlink "/proc/$pid"/ns/{net,mnt,uts})"
	assert_match 'you are' "$(nsenter --net="/proc/$pid/ns/net" curl -sS -m 5 "http://$OUTSIDE4/")"
	assert_eq "$inside" "$(su alice -c 'readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts')"
	pam-netns gc
	assert_eq "$inside" "$(namespaces alice)"
	kill "$pid"
	wait_until 5 process_gone "$pid"
	pam-netns gc
	host_clean 5
}

# A process whose first thread has ended looks like a zombie, and /proc/PID/ns does not show its namespaces.
test_process_without_first_thread_keeps_the_network() {
	local inside pid
	cc -x c -pthread -o "$OUT/headless" - <<-'END'
		#include <pthread.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		static void *stay(void *unused) { sleep(600); return unused; }
		int main(void)
		{
			pthread_t thread;
			setsid();
			return pthread_create(&thread, 0, stay, 0) ? 1 : (int)syscall(SYS_exit, 0);
		}
	END
	hold_session one alice
	inside=$(namespaces alice)
	in_session one "nohup $OUT/headless >/dev/null 2>&1 & echo \$! >~/headless.pid"
	pid=$(</home/alice/headless.pid)
	wait_until 5 grep -q '^State:.Z' "/proc/$pid/status"
	end_session one
	wait_until 5 sessions_are alice 0
	pam-netns gc
	assert_eq "$inside" "$(namespaces alice)"
	pam-netns kick alice
	wait_until 5 eval "! test -e /proc/$pid"
	host_clean 5
}

# The process ends within the 10 s for which the reaper looks.
test_process_that_ends_after_logout_is_awaited() {
	hold_session one alice
	in_session one 'nohup sleep 600 >/dev/null 2>&1 & echo $! >~/sleep.pid'
	end_session one
	wait_until 5 test -e /run/pam-netns/closing/2001
	sleep 1
	assert_fails host_is_clean
	kill "$(</home/alice/sleep.pid)"
	# The reaper sees the end before its 10 s are over.
	host_clean 5
}

test_tmux_keeps_the_network_for_next_login() {
	local inside
	inside=$(ssh_as alice -- 'tmux new-session -d -s work "sleep 600" && tmux list-panes -F "#{pane_pid}" -t work' | tail -n 1)
	inside=$(readlink "/proc/$inside"/ns/{net,mnt,uts})
	pam-netns gc
	assert_eq "$inside" "$(ssh_as alice -- 'readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts')"
	assert_match '^work:' "$(ssh_as alice -- tmux ls)"
	ssh_as alice -- 'tmux kill-server'
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	host_clean 5
	assert_fails ssh_as alice -- tmux ls
	host_clean 5
}

test_linger_no_ends_all_processes() {
	local pids pid bob
	conf_set linger no
	hold_session one alice
	hold_session other bob
	in_session one '
		nohup sleep 601 >/dev/null 2>&1 & echo $! >~/pids
		nohup sh -c "trap : TERM HUP INT; while :; do sleep 602; done" >/dev/null 2>&1 & echo $! >>~/pids
		setsid sleep 603 >/dev/null 2>&1 & echo $! >>~/pids
		nohup sleep 604 >/dev/null 2>&1 & echo $! >>~/pids
		nohup sh -c "trap : TERM HUP INT; while :; do sleep 605; done" >/dev/null 2>&1 & echo $! >>~/pids'
	mapfile -t pids </home/alice/pids
	assert_eq 5 "${#pids[@]}"
	# The traps are set by then.
	for pid in 601 602 603 604 605; do
		wait_until 5 pgrep -xf "sleep $pid"
	done
	kill -STOP "${pids[3]}" "${pids[4]}"
	end_session one
	for pid in "${pids[@]}"; do
		wait_until 5 process_gone "$pid"
	done
	wait_until 5 eval '! test -e /run/pam-netns/users/2001 && ! pgrep -u alice'
	# bob's processes stay.
	assert_eq bob "$(in_session other 'id -un')"
	conf_set linger processes
	bob=$(hold_pid other)
	in_session other 'nohup sleep 606 >/dev/null 2>&1 & true'
	end_session other
	wait_until 5 process_gone "$bob"
	# The profile at bob's login counts, and it had linger = no.
	host_clean 5
	assert_fails pgrep -f 'sleep 60[1-6]'
}

test_linger_no_ends_processes_that_left_the_namespaces() {
	conf_set linger no
	hold_session one alice
	in_session one 'setsid unshare -Urmnu sleep 609 >/dev/null 2>&1 &'
	wait_until 5 pgrep -xf 'sleep 609'
	end_session one
	wait_until 5 process_absent 'sleep 609'
	host_clean 5
	conf_set linger processes
	hold_session one alice
	in_session one 'setsid unshare -Urmnu sleep 610 >/dev/null 2>&1 &'
	wait_until 5 pgrep -xf 'sleep 610'
	end_session one
	# A process in no namespace of the user keeps none of them.
	host_clean 5
	kill "$(pgrep -xf 'sleep 610')"
}

process_absent() {
	! pgrep -xf "$1"
}

# If no session was closed, gc ends the processes.
test_gc_with_linger_no_ends_processes_of_killed_session() {
	local leader
	conf_set linger no
	"$TOOLS/host-session" su alice sh -c 'setsid sleep 607 >/dev/null 2>&1 & exec sleep 608' &
	leader=$!
	# -x: the command line of host-session contains this text too.
	wait_until 5 pgrep -xf 'sleep 607'
	wait_until 5 pgrep -xf 'sleep 608'
	kill -KILL "$leader"
	wait_until 5 process_gone "$leader"
	pam-netns gc >&2
	conf_set linger processes
	host_clean 5
	assert_fails pgrep -f 'sleep 60[78]'
}

# The kernel removes the old port 33 ms after the logout.
test_login_right_after_logout_works() {
	local i
	for ((i = 0; i < 30; i++)); do
		assert_match "^you are $HOST4" "$(su alice -c "curl -sS -m 5 http://$OUTSIDE4/")"
		until [[ ! -e /run/pam-netns/pins/2001 ]]; do :; done
	done
	# A login at any point of the teardown works too.
	for ((i = 0; i < 30; i++)); do
		assert_match "^you are $HOST6" "$(su alice -c "sleep 0.0$((i % 10)); curl -sS -m 5 'http://[$OUTSIDE6]/'")"
	done
	assert_no_log 'cannot|refused'
	host_clean 5
}

# value NAME LINE: prints VALUE of NAME=VALUE.
value() {
	[[ "$2 " =~ \ $1=([^ ]*)\  ]] && echo "${BASH_REMATCH[1]}"
}

test_log_has_fields_of_open_and_close() {
	local line netns
	hold_session one alice
	line=$(log_grep 'pam_netns\(sshd:session\): session opened:')
	assert_match '^authpriv\.info ' "$line"
	assert_match "session opened: user=alice uid=2001 service=sshd tty=ssh rhost=$OUTSIDE4 leader=[0-9]+ profile=default network=default netns=alice interface=pnu1jl[0-9a-z] address=10\.203\.7\.209 address6=fd[0-9a-f:]+\$" "$line"
	assert_match "^sshd(-session)?\$" "$(cat "/proc/$(value leader "$line")/comm")"
	netns=$(value netns "$line")
	assert_eq "$(in_session one 'stat -L -c %i /proc/self/ns/net')" "$(stat -L -c %i "/run/netns/$netns")"
	assert_match "inet $(value address "$line")/32" "$(ip -n "$netns" address show eth0)"
	assert_match "inet6 $(value address6 "$line")/128" "$(ip -n "$netns" address show eth0)"
	su alice -c true
	log_grep 'pam_netns\(su:session\): session opened: user=alice uid=2001 service=su tty=[^ ]+ rhost=- leader=[0-9]+ profile='
	log_grep 'pam_netns\(su:session\): session closed: user=alice uid=2001 service=su'
	assert_no_log 'last logout'
	in_session one "curl -sS -m 5 http://$OUTSIDE4/" >/dev/null
	end_session one
	host_clean 5
	line=$(log_grep 'pam_netns\(sshd:session\): session closed:')
	assert_match "session closed: user=alice uid=2001 service=sshd tty=ssh rhost=$OUTSIDE4 leader=[0-9]+ profile=default network=default netns=alice interface=pnu1jl[0-9a-z] address=10\.203\.7\.209 address6=fd[0-9a-f:]+\$" "$line"
	line=$(log_grep 'last logout')
	assert_match '^authpriv\.info .* pam_netns\[[0-9]+\]: last logout: user=alice uid=2001 profile=default network=default netns=alice interface=pnu1jl[0-9a-z] address=10\.203\.7\.209 address6=fd[0-9a-f:]+ seconds=[0-9]+ bytes_in=[0-9]+ bytes_out=[0-9]+$' "$line"
	(($(value bytes_in "$line") > 300)) || fail "too few bytes: $line"
	(($(value bytes_out "$line") > 300)) || fail "too few bytes: $line"
}

# kick and gc write the line to the log, not to their output.
test_last_logout_by_command_is_logged() {
	local line leader
	line='^authpriv.info .* pam_netns\[[0-9]+\]: last logout: user=alice uid=2001 .* seconds=[0-9]+ bytes_in=[0-9]+ bytes_out=[0-9]+$'
	hold_session one alice
	assert_eq '' "$(pam-netns kick alice 2>&1)"
	log_grep "$line"
	host_clean 5
	log_mark
	"$TOOLS/host-session" su alice sleep 611 &
	wait_until 5 pgrep -xf 'sleep 611'
	leader=$!
	kill -KILL "$leader"
	kill "$(pgrep -xf 'sleep 611')"
	wait_until 5 process_gone "$leader"
	wait_until 5 process_absent 'sleep 611'
	assert_eq '' "$(pam-netns gc 2>&1)"
	log_grep "$line"
	host_clean 5
}

# told USER: prints the log's lines about a user at priority info.
told() {
	log_lines | sed -n "s/^authpriv.info .*pam_netns[^:]*\(:session)\)*[^:]*: \([a-z ]*: user=$1\) .*/\2/p"
}

test_log_sessions_has_three_lines_a_login() {
	conf_set log sessions
	pam-netns down >&2
	log_mark
	su alice -c true
	host_clean 5
	assert_same $'session opened: user=alice\nsession closed: user=alice\nlast logout: user=alice' "$(told alice)"
	assert_eq 3 "$(log_lines | grep -c 'pam_netns[^ ]*: ')"
}

# A cron job makes one line, or none if its user is active. Warnings and refusals are always logged.
test_log_logins_has_first_and_last_only() {
	conf_set log logins
	log_mark
	hold_session one alice
	su alice -c true
	assert_eq alice "$(cron_run alice 'id -un')"
	assert_same 'first login: user=alice' "$(told alice)"
	assert_match "first login: user=alice uid=2001 service=sshd tty=ssh rhost=$OUTSIDE4 leader=[0-9]+ profile=default network=default netns=alice interface=pnu1jl[0-9a-z] address=10\.203\.7\.209 address6=fd" "$(log_grep 'first login')"
	end_session one
	host_clean 5
	assert_same $'first login: user=alice\nlast logout: user=alice' "$(told alice)"
	assert_eq bob "$(cron_run bob 'id -un')"
	host_clean 5
	assert_same 'last logout: user=bob' "$(told bob)"
	ip netns add carol
	assert_fails pam_session su carol true
	log_grep 'authpriv.err .*pam_netns\(su:session\): login refused'
	ip netns del carol
}

# A user or a remote host may choose the text of a field, but cannot add lines or fields.
test_hostile_names_forge_no_log_line() {
	local line
	pam_session -r $'x leader=1 user=root\nauthpriv.info forged' -t $'pts/1 uid=0\t\033[31m' su alice true
	line=$(log_grep 'pam_netns.*session opened')
	assert_eq 1 "$(wc -l <<<"$line")"
	assert_match ' user=alice uid=2001 service=su tty=[^ ]+ rhost=[^ ]+ leader=[0-9]+ profile=default ' "$line"
	assert_no_match 'user=root|uid=0| leader=1 ' "$line"
	assert_no_log '^authpriv.info forged'
	host_clean 5
}

# C1 controls, in UTF-8 and as bytes of 8-bit terminals, begin escape sequences as ESC does. Letters stay.
test_t43_names_with_terminal_controls_are_logged_without() {
	pam_session -r $'x\xc2\x9b2J' -t $'pts/\x9b1m' su alice true
	log_grep 'session opened'
	assert_eq '' "$(log_tail | LC_ALL=C grep -aP '[\x80-\x9f]' || :)"
	host_clean 5
	log_mark
	pam_session -r $'caf\xc3\xa9.example' su alice true
	assert_match $' rhost=caf\xc3\xa9.example ' "$(log_grep 'pam_netns.*session opened')"
	host_clean 5
}

# A process that opens and closes a session is in its own namespaces again.
test_close_takes_the_caller_back() {
	pamtester_session su alice
	host_clean 5
	log_grep 'session closed: user=alice'
	log_grep 'last logout: user=alice'
}

# Before each test, even if the one before it failed.
conf_reset
