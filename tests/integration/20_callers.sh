# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Each program that opens a session, and each service of ssh, with users in their own networks.

setup() {
	host_pam_install
	# The file of Debian's systemd.
	cat >/etc/pam.d/systemd-user <<-END
		@include common-account
		session required pam_limits.so
		@include common-session-noninteractive
	END
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice
	# All values of a byte.
	head -c 300000 /dev/urandom >"$OUT/binary"
	chmod 0644 "$OUT/binary"
	rm -rf /tmp/.X11-unix
}

# same_bytes FILE: the file equals $OUT/binary.
same_bytes() {
	cmp "$OUT/binary" "$1"
}

# client NAME COMMAND…: runs it in the background, in the outside's network. client_end NAME ends it.
client() {
	local name=$1
	shift
	# `outside` would add a shell, and $! would be its process.
	nsenter "--net=/proc/$(</run/test-host/outside.pid)/ns/net" "$@" >"$OUT/$name.log" 2>&1 </dev/null &
	echo $! >"$OUT/$name.pid"
}

# If a signal comes just before ssh waits for its connections, ssh sees it at the next event only.
client_asked() {
	kill "$1" 2>/dev/null || :
	process_gone "$1"
}

client_end() {
	wait_until 15 client_asked "$(<"$OUT/$1.pid")"
}

# listening PORT: a server listens on the outside's loopback.
listening() {
	outside ss -Hltn "src 127.0.0.1:$1" | grep -q .
}

SSH=(ssh -o BatchMode=yes -o LogLevel=ERROR -o ExitOnForwardFailure=yes)

# --- files over ssh ---

test_scp_copies_into_the_users_directories() {
	outside scp -q -o BatchMode=yes "$OUT/binary" "alice@$HOST4:scp"
	same_bytes /home/alice/scp
	outside scp -q -O -o BatchMode=yes "alice@$HOST4:scp" "$OUT/scp.back"
	same_bytes "$OUT/scp.back"
	# Into the session's own /tmp.
	outside scp -q -o BatchMode=yes "$OUT/binary" "alice@$HOST4:/var/tmp/scp"
	[[ ! -e /var/tmp/scp ]]
	ssh_as alice -- cat /var/tmp/scp | cmp - "$OUT/binary"
}

test_sftp_copies_into_the_users_directories() {
	local port
	for port in 22 2222; do
		outside sftp -q -o BatchMode=yes -P "$port" -b - "alice@$HOST4" >/dev/null <<-END
			put $OUT/binary /var/tmp/sftp.$port
			put $OUT/binary /home/alice/sftp.$port
			get /var/tmp/sftp.$port $OUT/sftp.$port
		END
		same_bytes "$OUT/sftp.$port"
		same_bytes "/home/alice/sftp.$port"
		[[ ! -e /var/tmp/sftp.$port ]] || fail "sftp on port $port works on the host"
	done
}

test_rsync_copies_into_the_users_directories() {
	outside rsync -e 'ssh -o BatchMode=yes' "$OUT/binary" "alice@$HOST4:/var/tmp/rsync"
	[[ ! -e /var/tmp/rsync ]]
	outside rsync -e 'ssh -o BatchMode=yes' "alice@$HOST4:/var/tmp/rsync" "$OUT/rsync"
	same_bytes "$OUT/rsync"
}

# --- forwardings ---

test_local_forward_reaches_the_users_loopback() {
	hold_session one alice
	serve_once one 7001 'I am inside'
	client forward "${SSH[@]}" -N -L 7101:127.0.0.1:7001 "alice@$HOST4"
	wait_until 5 listening 7101
	assert_eq 'I am inside' "$(outside nc -d -w 3 127.0.0.1 7101)"
	client_end forward
	end_session one
}

test_remote_forward_listens_inside() {
	client forward "${SSH[@]}" -N -R 7202:127.0.0.1:7201 "alice@$HOST4"
	hold_session one alice
	wait_until 5 in_session one 'ss -Hltn "sport = 7202" | grep -q .'
	[[ -z $(ss -Hltn 'sport = 7202') ]] || fail 'the port is on the host'
	echo 'I am outside' | outside timeout 10 nc -l -N 127.0.0.1 7201 >/dev/null &
	wait_until 5 listening 7201
	assert_eq 'I am outside' "$(in_session one 'nc -d -w 3 127.0.0.1 7202')"
	client_end forward
	end_session one
}

