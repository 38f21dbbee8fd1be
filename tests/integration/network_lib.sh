# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the test files
# What the tests of the network share: alice, bob and carol logged in on one network, servers in their
# sessions, probes from there, witnesses of marked packets, attacks.

GATEWAY4=10.203.0.1 GATEWAY6=fd00:203::1 GATEWAY_MAC=02:70:6e:00:00:01
# An address follows from the uid, the MAC from the address.
ALICE4=10.203.7.209 ALICE6=fd00:203::7d1 ALICE_MAC=02:6e:0a:cb:07:d1
BOB4=10.203.7.210 BOB6=fd00:203::7d2 BOB_MAC=02:6e:0a:cb:07:d2
CAROL4=10.203.7.211 CAROL6=fd00:203::7d3 CAROL_MAC=02:6e:0a:cb:07:d3

# policy [LINE…]: the conf file with these lines in [network default], put into force.
policy() {
	{
		printf '[network default]\nsubnet6 = fd00:203::/64\n'
		printf '%s\n' "$@"
		printf '[profile staff]\nmatch = root, @sudo, 1-999\nisolate = no\n[profile default]\nmatch = *\n'
	} >"$CONF"
	pam-netns up
}

# Each rejected attempt is to be answered at once, not one a second.
users_login() {
	local user
	echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
	echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
	for user; do
		hold_session "$user" "$user"
	done
}

# serve USER…: web server that says who asks (port 80), TCP and UDP echo (7), UDP port 53.
serve() {
	local user
	for user; do
		in_netns "$user" "$TOOLS/host-outside" "$OUT/server.$user" 192.0.2.1 2001:db8::1
	done
}

# users_logout_only USER: the others stay in.
users_logout_only() {
	kill "$(cat "$OUT/server.$1")"
	end_session "$1"
	wait_until 15 test ! -e "/run/netns/$1"
}

# anew COMMAND…: everybody out, the host as it was; then what the command sets up, users in again.
anew() {
	local user
	for user in alice bob carol; do
		[[ ! -e /run/netns/$user ]] || users_logout_only "$user"
	done
	host_clean
	pam-netns down
	"$@"
	users_login alice bob carol
	serve alice bob carol
}

# All three are in, on the host's own policy, and serve each other.
network_setup() {
	host_pam_install
	policy
	users_login alice bob carol
	serve alice bob carol
	probe_make
}

# Users run it in their sessions: probe "PROTO ADDRESS [PORT]"… prints a line for each. A rejected
# TCP connection takes a second to fail, as does all that is dropped: LIMIT seconds are waited.
probe_make() {
	cat >"$OUT/probe" <<-'END'
		one() {
			case $1 in
			tcp) timeout "$LIMIT" bash -c "exec 3<>/dev/tcp/$2/$3" ;;
			udp) answer=$(timeout "$LIMIT" bash -c "exec 3<>/dev/udp/$2/$3; echo x >&3; head -n 1 <&3")
				[[ $answer == x ]] ;;
			icmp) timeout "$LIMIT" ping -q -n -c 1 "$2" ;;
			esac >/dev/null 2>&1
		}
		for probe; do
			{ one $probe && echo "yes: $probe" || echo "no: $probe"; } &
		done
		wait
	END
	chmod 0644 "$OUT/probe"
}

# probe_from WHO SECONDS "PROTO ADDRESS [PORT]"…: a user, or host, outside or far.
probe_from() {
	local who=$1 command
	command="LIMIT=$2 bash $OUT/probe$(shift 2 && printf ' "%s"' "$@")"
	case $who in
	host) bash -c "$command" ;;
	outside | far) "$who" bash -c "$command" ;;
	*) in_session "$who" "$command" ;;
	esac | sort
}

# assert_reach WHO yes|no "PROTO ADDRESS [PORT]"…
assert_reach() {
	local who=$1 verdict=$2 limit=3
	shift 2
	[[ $verdict == yes ]] || limit=0.6
	assert_same "$(printf "$verdict: %s\n" "$@" | sort)" "$(probe_from "$who" "$limit" "$@")" "what $who reaches"
}

