# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Threats of SECURITY.md that no other file is about, by their numbers.

HOSTILE=${THREATS_HOSTILE:-2000}

setup() {
	host_pam_install
	su alice -c true
	host_clean 5
}

netns_of() {
	pam_session -u "$@" readlink /proc/self/ns/net
}

# Whatever a child of the caller does with the handle, the session is the parent's.
test_t04_a_child_ends_nothing() {
	"$TOOLS/host-forked" alice
	host_clean 5
}

# The name is resolved once, when the session opens; whatever it is at close, that session closes.
test_t05_another_module_changes_the_user() {
	local alices
	printf '%s\n' "session required $TOOLS/pam_rename.so open=bob close=root" \
		'session required pam_netns.so' >/etc/pam.d/renamed
	hold_session alice alice
	alices=$(in_session alice 'readlink /proc/self/ns/net')
	hold_session bob bob
	assert_eq "$(in_session bob 'readlink /proc/self/ns/net')" "$(netns_of renamed alice)"
	assert_ne "$alices" "$(netns_of renamed alice)"
	assert_eq 1 "$(find /run/pam-netns/users/2002/sessions -type f | wc -l)" "bob's sessions"
	end_session alice
	end_session bob
	host_clean 5
}

test_t05_the_changed_user_is_nobody() {
	local user
	for user in nobody-here ../alice '#0' ''; do
		printf '%s\n' "session required $TOOLS/pam_rename.so open=$user" \
			'session required pam_netns.so' >/etc/pam.d/renamed
		assert_code 254 pam_session renamed alice true
	done
	host_clean
}

# (uid_t)-1 means "leave it" to the kernel, and 2^32 is 0 (CVE-2019-14287).
test_t05_odd_uids() {
	local uid
	cp /etc/passwd /etc/passwd.good
	for uid in 4294967295 -1 4294967296; do
		{ cat /etc/passwd.good; echo "odd:x:$uid:2100:odd:/:/bin/sh"; } >/etc/passwd
		assert_fails pam_session su odd true
	done
	{ cat /etc/passwd.good; echo 'odd:x:4294967294:2100:odd:/:/bin/sh'; } >/etc/passwd
	assert_ne "$(readlink /proc/self/ns/net)" "$(pam_session su odd readlink /proc/self/ns/net)"
	mv /etc/passwd.good /etc/passwd
	host_clean 5
}

test_t07_a_process_outside_is_told() {
	local outside
	hold_session one alice
	assert_no_match 'process [0-9]+ .*uid 2001' "$(pam-netns check)"
	setpriv --reuid alice --regid lab --init-groups sleep 600 &
	outside=$!
	assert_match "warning: process $outside \(sleep\) of uid 2001" \
		"$(wait_until 5 pgrep -u alice -xf 'sleep 600' && pam-netns check)"
	kill "$outside"
	end_session one
	host_clean 5
}

# Low limits, which a user can give to their su, neither end up on the host nor in a lock that is
# kept. Where the caller itself can do with so little, the helper can: it has its own.
test_t10_limits_of_the_caller() {
	local resource value seen
	for resource in as data stack nofile fsize cpu core locks memlock msgqueue nproc sigpending; do
		for value in 0 1 20; do
			seen=$(prlimit "--$resource=$value:" "$TOOLS/host-session" su alice \
				readlink /proc/self/ns/net 2>/dev/null || :)
			assert_ne "$(readlink /proc/self/ns/net)" "$seen" "$resource $value"
			[[ $resource =~ ^(as|data|stack|nofile|cpu)$ ]] || assert_match '^net:' "$seen" "$resource $value"
			# A lock that is kept would cost bob his deadline.
			su bob -c true || fail "$resource $value: bob was refused"
		done
	done
	pam-netns gc # after callers that the limit of processor time has killed
	host_clean 5
}

