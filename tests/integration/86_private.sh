# shellcheck shell=bash
# shellcheck disable=SC2016,SC2086 # $ in users' commands; lists of directories
# Private directories: their share of memory, the mount options that they copy from the host, and mounts of
# users.

setup() {
	host_pam_install
	users_add crowd 50000 7
}

# size_of USER: prints the size of the user's private directories in memory, in KiB, in a new session.
size_of() {
	su "$1" -c 'df -k --output=size /tmp | tail -n 1'
}

memory() {
	awk '/^MemTotal:/ { print $2 }' /proc/meminfo
}

# files_made COUNT DIRECTORY: prints how many files alice can make, and the error.
files_made() {
	su alice -c "perl -e 'for (\$i = 0; \$i < $1; \$i++) { open(F, \">\", \"$2/\$i\") or last; close(F) }
		print \"\$i \", \$!{ENOSPC} ? \"ENOSPC\" : \$! + 0'"
}

test_t34_empty_files_are_limited() {
	conf_set private_size 16M
	assert_match '^40[0-9][0-9] ENOSPC$' "$(files_made 600000 /tmp)"
	host_clean
	assert_match '^40[0-9][0-9] ENOSPC$' "$(files_made 600000 /dev/shm)"
	host_clean
}

# Small files fill the space before the inodes end, and the smallest size has inodes too.
test_t34_inodes_suffice_for_small_files() {
	conf_set private_size 16M
	cat >"$OUT/fill.pl" <<-'END'
		for ($i = 0; $i < 600000; $i++) {
			open(F, ">", "/tmp/$i") && syswrite(F, "x") or last;
			close(F);
		}
		print "$i ", $!{ENOSPC} ? "ENOSPC " : $! + 0, `df --output=pcent /tmp | tail -n 1 | tr -d " "`;
	END
	assert_match '^40[0-9][0-9] ENOSPC (99|100)%$' "$(su alice -c "perl $OUT/fill.pl")"
	host_clean
	conf_set private_size 64K
	assert_match '^10[0-9][0-9] ENOSPC$' "$(files_made 5000 /tmp)"
	host_clean
}

test_t34_all_directories_share_one_size() {
	conf_set private_size 8M
	su alice -c 'head -c 6M /dev/zero >/tmp/file && ! head -c 6M /dev/zero >/dev/shm/file 2>/dev/null &&
		test "$(stat -c %s /dev/shm/file)" -le 2097152 && rm /tmp/file && head -c 6M /dev/zero >/dev/shm/file'
	host_clean
	conf_set private_size 5%
	local size
	size=$(size_of alice)
	((size > $(memory) * 49 / 1000 && size < $(memory) * 51 / 1000)) || fail "$size KiB of $(memory)"
	host_clean
}

# The first user gets 8 % of memory, the second half of that, so n users get 1 + ln(n) times as much.
test_t34_users_together_leave_memory() {
	local i all=0 size
	for ((i = 1; i <= 7; i++)); do
		hold_user "crowd$i"
		size=$(<"$OUT/size.crowd$i")
		assert_match '^[0-9]+$' "$size"
		((size >= $(memory) * 79 / 1000 / i && size <= $(memory) * 81 / 1000 / i)) ||
			fail "user $i: $size KiB of $(memory)"
		all=$((all + size))
	done
	((all < $(memory) * 22 / 100)) || fail "7 users: $all KiB of $(memory)"
	# A user who logs in again is the seventh.
	leave_user crowd1
	wait_until 15 test ! -e /run/pam-netns/pins/50000
	hold_user crowd1
	size=$(<"$OUT/size.crowd1")
	((size <= $(memory) * 81 / 7000)) || fail "second login: $size KiB of $(memory)"
	for ((i = 1; i <= 7; i++)); do leave_user "crowd$i"; done
	host_clean
}

hold_user() {
	rm -f "$OUT/size.$1" "$OUT/stop.$1"
	mkfifo "$OUT/stop.$1"
	chmod 0666 "$OUT/stop.$1"
	su "$1" -c "df -k --output=size /dev/shm | tail -n 1 | tr -d ' ' >$OUT/size.$1; read -r line <$OUT/stop.$1" &
	wait_until 15 test -s "$OUT/size.$1"
}

leave_user() {
	echo >"$OUT/stop.$1"
}