test_dynamic_forward_starts_in_the_users_network() {
	hold_session one alice
	client forward "${SSH[@]}" -N -D 7301 "alice@$HOST4"
	wait_until 5 listening 7301
	assert_match "^you are $HOST4 port" "$(outside curl -sS -m 5 --socks5 127.0.0.1:7301 "http://$OUTSIDE4/")"
	assert_match "^you are $HOST6 port" "$(outside curl -sS -m 5 --socks5 127.0.0.1:7301 "http://[$OUTSIDE6]/")"
	assert_match "^you are $HOST4" "$(outside curl -4 -sS -m 5 --socks5-hostname 127.0.0.1:7301 http://www.example.test/)"
	serve_once one 7302 $'HTTP/1.0 200 OK\r\n\r\nhers'
	assert_eq hers "$(outside curl -sS -m 5 --socks5 127.0.0.1:7301 http://127.0.0.1:7302/)"
	client_end forward
	end_session one
}

test_stdio_forward_reaches_the_users_loopback() {
	hold_session one alice
	serve_once one 7401 'I am inside'
	assert_eq 'I am inside' "$(outside "${SSH[@]}" -W 127.0.0.1:7401 "alice@$HOST4" </dev/null)"
	end_session one
}

# A stand-in for the X server of the client's side. It receives what a client of the session's display
# sends, with the cookie by which the ssh client replaced the session's.
test_x11_forwarding_reaches_the_clients_display() {
	local cookie=0123456789abcdef0123456789abcdef server
	mkdir -p /tmp/.X11-unix
	XAUTHORITY=$OUT/xauthority xauth -q add unix:7 MIT-MAGIC-COOKIE-1 "$cookie"
	timeout 120 nc -l -N -U /tmp/.X11-unix/X7 </dev/null >"$OUT/x11" 2>/dev/null &
	server=$!
	wait_until 5 test -S /tmp/.X11-unix/X7
	DISPLAY=:7 XAUTHORITY=$OUT/xauthority ssh_as alice -Y -- '
		set -e
		port=$((6000 + $(echo "$DISPLAY" | sed "s/.*:\([0-9]*\).*/\1/")))
		hex=$(xauth list "$DISPLAY" | sed -n "1s/.* //p" | sed "s/../\\\\x&/g")
		ss -Hltn "sport = $port" | grep -q .
		exec 3<>/dev/tcp/127.0.0.1/$port
		printf "l\0\13\0\0\0\22\0\20\0\0\0MIT-MAGIC-COOKIE-1\0\0$hex" >&3
		timeout 2 cat <&3 || :
		stat -L -c "%i $DISPLAY" /proc/self/ns/net' >"$OUT/x11.inside"
	# The ssh client may end before the server has read all.
	wait "$server"
	assert_match ' localhost:1[0-9]' "$(<"$OUT/x11.inside")"
	assert_ne "$(netns_inode 1)" "$(cut -d ' ' -f 1 "$OUT/x11.inside")"
	assert_eq "$cookie" "$(tail -c 16 "$OUT/x11" | od -An -tx1 | tr -d ' \n')"
	assert_match 'MIT-MAGIC-COOKIE-1' "$(tr -d '\0' <"$OUT/x11")"
}

test_agent_forwarding_reaches_the_clients_agent() {
	local listed
	eval "$(ssh-agent)" >/dev/null
	ssh-add -q /root/.ssh/id_ed25519
	listed=$(ssh-add -l)
	assert_match root@testhost "$listed"
	assert_eq "$listed" "$(ssh_as alice -A -- ssh-add -l)"
	# The agent's socket is in alice's own /tmp.
	assert_match '^/tmp/ssh-' "$(ssh_as alice -A -- 'test -S $SSH_AUTH_SOCK && echo $SSH_AUTH_SOCK')"
	kill "$SSH_AGENT_PID"
}

test_multiplexed_shells_share_a_session() {
	local control=$OUT/control first
	client master "${SSH[@]}" -N -M -S "$control" "alice@$HOST4"
	wait_until 5 test -S "$control"
	first=$(ssh_as alice -S "$control" -- "$PRINT_INODES")
	assert_eq "$first" "$(ssh_as alice -S "$control" -- "$PRINT_INODES")"
	assert_eq "$first" "$(ssh_as alice -- "$PRINT_INODES")" 'another connection'
	log_lines | grep -c 'sshd:session.: session opened: user=alice' | assert_eq 2 "$(cat)" 'sessions'
	outside ssh -q -S "$control" -O exit x
	wait_until 5 process_gone "$(<"$OUT/master.pid")"
}

# --- commands ---

