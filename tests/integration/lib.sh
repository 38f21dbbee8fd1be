# shellcheck shell=bash
# The functions of tests on a throw-away host. Each tests/integration/NN_name.sh defines
# functions test_…; each runs in its own bash, with errexit, on the one host of its file.
# A file's `setup` runs first: its changes to the host stay, its variables do not.

[[ -e /run/test-host/outside.pid ]] || { echo "lib.sh: only for a throw-away host; see tests/README" >&2; exit 2; }

CHECKOUT=/srv/checkout
TOOLS=/srv/build/tests
# Users' jobs leave results here: not below /tmp, as each user has their own.
OUT=/run/test-host/out
CPUS=$(nproc)
LOG=/var/log/auth-test.log
CONF=/etc/security/pam_netns.conf
SHIPPED=$CHECKOUT/conf/pam_netns.conf
# shellcheck disable=SC2034
HOST4=198.51.100.2 HOST6=2001:db8:51::2 OUTSIDE4=198.51.100.1 OUTSIDE6=2001:db8:51::1
# shellcheck source=tests/host/users.sh
. "$CHECKOUT/tests/host/users.sh"

# --- results ---

fail() {
	local i=1
	while [[ ${BASH_SOURCE[i]-} == *lib.sh ]]; do i=$((i + 1)); done
	echo "${BASH_SOURCE[i]-}:${BASH_LINENO[i - 1]-}: $*" >&2
	exit 1
}

# If CI is set, a skipped test has failed.
skip() {
	echo "skipped: $*" >&2
	exit 77
}

# assert_eq EXPECTED ACTUAL [WHAT]
assert_eq() {
	[[ $1 == "$2" ]] || fail "${3:-values}: expected '$1', got '$2'"
}

# assert_ne UNEXPECTED ACTUAL [WHAT]: a command that has failed prints nothing, which must not pass.
assert_ne() {
	[[ -n $2 ]] || fail "${3:-value}: empty"
	[[ $1 != "$2" ]] || fail "${3:-values}: both are '$1'"
}

# assert_same EXPECTED ACTUAL [WHAT]: for texts of many lines.
assert_same() {
	local differences
	differences=$(diff <(echo "$1") <(echo "$2")) || fail "${3:-texts} differ:"$'\n'"$differences"
}

# assert_match REGEX ACTUAL [WHAT]
assert_match() {
	[[ -n $1 && $2 =~ $1 ]] || fail "${3:-text}: no match for '$1' in '$2'"
}

assert_no_match() {
	[[ ! $2 =~ $1 ]] || fail "${3:-text}: a match for '$1' in '$2'"
}

# assert_fails COMMAND…: prints its output; functions that call fail or exit count as failing too.
assert_fails() {
	local code=0
	("$@") || code=$?
	[[ $code -ne 0 ]] || fail "should have failed: $*"
}

# assert_code CODE COMMAND…
assert_code() {
	local expected=$1 code=0
	shift
	("$@") || code=$?
	assert_eq "$expected" "$code" "exit status of: $*"
}

# assert_fails_with REGEX COMMAND…, assert_code_with CODE REGEX COMMAND…: and its output matches. If an assertion
# fails in an argument "$(…)", the test goes on.
assert_fails_with() {
	local regex=$1 said
	shift
	said=$(assert_fails "$@" 2>&1) || fail "$said"
	assert_match "$regex" "$said" "$*"
}
assert_code_with() {
	local code=$1 regex=$2 said
	shift 2
	said=$(assert_code "$code" "$@" 2>&1) || fail "$said"
	assert_match "$regex" "$said" "$*"
}

# bound SECONDS: sets BOUND to the number of seconds that these become on a busy machine. If twice as many
# processes want to run as there are CPUs, all takes twice as long. BOUND_FACTOR is that of a slow machine,
# which looks less often, too: POLL, in seconds.
bound() {
	local load
	read -r load _ </proc/loadavg
	BOUND=$(($1 * ${BOUND_FACTOR:-1} * (1 + ${load%.*} / CPUS)))
}

