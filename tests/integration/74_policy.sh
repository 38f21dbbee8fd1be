# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# A policy is tightened while users are active and have open connections.
# shellcheck source=tests/integration/network_lib.sh
. "$CHECKOUT/tests/integration/network_lib.sh"

setup() {
	network_setup
}

# policies EGRESS: the policy of alice's and bob's network. carol is in a network that allows all.
policies() {
	conf_lab carol 'subnet6 = fd00:204::/64' 'subnet6 = fd00:203::/64' "egress = $1"
}

# line_open NAME ADDRESS PREFIX…: keeps a connection to outside's echo open, by a command that begins with
# PREFIX. line_says NAME: sends a word, which is answered within 3 s.
line_open() {
	local name=$1 address=$2
	shift 2
	rm -f "$OUT/line.$name.in" "$OUT/line.$name.out"
	mkfifo "$OUT/line.$name.in" "$OUT/line.$name.out"
	"$@" bash -c 'exec 3<>"/dev/tcp/$1/7"
		while read -r word; do
			answer=none
			echo "$word" >&3 && read -r -t 3 answer <&3 || answer=none
			echo "$answer"
		done' - "$address" <>"$OUT/line.$name.in" 1<>"$OUT/line.$name.out" 2>/dev/null &
	echo $! >>"$OUT.lines"
	line_says "$name" || fail "$name has no connection"
}

line_says() {
	local answer
	LINE_NUMBER=$((${LINE_NUMBER:-0} + 1))
	echo "word$LINE_NUMBER" >"$OUT/line.$1.in"
	read -r -t 20 answer <>"$OUT/line.$1.out" && [[ $answer == "word$LINE_NUMBER" ]]
}

# lines_close: ends the connections of an earlier test, which would keep the networks.
lines_close() {
	local pid
	[[ -e $OUT.lines ]] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null || :
	done <"$OUT.lines"
	rm "$OUT.lines"
}

lines_open() {
	lines_close
	policies any
	anew pam-netns up
	line_open alice4 "$OUTSIDE4" ip netns exec alice
	line_open alice6 "$OUTSIDE6" ip netns exec alice
	line_open carol "$OUTSIDE4" ip netns exec carol
	line_open host "$OUTSIDE4"
}

# Established connections are accepted before any policy: `up` says so, and can end them.
test_t44_tightened_egress_can_end_connections() {
	local said others
	lines_open
	policies none
	said=$(pam-netns up 2>&1)
	assert_match 'the policy of network default has changed, but open connections go on: to end them run pam-netns up default --drop-connections' "$said"
	assert_no_match 'policy of network lab' "$said"
	line_says alice4 || fail 'the connection ended without --drop-connections'
	line_says alice6 || fail 'the IPv6 connection ended without --drop-connections'
	# It is printed once, not at each set-up.
	assert_no_match 'policy' "$(pam-netns up 2>&1)"
	others=$("$TOOLS/host-connections" | grep -e '^10\.204\.' -e "^$HOST4 $OUTSIDE4 " | sort)
	assert_match 'ended [1-9][0-9]* connections' "$(pam-netns up default --drop-connections 2>&1)"
	! line_says alice4 || fail 'the connection goes on'
	! line_says alice6 || fail 'the IPv6 connection goes on'
	assert_same "$others" "$("$TOOLS/host-connections" | grep -e '^10\.204\.' -e "^$HOST4 $OUTSIDE4 " | sort)" \
		'connections of others'
	line_says carol || fail "carol's connection ended"
	line_says host || fail "the host's connection ended"
}

# All connections of the network's users end, since NAT gives another port to one that goes on. Allowed ones can
# be opened again at once. Connections of other networks go on.
test_allowed_connections_can_be_opened_again() {
	lines_open
	policies 'allow tcp/7'
	pam-netns up default --drop-connections
	! line_says alice4 || fail 'a connection goes on'
	! line_says alice6 || fail 'an IPv6 connection goes on'
	line_open alice4 "$OUTSIDE4" ip netns exec alice
	line_open alice6 "$OUTSIDE6" ip netns exec alice
	line_says carol || fail "carol's connection ended"
	line_says host || fail "the host's connection ended"
}

# If a login puts the policy into force, the log has the message.
test_login_logs_the_changed_policy() {
	lines_open
	policies none
	log_mark
	su bob -c true
	log_grep 'the policy of network default has changed'
	line_says alice4 || fail 'the connection ended'
}

# Without active users no connection goes on. Other keys than those of a policy make no message.
test_changed_policy_without_users_is_silent() {
	lines_close
	policies any
	anew pam-netns up
	printf '%s\n' '# a comment' >>"$CONF"
	assert_no_match 'policy' "$(pam-netns up 2>&1)"
	sed -i 's/^egress = any$/egress = any\nmax_connections = 100/' "$CONF"
	assert_no_match 'policy' "$(pam-netns up 2>&1)"
	users_logout_only alice
	users_logout_only bob
	wait_until 20 network_is_unused default
	policies none
	assert_no_match 'policy' "$(pam-netns up 2>&1)"
	assert_match 'ended [0-9]* connections' "$(pam-netns up --drop-connections 2>&1)"
}

network_is_unused() {
	! grep -qs "^network=$1$" /run/pam-netns/users/*/state
}

test_down_refuses_drop_connections() {
	assert_code 2 pam-netns down --drop-connections
}
