# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The command pam-netns, by root and by users, against real logins.

setup() {
	host_pam_install
}

# What an admin's script hands over may be a name that a user chose.
test_t43_terminal_controls_in_arguments() {
	local hostile=$'x\e[2J\xc2\x9b1m' command
	for command in list check doctor status explain kick up exec "list -$hostile" "$hostile" "exec alice"; do
		# shellcheck disable=SC2086 # a command may be two words
		assert_eq '' "$(pam-netns $command "$hostile" 2>&1 | LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f-\x9f]' || :)" "$command"
	done
}

test_help_and_usage() {
	local name text
	for name in $(pam-netns --help | awk '/^  / { print $1 }'); do
		text=$(pam-netns "$name" --help)
		assert_match "^Usage: pam-netns $name" "$text"
		assert_match $'\nExit status: .*\n\nExamples:\n  (sudo )?pam-netns '"$name" "$text"
		assert_eq "$text" "$(pam-netns help "$name")"
		assert_eq "" "$(awk 'length > 80' <<<"$text")" "longer than 80 columns"
	done
	assert_eq "" "$(pam-netns --help | awk 'length > 80')" "longer than 80 columns"
	assert_eq "$(pam-netns --help)" "$(pam-netns help)"
	assert_match '^pam-netns [0-9]' "$(pam-netns -V)"
	assert_eq "$(pam-netns --version)" "$(pam-netns -V)"
	assert_code 2 pam-netns help frobnicate
	assert_match 'kick: USER is missing' "$(assert_fails pam-netns kick 2>&1)"
	assert_code 0 pam-netns --version
	assert_code 2 pam-netns
	assert_code 2 pam-netns frobnicate
	assert_code 2 pam-netns kick
	assert_code 2 pam-netns list --force
	assert_code 2 pam-netns list extra
	assert_code 2 pam-netns exec alice
	assert_code 2 pam-netns exec -- true
	assert_match "'pam-netns --help' lists them" "$(assert_fails pam-netns frobnicate 2>&1)"
}

test_root_verbs_need_root() {
	local words
	for words in up down gc 'kick alice' 'down --force'; do
		# shellcheck disable=SC2086
		assert_eq "pam-netns: ${words%% *} needs root; run it with sudo" \
			"$(assert_fails as bob pam-netns $words 2>&1)"
	done
	assert_code 1 as bob pam-netns exec alice -- true
	assert_code 1 as bob pam-netns status alice
	assert_code 1 as bob pam-netns explain alice
}

test_up_and_down() {
	pam-netns up
	ip link show pnbr0
	pam-netns up
	pam-netns down
	assert_fails ip link show pnbr0
	pam-netns up default
	ip link show pnbr0
	assert_code 1 pam-netns up nosuchnetwork
}

test_nobody_in() {
	pam-netns up
	assert_eq '[]' "$(pam-netns list --json)"
	assert_eq 1 "$(pam-netns list | wc -l)"
	assert_match 'alice has no network at present' "$(assert_fails pam-netns status alice 2>&1)"
	assert_match 'alice has no network at present' "$(assert_fails pam-netns exec alice -- true 2>&1)"
	assert_match 'no user is called' "$(assert_fails pam-netns exec nobody-here -- true 2>&1)"
	assert_code 1 pam-netns exec root -- true
}