# wait_until SECONDS COMMAND…: repeats the command until it succeeds.
wait_until() {
	local BOUND end
	bound "$1"
	end=$((${EPOCHREALTIME/./} + BOUND * 1000000))
	shift
	until ("$@") >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < end)) || fail "not within $BOUND s: $*"
		sleep "${POLL:-0.03}"
	done
}

# --- the log ---

# Waits until all that was sent to the log is in the file: /dev/log keeps the order.
log_settle() {
	local mark=settled-$BASHPID-$EPOCHREALTIME i
	logger -p user.debug -t test "$mark"
	for ((i = 0; i < 6000; i++)); do
		! grep -qF " test: $mark" "$LOG" || return 0
		sleep "${POLL:-0.01}"
	done
	fail "the host's log has stopped"
}

# log_mark: later looks at the log begin here. Each test starts with a mark.
log_mark() {
	log_settle
	LOG_MARK=$(stat -c %s "$LOG")
}

log_lines() {
	log_settle
	log_tail
}

log_tail() {
	tail -c "+$((${LOG_MARK:-0} + 1))" "$LOG" | sed '/ test: settled-/d'
}

# log_grep REGEX: prints the matching lines since the mark. It waits up to 10 s for the first, since
# for instance the end of an sshd is logged later.
log_grep() {
	local BOUND end
	bound 10
	end=$((${EPOCHREALTIME/./} + BOUND * 1000000))
	until log_tail | grep -E -- "$1"; do
		if ((${EPOCHREALTIME/./} > end)); then
			echo "not in the log: $1" >&2
			return 1
		fi
		sleep 0.05
	done
}

assert_no_log() {
	local lines
	! lines=$(log_lines | grep -E -- "$1") || fail "logged: $lines"
}

# --- the network ---

# outside COMMAND…: as root on the machine at the other end of the uplink (its network only).
outside() {
	nsenter --net="/proc/$(</run/test-host/outside.pid)/ns/net" "$@"
}