# The installed helper, which has another C library than the unit tests, resets what its caller chose.
test_t10_priorities_of_the_caller() {
	local lock login helper
	"$TOOLS/host-lockhold" 2001 "$OUT/held" & # its helper waits for this
	lock=$!
	wait_until 5 test -e "$OUT/held"
	nice -n 19 ionice -c idle taskset -c 0 choom -n 500 -- chrt -i 0 su alice -c true &
	login=$!
	wait_until 5 grep -q -e '->' /proc/locks
	helper=$(pgrep -x pam-netns-helpe)
	assert_match '^ *TS +0$' "$(ps -o cls=,ni= -p "$helper")"
	assert_eq "$(taskset -pc 1 | sed 's/.*: //')" "$(taskset -pc "$helper" | sed 's/.*: //')" 'its CPUs'
	assert_no_match 'idle' "$(ionice -p "$helper")"
	assert_eq 0 "$(<"/proc/$helper/oom_score_adj")" 'its score for the OOM killer'
	kill "$lock"
	wait "$login"
	host_clean 5
}

# 10,000 calls, by argument, environment and number of arguments, of the programs that are or become
# root's (CVE-2017-5985, CVE-2018-6556, CVE-2022-47952, CVE-2026-39402; CVE-2021-4034, CVE-2022-0563,
# CVE-2026-53614).
test_t11_t13_hostile_calls() {
	local as=(setpriv --reuid bob --regid 2002 --clear-groups)
	hold_session one alice
	"${as[@]}" "$TOOLS/host-hostile" "$HOSTILE" "$RANDOM" /usr/libexec/pam-netns/pam-netns-enter \
		'pam-netns-enter: you have no network of your own at present; log in first' \
		'pam-netns-enter: unknown option; try --help'
	"${as[@]}" "$TOOLS/host-hostile" "$((HOSTILE / 4))" "$RANDOM" /usr/libexec/pam-netns/pam-netns-helper \
		"pam-netns-helper is run by pam_netns.so and pam-netns, not by hand.
See pam-netns-helper(8); to manage the set-up use pam-netns."
	end_session one
	host_clean 5
}

# A namespace that a user has made of their own is never taken for theirs, whoever is in it.
test_t12_namespaces_of_a_users_own() {
	local fake
	setpriv --reuid alice --regid lab --init-groups unshare -Urnm sleep 600 &
	fake=$!
	wait_until 5 pgrep -u alice -xf 'sleep 600' # the whole: its callers' lines have it too
	assert_ne "$(readlink "/proc/$fake/ns/net")" "$(netns_of su alice)"
	assert_eq "$(readlink /proc/self/ns/user)" "$(pam_session su alice readlink /proc/self/ns/user)"
	kill "$fake"
	host_clean 5
}

# After the switch of the mount namespace the module opens nothing in it but the working directory,
# and that without following links (CVE-2025-32463, CVE-2026-12505).
test_t15_the_module_opens_nothing_inside() {
	local calls
	calls=$(cd /home && strace -qq -e trace=setns,open,openat,openat2,clone,clone3,vfork,fork \
		"$TOOLS/host-session" su alice true 2>&1 | sed -n '/CLONE_NEWNS/,/clone\|fork/p')
	assert_match 'openat2\(AT_FDCWD, "/home".*RESOLVE_NO_SYMLINKS' "$calls"
	assert_eq '' "$(grep -E '"/?(home/|root|tmp|var/tmp|dev/shm|run/user)' <<<"$calls" || :)"
	assert_eq '' "$(grep -E '\.so|nsswitch|passwd|group' <<<"$calls" || :)" "code or names of the view"
	host_clean 5
}