# The tmpfs behind the directories is root's, and gives its user no second way to them.
test_private_directories_share_one_tmpfs() {
	local mounts
	mounts=$(su alice -c 'cat /proc/self/mountinfo')
	assert_eq '/dev/shm /run/pam-netns/pins /tmp' \
		"$(awk '/ - tmpfs pam_netns / { print $5 }' <<<"$mounts" | sort | paste -sd ' ')"
	assert_eq 1 "$(awk '/ - tmpfs pam_netns / { print $3 }' <<<"$mounts" | sort -u | wc -l)" 'devices'
	assert_fails su alice -c 'ls /run/pam-netns/pins' 2>/dev/null
	assert_fails su alice -c 'unshare -Urm ls /run/pam-netns/pins/0' 2>/dev/null
	assert_fails su alice -c 'unshare -Urm mount --bind /run/pam-netns/pins/0 /mnt' 2>/dev/null
	assert_eq end "$(su alice -c 'ls -A /tmp /dev/shm | grep -v ":$" | tr -d "\n"; echo end')"
	assert_fails su alice -c 'ln /etc/hostname /tmp/x || { echo >/tmp/y && ln /tmp/y /dev/shm/y; }' 2>/dev/null
	host_clean
}

# A user's own namespaces, where they are root, do not show the host's directories below, and cannot change
# the size.
test_private_directories_cannot_be_uncovered() {
	local try
	touch /tmp/of-the-host
	for try in 'umount /tmp' 'umount -l /tmp' 'mount --make-private /tmp && umount /tmp' 'mount --bind / /mnt' \
		'mount -o remount,size=2G /tmp' 'mount -o remount,bind,suid,dev /tmp' 'mount --move /tmp /mnt'; do
		assert_match 'refused [0-9]+$' "$(su alice -c "unshare -Urm sh -c '($try) 2>/dev/null || echo refused \$?'")" "$try"
		assert_eq end "$(su alice -c "unshare -Urm sh -c '($try) 2>/dev/null; ls -d /tmp/of-the-host /mnt/tmp/of-the-host 2>/dev/null; echo end'")" "$try"
	done
	rm /tmp/of-the-host
	host_clean
}

# Owner, group and mode are those of the host's directory, with set-group-id.
test_private_directory_has_owner_and_mode_of_the_hosts() {
	mkdir -p /srv/scratch
	chown bob:lab /srv/scratch
	chmod 2770 /srv/scratch
	conf_set private '/tmp /srv/scratch'
	assert_eq 'bob:lab 2770' "$(su alice -c 'stat -c "%U:%G %a" /srv/scratch && touch /srv/scratch/file')"
	host_clean
	assert_eq '' "$(ls -A /srv/scratch)"
	rmdir /srv/scratch
}

test_user_without_directories_in_memory_has_no_tmpfs() {
	conf_set private /var/tmp
	su alice -c 'cp /etc/hostname /var/tmp/kept'
	assert_eq end "$(su alice -c 'grep " - tmpfs pam_netns " /proc/self/mountinfo; echo end')"
	host_clean
}

# runs_in DIRECTORY…: prints those from which alice can run a program, in a first login.
runs_in() {
	{ su alice -c 'for dir; do cp /bin/true "$dir/run" && "$dir/run" 2>/dev/null && echo "$dir"; done; :' - "$@" ||
		echo 'no login'; } | paste -sd ' '
	host_clean
}

# hardened OPTION: mounts /tmp, /var/tmp and /dev/shm with it on the host.
hardened() {
	local dir
	for dir in /tmp /var/tmp; do
		mountpoint -q $dir || mount -t tmpfs -o mode=1777 hard $dir
	done
	for dir in /tmp /var/tmp /dev/shm; do
		mount -o "remount,bind,nosuid,nodev,$1" $dir
	done
}

test_t41_noexec_of_the_host_is_kept() {
	local all='/tmp /var/tmp /dev/shm' dir
	assert_eq "$all" "$(runs_in $all)"
	hardened noexec
	assert_eq '' "$(runs_in $all)" "the host changed it after the template was made"
	for dir in $all; do
		assert_match '(^|,)nosuid,nodev,noexec(,|$)' \
			"$(su alice -c "findmnt -n -o VFS-OPTIONS --mountpoint $dir")" $dir
	done
	host_clean
	pam-netns down
	assert_eq '' "$(runs_in $all)" "a new template"
	mount -o remount,bind,nosuid,nodev,exec /var/tmp
	assert_eq /var/tmp "$(runs_in $all)" "one directory of three"
	hardened exec
	assert_eq "$all" "$(runs_in $all)" "the host allows it again"
}

# noexec is locked in user namespaces that a user makes.
test_t41_noexec_is_locked_for_users() {
	hardened noexec
	assert_eq 'cannot remount, cannot run' "$(su alice -c 'cp /bin/true /tmp/run && unshare -Urm sh -c "
		mount -o remount,bind,exec /tmp 2>/dev/null || printf \"cannot remount, \"
		/tmp/run 2>/dev/null || echo cannot run"')"
	hardened exec
	host_clean
}

test_t41_private_exec_decides_on_noexec() {
	local all='/tmp /var/tmp /dev/shm'
	conf_set private_exec no
	assert_eq '' "$(runs_in $all)"
	conf_set private_exec yes
	hardened noexec
	assert_eq "$all" "$(runs_in $all)"
	hardened exec
}

