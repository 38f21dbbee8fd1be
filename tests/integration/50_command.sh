# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The command pam-netns, by root and by users, against real logins.

setup() {
	host_pam_install
}

# as USER COMMAND…: on the host, without a login.
as() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"
}

# field USER NAME: of the JSON that root sees.
field() {
	pam-netns list --json | jq -r --arg user "$1" ".[] | select(.user == \$user) | .$2"
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
	assert_eq 'pid rhost service since tty' "$(field alice 'sessions[0] | keys | join(" ")')"
	assert_eq 2001 "$(field alice uid)"
	assert_eq default "$(field alice profile)"
	assert_eq default "$(field alice network)"
	assert_eq "$(jq -r '.[0].addr_info[] | select(.family == "inet").local' <<<"$inside")" "$(field alice address)"
	assert_eq "$(jq -r '[.[0].addr_info[] | select(.family == "inet6" and .scope == "global").local][0]' \
		<<<"$inside")" "$(field alice address6)"
	assert_eq "$(jq -r '.[0].address' <<<"$inside")" "$(field alice mac)"
	assert_eq "$(in_session one hostname)" "$(field alice hostname)"
	assert_eq "$(in_session one 'stat -L -c %i /proc/self/ns/net')" \
		"$(stat -L -c %i "/run/netns/$(field alice netns)")"
	ip link show dev "$(field alice interface)"
	assert_eq "$(jq -r '.[0].link_index' <<<"$inside")" \
		"$(cat "/sys/class/net/$(field alice interface)/ifindex")"
	assert_eq sshd "$(field alice 'sessions[0].service')"
	assert_eq "$OUTSIDE4" "$(field alice 'sessions[0].rhost')"
	assert_match '^sshd' "$(cat "/proc/$(field alice 'sessions[0].pid')/comm")"
	assert_match "^$(date -u +%Y)-..-..T..:..:..Z$" "$(field alice since)"
	end_session one
	host_clean
}