# Everything in the JSON, against what the session itself sees.
test_list_tells_the_truth() {
	local inside
	hold_session one alice
	inside=$(in_session one 'ip -j address show eth0')
	assert_eq 1 "$(pam-netns list --json | jq length)"
	assert_eq 'address address6 hostname interface mac netns network profile rx_bytes sessions since tx_bytes uid user' \
		"$(pam-netns list --json | jq -r '.[0] | keys | join(" ")')"
	assert_eq 'pid rhost service since tty' "$(listed alice 'sessions[0] | keys | join(" ")')"
	assert_eq 2001 "$(listed alice uid)"
	assert_eq default "$(listed alice profile)"
	assert_eq default "$(listed alice network)"
	assert_eq "$(jq -r '.[0].addr_info[] | select(.family == "inet").local' <<<"$inside")" "$(listed alice address)"
	assert_eq "$(jq -r '[.[0].addr_info[] | select(.family == "inet6" and .scope == "global").local][0]' \
		<<<"$inside")" "$(listed alice address6)"
	assert_eq "$(jq -r '.[0].address' <<<"$inside")" "$(listed alice mac)"
	assert_eq "$(in_session one hostname)" "$(listed alice hostname)"
	assert_eq "$(in_session one 'stat -L -c %i /proc/self/ns/net')" \
		"$(stat -L -c %i "/run/netns/$(listed alice netns)")"
	ip link show dev "$(listed alice interface)"
	assert_eq "$(jq -r '.[0].link_index' <<<"$inside")" \
		"$(cat "/sys/class/net/$(listed alice interface)/ifindex")"
	assert_eq sshd "$(listed alice 'sessions[0].service')"
	assert_eq "$OUTSIDE4" "$(listed alice 'sessions[0].rhost')"
	assert_match '^sshd' "$(cat "/proc/$(listed alice 'sessions[0].pid')/comm")"
	assert_match "^$(date -u +%Y)-..-..T..:..:..Z$" "$(listed alice since)"
	end_session one
	host_clean
}

test_bytes_are_as_the_user_sees_them() {
	local before after sent
	hold_session bytes alice
	before=$(listed alice rx_bytes)
	sent=$(listed alice tx_bytes)
	in_session bytes "for i in 1 2 3 4 5; do curl -sS -m 5 http://$OUTSIDE4/; done" >/dev/null
	after=$(listed alice rx_bytes)
	((after > before)) || fail "received: $before, then $after"
	(($(listed alice tx_bytes) > sent)) || fail "sent: $sent, then $(listed alice tx_bytes)"
	# Inside, the same from the user's own interface: no less than what the host counted before.
	assert_match '^[0-9]+$' "$(in_session bytes 'pam-netns list --json' | jq -r '.[0].rx_bytes')"
	(($(in_session bytes 'pam-netns status --json' | jq -r .rx_bytes) >= after)) ||
		fail "inside, fewer bytes were received"
	# Root who looks at another user from inside a session sees the host's ports.
	hold_session other bob
	assert_match '^[0-9]+$' \
		"$(pam-netns exec bob --root -- pam-netns status alice --json | jq -r .rx_bytes)"
	assert_eq "$(listed bob mac)" "$(in_session other 'pam-netns status --json' | jq -r .mac)"
	end_session other
	end_session bytes
	host_clean
}

# status asks for one link, of however many.
test_status_reads_the_counters_of_one_link() {
	local said
	hold_session bytes alice
	strace -f -o "$OUT/status.trace" -e trace=openat,sendto,sendmsg pam-netns status alice >"$OUT/status"
	said=$(<"$OUT/status.trace")
	assert_match ' received, .* sent' "$(<"$OUT/status")"
	assert_no_match 'net/dev' "$said"
	assert_eq 1 "$(grep -c RTM_GETLINK <<<"$said")"
	assert_no_match 'NLM_F_DUMP' "$said"
	end_session bytes
	host_clean
}

test_users_see_themselves_alone() {
	hold_session a alice
	hold_session b bob
	assert_eq 'alice bob' "$(pam-netns list --json | jq -r '[.[].user] | join(" ")')"
	assert_eq bob "$(as bob pam-netns list --json | jq -r '[.[].user] | join(" ")')"
	assert_eq bob "$(in_session b 'pam-netns list --json' | jq -r '[.[].user] | join(" ")')"
	assert_match '^bob \(uid 2002\)' "$(as bob pam-netns status)"
	assert_eq '[]' "$(as dave pam-netns list --json)"
	# A heading and a line each, with columns that begin at the same place.
	assert_eq 3 "$(pam-netns list | wc -l)"
	assert_eq 1 "$(pam-netns list | awk '{ print index($0, $2) }' | sort -u | wc -l)"
	assert_eq 'USER ADDRESS SESSIONS SINCE' "$(pam-netns list | head -n 1 | xargs)"
	assert_eq "" "$(pam-netns list | awk 'length > 80')" "longer than 80 columns"
	assert_eq 'USER UID PROFILE NETWORK ADDRESS ADDRESS6 INTERFACE HOSTNAME SESSIONS SINCE RECEIVED SENT' \
		"$(pam-netns list --wide | head -n 1 | xargs)"
	end_session a
	end_session b
	host_clean
}

