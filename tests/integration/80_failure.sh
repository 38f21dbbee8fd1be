# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Faults of the helper, the kernel and the host: the login is refused with one line, the log names the
# cause, and nothing is left behind. With on_error = host the login goes on, with a warning in the log.
# 83_conf.sh has the faults of the conf file.

# shellcheck source=tests/integration/failure_lib.sh
. "$CHECKOUT/tests/integration/failure_lib.sh"

setup() {
	failure_setup
}

# --- the helper ---

test_missing_helper_refuses_login() {
	rm "$HELPER"
	refused alice "$HELPER.*No such file"
	assert_eq 0 "$(su root -c 'id -u')"
	assert_eq dave "$(su dave -c 'id -un')"
	assert_fails ssh_as alice -- true
	helper_restore
	login_works
}

test_helper_that_cannot_run_refuses_login() {
	chmod 0644 "$HELPER"
	refused alice "$HELPER.*Permission denied"
	rm "$HELPER"
	mkdir "$HELPER"
	refused alice "$HELPER.*Permission denied"
	rmdir "$HELPER"
	echo garbage >"$HELPER"
	chmod 0755 "$HELPER"
	refused alice "$HELPER.*format error"
	helper_restore
}

test_hanging_helper_is_killed_at_the_deadline() {
	local start seconds
	conf_set deadline 1s
	helper_replace 'exec sleep 77'
	start=${EPOCHREALTIME/./}
	refused alice 'helper open .*(1000 ms|deadline|time)'
	seconds=$(((${EPOCHREALTIME/./} - start) / 100000))
	# The default deadline is 10 s.
	((seconds < 80)) || fail "refused after $seconds tenths of a second"
	assert_fails pgrep -f 'sleep 77'
	helper_restore
	conf_restore
	login_works
}

# The helper hangs in the middle of its work, and holds alice's lock.
test_helper_that_hangs_half_way_leaves_nothing() {
	conf_set deadline 2s
	helper_replace 'if [ "$1" = open ] && mkdir '"$OUT"'/once 2>/dev/null; then
		exec strace -f -qq -o '"$OUT"'/strace -e trace=rename -e inject=rename:delay_enter=8000000:when=1 $HELPER "$@"
	fi
	exec $HELPER "$@"'
	assert_fails su alice -c true
	grep -q rename "$OUT/strace" || fail 'the helper did not call rename'
	helper_restore
	conf_restore
	login_works
	pam-netns gc
	host_clean 2
}

test_helper_that_dies_refuses_login() {
	helper_replace 'exit 1'
	refused alice 'helper open .*exit'
	helper_replace 'exit 0'
	refused alice 'helper open .*exit'
	helper_replace 'kill -KILL $$'
	refused alice 'helper open .*signal 9'
	helper_replace 'echo garbage >&0; sleep 0.2'
	refused alice 'helper open'
	helper_restore
	login_works
}

test_missing_helper_at_close_is_logged() {
	rm -f "$OUT/pid"
	"$TOOLS/host-session" su alice sh -c "rm $HELPER" 2>"$OUT/said" && fail 'closing should have failed'
	log_grep 'session not closed cleanly: user=alice uid=2001; pam-netns gc will remove its leftovers'
	helper_restore
	pam-netns gc
	host_clean 2
}

# --- the kernel, nft and /run ---

# fault CALL ERROR NUMBER REGEX: this call of the helper fails, counted from 1.
fault() {
	helper_replace "[ \$1 = open ] || exec \$HELPER \"\$@\"
		exec strace -f -qq -o $OUT/strace -e trace=$1 -e inject=$1:error=$2:when=$3 \$HELPER \"\$@\""
	refused alice "$4"
	grep -q INJECTED "$OUT/strace" || fail "the helper calls $1 less than $3 times"
}

