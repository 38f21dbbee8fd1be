# shellcheck shell=bash
# The kernel's lock of all network configuration (rtnl), held by the end of a network namespace that a user
# filled with bridges (T40). The lock is the whole machine's, so no other file runs meanwhile.
# serial

setup() {
	host_pam_install
	hold_session one alice
	hold_session two bob
}

# namespace_end COUNT: a network namespace of carol with so many bridges ends.
namespace_end() {
	as carol unshare -Urn \
		sh -c "seq $1 | sed 's/.*/link add b& type bridge/' | ip -batch -"
}

# helper_waits: for 200 ms a helper sleeps in the kernel.
helper_waits() {
	local pid i
	pid=$(pgrep -n -f 'pam-netns-helper open') || return 1
	for ((i = 0; i < 10; i++)); do
		grep -q '^State:.D' "/proc/$pid/status" 2>/dev/null || return 1
		sleep 0.02
	done
}

# login_waits BRIDGES: starts a first login that waits for rtnl, and sets WAITING to its process. The kernel
# ends namespaces later, so some logins may pass before one waits. It fails if the lock is not held for
# long enough, as on a fast machine.
login_waits() {
	local end=$((SECONDS + 5))
	namespace_end "$1"
	while ((SECONDS < end)); do
		pam_session su longuid true &
		WAITING=$!
		until process_gone "$WAITING"; do
			! helper_waits || return 0
		done
		wait "$WAITING" || return 0
	done
	return 1
}

others_go_on() {
	assert_eq bob "$(su bob -c 'id -un')"
	assert_eq root "$(pam_session su root id -un)"
	pam_session su bob true
	pam-netns list >/dev/null
}

# Further logins, logouts and exempt users need no rtnl. A first login waits, and the log names the lock. A
# round in which the lock was free too soon proves nothing.
test_t40_further_logins_work_while_rtnl_is_held() {
	local WAITING round
	conf_set deadline 60s
	pam-netns up
	for ((round = 0; round < 5; round++)); do
		login_waits $((300 << round)) || continue
		others_go_on
		if helper_waits; then
			# On a slow machine the lock is held for longer than a deadline may be: then the login is refused.
			wait "$WAITING" || :
			log_grep 'pam_netns\(su:session\): (waited [0-9]+ ms for|helper open waits for) the kernel.s lock of network configuration \(rtnl\)'
			return 0
		fi
		wait "$WAITING" || :
	done
	fail 'rtnl is never held, or other users waited too'
}

# A first login whose deadline comes first is refused, the log names the lock, and nothing is left.
test_t40_first_login_is_refused_with_the_cause() {
	local WAITING lines='' round
	conf_set deadline 1s
	pam-netns up
	for ((round = 0; round < 5; round++)); do
		log_mark
		login_waits $((300 << round)) || continue
		wait "$WAITING" && continue
		lines=$(log_grep 'pam_netns\(su:session\)' | grep -v ' session \(opened\|closed\)')
		# Otherwise the lock was free by then, and the machine slow.
		[[ $lines != *rtnl* ]] || break
	done
	assert_match 'helper open waits for the kernel.s lock of network configuration \(rtnl\)' "$lines"
	assert_eq 2 "$(wc -l <<<"$lines")" 'lines of one refusal'
	assert_no_match 'cannot be killed|no reply' "$lines"
	wait_until 60 eval '! pgrep -f "pam-netns-helper open"'
	conf_set deadline 60s
	pam-netns gc
	assert_fails test -e /run/netns/longuid
	pam_session su longuid true
}

conf_reset
