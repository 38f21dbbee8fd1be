# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for another shell
# pam-netns exec and pam-netns-enter from outside, if the user has a PID namespace: pam-netns-wait is for its
# caller what the command would be.

setup() {
	host_pam_install
	conf_set namespaces 'net mnt uts ipc pid'
}

OUTSIDE=(setpriv --reuid alice --regid lab --init-groups --inh-caps=-all pam-netns exec --)

# outside COMMAND…: the user's, from a process that is in none of their namespaces.
outside() {
	"${OUTSIDE[@]}" "$@"
}

# outside_start COMMAND…: in the background. WAITER is the process outside, CHILD the command.
outside_start() {
	"${OUTSIDE[@]}" "$@" >"$OUT/said" 2>&1 &
	WAITER=$!
	wait_until 5 child_is "$(grep -o '[^ ]*$' <<<"$*")"
	CHILD=$(pgrep -P "$WAITER")
}

# child_is WORD: the waiter's child is the command, whose last word this is.
child_is() {
	pgrep -P "$WAITER" -f -- "$1\$"
}

state_of() {
	awk '/^State:/ { print $2 }' "/proc/$1/status"
}

# state_is STATE PID…
state_is() {
	local state=$1 pid
	shift
	for pid; do
		[[ $(state_of "$pid") == "$state" ]] || return 1
	done
}

# assert_waiter_code CODE
assert_waiter_code() {
	local code=0
	wait "$WAITER" || code=$?
	assert_eq "$1" "$code" "exit status of pam-netns-wait"
}

ended() {
	end_session one
	host_clean
}

test_command_is_inside_with_the_users_ids() {
	local what='readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/ipc /proc/self/ns/pid; id; ps -e -o user= | sort -u'
	hold_session one alice
	assert_eq "$(in_session one "$what")" "$(outside sh -c "$what")" exec
	assert_eq "$(in_session one "$what")" "$(as alice /usr/libexec/pam-netns/pam-netns-enter sh -c "$what")" enter
	assert_eq "$(in_session one "$what")" "$(echo "$what" | as alice /usr/libexec/pam-netns/pam-netns-enter)" shell
	assert_eq "$(in_session one "$what")" "$(in_session one "pam-netns exec -- sh -c '$what'")" 'from inside'
	cd /usr/share && assert_eq /usr/share "$(outside pwd)"
	assert_eq 'a  b' "$(WORD='a  b' outside sh -c 'echo "$WORD"')"
	assert_match $'SigBlk:\t0000000000000000' "$(outside cat /proc/self/status)"
	assert_match $'SigIgn:\t0000000000010000' "$(trap '' CHLD && outside cat /proc/self/status)"
	assert_match $'NoNewPrivs:\t0' "$(outside cat /proc/self/status)"
	ended
}

test_exit_status_is_that_of_the_command() {
	hold_session one alice
	assert_code 7 outside sh -c 'exit 7'
	assert_code 127 outside /no/such/program
	assert_code 126 outside /etc/passwd
	assert_code 5 env --ignore-signal=CHLD "${OUTSIDE[@]}" sh -c 'exit 5'
	# By the same signal: 128 and its number alone could be an exit status.
	assert_match 'Segmentation fault' "$(bash -c '"$@"; exit 0' bash "${OUTSIDE[@]}" sh -c 'kill -SEGV $$' 2>&1)"
	assert_code 137 outside sh -c 'kill -KILL $$'
	ended
}

test_sent_signals_are_passed_on() {
	local signal
	hold_session one alice
	for signal in TERM HUP USR1 RTMIN+3; do
		outside_start sleep 621
		kill -s "$signal" "$WAITER"
		assert_waiter_code $((128 + $(kill -l "$signal")))
		wait_until 5 process_gone "$CHILD"
	done
	outside_start sh -c 'trap "exit 6" TERM; while :; do sleep 0.05; done # 622'
	wait_until 5 eval 'pgrep -P "$CHILD"'
	kill -TERM "$WAITER"
	assert_waiter_code 6
	# The timer of alarm(2) goes on in what a program becomes.
	assert_code 142 perl -e 'alarm 1; exec @ARGV' "${OUTSIDE[@]}" sleep 623
	ended
}

