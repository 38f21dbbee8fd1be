# shellcheck shell=bash
# Helpers that are killed, stopped or frozen in the middle of their work: other users do not wait for them,
# and the next login works.

HELPER=/usr/libexec/pam-netns/pam-netns-helper
GROUP=/sys/fs/cgroup/alice

setup() {
	host_pam_install
	pamtester_session su alice
	host_clean 5
}

# helper_wrap 'SHELL COMMAND': the command runs in place of the helper. $1 is the verb, $HELPER the helper.
helper_wrap() {
	[[ -e $HELPER.real ]] || mv "$HELPER" "$HELPER.real"
	printf '#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nHELPER=%s\n%s\n' "$HELPER.real" "$1" >"$HELPER.new"
	chmod 0755 "$HELPER.new"
	mv "$HELPER.new" "$HELPER"
}

helper_unwrap() {
	mv "$HELPER.real" "$HELPER"
}

# killed_rounds VERB ROUNDS STEP [flush]: a wrapper kills the helper, each round STEP x 10 µs later.
killed_rounds() {
	local i
	helper_wrap "if [ \"\$1\" = $1 ]; then exec timeout -s KILL \$(cat $OUT/after) \$HELPER \"\$@\"; fi
		exec \$HELPER \"\$@\""
	for ((i = 0; i < $2; i++)); do
		printf '0.%05d' $((i * $3 + 10)) >"$OUT/after"
		[[ ${4-} != flush || $((i % 3)) -ne 0 ]] || nft flush ruleset
		su alice -c true >/dev/null 2>&1 || refused=$((refused + 1))
		mv "$HELPER" "$HELPER.wrapped"
		ln "$HELPER.real" "$HELPER"
		login_works
		# Each round must be a first login: a further one does less.
		host_clean 5
		mv "$HELPER.wrapped" "$HELPER"
	done
	helper_unwrap
	wait_until 5 eval '! pgrep -f pam-netns-helper'
	pam-netns gc
	host_clean 5
}

test_open_killed_at_any_moment_leaves_nothing() {
	local refused=0
	killed_rounds open 30 15
	# How many are refused depends on the machine's load.
	((refused > 0)) || fail 'no login was refused'
}

test_set_up_killed_at_any_moment_is_done_again() {
	local refused=0
	killed_rounds open 15 100 flush
	((refused > 0)) || fail 'no login was refused'
}

test_close_killed_at_any_moment_leaves_nothing() {
	local refused=0
	killed_rounds close 12 10
}

# stopped_holder CALL stays|killed: the helper of alice's login stops at its first CALL and holds a lock. After
# bob's login this helper still exists, or has been killed.
stopped_holder() {
	local start first holder
	helper_wrap "if mkdir $OUT/once 2>/dev/null; then
			exec strace -qq -o $OUT/strace -e trace=$1 -e inject=$1:signal=SIGSTOP:when=1 \$HELPER \"\$@\"
		fi
		exec \$HELPER \"\$@\""
	su alice -c true >/dev/null 2>&1 &
	first=$!
	# The state alone proves nothing: strace stops the helper at each call.
	wait_until 5 grep -q 'stopped by SIGSTOP' "$OUT/strace"
	holder=$(pgrep -P "$(pgrep -x strace)")
	start=${EPOCHREALTIME/./}
	su bob -c true
	((${EPOCHREALTIME/./} - start < 1000000)) || fail "bob waited $((${EPOCHREALTIME/./} - start)) us"
	if grep -q '^State:.[Tt]' "/proc/$holder/status"; then
		assert_eq stays "$2" "the holder"
	else
		assert_eq killed "$2" "the holder"
	fi
	start=${EPOCHREALTIME/./}
	su alice -c true
	((${EPOCHREALTIME/./} - start < 1500000)) || fail "alice waited $((${EPOCHREALTIME/./} - start)) us"
	wait "$first" || :
	helper_unwrap
	login_works
	pam-netns gc
	host_clean 5
}

# bob's login does not need alice's lock.
test_stopped_holder_of_users_lock_delays_no_other() {
	stopped_holder mount stays
	log_grep 'killed helper [0-9]+: it was stopped while holding a lock'
}

# The helper stops in the set-up, which bob's login needs too.
test_stopped_holder_of_hosts_lock_is_killed() {
	nft flush ruleset
	stopped_holder memfd_create killed
	log_grep 'killed helper [0-9]+: it was stopped while holding a lock'
}

locks_waited_for() {
	[[ $(grep -c -e '->' /proc/locks) -eq $1 ]]
}

# su runs in alice's own cgroup. She freezes it while the helper holds her lock, and waits for that of the
# leases. The helper is in another cgroup, so bob does not wait for alice.
test_frozen_cgroup_of_caller_delays_no_other() {
	local leases=/var/lib/pam-netns/leases/default start lock first second helper
	su bob -c true # bob gets a lease
	host_clean 5
	rm "$leases/address/$(readlink "$leases/uid/2001")" "$leases/uid/2001"
	"$TOOLS/host-lockhold" "$(((1 << 33) + 1))" "$OUT/held" & # LOCK_LEASES
	lock=$!
	wait_until 5 test -e "$OUT/held"
	mkdir "$GROUP"
	(echo "$BASHPID" >"$GROUP/cgroup.procs" && exec su alice -c true) &
	first=$!
	wait_until 5 locks_waited_for 1
	echo 1 >"$GROUP/cgroup.freeze"
	wait_until 5 grep -q 'frozen 1' "$GROUP/cgroup.events"
	assert_match '^0::/alice$' "$(grep ^0: "/proc/$first/cgroup")"
	helper=$(awk '$2 == "->" { print $6 }' /proc/locks)
	assert_eq pam-netns-helpe "$(<"/proc/$helper/comm")"
	assert_eq 0::/ "$(grep ^0: "/proc/$helper/cgroup")"
	start=${EPOCHREALTIME/./}
	su bob -c true
	((${EPOCHREALTIME/./} - start < 1000000)) || fail "bob waited $((${EPOCHREALTIME/./} - start)) us"
	su alice -c true &
	second=$!
	wait_until 5 locks_waited_for 2
	start=${EPOCHREALTIME/./}
	kill "$lock"
	wait "$second"
	((${EPOCHREALTIME/./} - start < 1500000)) || fail "alice waited $((${EPOCHREALTIME/./} - start)) us"
	assert_no_log 'killed helper'
	echo 0 >"$GROUP/cgroup.freeze"
	wait "$first"
	host_clean
	group_remove
}

# Without a cgroup of version 2, the helper stays in its caller's cgroup.
test_login_without_cgroups_works() {
	helper_wrap "cat /proc/self/cgroup >>$OUT/cgroup; exec \$HELPER \"\$@\""
	mkdir "$GROUP"
	(echo "$BASHPID" >"$GROUP/cgroup.procs" && exec unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && su alice -c true')
	helper_unwrap
	# The close runs in the user's mount namespace, which has cgroups.
	assert_eq 0::/alice "$(grep -m 1 ^0: "$OUT/cgroup")"
	host_clean
	group_remove
}

# The kernel releases a cgroup a moment after its last process.
group_remove() {
	wait_until 5 rmdir "$GROUP"
}

# Before each test, even if the one before it failed.
[[ ! -e $HELPER.real ]] || helper_unwrap
if [[ -e $GROUP ]]; then
	echo 1 >"$GROUP/cgroup.kill"
	group_remove
fi
