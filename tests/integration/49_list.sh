# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# pam-netns list and status, against what the sessions themselves see.

setup() {
	host_pam_install
}

# Each key of the JSON, against what the session itself sees.
test_list_agrees_with_session() {
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

test_byte_counts_agree_on_host_and_inside() {
	local before after sent
	hold_session bytes alice
	before=$(listed alice rx_bytes)
	sent=$(listed alice tx_bytes)
	in_session bytes "for i in 1 2 3 4 5; do curl -sS -m 5 http://$OUTSIDE4/; done" >/dev/null
	after=$(listed alice rx_bytes)
	((after > before)) || fail "received: $before, then $after"
	(($(listed alice tx_bytes) > sent)) || fail "sent: $sent, then $(listed alice tx_bytes)"
	# Inside, the counts are of the user's own interface: at least what the host counted before.
	assert_match '^[0-9]+$' "$(in_session bytes 'pam-netns list --json' | jq -r '.[0].rx_bytes')"
	(($(in_session bytes 'pam-netns status --json' | jq -r .rx_bytes) >= after)) ||
		fail "inside, fewer bytes were received"
	# If root asks for another user from inside a session, the counts are of the host's port.
	hold_session other bob
	assert_match '^[0-9]+$' \
		"$(pam-netns exec bob --root -- pam-netns status alice --json | jq -r .rx_bytes)"
	assert_eq "$(listed bob mac)" "$(in_session other 'pam-netns status --json' | jq -r .mac)"
	end_session other
	end_session bytes
	host_clean
}

test_status_asks_kernel_for_one_link() {
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

test_list_shows_users_only_themselves() {
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

test_list_counts_sessions_of_a_user() {
	hold_session first alice
	hold_session second alice
	assert_eq 2 "$(listed alice 'sessions | length')"
	assert_match 'sessions +2' "$(pam-netns status alice)"
	(($(pam-netns status alice --json | jq .processes) >= 4)) || fail "too few processes counted"
	end_session second
	wait_until 5 eval '[[ $(listed alice "sessions | length") == 1 ]]'
	# A killed leader is not shown, even before a clean-up. The processes that it started stay.
	kill -KILL "$(listed alice 'sessions[0].pid')"
	wait_until 5 eval '[[ $(listed alice "sessions | length") == 0 ]]'
	assert_match 'alice +[0-9.]+ +processes left  20' "$(pam-netns list)"
	assert_match 'alice .* processes left ' "$(pam-netns list --wide)"
	assert_match 'sessions +0 \(processes are left\)' "$(pam-netns status alice)"
	# The close of the last session makes this note; it stays until the processes have ended or the
	# reaper has waited 10 s.
	: >/run/pam-netns/closing/2001
	assert_match 'alice +[0-9.]+ +ending  20' "$(pam-netns list)"
	rm /run/pam-netns/closing/2001
	drop_session first
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	host_clean
}

test_status_of_hostile_rhost_prints_no_controls() {
	pam_session -r $'evil"\\\033[31m' sshd alice sh -c '
		pam-netns list --json | jq -e ".[0].sessions[0].rhost" && pam-netns status alice' >"$OUT/hostile" || :
	assert_match 'alice \(uid 2001\)' "$(<"$OUT/hostile")"
	assert_no_match $'\033' "$(<"$OUT/hostile")"
	pam-netns gc
	host_clean
}