# What SIGKILL leaves is what it would leave of the command itself.
test_killed_waiter_takes_the_command_along() {
	local left
	hold_session one alice
	outside_start sh -c 'sleep 624 & exec sleep 625'
	kill -KILL "$WAITER"
	wait_until 5 process_gone "$CHILD"
	left=$(pgrep -f '^sleep 624')
	assert_eq "$(inside_parent "$left")" 1
	kill "$left"
	# A process that is stopped cannot pass anything on.
	outside_start sleep 626
	kill -STOP "$WAITER"
	kill -KILL "$WAITER"
	wait_until 5 process_gone "$CHILD"
	ended
}

# In between the kernel does not yet know that both belong together.
test_waiter_killed_at_its_start_runs_no_command() {
	hold_session one alice
	strace -f -qq -o /dev/null -e trace=prctl -e inject=prctl:delay_enter=500000 setpriv --reuid alice \
		--regid lab --init-groups pam-netns exec -- touch "$OUT/ran" 2>/dev/null &
	wait_until 20 eval 'WAITER=$(pgrep -o -f "^pam-netns-wait touch") && pgrep -P "$WAITER"'
	WAITER=$(pgrep -o -f '^pam-netns-wait touch')
	CHILD=$(pgrep -P "$WAITER")
	kill -KILL "$WAITER"
	wait_until 10 process_gone "$CHILD"
	[[ ! -e $OUT/ran ]] || fail 'the command ran'
	ended
}

# inside_parent PID: the number of its parent in their PID namespace.
inside_parent() {
	awk '/^NSpid:/ { print $NF }' "/proc/$(awk '/^PPid:/ { print $2 }' "/proc/$1/status")/status"
}

test_stopped_command_is_a_stopped_job() {
	hold_session one alice
	outside_start sleep 627
	kill -STOP "$CHILD"
	wait_until 5 state_is T "$CHILD" "$WAITER"
	kill -CONT "$WAITER"
	wait_until 5 state_is S "$CHILD" "$WAITER"
	kill -STOP "$CHILD"
	wait_until 5 state_is T "$CHILD" "$WAITER"
	kill -TERM "$WAITER"
	kill -CONT "$WAITER"
	assert_waiter_code 143
	ended
}

test_job_control_on_a_terminal() {
	local output
	hold_session one alice
	output=$(as_pty setpriv --reuid alice --regid lab --init-groups --inh-caps=-all env -u PS1 HOME=/tmp \
		bash --norc -i <<-'END'
			< [$] $
			> PS1='rea''dy '; clear
			< ready $
			> pam-netns exec -- sh -c 'echo beg''un; exec sleep 628'
			< begun
			^ Z
			< Stopped.*ready $
			> pgrep -r T -c -f 62''8 | sed s/^/stopped=/
			< stopped=2.*ready $
			> bg
			< ready $
			> pgrep -r T -c -f 62''8 | sed s/^/stopped=/
			< stopped=0.*ready $
			> fg
			< exec sleep 628'
			^ C
			< ready $
			> echo code $?
			< code 130.*ready $
			> pam-netns exec -- cat &
			< ready $
			> until [[ $(jobs) == *Sto''pped* ]]; do sleep 0.1; done; jobs
			< Stopped.*ready $
			> fg
			< exec -- cat
			> typed
			< typed\r\ntyped
			^ D
			< ready $
			> pam-netns exec -- bash --norc -i
			< [$] $
			> sh -c 'echo beg''un; exec sleep 629'
			< begun
			^ Z
			< Stopped.*[$] $
			> fg
			< exec sleep 629'
			^ C
			< [$] $
			> stty size >/dev/null && exit 5
			< ready $
			> echo code $?
			< code 5.*ready $
			> exit
		END
	) || fail "$output"
	assert_eq '' "$(pgrep -f '^sleep 62[89]' || :)"
	ended
}

