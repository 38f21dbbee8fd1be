# shellcheck shell=bash
# Helpers that are killed, stopped or frozen in the middle: others do not wait for them, the next
# login works.

HELPER=/usr/libexec/pam-netns/pam-netns-helper
GROUP=/sys/fs/cgroup/alice

setup() {
	host_pam_install
	pamtester_session su alice
	host_clean 5
}

# helper_wrap 'SHELL COMMAND': runs in place of the helper; $1 is the verb, $HELPER.real the real one.
helper_wrap() {
	[[ -e $HELPER.real ]] || mv "$HELPER" "$HELPER.real"
	printf '#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nHELPER=%s\n%s\n' "$HELPER.real" "$1" >"$HELPER.new"
	chmod 0755 "$HELPER.new"
	mv "$HELPER.new" "$HELPER"
}

helper_unwrap() {
	mv "$HELPER.real" "$HELPER"
}

# The wrapper kills it after some hundred microseconds, a little later each round.
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
		# Each is to be a first login: a further one has less to do.
		host_clean 5
		mv "$HELPER.wrapped" "$HELPER"
	done
	helper_unwrap
	wait_until 5 eval '! pgrep -f pam-netns-helper'
	pam-netns gc
	host_clean 5
}

test_open_killed_at_any_moment() {
	local refused=0
	killed_rounds open 30 15
	# How many depends on the machine's load; the rounds themselves say what has to hold after each.
	((refused > 0)) || fail 'none was refused'
}

test_set_up_killed_at_any_moment() {
	local refused=0
	killed_rounds open 15 100 flush
	((refused > 0)) || fail 'none was refused'
}

test_close_killed_at_any_moment() {
	local refused=0
	killed_rounds close 12 10
}

# stopped_holder CALL stays|killed: the helper of a login of alice's stops (a debugger, SIGSTOP) at its first
# CALL, with a lock held, and is still there when bob has been in, or not.
stopped_holder() {
	local start first holder
	helper_wrap "if mkdir $OUT/once 2>/dev/null; then
			exec strace -qq -o $OUT/strace -e trace=$1 -e inject=$1:signal=SIGSTOP:when=1 \$HELPER \"\$@\"
		fi
		exec \$HELPER \"\$@\""
	su alice -c true >/dev/null 2>&1 &
	first=$!
	# Its state alone does not tell: strace stops it at every call.
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

# bob does not even notice.
test_holder_of_a_users_lock_stopped() {
	stopped_holder mount stays
	log_grep 'killed helper [0-9]+: it was stopped while holding a lock'
}

# In the middle of the set-up, which bob needs too.
test_holder_of_the_hosts_lock_stopped() {
	nft flush ruleset
	stopped_holder memfd_create killed
	log_grep 'killed helper [0-9]+: it was stopped while holding a lock'
}

locks_waited_for() {
	[[ $(grep -c -e '->' /proc/locks) -eq $1 ]]
}

# su runs in a cgroup of alice's own, which she freezes while the helper holds her lock (and waits for
# that of the leases): the helper is not in it, so what waits for it does not wait for her.
test_caller_frozen_with_its_cgroup() {
	local leases=/var/lib/pam-netns/leases/default start lock first second
	su bob -c true # so he has a lease
	host_clean 5
	rm "$leases/address/$(readlink "$leases/uid/2001")" "$leases/uid/2001"
	helper_wrap "cat /proc/self/cgroup >>$OUT/cgroup; exec \$HELPER \"\$@\""
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
	helper_unwrap
	assert_eq 0::/ "$(grep ^0: "$OUT/cgroup" | sort -u)"
	host_clean
	group_remove
}

# Where there is no cgroup of version 2 to go to, the helper stays where its caller is.
test_login_without_a_cgroup_to_go_to() {
	helper_wrap "cat /proc/self/cgroup >>$OUT/cgroup; exec \$HELPER \"\$@\""
	mkdir "$GROUP"
	(echo "$BASHPID" >"$GROUP/cgroup.procs" && exec unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && su alice -c true')
	helper_unwrap
	# It closes from the view of the user, which has one.
	assert_eq 0::/alice "$(grep -m 1 ^0: "$OUT/cgroup")"
	host_clean
	group_remove
}

# A cgroup is let go a moment after its last process.
group_remove() {
	wait_until 5 rmdir "$GROUP"
}

# Before each test, whatever became of the one before it.
[[ ! -e $HELPER.real ]] || helper_unwrap
if [[ -e $GROUP ]]; then
	echo 1 >"$GROUP/cgroup.kill"
	group_remove
fi