# Nor does the helper, which goes through the user's view while it makes it.
test_t15_the_helper_opens_nothing_of_the_users() {
	local calls
	calls=$(strace -f -qq -e trace=setns,open,openat,openat2,execve "$TOOLS/host-session" su alice true 2>&1 |
		sed -n '/execve.*pam-netns-helper/,$p')
	assert_match 'CLONE_NEWNS' "$calls"
	assert_eq '' "$(grep -E '"/(home/|root|tmp/|var/tmp/|dev/shm/|run/user/[0-9]*/)' <<<"$calls" || :)"
	assert_eq '' "$(sed -n '/helper/,/execve.*true/p' <<<"$calls" | grep -E 'openat.*(\.so|nsswitch)' | grep -v ENOENT || :)"
	host_clean 5
}

# The working directory is found again by a path that its owner exchanges with a link: it is either
# the same directory or /.
test_t17_the_working_directory_is_flipped() {
	local i inode seen flip
	mkdir -p /home/alice/dir
	ln -sfn /etc /home/alice/link
	chown -h alice /home/alice/dir /home/alice/link
	inode=$(stat -c %i /home/alice/dir)
	cd /home/alice/dir || fail 'no folder'
	"$TOOLS/host-flip" /home/alice/dir /home/alice/link &
	flip=$!
	for ((i = 0; i < 60; i++)); do
		seen=$(pam_session su alice stat -c %i .)
		[[ $seen == "$inode" || $seen == "$(stat -c %i /)" ]] || fail "in inode $seen"
	done
	kill "$flip"
	wait "$flip" || :
	cd /
	host_clean 5
}

# A private directory below one that a user owns, who exchanges it with a link to /etc and back
# (CVE-2025-6020, CVE-2024-22365, CVE-2021-44731, CVE-2025-31133): the login is refused, or what is
# covered is that directory; never /etc, and never on the host.
test_t17_a_private_directory_is_flipped() {
	local i seen flip inside=0
	mkdir -p /srv/shared/dir/job
	mkdir -p /etc/job
	echo etc >/etc/job/of
	echo shared >/srv/shared/dir/job/of
	ln -sfn /etc /srv/shared/link
	chown -hR bob /srv/shared
	sed -i 's|^private = .*|private = /tmp /srv/shared/dir/job|' /etc/security/pam_netns.conf
	"$TOOLS/host-flip" /srv/shared/dir /srv/shared/link &
	flip=$!
	for ((i = 0; i < 60; i++)); do
		seen=$(pam_session su alice sh -c 'cat /etc/job/of || echo covered' 2>/dev/null || echo refused)
		[[ $seen == refused || $seen == etc ]] || fail "/etc/job: $seen"
		[[ $seen == refused ]] || inside=$((inside + 1))
		# Each is to be a first login: only that mounts anything.
		wait_until 5 test ! -e /run/pam-netns/pins/2001
	done
	kill "$flip"
	wait "$flip" || :
	assert_eq '' "$(grep -E ' /(etc|srv/shared)/[^ ]*job ' /proc/self/mountinfo || :)" "mounts on the host"
	cp "$CHECKOUT/conf/pam_netns.conf" /etc/security/pam_netns.conf
	rm -rf /srv/shared /etc/job
	((inside > 0)) || fail 'never let in'
	host_clean 5
}

# What a user could plant in our folders before they are root's alone: nobody gets in, nothing is used.
test_t18_planted_folders() {
	local folder mode
	for folder in /run/pam-netns/users /run/pam-netns/networks /run/pam-netns/closing /run/pam-netns; do
		mode=$(stat -c %a "$folder")
		chown alice "$folder"
		assert_fails su bob -c true
		chown root "$folder"
		chmod 0777 "$folder"
		assert_fails su bob -c true
		chmod "$mode" "$folder"
		su bob -c true
		host_clean 5
	done
}

# Cleaners of temporary files (CVE-2026-3888) take what is kept for a user: that is the user's loss.
test_t18_kept_directories_deleted() {
	su alice -c 'echo kept >/var/tmp/file'
	host_clean 5
	rm -rf /var/lib/pam-netns/private/2001
	assert_eq '' "$(su alice -c 'cat /var/tmp/file 2>/dev/null || :')"
	host_clean 5
	rm -rf /var/lib/pam-netns/private/2002
	mkdir /var/lib/pam-netns/private/2002
	chown bob /var/lib/pam-netns/private/2002
	assert_fails su bob -c true
	rm -r /var/lib/pam-netns/private/2002
	host_clean 5
}