test_errors_of_the_kernel_refuse_login() {
	# Both at once, then the network namespace, then the UTS namespace; then the mount namespace.
	fault unshare ENOSPC 1..2 'net namespace .*user.max_net_namespaces.*No space left'
	fault unshare ENOSPC 1+2 'uts namespace .*user.max_uts_namespaces.*No space left'
	fault unshare ENOSPC 2 'mnt namespace .*user.max_mnt_namespaces.*No space left'
	fault mount ENOSPC 1 'No space left'
	fault mount ENOMEM 2 '(Cannot allocate|Out of) memory' # glibc's words, musl's
	fault move_mount ENOSPC 1 'No space left'
	fault sethostname EPERM 1 'host name'
	fault symlink ENOSPC 1 '/run/netns/alice.*No space left'
	fault rename EIO 1 '(Input/output|I/O) error'
	helper_restore
	login_works
	host_clean 2
}

# As on Linux 5.11: the set-up is refused with the name of what is missing, and changes nothing.
test_kernel_without_a_needed_call_refuses_login() {
	pam-netns down
	helper_replace "exec strace -f -qq -o $OUT/strace -e trace=mount_setattr -e inject=mount_setattr:error=ENOSYS \$HELPER \"\$@\""
	refused alice 'this kernel has no mount_setattr.2. .Linux 5.12.: run a newer kernel'
	assert_fails_with 'this kernel has no mount_setattr\(2\) \(Linux 5.12\)' pam-netns up
	assert_fails ip link show pnbr0 2>/dev/null
	assert_eq '' "$(nft list tables)"
	helper_restore
	pam-netns up
	login_works
	host_clean 2
}

# The first set-up after a boot makes two network namespaces to try the kernel in.
test_probe_of_the_kernel_that_fails_refuses_set_up() {
	local said
	pam-netns down
	helper_replace "exec strace -f -qq -o $OUT/strace -e trace=unshare -e inject=unshare:error=ENOSPC:when=1 \$HELPER \"\$@\""
	said=$(assert_fails pam-netns up 2>&1)
	assert_match 'net namespace .*user.max_net_namespaces' "$said"
	assert_fails ip link show pnbr0 2>/dev/null
	helper_restore
	pam-netns up
	# A set-up that a login mends does not try the kernel again, so it needs no namespace to spare.
	hold_session a alice
	nft flush ruleset
	helper_replace "[ \$1 = open ] || exec \$HELPER \"\$@\"
		exec strace -f -qq -o $OUT/strace -e trace=unshare \$HELPER \"\$@\""
	su alice -c true
	assert_match CLONE_NEWNS "$(<"$OUT/strace")"
	assert_no_match CLONE_NEWNET "$(<"$OUT/strace")"
	helper_restore
	nft list table bridge pam_netns >/dev/null
	end_session a
	host_clean 5
}

# If netlink fails, the login is refused or has a complete network.
test_errors_of_netlink_leave_no_partial_network() {
	local call i
	for call in sendto recvfrom; do
		for i in 1 2 3 4 5 6 7 8 9; do
			helper_replace "[ \$1 = open ] || exec \$HELPER \"\$@\"
				exec strace -f -qq -o $OUT/strace -e trace=$call -e inject=$call:error=ENOBUFS:when=$i \$HELPER \"\$@\""
			if su alice -c "curl -sS -m 3 http://$OUTSIDE4/" >"$OUT/said" 2>&1; then
				assert_match "^you are $HOST4" "$(<"$OUT/said")"
			else
				assert_match 'Login refused' "$(<"$OUT/said")"
			fi
			host_clean 2
		done
	done
	helper_restore
}

test_missing_nft_refuses_login() {
	local nft
	nft=$(readlink -f "$(command -v nft)")
	mv "$nft" "$nft.away"
	# A login does not need nft if the host is set up.
	login_works
	host_clean 2
	ip link delete pnbr0
	refused alice 'nft .install nftables'
	mv "$nft.away" "$nft"
	login_works
	host_clean 2
}