test_bytes_are_as_the_user_sees_them() {
	local before after sent
	hold_session bytes alice
	before=$(field alice rx_bytes)
	sent=$(field alice tx_bytes)
	in_session bytes "for i in 1 2 3 4 5; do curl -sS -m 5 http://$OUTSIDE4/; done" >/dev/null
	after=$(field alice rx_bytes)
	((after > before)) || fail "received: $before, then $after"
	(($(field alice tx_bytes) > sent)) || fail "sent: $sent, then $(field alice tx_bytes)"
	# Inside, the same from the user's own interface: no less than what the host counted before.
	assert_match '^[0-9]+$' "$(in_session bytes 'pam-netns list --json' | jq -r '.[0].rx_bytes')"
	(($(in_session bytes 'pam-netns status --json' | jq -r .rx_bytes) >= after)) ||
		fail "inside, fewer bytes were received"
	# Root who looks at another user from inside a session sees the host's ports.
	hold_session other bob
	assert_match '^[0-9]+$' \
		"$(pam-netns exec bob --root -- pam-netns status alice --json | jq -r .rx_bytes)"
	assert_eq "$(field bob mac)" "$(in_session other 'pam-netns status --json' | jq -r .mac)"
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
	assert_eq 2 "$(field alice 'sessions | length')"
	assert_match 'sessions +2' "$(pam-netns status alice)"
	(($(pam-netns status alice --json | jq .processes) >= 4)) || fail "too few processes counted"
	end_session second
	wait_until 5 eval '[[ $(field alice "sessions | length") == 1 ]]'
	# A leader that was killed is not shown, though nobody has cleaned up; what it started stays.
	kill -KILL "$(field alice 'sessions[0].pid')"
	wait_until 5 eval '[[ $(field alice "sessions | length") == 0 ]]'
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

test_explain() {
	local text
	text=$(pam-netns explain alice)
	assert_match '^alice \(uid 2001, group lab\)' "$text"
	assert_match 'profile +default' "$text"
	assert_match 'matched by +\*' "$text"
	assert_match 'isolated +yes: own network, mount namespace, hostname' "$text"
	assert_match 'peers +no' "$text"
	assert_match 'egress +any destination' "$text"
	assert_match "nat +yes, from the host's addresses; TCP, UDP, SCTP and ICMP alone" "$text"
	assert_match 'connections +at most 4096 at once' "$text"
	assert_match ' +50 new ones a second, 2000 after a pause' "$text"
	assert_match 'private +/tmp /dev/shm \(in memory, together at most [0-9.]+[KMG]i?B? and [0-9]+ files if made now\)' "$text"
	assert_match ' +/var/tmp \(on disk, kept between logins\)' "$text"
	assert_match 'services +gdm-password' "$text"
	assert_match 'isolated +no: profile staff' "$(pam-netns explain root)"
	assert_match 'matched by +membership in group sudo' "$(pam-netns explain dave)"
	assert_match '^bob \(uid 2002' "$(as bob pam-netns explain)"
	hold_session in alice
	assert_match "address +$(field alice address) \(leased" "$(pam-netns explain alice)"
	end_session in
	host_clean
}

# conf_keys: all keys that the parser knows.
conf_keys() {
	find "$CHECKOUT/lib" -name '*.c' -exec awk '/^static const struct conf_key [a-z_]*keys\[\]/ { on = 1 }
		/^};/ { on = 0 }
		on && match($0, /^ +\{"[a-z0-9_]+"/) { key = substr($0, RSTART, RLENGTH); sub(/.*\{"/, "", key); sub(/"/, "", key); print key }' {} +
}

# Each key with another value, or a sed script for more than that: explain must tell the difference
# to somebody. A new key that is missing here, or in the shipped file, fails the test.
declare -A OTHER=(
	[on_error]=host [log]=logins [deadline]=5s [services_exempt]=none
	[bridge]=lab0 [subnet]=10.9.0.0/24 [subnet6]=none [nat]=198.51.100.2 [peers]=group [host_access]=tcp/22
	[egress]='deny tcp/25, allow any' [dns]=192.0.2.53 [mtu]=1400 [max_connections]=77 [new_connections]=5/second\ burst\ 50
	[ports_per_bridge]=7
	[match]='s/^match = \*/match = alice/'
	[isolate]='s/^match = root.*/match = alice/'
	[network]='s/^network = .*/network = other/;$a[network other]\nbridge = lab0\nsubnet = 10.9.0.0/24'
	[namespaces]='s/^namespaces = .*/namespaces = net mnt/;/^hostname = /d'
	[hostname]=%u-%h [private]='/tmp /var/spool/box' [private_size]=7M [private_exec]=no [linger]=no [low_ports]=yes
	[net_admin]=none [nested]=host
)

test_explain_tells_each_key() {
	local key keys before after
	keys=$(conf_keys)
	assert_eq 3 "$(grep -cxE 'on_error|mtu|nested' <<<"$keys")" "known keys: $keys"
	before=$(pam-netns explain alice; pam-netns explain root)
	for key in $keys; do
		[[ -n ${OTHER[$key]-} ]] || fail "no other value of $key is known here"
		if [[ $key == net_admin ]]; then # has one value
			conf_set net_admin yes
			assert_match 'not supported' "$(assert_fails pam-netns explain alice 2>&1)"
		else
			if [[ ${OTHER[$key]} == s/* ]]; then
				sed -i "${OTHER[$key]}" "$CONF"
			else
				conf_set "$key" "${OTHER[$key]}"
			fi
			after=$(pam-netns explain alice && pam-netns explain root) || fail "$key: $after"
			assert_ne "$before" "$after" "explain with another $key"
		fi
		conf_reset
	done
}

test_explain_is_true() {
	local text
	# Whatever else is not known before.
	host_clean
	pam-netns down
	assert_match 'address6 +decided when' "$(pam-netns explain alice)"
	pam-netns up
	assert_match 'address6 +fd' "$(pam-netns explain alice)"
	# Everything below /var is kept.
	conf_set private '/tmp /var/spool/box'
	text=$(pam-netns explain alice)
	assert_match ' /tmp \(in memory' "$text"
	assert_match ' /var/spool/box \(on disk' "$text"
	conf_set private '/var/tmp /var/spool/box'
	text=$(pam-netns explain alice)
	assert_no_match 'in memory' "$text"
	assert_match ' /var/tmp /var/spool/box \(on disk' "$text"
	conf_reset
	# No login of theirs is isolated by any service.
	text=$(pam-netns explain root)
	assert_no_match 'services|deadline|on failure' "$text"
	assert_match 'nested +stay' "$text"
	# Without a mount namespace there is no resolv.conf of one's own.
	sed -i 's/^namespaces = .*/namespaces = net uts/;/^private/d' "$CONF"
	text=$(pam-netns explain alice)
	assert_match "dns +as in the host's" "$text"
	assert_no_match 'private ' "$text"
	conf_reset
	# The size is the one of the next first login.
	text=$(pam-netns explain alice | sed -n 's/.* and \([0-9]*\) files if made now)$/\1/p')
	assert_eq "$text" "$(su alice -c 'df --output=itotal /tmp | tail -n 1 | tr -d " "')"
	# An active user keeps what they have.
	hold_session in alice
	assert_no_match $'\n  active ' "$(pam-netns explain alice)"
	assert_match "and $text files" "$(pam-netns explain alice)"
	sed -i 's/^\[profile default\]/[profile others]/' "$CONF"
	assert_match 'active +in network default by profile default' "$(pam-netns explain alice)"
	conf_reset
	end_session in
	host_clean
}

# The address that explain promises is the one that the login gets.
test_explain_keeps_its_word() {
	local promised
	pam-netns up
	promised=$(pam-netns explain longuid | awk '$1 == "address" { print $2 }')
	hold_session in longuid
	assert_eq "$promised" "$(field longuid address)"
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