# --- a second network behind the host ---

# A second network behind the host, of nobody's users: what the host forwards to it is not ours.
far() {
	nsenter --net="/proc/$(<"$OUT/far.pid")/ns/net" "$@"
}

far_make() {
	unshare --net "$TOOLS/host-outside" "$OUT/far.pid" 203.0.113.2 2001:db8:77::2
	ip link add far0 index 110 type veth peer name eth0 netns "$(<"$OUT/far.pid")"
	ip address add 203.0.113.1/24 dev far0
	ip address add 2001:db8:77::1/64 dev far0 nodad
	ip link set far0 up
	far ip -batch - <<-END
		link set lo up
		address add 203.0.113.2/24 dev eth0
		address add 2001:db8:77::2/64 dev eth0 nodad
		link set eth0 up
		route add default via 203.0.113.1
		route add default via 2001:db8:77::1
	END
	outside ip route add 203.0.113.0/24 via "$HOST4"
	outside ip -6 route add 2001:db8:77::/64 via "$HOST6"
}

# --- marked packets ---

# witness NAME COMMAND…: writes what arrives there to $OUT/witness.NAME.
witness() {
	local name=$1
	shift
	"$@" "$TOOLS/host-witness" "$OUT/witness.$name"
}

witnesses_start() {
	local user
	witness host env
	witness outside outside
	for user; do
		witness "$user" in_netns "$user"
	done
}

# seen NAME MARK REST: has NAME's witness a line "MARK REST…"?
seen() {
	grep -q "^$2 ${3-}" "$OUT/witness.$1"
}

assert_seen() {
	seen "$@" || wait_until 2 seen "$@"
}

# witnesses_follow NAME…: these witnesses have written down what arrived before: each writes in the
# order in which it came.
witnesses_follow() {
	local name mark=follow-$EPOCHREALTIME sender=("$TOOLS/host-rawsend" -i lo)
	for name; do
		case $name in
		host) "${sender[@]}" "$mark" plain ;;
		outside) outside "${sender[@]}" "$mark" plain ;;
		*) attack "$name" -i lo "$mark" plain ;;
		esac
		assert_seen "$name" "$mark" 'in lo'
	done
}

# assert_unseen NAMES MARK…: no witness of them has seen such a packet come in. That it was seen
# elsewhere proves that it was sent.
assert_unseen() {
	local names=$1 name
	shift
	# shellcheck disable=SC2086 # words
	witnesses_follow $names
	for name in $names; do
		assert_eq '' "$(grep -E "^($(paste -sd '|' <(printf '%s\n' "$@"))) (in|udp)" "$OUT/witness.$name" || :)" \
			"what $name has seen"
	done
}

# --- attacks ---

# Witnesses in every other namespace write down what arrives; that the port on the host has seen a
# frame proves that it was sent.
attacks_setup() {
	host_pam_install
	policy 'host_access = all'
	users_login alice bob carol
	serve bob
	probe_make
	witnesses_start alice bob carol
}

# attack USER [OPTION…] MARK KIND…: as root in the user's network namespace; see host-rawsend.
attack() {
	local user=$1
	shift
	in_netns "$user" "$TOOLS/host-rawsend" "$@"
}

# sent MARK…: the frames have left alice's namespace.
sent() {
	local mark port
	port=$(port_of alice)
	for mark; do
		assert_seen host "$mark" "in $port"
	done
}

# nobody_has MARK…: sent, and seen by no other user and not outside.
nobody_has() {
	sent "$@"
	assert_unseen 'bob carol outside' "$@"
}

# stopped MARK…: sent, and neither the host behind the port nor anybody else has them.
stopped() {
	nobody_has "$@"
	witnesses_follow host
	assert_eq '' "$(grep -E "^($(paste -sd '|' <(printf '%s\n' "$@"))) (in pnbr|udp)" "$OUT/witness.host" || :)" \
		'what the host has seen'
}

# Everything as it was; its own test is in 73_reach.
defences_on() {
	pam-netns up
}
