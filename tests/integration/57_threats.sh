# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Threats of SECURITY.md that no other file tests, by their numbers.

HOSTILE=${THREATS_HOSTILE:-2000}

setup() {
	host_pam_install
	su alice -c true
	host_clean 5
}

netns_of() {
	pam_session -u "$@" readlink /proc/self/ns/net
}

# A child of the caller cannot close the parent's session by the handle.
test_t04_child_of_caller_ends_no_session() {
	"$TOOLS/host-forked" alice
	host_clean 5
}

# The name is resolved once, at the open. The close ends that session, whatever the name is then.
test_t05_session_closes_for_the_user_it_opened_for() {
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

test_t05_unknown_changed_user_is_refused() {
	local user
	for user in unknown-user ../alice '#0' ''; do
		printf '%s\n' "session required $TOOLS/pam_rename.so open=$user" \
			'session required pam_netns.so' >/etc/pam.d/renamed
		assert_code 254 pam_session renamed alice true
	done
	host_clean
}

# For the kernel (uid_t)-1 means "unchanged", and 2^32 is 0 (CVE-2019-14287).
test_t05_uids_out_of_range_are_refused() {
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

test_t07_process_outside_is_found_by_check() {
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

# A user can give low limits to their su. The login is isolated or refused, and no lock is kept. If the caller
# itself works with the limit, the helper does too, as it has its own limits.
test_t10_low_limits_of_the_caller_keep_no_lock() {
	local resource value seen
	for resource in as data stack nofile fsize cpu core locks memlock msgqueue nproc sigpending; do
		for value in 0 1 20; do
			seen=$(prlimit "--$resource=$value:" "$TOOLS/host-session" su alice \
				readlink /proc/self/ns/net 2>/dev/null || :)
			[[ $seen != "$(readlink /proc/self/ns/net)" ]] || fail "$resource $value: on the host"
			[[ $resource =~ ^(as|data|stack|nofile|cpu)$ ]] || assert_match '^net:' "$seen" "$resource $value"
			# A kept lock would make bob's login fail at its deadline.
			su bob -c true || fail "$resource $value: bob was refused"
		done
	done
	pam-netns gc # removes what callers left that the limit of CPU time killed
	host_clean 5
}

# The installed helper resets its caller's priorities. It has another C library than in the unit tests.
test_t10_priorities_of_the_caller_are_reset() {
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

# 10,000 calls of the programs that run as root, with hostile arguments and environments (CVE-2017-5985, CVE-2018-6556, CVE-2022-47952, CVE-2026-39402; CVE-2021-4034, CVE-2022-0563,
# CVE-2026-53614).
test_t11_t13_hostile_calls_are_refused() {
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

# A namespace that a user made is never taken for the user's pinned one.
test_t12_namespace_made_by_a_user_is_not_joined() {
	local fake
	setpriv --reuid alice --regid lab --init-groups unshare -Urnm sleep 600 &
	fake=$!
	wait_until 5 pgrep -u alice -xf 'sleep 600' # -x: the callers' command lines contain it too
	assert_ne "$(readlink "/proc/$fake/ns/net")" "$(netns_of su alice)"
	assert_eq "$(readlink /proc/self/ns/user)" "$(pam_session su alice readlink /proc/self/ns/user)"
	kill "$fake"
	host_clean 5
}

# After the switch of the mount namespace the module opens only the working directory, and follows no links
# (CVE-2025-32463, CVE-2026-12505).
test_t15_module_opens_no_file_inside() {
	local calls
	calls=$(cd /home && strace -qq -e trace=setns,open,openat,openat2,clone,clone3,vfork,fork \
		"$TOOLS/host-session" su alice true 2>&1 | sed -n '/CLONE_NEWNS/,/clone\|fork/p')
	assert_match 'openat2\(AT_FDCWD, "/home".*RESOLVE_NO_SYMLINKS' "$calls"
	assert_eq '' "$(grep -E '"/?(home/|root|tmp|var/tmp|dev/shm|run/user)' <<<"$calls" || :)"
	assert_eq '' "$(grep -E '\.so|nsswitch|passwd|group' <<<"$calls" || :)" "code or names of the mount namespace"
	host_clean 5
}

# The helper enters the user's mount namespace while it makes it, and opens no file of the user there.
test_t15_helper_opens_no_file_of_the_user() {
	local calls
	calls=$(strace -f -qq -e trace=setns,open,openat,openat2,execve "$TOOLS/host-session" su alice true 2>&1 |
		sed -n '/execve.*pam-netns-helper/,$p')
	assert_match 'CLONE_NEWNS' "$calls"
	assert_eq '' "$(grep -E '"/(home/|root|tmp/|var/tmp/|dev/shm/|run/user/[0-9]*/)' <<<"$calls" || :)"
	assert_eq '' "$(sed -n '/helper/,/execve.*true/p' <<<"$calls" | grep -E 'openat.*(\.so|nsswitch)' | grep -v ENOENT || :)"
	host_clean 5
}

# The working directory's owner exchanges it with a link. The session is in the same directory or in /.
test_t17_flipped_working_directory_is_not_followed() {
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

# private_directory_flips FOLDER: bob owns the parent of a private directory, and exchanges it with a link to
# /etc and back (CVE-2025-6020, CVE-2024-22365, CVE-2021-44731, CVE-2025-31133). Each login is refused, or
# covers that directory; it never covers /etc, and mounts nothing on the host.
private_directory_flips() {
	local i seen flip inside=0
	mkdir -p "$1/dir/job" /etc/job
	echo etc >/etc/job/of
	ln -sfn /etc "$1/link"
	chown -hR bob "$1"
	conf_set private "/tmp $1/dir/job"
	"$TOOLS/host-flip" "$1/dir" "$1/link" &
	flip=$!
	for ((i = 0; i < 60; i++)); do
		seen=$(pam_session su alice sh -c 'cat /etc/job/of || echo covered' 2>/dev/null || echo refused)
		[[ $seen == refused || $seen == etc ]] || fail "/etc/job: $seen"
		[[ $seen == refused ]] || inside=$((inside + 1))
		# Only a first login mounts directories, so the next must be one.
		[[ $seen == refused ]] || host_clean
	done
	kill "$flip"
	wait "$flip" || :
	assert_eq '' "$(grep -E " (/etc|$1)/[^ ]*job " /proc/self/mountinfo || :)" "mounts on the host"
	conf_reset
	rm -rf "$1" /etc/job
	((inside > 0)) || fail 'each login was refused'
}

test_t17_flipped_private_directory_covers_nothing_else() {
	private_directory_flips /srv/shared
}

test_t17_flipped_persistent_directory_covers_nothing_else() {
	private_directory_flips /var/shared
}

# While users can write to one of our folders, all logins are refused.
test_t18_writable_folders_refuse_logins() {
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

# A cleaner of temporary files (CVE-2026-3888) removes persistent directories: only their user loses data.
test_t18_removed_persistent_directory_is_made_anew() {
	su alice -c 'echo kept >/var/tmp/file'
	host_clean 5
	rm -rf /var/lib/pam-netns/private/2001
	assert_eq end "$(su alice -c 'cat /var/tmp/file 2>/dev/null; echo end')"
	host_clean 5
	rm -rf /var/lib/pam-netns/private/2002
	mkdir /var/lib/pam-netns/private/2002
	chown bob /var/lib/pam-netns/private/2002
	assert_fails su bob -c true
	rm -r /var/lib/pam-netns/private/2002
	host_clean 5
}

# A uid with another user name does not get the old user's persistent directories.
test_t18_persistent_directory_of_reused_uid_is_set_aside() {
	su bob -c 'echo secret >/var/tmp/secret'
	host_clean 5
	cp /etc/passwd /etc/passwd.good
	cp /etc/shadow /etc/shadow.good
	sed -i 's/^bob:/robert:/' /etc/passwd /etc/shadow
	assert_eq 0 "$(su robert -c 'ls -A /var/tmp | wc -l')" 'files'
	host_clean 5
	mv /etc/passwd.good /etc/passwd
	mv /etc/shadow.good /etc/shadow
	assert_eq 1 "$(find /var/lib/pam-netns/private -name secret | wc -l)" "copies of the secret"
}

# Documented: a user's server on the session's loopback answers root's programs of that session.
test_t28_loopback_of_the_session_is_the_users() {
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

# answer_at PERL-ADDRESS: a program of the host that answers "host" at a unix socket; its pid is in $!.
answer_at() {
	rm -f "$OUT/listens"
	perl -MSocket -e "socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($1)) or die \$!; listen(S, 5);
		open(L, '>', '$OUT/listens'); while (accept(C, S)) { syswrite(C, qq(host\n)); close(C) }" &
	wait_until 5 test -e "$OUT/listens"
}

# asked_at PERL-ADDRESS [USER]: prints its answer to alice or that user.
asked_at() {
	cat >"$OUT/ask.pl" <<-END
		use Socket;
		socket(S, AF_UNIX, SOCK_STREAM, 0);
		connect(S, sockaddr_un($1)) or exit 1;
		print readline(S);
	END
	su "${2:-alice}" -c "perl $OUT/ask.pl"
}

# Documented: unix sockets with a path are files, so a socket of the host answers. A private directory hides
# its sockets.
test_t29_unix_sockets_with_a_path_are_shared() {
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
test_t29_abstract_unix_sockets_are_separate() {
	answer_at '"\0t29"'
	assert_fails asked_at '"\0t29"'
	assert_eq host "$(asked_at '"\0t29"' root)"
	# The list's first line shows that alice has logged in.
	assert_eq Num "$(su alice -c "awk 'NR == 1 || \$8 ~ /^@/ { print \$1 }' /proc/net/unix")"
	kill $!
	host_clean 5
}

# Before each test, even if the one before it failed.
for name in passwd shadow; do
	[[ ! -e /etc/$name.good ]] || mv "/etc/$name.good" "/etc/$name"
done
conf_reset
