# shellcheck shell=bash
# Helpers that are killed, stopped or frozen in the middle: others do not wait for them, the next
# login works.

HELPER=/usr/libexec/pam-netns/pam-netns-helper

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
		mv "$HELPER.wrapped" "$HELPER"
	done
	helper_unwrap
	wait_until 2 eval '! pgrep -f pam-netns-helper'
	pam-netns gc
	host_clean 2
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

# The helper stops (a debugger, SIGSTOP) while it holds alice's lock; bob does not even notice.
stopped_holder() {
	local start first
	helper_wrap "if mkdir $OUT/once 2>/dev/null; then
			exec strace -qq -o $OUT/strace -e trace=$1 -e inject=$1:signal=SIGSTOP:when=1 \$HELPER \"\$@\"
		fi
		exec \$HELPER \"\$@\""
	su alice -c true >/dev/null 2>&1 &
	first=$!
	wait_until 3 eval "grep -l '^State:.[Tt]' /proc/[0-9]*/status | xargs -r grep -l '^Name:.pam-netns-helpe'"
	start=${EPOCHREALTIME/./}
	su bob -c true
	((${EPOCHREALTIME/./} - start < $2)) || fail "bob waited $((${EPOCHREALTIME/./} - start)) us"
	start=${EPOCHREALTIME/./}
	su alice -c true
	((${EPOCHREALTIME/./} - start < 1500000)) || fail "alice waited $((${EPOCHREALTIME/./} - start)) us"
	wait "$first" || :
	helper_unwrap
	rmdir "$OUT/once"
	login_works
	pam-netns gc
	host_clean 2
}

test_holder_of_a_users_lock_stopped() {
	stopped_holder mount 300000
	log_grep 'killed helper [0-9]+: it was stopped while holding a lock'
}

# In the middle of the set-up, which bob needs too.
test_holder_of_the_hosts_lock_stopped() {
	nft flush ruleset
	stopped_holder memfd_create 1000000
	log_grep 'killed helper [0-9]+: it was stopped while holding a lock'
}

# su runs in a cgroup of alice's own, which she freezes while the helper holds her lock: the helper
# is not in it, so what waits for it does not wait for her.
test_caller_frozen_with_its_cgroup() {
	local group=/sys/fs/cgroup/alice start first
	helper_wrap "cat /proc/self/cgroup >>$OUT/cgroup
		if mkdir $OUT/once 2>/dev/null; then
			exec strace -qq -o $OUT/strace -e trace=mount -e inject=mount:delay_enter=200000:when=1 \$HELPER \"\$@\"
		fi
		exec \$HELPER \"\$@\""
	mkdir "$group"
	(echo "$BASHPID" >"$group/cgroup.procs" && exec su alice -c true) &
	first=$!
	wait_until 3 test -s "$OUT/strace"
	echo 1 >"$group/cgroup.freeze"
	wait_until 1 grep -q 'frozen 1' "$group/cgroup.events"
	assert_match '^0::/alice$' "$(grep ^0: "/proc/$first/cgroup")"
	pgrep -x pam-netns-helpe >/dev/null || fail 'the helper has ended before the freeze'
	start=${EPOCHREALTIME/./}
	su bob -c true
	((${EPOCHREALTIME/./} - start < 1000000)) || fail "bob waited $((${EPOCHREALTIME/./} - start)) us"
	su alice -c true
	((${EPOCHREALTIME/./} - start < 1500000)) || fail "alice waited $((${EPOCHREALTIME/./} - start)) us"
	assert_no_log 'killed helper'
	echo 0 >"$group/cgroup.freeze"
	wait "$first"
	helper_unwrap
	assert_eq 0::/ "$(grep ^0: "$OUT/cgroup" | sort -u)"
	rm "$OUT/cgroup" "$OUT/strace"
	rmdir "$OUT/once" "$group"
	host_clean
}

# Where there is no cgroup of version 2 to go to, the helper stays where its caller is.
test_login_without_a_cgroup_to_go_to() {
	local group=/sys/fs/cgroup/alice
	helper_wrap "cat /proc/self/cgroup >>$OUT/cgroup; exec \$HELPER \"\$@\""
	mkdir "$group"
	(echo "$BASHPID" >"$group/cgroup.procs" && exec unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && su alice -c true')
	helper_unwrap
	# It closes from the view of the user, which has one.
	assert_eq 0::/alice "$(grep -m 1 ^0: "$OUT/cgroup")"
	rm "$OUT/cgroup"
	host_clean
	rmdir "$group"
}