# As a command of the shell would, both end.
test_closed_terminal_ends_the_command() {
	hold_session one alice
	as_pty setpriv --reuid alice --regid lab --init-groups --inh-caps=-all env HOME=/tmp \
		bash --norc -i <<-'END' >/dev/null || :
			< [$] $
			> pam-netns exec -- sh -c 'echo beg''un; exec sleep 630'
			< begun
			!
		END
	wait_until 5 eval '! pgrep -f "^sleep 630|pam-netns-wait"'
	ended
}

test_namespace_whose_process_1_has_ended_is_refused() {
	local init
	sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	pamtester su alice open_session >/dev/null
	init=$(pgrep -x pam-netns-init)
	kill -STOP "$init"
	assert_eq inside "$(outside echo inside)" 'stopped'
	outside_start sleep 631
	kill -KILL "$init"
	assert_waiter_code 137
	wait_until 5 process_gone "$init"
	assert_code_with 1 '^pam-netns-enter: cannot start a process: process 1 of your PID namespace has ended; log in again$' \
		outside echo inside
	assert_eq inside "$(su alice -c 'echo inside')"
	host_clean
	assert_fails_with 'log in first' outside true
	mv /usr/libexec/pam-netns/pam-netns-wait{,.away}
	hold_session one alice
	assert_code_with 1 'cannot run /usr/libexec/pam-netns/pam-netns-wait; is pam_netns installed whole' outside true
	mv /usr/libexec/pam-netns/pam-netns-wait{.away,}
	ended
}

# T54: the process outside has no privilege, no descriptor and no place that the command does not have.
test_t54_process_outside_keeps_nothing() {
	local kind status
	hold_session one alice
	outside_start sleep 632 5</etc/passwd 9</
	assert_eq '' "$(ls "/proc/$WAITER/fd")" 'descriptors'
	assert_eq $'0\n1\n2' "$(ls "/proc/$CHILD/fd")" "the command's descriptors"
	status=$(<"/proc/$WAITER/status")
	assert_match $'\nUid:\t2001\t2001\t2001\t2001\nGid:\t2100\t2100\t2100\t2100\n' "$status"
	for kind in Inh Prm Eff Amb; do
		assert_match "Cap$kind:.0000000000000000" "$status"
	done
	for kind in net mnt uts ipc user; do
		assert_eq "$(readlink "/proc/$CHILD/ns/$kind")" "$(readlink "/proc/$WAITER/ns/$kind")" "$kind"
	done
	assert_eq "$(readlink "/proc/$CHILD/ns/pid")" "$(readlink "/proc/$WAITER/ns/pid_for_children")"
	# The user's processes inside do not see it.
	assert_eq '' "$(in_session one 'pgrep -f pam-netns-wait || :')"
	assert_fails in_session one "kill -0 $WAITER"
	kill "$WAITER"
	wait "$WAITER" || :
	# A pipe ends with the command's own end of it.
	timeout 5 cat < <(exec "${OUTSIDE[@]}" sh -c 'exec sleep 633 >&- 2>&-')
	pkill -f '^sleep 633'
	ended
}

# T54: until it is the program without privilege, the user cannot trace it.
test_t54_setuid_part_is_not_traceable() {
	local pid tracer what
	hold_session one alice
	# The process stops after the drop.
	strace -f -qq -o "$OUT/trace" -e trace=fchdir -e inject=fchdir:signal=SIGSTOP setpriv --reuid alice \
		--regid lab --init-groups /usr/libexec/pam-netns/pam-netns-enter sleep 634 >/dev/null 2>&1 &
	tracer=$!
	wait_until 15 grep -q 'stopped by SIGSTOP' "$OUT/trace"
	pid=$(pgrep -P "$tracer")
	assert_match $'\nUid:\t2001\t2001\t2001\t2001\n' "$(<"/proc/$pid/status")"
	for what in fd environ maps mem ns/net cwd; do
		assert_fails as alice sh -c "ls /proc/$pid/$what/ || cat /proc/$pid/$what || readlink /proc/$pid/$what" 2>/dev/null
	done
	kill -CONT "$pid"
	wait_until 5 pgrep -f '^sleep 634'
	as alice readlink "/proc/$pid/ns/net"
	kill "$pid"
	wait "$tracer" || :
	ended
}
