# shellcheck shell=bash
# Sessions of users: logins that stay, commands in them, jobs of cron and at. lib.sh sources this file.

# hold_session NAME USER [SSH OPTION…]: a login that stays, with a shell for in_session NAME.
# hold_pid NAME: the process id of that shell. drop_session NAME ends the client with SIGTERM (or
# SIGNAL), end_session NAME ends the shell.
hold_session() {
	local name=$1 SSH_COMMAND
	shift
	rm -f "$OUT/hold.$name" "$OUT/hold.$name.in"
	mkfifo "$OUT/hold.$name.in"
	ssh_command "$@" -- "echo \$\$ >$OUT/hold.$name; exec sh"
	# Opened for reading and writing, so that it never ends by itself.
	"${SSH_COMMAND[@]}" <>"$OUT/hold.$name.in" >"$OUT/hold.$name.log" 2>&1 &
	echo $! >"$OUT/hold.$name.client"
	wait_until 15 held_or_ended "$name"
	[[ -s $OUT/hold.$name ]] || fail "$name has no session: $(<"$OUT/hold.$name.log")"
}

held_or_ended() {
	[[ -s $OUT/hold.$1 ]] || process_gone "$(<"$OUT/hold.$1.client")"
}

hold_pid() {
	cat "$OUT/hold.$1"
}

# in_session NAME 'SHELL COMMAND': prints its output and returns its exit status, within 20 s.
in_session() {
	job_make "$2"
	echo "sh $JOB" >"$OUT/hold.$1.in"
	job_wait "$JOB" 20
}

# serve_once SESSION PORT TEXT: a server in the session, for one connection.
serve_once() {
	in_session "$1" "echo '$3' | timeout 120 nc -l -N $2 >/dev/null 2>&1 &
		until ss -Hltn 'sport = $2' | grep -q .; do kill -0 \$! || exit 1; sleep 0.02; done"
}

# drop_session NAME [SIGNAL]
drop_session() {
	local client
	client=$(<"$OUT/hold.$1.client")
	kill -s "${2:-TERM}" "$client" 2>/dev/null || :
	wait_until 5 process_gone "$client"
	rm "$OUT/hold.$1.client"
}

end_session() {
	echo exit >"$OUT/hold.$1.in"
	wait_until 5 process_gone "$(<"$OUT/hold.$1.client")"
	rm "$OUT/hold.$1.client"
}

# process_gone PID: a zombie counts as gone.
process_gone() {
	[[ ! -e /proc/$1 ]] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# as_pty [-t SECONDS] COMMAND… <<END: runs it on a terminal with a dialogue; see pty.exp.
as_pty() {
	local seconds=20
	[[ $1 != -t ]] || { seconds=$2 && shift 2; }
	expect -f "$CHECKOUT/tests/integration/pty.exp" "$seconds" "$@"
}

# pam_session [OPTION…] SERVICE USER COMMAND…: between pam_open_session and pam_close_session; see
# tests/host/session.c.
pam_session() {
	"$TOOLS/host-session" "$@"
}

# pamtester_session SERVICE USER: opens and closes.
pamtester_session() {
	pamtester "$1" "$2" open_session close_session
}

# job_wait FILE SECONDS: prints the job's output, returns its exit status; 1 if it never ended.
job_wait() {
	local BOUND i
	bound "$2"
	for ((i = 0; i < BOUND * 20; i++)); do
		if [[ -s $1.code ]]; then
			cat "$1.out"
			return "$(<"$1.code")"
		fi
		sleep "${POLL:-0.05}"
	done
	echo "job does not end or was not started" >&2
	return 1
}

job_make() {
	JOB=$(mktemp "$OUT/job.XXXXXX")
	printf '( %s\n) >%s.out 2>&1\necho $? >%s.code\n' "$1" "$JOB" "$JOB" >"$JOB"
	chmod 0644 "$JOB"
}

cron_pid() {
	cat /run/crond.pid 2>/dev/null || cat /run/cron.pid
}

# cron_submit USER 'SHELL COMMAND': a job for cron. A job of each minute could wait 60 s; an @reboot job
# of a restarted cron runs at once by the same code.
cron_submit() {
	local pid
	job_make "$2"
	echo "@reboot $1 /bin/sh $JOB" >/etc/cron.d/test-job
	pid=$(cron_pid)
	kill "$pid"
	wait_until 5 process_gone "$pid"
	rm -f /run/crond.reboot /run/cron.reboot
	"$(command -v cron || command -v crond)"
}

# cron_run USER 'SHELL COMMAND': prints its output and returns its exit status, within 10 s.
cron_run() {
	local code=0
	cron_submit "$@"
	job_wait "$JOB" 10 || code=$?
	rm -f /etc/cron.d/test-job
	return "$code"
}

# at_submit USER 'SHELL COMMAND': `at now`, without a session. atd starts it at once.
at_submit() {
	job_make "$2"
	(cd / && setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups \
		env HOME="/home/$1" LOGNAME="$1" USER="$1" at -f "$JOB" now) 2>/dev/null
}

at_run() {
	at_submit "$@"
	job_wait "$JOB" 10
}

# assert_each_way EXPECTED USER 'SHELL COMMAND': what the command prints by each way of login without a terminal.
assert_each_way() {
	assert_eq "$1" "$(ssh_as "$2" -- "$3")" ssh
	assert_eq "$1" "$(su - "$2" -c "$3")" 'su -'
	assert_eq "$1" "$(sudo -u "$2" sh -c "$3")" sudo
	assert_eq "$1" "$(cron_run "$2" "$3")" cron
	assert_eq "$1" "$(at_run "$2" "$3")" at
}

# copies_work USER: sftp, by the internal and the external server, and scp copy a file to the user's home and back.
copies_work() {
	local port
	echo content >"$OUT/sent"
	for port in 22 2222; do
		outside sftp -q -o BatchMode=yes -P "$port" -b - "$1@$HOST4" >/dev/null <<-END
			put $OUT/sent copied.file
			get copied.file $OUT/got
			rm copied.file
		END
		assert_eq content "$(<"$OUT/got")" "sftp, port $port"
		rm "$OUT/got"
	done
	outside scp -q -o BatchMode=yes "$OUT/sent" "$1@$HOST4:copied.file"
	assert_eq content "$(<"/home/$1/copied.file")" scp
	rm "/home/$1/copied.file"
}

# killed_leader_is_cleaned_up COMMAND CLEAN: a session of alice's loses its leader and then its process, COMMAND. gc,
# or the next login, removes what is left. CLEAN fails if it does not.
killed_leader_is_cleaned_up() {
	local how leader
	for how in gc login; do
		su alice -c "$1" >/dev/null 2>&1 &
		wait_until 5 pgrep -f "^$1"
		leader=$(find /run/pam-netns/users/2001/sessions -type f -printf '%f\n' | cut -d . -f 1)
		kill -KILL "$leader"
		wait_until 5 process_gone "$leader"
		pkill -f "^$1"
		wait_until 5 eval '! pgrep -u alice'
		[[ $how == login ]] || pam-netns gc
		[[ $how == gc ]] || login_works
		"$2"
	done
}