test_sessions_of_one_user() {
	hold_session first alice
	hold_session second alice
	assert_eq 2 "$(listed alice 'sessions | length')"
	assert_match 'sessions +2' "$(pam-netns status alice)"
	(($(pam-netns status alice --json | jq .processes) >= 4)) || fail "too few processes counted"
	end_session second
	wait_until 5 eval '[[ $(listed alice "sessions | length") == 1 ]]'
	# A leader that was killed is not shown, though nobody has cleaned up; what it started stays.
	kill -KILL "$(listed alice 'sessions[0].pid')"
	wait_until 5 eval '[[ $(listed alice "sessions | length") == 0 ]]'
	assert_match 'alice +[0-9.]+ +processes left  20' "$(pam-netns list)"
	assert_match 'alice .* processes left ' "$(pam-netns list --wide)"
	assert_match 'sessions +0 \(processes are left\)' "$(pam-netns status alice)"
	# As the last session's close does, until the processes have ended or the reaper has waited 10 s.
	: >/run/pam-netns/closing/2001
	assert_match 'alice +[0-9.]+ +ending  20' "$(pam-netns list)"
	rm /run/pam-netns/closing/2001
	drop_session first
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	host_clean
}

test_names_from_outside_do_no_harm() {
	pam_session -r $'evil"\\\033[31m' sshd alice sh -c '
		pam-netns list --json | jq -e ".[0].sessions[0].rhost" && pam-netns status alice' >"$OUT/hostile" || :
	assert_match 'alice \(uid 2001\)' "$(<"$OUT/hostile")"
	assert_no_match $'\033' "$(<"$OUT/hostile")"
	pam-netns gc
	host_clean
}

test_exec_as_the_user() {
	hold_session in alice
	assert_eq "$(in_session in 'readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/mnt')" \
		"$(pam-netns exec alice -- readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/mnt)"
	assert_eq "$(in_session in id)" "$(pam-netns exec alice -- id)"
	assert_eq /home/alice "$(pam-netns exec alice -- pwd)"
	assert_eq 'HOME LOGNAME PATH SHELL TERM USER' \
		"$(SECRET=1 LD_PRELOAD='' pam-netns exec alice -- env | sed 's/=.*//' | sort | xargs)"
	assert_match $'CapPrm:\t0000000000000000' "$(pam-netns exec alice -- cat /proc/self/status)"
	assert_fails pam-netns exec alice -- cat /etc/shadow
	assert_code 9 pam-netns exec alice -- sh -c 'exit 9'
	assert_code 127 pam-netns exec alice -- no-such-command
	assert_code 126 pam-netns exec alice -- /etc/passwd
	assert_eq "$(pam-netns exec alice -- ls /proc/self/fd)" \
		"$(pam-netns exec alice -- ls /proc/self/fd 7</etc/shadow 8</)"
	end_session in
	host_clean
}

test_exec_as_root() {
	hold_session in alice
	assert_eq 0 "$(pam-netns exec alice --root -- id -u)"
	assert_eq "$(in_session in 'readlink /proc/self/ns/net')" \
		"$(pam-netns exec alice --root -- readlink /proc/self/ns/net)"
	assert_eq /usr/sbin:/usr/bin:/sbin:/bin "$(PATH=/evil:$PATH pam-netns exec alice --root -- printenv PATH)"
	end_session in
	host_clean
}