test_failing_nft_refuses_login() {
	local nft
	nft=$(readlink -f "$(command -v nft)")
	mv "$nft" "$nft.away"
	printf '#!/bin/sh\necho "Error: no such thing"\nexit 1\n' >"$nft"
	chmod 0755 "$nft"
	ip link delete pnbr0
	refused alice 'nft refused our rules: Error: no such thing'
	mv "$nft.away" "$nft"
	login_works
	host_clean 2
}

# A failed login frees the port that it reserved.
test_failed_login_frees_its_port() {
	local nft before
	nft=$(readlink -f "$(command -v nft)")
	conf_set ports_per_bridge 1
	hold_session bob bob
	before=$(cksum </run/pam-netns/networks/default/ports)
	mv "$nft" "$nft.away"
	assert_fails su alice -c true
	assert_eq "$before" "$(cksum </run/pam-netns/networks/default/ports)"
	mv "$nft.away" "$nft"
	end_session bob
	conf_restore
	login_works
	host_clean 3
}

# A killed helper's locks are free. Its nft must end too, or it undoes what the next helper does.
test_hanging_nft_is_ended_with_its_helper() {
	local nft
	nft=$(readlink -f "$(command -v nft)")
	conf_set deadline 2s
	mv "$nft" "$nft.away"
	printf '#!/bin/sh\n>%s\nexec sleep 613\n' "$OUT/nft" >"$nft"
	chmod 0755 "$nft"
	ip link delete pnbr0
	log_mark
	assert_fails su alice -c true
	log_grep 'helper open .*(deadline|time)' >/dev/null
	[[ -e $OUT/nft ]]
	wait_until 5 eval '! pgrep -f "sleep 613"'
	mv "$nft.away" "$nft"
	conf_restore
	login_works
	host_clean 2
}

# /run has no free page, then no free inode.
test_full_run_refuses_login() {
	local i
	pam-netns gc
	mount -o remount,size=4m /run
	dd if=/dev/zero of=/run/full bs=4k 2>/dev/null || :
	refused alice 'No space left'
	rm /run/full
	mount -o remount,size=50% /run
	login_works
	host_clean 2
	mkdir /run/full
	mount -o "remount,nr_inodes=$(($(df --output=iused /run | tail -n 1) + 20))" /run
	for ((i = 0; i < 100; i++)); do
		touch "/run/full/$i" 2>/dev/null || break
	done
	refused alice 'No space left'
	mount -o remount,nr_inodes=100000 /run
	rm -r /run/full
	login_works
	host_clean 2
}

# --- on_error = host ---

test_on_error_host_lets_login_go_on() {
	conf_set on_error host
	rm "$HELPER"
	assert_eq "$(readlink /proc/self/ns/net)" "$(su alice -c 'readlink /proc/self/ns/net')"
	log_grep '^authpriv.warning .*NOT ISOLATED: user=alice uid=2001 service=su'
	helper_replace 'exit 1'
	assert_eq "$(readlink /proc/self/ns/net)" "$(ssh_as alice -- readlink /proc/self/ns/net)"
	log_grep '^authpriv.warning .*NOT ISOLATED: user=alice uid=2001 service=sshd'
	helper_restore
	assert_ne "$(readlink /proc/self/ns/net)" "$(su alice -c 'readlink /proc/self/ns/net')"
	# An erroneous file says nothing of on_error.
	echo 'nonsense = 1' >>"$CONF"
	refused_all "$CONF"
	conf_restore
	host_clean 3
}

# A login inside alice's session that is not isolated stays in alice's network.
test_on_error_host_stays_inside_a_session() {
	conf_set on_error host
	hold_session one alice
	helper_replace '[ "$1" != open ] || exit 1; exec $HELPER "$@"'
	assert_eq "$(in_session one 'readlink /proc/self/ns/net')" \
		"$(pam-netns exec alice --root -- su bob -c 'readlink /proc/self/ns/net')"
	log_grep '^authpriv.warning .*NOT ISOLATED: user=bob'
	helper_restore
	conf_restore
	end_session one
	host_clean 3
}