test_exit_codes_and_output_reach_the_client() {
	assert_code 0 ssh_as alice -- true
	assert_code 77 ssh_as alice -- exit 77
	assert_code 9 su alice -c 'exit 9'
	assert_code 9 sudo -u alice sh -c 'exit 9'
	assert_code 137 su alice -c 'kill -9 $$'
	assert_eq 'out' "$(ssh_as alice -- 'echo out; echo err >&2' 2>/dev/null)"
	assert_eq 'err' "$(ssh_as alice -- 'echo out; echo err >&2' 2>&1 >/dev/null)"
}

test_binary_data_passes_unchanged() {
	local program
	for program in 'ssh_as alice --' 'su alice -c' 'sudo -u alice'; do
		rm -f "$OUT/passed"
		# shellcheck disable=SC2086 # a command and its arguments
		$program cat <"$OUT/binary" >"$OUT/passed"
		same_bytes "$OUT/passed"
	done
}

test_shell_on_a_terminal_has_job_control() {
	local output code=0
	output=$(as_pty nsenter "--net=/proc/$(</run/test-host/outside.pid)/ns/net" \
		ssh -o PubkeyAuthentication=no -o PreferredAuthentications=keyboard-interactive "alice@$HOST4" <<-END
			< assword:
			> $PASSWORD
			< \\$
			> echo if=\$(ls /sys/class/net | paste -sd,) tty=\$(tty) jobs=\$-
			< if=eth0,lo tty=/dev/pts/[0-9]+ jobs=.*m
			> sh -c 'echo go; exec sleep 60'
			< [\r\n]go
			^ c
			> echo code=\$?
			< code=130
			> exit 3
		END
	) || code=$?
	assert_eq 3 "$code"
	assert_match 'if=eth0,lo' "$output"
	log_grep 'keyboard-interactive/pam for alice'
	log_grep 'session opened: user=alice .* tty=ssh'
}

test_login_on_a_terminal_is_isolated() {
	local output
	output=$(as_pty login <<-END
		< login:
		> alice
		< assword:
		> $PASSWORD
		< \\$
		> echo if=\$(ls /sys/class/net | paste -sd,) tty=\$(tty)
		< if=eth0,lo tty=/dev/pts/
		> exit
	END
	)
	assert_match 'if=eth0,lo' "$output"
	log_grep 'session opened: user=alice uid=2001 service=login tty=/dev/pts/|session opened: user=alice uid=2001 service=login tty=pts/'
	log_grep 'session closed: user=alice uid=2001 service=login'
}

# --- su and sudo ---

test_su_keeps_the_working_directory() {
	mkdir -p /srv/place
	assert_eq /srv/place "$(cd /srv/place && su alice -c pwd)"
	assert_eq "$(stat -c %i /srv/place)" "$(cd /srv/place && su alice -c 'stat -c %i .')"
	assert_eq /home/alice "$(cd /srv/place && su - alice -c pwd)"
	assert_eq /srv/place "$(cd /srv/place && sudo -u alice pwd)"
	assert_eq /home/alice "$(cd /srv/place && sudo -i -u alice pwd)"
	# The host's /tmp is not alice's, so su starts in /.
	mkdir -p /tmp/place
	assert_eq / "$(cd /tmp/place && su alice -c pwd)"
	assert_eq / "$(cd /tmp && su alice -c 'pwd -P')"
	rmdir /tmp/place /srv/place
}

test_su_and_sudo_by_a_user_join_the_target() {
	local bob
	hold_session bob bob
	bob=$(in_session bob "$PRINT_INODES")
	# alice is in sudoers, carol has bob's password.
	assert_eq "$bob" "$(ssh_as alice -- "sudo -u bob sh -c '$PRINT_INODES'")" 'sudo -u'
	assert_eq "$bob" "$(ssh_as alice -- "sudo -i -u bob sh -c '$PRINT_INODES'")" 'sudo -i -u'
	assert_match "$bob" "$(as_pty nsenter "--net=/proc/$(</run/test-host/outside.pid)/ns/net" \
		ssh -t -o BatchMode=yes "carol@$HOST4" "su bob -c '$PRINT_INODES'" <<-END
			< assword:
			> $PASSWORD
		END
	)" 'su with a password'
	end_session bob
}

# Root is exempt, so `nested` decides on the network.
test_sudo_to_root_stays_in_the_users_network() {
	local inodes
	hold_session one alice
	inodes=$(in_session one "$PRINT_INODES")
	assert_eq "$inodes" "$(in_session one "sudo sh -c '$PRINT_INODES'")" sudo
	assert_eq "$inodes" "$(in_session one "sudo -i sh -c '$PRINT_INODES'")" 'sudo -i'
	assert_eq 0 "$(in_session one 'sudo id -u')"
	end_session one
}