test_exec_of_oneself() {
	hold_session in bob
	assert_ne "$(as bob readlink /proc/self/ns/net)" "$(as bob pam-netns exec -- readlink /proc/self/ns/net)"
	assert_eq "$(in_session in 'readlink /proc/self/ns/net')" \
		"$(as bob pam-netns exec -- readlink /proc/self/ns/net)"
	assert_eq bob "$(as bob pam-netns exec bob -- id -un)"
	assert_code 1 as bob pam-netns exec --root -- true
	end_session in
	host_clean
	assert_match 'log in first' "$(assert_fails as bob pam-netns exec -- true 2>&1)"
}

# NSS would load code: everything is looked up before the switch (T15).
# A terminal of its own: no way to root's, by TIOCSTI or any other (CVE-2017-5226 and its kind). What
# root types arrives, what the command prints too, and root's terminal is as before.
test_exec_has_a_terminal_of_its_own() {
	local output own
	hold_session in alice
	output=$(as_pty sh -c 'tty; stty rows 33 cols 77; stty -g; pam-netns exec alice -- env --default-signal=INT sh; echo code $?; stty -g; tty' <<-'END'
		< [$] $
		> tty; stty size; stat -c 'owner %U' $(tty); (: </dev/tty) && echo has' 'one
		< has one.*[$] $
		> trap 'echo inter'rupted INT; sh -c 'echo re""ady; exec sleep 30'
		< ready
		^ C
		< interrupted.*[$] $
		> exit 7
	END
	)
	output=$(tr -d '\r' <<<"$output")
	assert_match '33 77' "$output"
	assert_match 'owner alice' "$output"
	assert_match $'\ncode 7\n' "$output"
	own=$(grep '^/dev/pts/' <<<"$output" | uniq)
	assert_eq 3 "$(wc -l <<<"$own")" "root's, the command's, root's"
	assert_eq "$(sed -n 1p <<<"$own")" "$(sed -n 3p <<<"$own")"
	assert_eq 1 "$(grep -E '^[0-9a-f:]{60,}$' <<<"$output" | sort -u | wc -l)" "settings"
	# With descriptors that are none the controlling one is root's still, and must not be.
	output=$(as_pty sh -c 'pam-netns exec alice -- sh -c "(: </dev/tty) || echo none" </dev/null 2>&1 | cat' </dev/null)
	assert_match none "$output"
	# In a pipeline what is typed is not for the command but for the pager.
	output=$(as_pty sh -c 'pam-netns exec alice -- echo hello | (cat; read -r line </dev/tty; echo "read $line")' <<-END
		< hello
		> for the pager
		< read for the pager
	END
	)
	end_session in
	host_clean
}

test_exec_passes_signals_on() {
	local pid code=0
	hold_session in alice
	pam-netns exec alice -- sh -c 'trap "exit 5" TERM; touch '"$OUT"'/ready; sleep 600 & wait' &
	pid=$!
	wait_until 5 test -e "$OUT/ready"
	kill "$pid"
	wait "$pid" || code=$?
	assert_eq 5 "$code"
	assert_code 143 pam-netns exec alice -- sh -c 'kill -TERM $$'
	assert_eq 100000 "$(pam-netns exec alice -- head -c 100000 /dev/zero | wc -c)"
	assert_eq typed "$(echo typed | pam-netns exec alice -- cat)"
	pam-netns kick alice
	host_clean
}

test_exec_opens_nothing_after_the_switch() {
	local calls
	hold_session in alice
	calls=$(strace -f -qq -e trace=openat,openat2,open,setresuid,setns,execve pam-netns exec alice -- true 2>&1 |
		sed -n '/CLONE_NEWNS/,/setresuid/p')
	assert_match 'setresuid\(2001, 2001, 2001\)' "$calls"
	assert_no_match 'open(at2?)?\(("|AT_FDCWD)' "$calls"
	end_session in
	host_clean
}

