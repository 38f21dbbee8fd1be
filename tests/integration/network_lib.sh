# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the test files
# What the tests of the network share: alice, bob and carol active on one network, servers in their sessions,
# probes from there, witnesses of marked packets, attacks.

GATEWAY4=10.203.0.1 GATEWAY6=fd00:203::1 GATEWAY_MAC=02:70:6e:00:00:01
# An address follows from the uid, the MAC from the address.
ALICE4=10.203.7.209 ALICE6=fd00:203::7d1 ALICE_MAC=02:6e:0a:cb:07:d1
BOB4=10.203.7.210 BOB6=fd00:203::7d2 BOB_MAC=02:6e:0a:cb:07:d2
CAROL4=10.203.7.211 CAROL6=fd00:203::7d3 CAROL_MAC=02:6e:0a:cb:07:d3

# policy [LINE…]: puts the conf file into force, with these lines in [network default]. PROFILE: lines of
# [profile default].
policy() {
	{
		printf '[network default]\nsubnet6 = fd00:203::/64\n'
		printf '%s\n' "$@"
		printf '[profile staff]\nmatch = root, @sudo, 1-999\nisolate = no\n[profile default]\nmatch = *\n%s\n' "${PROFILE-}"
	} >"$CONF"
	pam-netns up
}

# users_login USER…: holds their sessions. Each rejected attempt is answered at once, not one a second.
users_login() {
	local user
	echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
	echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
	for user; do
		hold_session "$user" "$user"
	done
}

# serve USER…: servers in their networks: web (80, answers with the client's address), echo (7), UDP 53.
serve() {
	local user
	for user; do
		in_netns "$user" "$TOOLS/host-outside" "$OUT/server.$user" 192.0.2.1 2001:db8::1
	done
}

# users_logout_only USER: the others stay active.
users_logout_only() {
	kill "$(cat "$OUT/server.$1")"
	end_session "$1"
	user_clean "$1"
}

# anew COMMAND…: all users log out and `down` runs. Then the command runs, and the users log in again.
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

# network_setup: all three users are active, with the shipped policy, and serve each other.
network_setup() {
	host_pam_install
	policy
	users_login alice bob carol
	serve alice bob carol
	probe_make
}

# probe_make: writes a script that users run. probe "PROTO ADDRESS [PORT]"… prints a line for each. A dropped
# or rejected attempt fails after LIMIT seconds.
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

# probe_from WHERE SECONDS "PROTO ADDRESS [PORT]"…: from a user, or from host, outside or far.
probe_from() {
	local who=$1 command
	command="LIMIT=$2 bash $OUT/probe$(shift 2 && printf ' "%s"' "$@")"
	case $who in
	host) bash -c "$command" ;;
	outside | far) "$who" bash -c "$command" ;;
	*) in_session "$who" "$command" ;;
	esac | sort
}

# assert_reach WHERE yes|no "PROTO ADDRESS [PORT]"…: all of them answer, or none does.
assert_reach() {
	local who=$1 verdict=$2 limit=3
	shift 2
	[[ $verdict == yes ]] || limit=0.6
	assert_same "$(printf "$verdict: %s\n" "$@" | sort)" "$(probe_from "$who" "$limit" "$@")" "what $who reaches"
}

# --- a second network behind the host ---

# far COMMAND…: runs it in a second network behind the host, which has no users of ours.
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

# witness NAME COMMAND…: writes each marked packet that arrives there to $OUT/witness.NAME.
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

# seen NAME MARK REST: NAME's witness has a line "MARK REST…".
seen() {
	grep -q "^$2 ${3-}" "$OUT/witness.$1"
}

assert_seen() {
	seen "$@" || wait_until 2 seen "$@"
}

# witnesses_follow NAME…: waits until these witnesses have written all that arrived before. Each writes in the
# order of arrival.
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

# assert_unseen NAMES MARK…: none of these witnesses has seen such a packet. Another witness proves that it was
# sent.
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

# attacks_setup: witnesses in all other namespaces write what arrives. If the port on the host has seen a
# frame, it was sent.
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

# unseen_by_others MARK…: sent, and seen neither by other users nor outside.
unseen_by_others() {
	sent "$@"
	assert_unseen 'bob carol outside' "$@"
}

# stopped MARK…: sent, and seen neither by the host behind the port nor elsewhere.
stopped() {
	unseen_by_others "$@"
	witnesses_follow host
	assert_eq '' "$(grep -E "^($(paste -sd '|' <(printf '%s\n' "$@"))) (in pnbr|udp)" "$OUT/witness.host" || :)" \
		'what the host has seen'
}

# defences_on: `up` mends the damage; 73_reach tests that.
defences_on() {
	pam-netns up
}