test_sudo_to_root_goes_to_the_host_if_so_configured() {
	local host
	host=$(host_inodes)
	sed -i 's/^nested = stay/nested = host/' "$CONF"
	hold_session one alice
	assert_ne "$host" "$(in_session one "$PRINT_INODES")"
	assert_eq "$host" "$(in_session one "sudo sh -c '$PRINT_INODES'")" sudo
	assert_eq "$host" "$(in_session one "sudo -i sh -c '$PRINT_INODES'")" 'sudo -i'
	assert_eq "$host" "$(in_session one "sudo -u dave sh -c '$PRINT_INODES'")" 'sudo -u dave'
	assert_ne "$host" "$(in_session one "$PRINT_INODES")" 'the session itself'
	end_session one
	conf_reset
}

# --- cron, at and other services ---

test_cron_job_is_isolated() {
	assert_eq 'eth0 lo alice' "$(cron_run alice 'echo $(ls /sys/class/net) $(id -un)')"
	log_grep 'session opened: user=alice uid=2001 service=cron'
	assert_code 9 cron_run bob 'exit 9'
}

test_at_job_is_isolated() {
	assert_eq 'eth0 lo alice /home/alice' "$(at_run alice 'echo $(ls /sys/class/net) $(id -un) $HOME')"
	log_grep 'session opened: user=alice uid=2001 service=atd'
}

test_session_of_each_service_is_opened_and_closed() {
	local service
	for service in su su-l sudo sudo-i sshd login cron atd systemd-user; do
		[[ -e /etc/pam.d/$service ]] || continue
		assert_match 'successfully opened.*successfully been closed' \
			"$(pamtester_session $service alice 2>&1 | paste -sd ' ')" "$service"
		log_grep "session opened: user=alice uid=2001 service=$service "
		log_grep "session closed: user=alice uid=2001 service=$service "
	done
}

# Without our line in this stack, `systemd-run --user` and D-Bus services would be on the host. The lines
# are those that pam-auth-update writes from the shipped profile.
test_shipped_lines_cover_the_user_manager() {
	local name
	host_pam_remove
	export DEBIAN_FRONTEND=noninteractive
	pam-auth-update --package --enable pam-netns
	for name in common-session common-session-noninteractive; do
		assert_eq 1 "$(grep -c pam_netns /etc/pam.d/$name)" "$name"
	done
	hold_session one alice
	assert_match eth0 "$(in_session one 'ls /sys/class/net | paste -sd " "')"
	assert_eq "$(in_session one "$PRINT_INODES")" "$(pam_session -u systemd-user alice sh -c "$PRINT_INODES")"
	end_session one
	host_clean
	pam-auth-update --package --disable pam-netns
	pam-auth-update --package --remove pam-netns
	host_pam_install
}

# --- the caller's own state ---

# A program's descriptors, umask, signals, limits and environment. Programs that the shell starts read
# them, since the shell's own signal mask changes while it waits.
STATE='umask; grep -E "^Sig(Blk|Ign)|^Cap|^NoNewPrivs|^Seccomp:|^Groups|^[UG]id" /proc/self/status
	cat /proc/self/limits; cat /proc/self/oom_score_adj; nice
	env | grep -vE "^(SSH_|_=|XDG_SESSION_ID|SUDO_)" | sort
	exec ls /proc/self/fd'

states() {
	echo "ssh:"
	ssh_as alice -- "$STATE"
	echo "su:"
	su alice -c "$STATE"
	echo "su -:"
	su - alice -c "$STATE"
	echo "sudo:"
	sudo -u alice bash -c "$STATE"
	echo "cron:"
	cron_run alice "$STATE" | grep -v job
	echo "at:"
	at_run alice "$STATE" | grep -v job
	echo "session:"
	pam_session su alice sh -c "$STATE"
}

test_callers_keep_their_state() {
	local without with
	host_pam_remove
	without=$(states)
	host_pam_install
	with=$(states)
	assert_same "$without" "$with" 'state without and with the module'
	# Two empty texts prove nothing.
	assert_match 'SigIgn:.0000000000000000' "$with"
	assert_eq 7 "$(grep -c 'Max open files' <<<"$with")"
	# Descriptor 3 is the directory that ls reads.
	assert_match $'ssh:\n0022\n.*\n0\n1\n2\n3\nsu:' "$with"
}

test_host_is_clean_after_all_callers() {
	host_clean
}