# What a user puts into namespaces of their own making, under whatever uid, ends with the rest;
# what others do so does not, nor what root put outside.
test_kick_ends_what_left_the_namespaces() {
	local stays name
	hold_session one alice
	hold_session two bob
	in_session one 'setsid unshare -Urmnu sleep 701 >/dev/null 2>&1 &
		setsid unshare -Urmnu unshare -Urmnu sleep 702 >/dev/null 2>&1 &'
	in_session two 'setsid unshare -Urmnu sleep 703 >/dev/null 2>&1 &'
	setpriv --reuid alice --regid lab --clear-groups sleep 704 &
	stays=$!
	unshare -Urmnu sleep 705 &
	stays+=" $!"
	for name in 701 702 703 704 705; do
		wait_until 5 pgrep -xf "sleep $name"
	done
	pam-netns kick alice
	assert_fails pgrep -xf 'sleep 70[12]'
	for name in 703 704 705; do
		pgrep -xf "sleep $name"
	done
	assert_eq bob "$(in_session two 'id -un')"
	# shellcheck disable=SC2086 # two
	kill $stays
	pam-netns kick bob
	assert_fails pgrep -xf 'sleep 703'
	host_clean 5
	# Nobody who is not isolated.
	unshare -Urmnu sleep 706 &
	stays=$!
	wait_until 5 pgrep -xf 'sleep 706'
	pam-netns kick root
	kill "$stays"
}

test_kick() {
	hold_session in bob
	in_session in 'nohup sleep 600 >/dev/null 2>&1 & true'
	pam-netns kick bob
	host_clean
	wait_until 5 process_gone "$(<"$OUT/hold.in.client")"
	wait_until 5 eval '! pgrep -u bob'
	pam-netns kick bob
	pam-netns kick '#2002'
	assert_code 1 pam-netns kick nobody-here
}

test_check() {
	printf '[profile x]\nmatch = *\nnonsense = 1\nhostname = a b\n' >/etc/security/bad.conf
	assert_code 1 pam-netns check /etc/security/bad.conf
	assert_match 'bad.conf:3' "$(assert_fails pam-netns check /etc/security/bad.conf 2>&1)"
	assert_eq '/etc/security/pam_netns.conf: ok' "$(pam-netns check /etc/security/pam_netns.conf)"
	pam-netns check
	assert_match '^ok' "$(pam-netns check | tail -n 1)"
	assert_match 'only for root' "$(as bob pam-netns check)"
	chmod 0755 /usr/libexec/pam-netns/pam-netns-enter
	assert_match 'problem: .*pam-netns-enter .*mode 0755.*chmod 4755' "$(assert_fails pam-netns check)"
	chmod 4755 /usr/libexec/pam-netns/pam-netns-enter
}

test_check_sees_the_host() {
	host_pam_remove
	assert_match 'warning: no stack .* no user is isolated' "$(pam-netns check)"
	host_pam_install
	sed -i '/pam_netns/d' /etc/pam.d/common-session-noninteractive
	assert_match 'cron jobs and' "$(pam-netns check)"
	host_pam_install
	nft 'add table inet foreign; add chain inet foreign f { type filter hook forward priority 0; policy drop; }'
	assert_match 'warning: .*' "$(pam-netns check | grep -i -e foreign -e forward)"
	nft delete table inet foreign
	echo 'alice otherhost = (ALL) ALL' >/etc/sudoers.d/hosts
	assert_no_match sudoers "$(pam-netns check)"
	sed -i 's/^hostname = %h/hostname = %u-%h/' /etc/security/pam_netns.conf
	assert_match 'warning: .*/sudoers.d/hosts lists hosts' "$(pam-netns check)"
	sed -i 's/^hostname = %u-%h/hostname = %h/' /etc/security/pam_netns.conf
	rm /etc/sudoers.d/hosts
}

test_output_that_cannot_be_written_is_an_error() {
	assert_code 1 eval 'pam-netns list >/dev/full'
	assert_code 1 eval 'pam-netns list --json >/dev/full'
}

# Before each test, whatever became of the one before it.
conf_reset