# Sets SSH_COMMAND from ssh_as's arguments.
ssh_command() {
	local user=$1 BOUND
	bound 10
	SSH_COMMAND=(nsenter "--net=/proc/$(</run/test-host/outside.pid)/ns/net" ssh -o BatchMode=yes
		-o "ConnectTimeout=$BOUND" -o LogLevel=ERROR)
	shift
	while [[ $# -gt 0 && $1 != -- ]]; do
		SSH_COMMAND+=("$1")
		shift
	done
	[[ $# -eq 0 ]] || shift
	SSH_COMMAND+=("$user@${SSH_TO:-$HOST4}" "$@")
}

# ssh_as USER [SSH OPTION…] [-- COMMAND…]: ssh from the outside. SSH_TO: another address.
ssh_as() {
	local SSH_COMMAND
	ssh_command "$@"
	"${SSH_COMMAND[@]}"
}

# netns_inode PID|self, mntns_inode, utsns_inode
netns_inode() {
	stat -L -c %i "/proc/$1/ns/net"
}
mntns_inode() {
	stat -L -c %i "/proc/$1/ns/mnt"
}
utsns_inode() {
	stat -L -c %i "/proc/$1/ns/uts"
}

# PRINT_INODES: a shell command that prints its namespaces on one line. host_inodes: the host's.
# shellcheck disable=SC2034
PRINT_INODES='stat -L -c %i /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts | paste -sd " "'
host_inodes() {
	stat -L -c %i /proc/1/ns/net /proc/1/ns/mnt /proc/1/ns/uts | paste -sd ' '
}

# shellcheck source=tests/integration/session_lib.sh
. "$CHECKOUT/tests/integration/session_lib.sh"

# --- pam_netns ---

# host_pam_install ['MODULE ARGUMENTS'], host_pam_remove: the line in the host's session stacks.
host_pam_install() {
	"$CHECKOUT/tests/host/pam" install "$@"
}
host_pam_remove() {
	"$CHECKOUT/tests/host/pam" remove
}

# conf_set KEY VALUE: changes it in each section that has the key.
conf_set() {
	grep -q "^$1 = " "$CONF" || fail "no $1 in $CONF"
	sed -i "s|^$1 = .*|$1 = $2|" "$CONF"
}

# conf_reset: the conf file as it is shipped. If it is unchanged, it is not written.
conf_reset() {
	cmp -s "$SHIPPED" "$CONF" || cp "$SHIPPED" "$CONF"
}

# as USER COMMAND…: on the host, without a login and without inheritable capabilities.
as() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all "$@"
}

# listed USER KEY: what `list --json` tells root.
listed() {
	pam-netns list --json | jq -r --arg user "$1" ".[] | select(.user == \$user) | .$2"
}

# conf_lab USER LAB_LINES [LINE…]: USER in network lab with LAB_LINES; all others in network default with
# these lines.
conf_lab() {
	local user=$1 lab=$2
	shift 2
	cat >"$CONF" <<-END
		[network default]
		$(printf '%s\n' "$@")
		[network lab]
		bridge = pnlab
		subnet = 10.204.0.0/16
		$lab
		[profile staff]
		match = root, @sudo, 1-999
		isolate = no
		[profile lab]
		match = $user
		network = lab
		[profile default]
		match = *
	END
}

# forwarding_set 0|1: the host's forwarding, of both families.
forwarding_set() {
	echo "$1" >/proc/sys/net/ipv4/ip_forward
	echo "$1" >/proc/sys/net/ipv6/conf/all/forwarding
}

# recorded USER KEY: what the record of an active user says.
recorded() {
	sed -n "s/^$2=//p" "/run/pam-netns/users/$(id -u "$1")/state"
}

port_of() {
	recorded "$1" interface
}

# sessions_are USER COUNT: as many sessions are recorded. sshd closes a session after its client's end.
sessions_are() {
	[[ $(find "/run/pam-netns/users/$(id -u "$1")/sessions" -type f | wc -l) -eq $2 ]]
}

# in_netns USER COMMAND…: runs it as root in the user's network.
in_netns() {
	ip netns exec "$@"
}

# reaches_outside USER: the outside's web server answers, in both families.
reaches_outside() {
	local user=$1
	assert_match "^you are $HOST4" "$(in_netns "$user" curl -sS -m 3 "http://$OUTSIDE4/")" "$user"
	assert_match "^you are $HOST6" "$(in_netns "$user" curl -sS -m 3 "http://[$OUTSIDE6]/")" "$user"
}

# login_works [USER]: a login has its own network, which reaches the outside in both families.
login_works() {
	local answer
	answer=$(su "${1:-alice}" -c "readlink /proc/self/ns/net
		curl -sS -m 3 http://$OUTSIDE4/; curl -sS -m 3 'http://[$OUTSIDE6]/'")
	assert_match "^net:.*you are $HOST4.*you are $HOST6" "$(tr '\n' ' ' <<<"$answer")"
	assert_ne "$(readlink /proc/self/ns/net)" "$(head -n 1 <<<"$answer")"
}

# host_residue: prints what is left of any user, one a line.
host_residue() {
	find /run/pam-netns/pins -mindepth 1 -maxdepth 1 ! -name 'template*' 2>/dev/null || :
	find /run/pam-netns/users /run/pam-netns/closing /run/netns -mindepth 1 -maxdepth 1 2>/dev/null || :
	ip -o link show | awk -F '[:@ ]+' '$2 ~ /^pnu/ { print "link " $2 }'
	{ ip route show && ip -6 route show; } |
		awk '$1 !~ "/" && $1 != "default" && / dev pn/ && !/proto kernel/ { print "route " $0 }'
	ip neigh show nud permanent | sed -n '/dev pn/s/^/neighbour /p'
	pgrep -a -f pam-netns-helper || :
}

host_is_clean() {
	[[ -z $(host_residue) ]]
}

# user_clean USER: waits until nothing of this user is left. Others may be active. The record is removed last.
user_clean() {
	wait_until 15 test ! -e "/run/netns/$1"
	wait_until 15 test ! -e "/run/pam-netns/pins/$(id -u "$1")"
	wait_until 15 test ! -e "/run/pam-netns/users/$(id -u "$1")"
}

# host_clean [SECONDS]: waits until nothing of any user is left. The reaper waits 10 seconds.
host_clean() {
	local BOUND i
	bound "${1:-15}"
	for ((i = 0; i < BOUND * 20; i++)); do
		! host_is_clean || return 0
		sleep 0.05
	done
	fail "left behind: $(host_residue)"
}