# A uid that is somebody else's now does not inherit what was kept.
test_t18_kept_directories_of_a_reused_uid() {
	su bob -c 'echo secret >/var/tmp/secret'
	host_clean 5
	cp /etc/passwd /etc/passwd.good
	cp /etc/shadow /etc/shadow.good
	sed -i 's/^bob:/robert:/' /etc/passwd /etc/shadow
	assert_fails su robert -c 'cat /var/tmp/secret'
	host_clean 5
	mv /etc/passwd.good /etc/passwd
	mv /etc/shadow.good /etc/shadow
	assert_eq 1 "$(find /var/lib/pam-netns/private -name secret | wc -l)" "copies of what was kept"
}

# Documented: what a user listens on at loopback answers a root program of that session.
test_t28_loopback_of_the_session() {
	local ask='exec 3<>/dev/tcp/127.0.0.1/8281 && cat <&3'
	hold_session one alice
	in_session one "perl -MIO::Socket::INET -e '\$s = IO::Socket::INET->new(Listen => 5,
		LocalAddr => \"127.0.0.1:8281\") or die; exit if fork;
		while (\$c = \$s->accept) { print \$c \"alice\\n\"; close \$c }' >/dev/null 2>&1 </dev/null"
	assert_eq alice "$(pam-netns exec --root alice -- bash -c "$ask")"
	assert_fails bash -c "$ask" 2>/dev/null
	in_session one 'pkill -u alice perl'
	end_session one
	host_clean 5
}

# answer_at PERL-ADDRESS: a program of the host's that says "host" at a unix socket; its pid is in $!.
answer_at() {
	rm -f "$OUT/listens"
	perl -MSocket -e "socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($1)) or die \$!; listen(S, 5);
		open(L, '>', '$OUT/listens'); while (accept(C, S)) { syswrite(C, qq(host\n)); close(C) }" &
	wait_until 5 test -e "$OUT/listens"
}

# asked_at PERL-ADDRESS: what it says to alice.
asked_at() {
	cat >"$OUT/ask.pl" <<-END
		use Socket;
		socket(S, AF_UNIX, SOCK_STREAM, 0);
		connect(S, sockaddr_un($1)) or exit 1;
		print readline(S);
	END
	su "${2:-alice}" -c "perl $OUT/ask.pl"
}

# Documented: unix sockets with a path are files, so the host's answer; a private directory hides
# those in it.
test_t29_sockets_with_a_path_cross() {
	local socket
	su alice -c 'logger -p authpriv.info t29-was-here'
	log_grep t29-was-here >/dev/null
	for socket in /run/t29 /tmp/t29; do
		(umask 0; answer_at "'$socket'"; echo $! >"$OUT/answerer")
		if [[ $socket == /run/* ]]; then
			assert_eq host "$(asked_at "'$socket'")"
		else
			assert_fails asked_at "'$socket'"
		fi
		kill "$(<"$OUT/answerer")"
	done
	host_clean 5
}

# Abstract names belong to the network namespace.
test_t29_abstract_sockets_do_not_cross() {
	answer_at '"\0t29"'
	assert_fails asked_at '"\0t29"'
	assert_eq host "$(asked_at '"\0t29"' root)"
	assert_eq '' "$(su alice -c "awk '\$8 ~ /^@/' /proc/net/unix")"
	kill $!
	host_clean 5
}

# Before each test, whatever became of the one before it.
for name in passwd shadow; do
	[[ ! -e /etc/$name.good ]] || mv "/etc/$name.good" "/etc/$name"
done
conf_reset