# Persistent directories are below /var/lib, which may be noexec itself.
test_t41_noexec_of_persistent_directories_is_kept() {
	mount --bind /var/lib/pam-netns /var/lib/pam-netns
	mount -o remount,bind,noexec /var/lib/pam-netns
	assert_eq '/tmp' "$(runs_in /tmp /var/tmp)"
	conf_set private_exec yes
	assert_eq '/tmp /var/tmp' "$(runs_in /tmp /var/tmp)"
	umount /var/lib/pam-netns
}

# --- propagation ---

# group_of NAME PATH: prints the peer group and the master of a mount in a held session.
group_of() {
	in_session "$1" 'cat /proc/self/mountinfo' |
		awk -v path="$2" '$5 == path { for (i = 7; $i != "-"; i++) printf "%s ", $i; print "" }' | tail -n 1
}

# groups_common FILE…: prints peer groups that are in more than one of the files.
groups_common() {
	grep -o 'shared:[0-9]*' "$@" | sort -u | cut -d: -f2- | sort | uniq -d
}

# "/" is shared, as rootless podman needs it, but neither with another user nor with the host.
test_mounts_are_shared_within_a_users_namespace_only() {
	local name
	assert_match 'shared:' "$(grep ' / / ' /proc/self/mountinfo)" 'the host'
	hold_session alice alice
	hold_session bob bob
	for name in alice bob; do
		assert_match '^shared:[0-9]+ master:[0-9]+ $' "$(group_of $name /)" "$name: /"
		for dir in /tmp /dev/shm /sys; do
			assert_match '^shared:[0-9]+ $' "$(group_of $name $dir)" "$name: $dir"
		done
		in_session $name 'cat /proc/self/mountinfo' >"$OUT/mounts.$name"
	done
	cp /proc/self/mountinfo "$OUT/mounts.host"
	for name in /run/pam-netns/pins/template.*; do
		nsenter --mount="$name" cat /proc/self/mountinfo >"$OUT/mounts.template"
		assert_eq '' "$(grep 'shared:' "$OUT/mounts.template" || :)" "$name"
	done
	assert_eq '' "$(groups_common "$OUT"/mounts.*)" 'peer groups of two users'
	end_session alice
	end_session bob
	host_clean
}

# Root mounts a file system in alice's namespace. Namespaces that alice makes get it; host, template and bob
# do not.
test_mounts_of_a_user_reach_no_other_namespace() {
	local seen
	hold_session alice alice
	hold_session bob bob
	mkdir -p /srv/mark
	in_session alice "unshare -Urm --propagation unchanged sh -c 'echo \$\$ >$OUT/inner.pid; exec sleep 1000' >/dev/null 2>&1 & :"
	wait_until 5 test -s "$OUT/inner.pid"
	nsenter --mount="/proc/$(hold_pid alice)/ns/mnt" mount -t tmpfs inside /srv/mark
	in_session alice 'cat /proc/self/mountinfo' >"$OUT/seen"
	assert_match ' - tmpfs inside ' "$(<"$OUT/seen")"
	seen=$(cat /proc/self/mountinfo; in_session bob 'cat /proc/self/mountinfo'
		for name in /run/pam-netns/pins/template.*; do nsenter --mount="$name" cat /proc/self/mountinfo; done
		su carol -c 'cat /proc/self/mountinfo')
	assert_no_match ' - tmpfs inside ' "$seen"
	assert_match ' - tmpfs inside ' "$(cat "/proc/$(<"$OUT/inner.pid")/mountinfo")" 'a namespace that alice made'
	# A mount in the namespace that alice made does not reach her session.
	nsenter --mount="/proc/$(<"$OUT/inner.pid")/ns/mnt" mount -t tmpfs inner /srv/mark
	assert_no_match ' - tmpfs inner ' "$(in_session alice 'cat /proc/self/mountinfo')"
	in_session alice 'unshare -Urm --propagation shared sh -c "mount -t tmpfs shared /srv/mark"'
	assert_no_match ' - tmpfs shared ' "$(in_session alice 'cat /proc/self/mountinfo'; cat /proc/self/mountinfo)"
	# Mounts of the host still arrive in both.
	mount -t tmpfs later /srv/mark
	assert_match ' - tmpfs later ' "$(in_session alice 'cat /proc/self/mountinfo')"
	assert_match ' - tmpfs later ' "$(cat "/proc/$(<"$OUT/inner.pid")/mountinfo")"
	umount /srv/mark
	assert_no_match ' - tmpfs later ' "$(in_session alice 'cat /proc/self/mountinfo')"
	kill "$(<"$OUT/inner.pid")"
	end_session alice
	end_session bob
	host_clean
	rmdir /srv/mark
}

conf_reset
