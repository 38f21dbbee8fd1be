# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# bind: files and directories that users find at another place.

setup() {
	host_pam_install
	mkdir -p /srv/groups/lab /srv/groups/bob /srv/groups/none /srv/at /data
	echo 'of lab' >/srv/groups/lab/file
	echo "of bob" >/srv/groups/bob/file
	echo one >/srv/one.txt
	echo two >/srv/two.txt
	chmod -R a+rwX /srv/groups /srv/one.txt
}

# bind_set WORD…
bind_set() {
	conf_reset
	conf_set bind "$*"
}

test_each_way_of_login_finds_the_source() {
	local command='cat /srv/at/file /srv/two.txt | paste -sd " "'
	bind_set /srv/groups/%g:/srv/at /srv/one.txt:/srv/two.txt
	assert_each_way 'of lab one' alice "$command"
	assert_eq 'of bob one' "$(ssh_as bob -- "$command")" bob
	host_clean
	assert_eq two "$(cat /srv/two.txt)" 'on the host'
	[[ ! -e /srv/at/file ]]
}

test_names_of_the_user_are_put_in() {
	mkdir -p /data/alice /data/2001 /data/lab+x
	bind_set /data/%u:/srv/at /data/%U:/mnt /data/%g+x:/opt
	ssh_as alice -- true
	assert_eq "$(stat -c %i /data/alice /data/2001 /data/lab+x | paste -sd ' ')" \
		"$(ssh_as alice -- 'stat -c %i /srv/at /mnt /opt | paste -sd " "')"
	assert_match 'bind +/srv/at shows what the host has in /data/alice' "$(pam-netns explain alice)"
	host_clean
}

test_read_only_binds_cannot_be_changed() {
	bind_set /srv/groups/lab:/srv/at:ro /srv/one.txt:/srv/two.txt:ro
	assert_fails ssh_as alice -- touch /srv/at/new
	assert_fails ssh_as alice -- 'echo x >/srv/two.txt'
	assert_fails ssh_as alice -- 'unshare -Urm sh -c "mount -o remount,bind,rw /srv/at; touch /srv/at/new"'
	assert_fails ssh_as alice -- 'unshare -Urm umount /srv/at'
	ssh_as alice -- 'touch /srv/groups/lab/new'
	host_clean
	bind_set /srv/groups/lab:/srv/at
	ssh_as alice -- 'touch /srv/at/new && rm /srv/groups/lab/new'
	host_clean
}

# A mount that is on the host's path is shown with it.
test_mounts_below_the_source_come_along() {
	mkdir -p /srv/groups/lab/mount
	mount -t tmpfs -o mode=1777 below /srv/groups/lab/mount
	touch /srv/groups/lab/mount/file
	bind_set /srv/groups/lab:/srv/at:ro
	ssh_as alice -- 'test -e /srv/at/mount/file && ! touch /srv/at/mount/new 2>/dev/null'
	host_clean
	umount /srv/groups/lab/mount
	rmdir /srv/groups/lab/mount
}

test_only_the_own_groups_directory_is_visible() {
	bind_set /srv/groups/%g
	conf_set hide /srv/groups
	assert_eq 'lab of lab' "$(ssh_as alice -- 'echo $(ls /srv/groups) $(cat /srv/groups/*/file)')"
	assert_eq 'bob of bob' "$(ssh_as bob -- 'echo $(ls /srv/groups) $(cat /srv/groups/*/file)')"
	ssh_as alice -- 'touch /srv/groups/lab/new && rm /srv/groups/lab/new && ! touch /srv/groups/new 2>/dev/null'
	assert_no_match '/srv/groups' "$(pam-netns check || :)"
	host_clean
	# A file, and below a read-only directory.
	bind_set /srv/one.txt:/srv/groups/deep/one.txt /srv/groups/lab:/srv/at
	conf_set hide /srv/groups
	conf_set read_only /srv/at
	assert_fails pam-netns check >/dev/null # the target is a path of read_only
	conf_set read_only none
	assert_eq one "$(ssh_as alice -- cat /srv/groups/deep/one.txt)"
	host_clean
}

# LXCFS: ordinary files stand in for its.
test_lxcfs_files_are_shown_in_proc() {
	mkdir -p /var/lib/lxcfs/proc
	printf 'processor\t: 0\n' >/var/lib/lxcfs/proc/cpuinfo
	echo 'MemTotal: 4 kB' >/var/lib/lxcfs/proc/meminfo
	bind_set '?/var/lib/lxcfs/proc/cpuinfo:/proc/cpuinfo:ro ?/var/lib/lxcfs/proc/meminfo:/proc/meminfo:ro' \
		'?/var/lib/lxcfs/proc/absent:/proc/stat:ro'
	for processes in all own; do
		conf_set processes $processes
		assert_eq $'processor\t: 0\nMemTotal: 4 kB' "$(ssh_as alice -- cat /proc/cpuinfo /proc/meminfo)" "$processes"
		ssh_as alice -- grep -q ^btime /proc/stat
		host_clean
	done
	[[ $(wc -l </proc/cpuinfo) -gt 1 ]]
	rm -r /var/lib/lxcfs
	ssh_as alice -- grep -q MHz /proc/cpuinfo
	host_clean
}

# refused_with REGEX WORD…: the login is refused with that line, and check tells CHECKED.
refused_with() {
	local line=$1
	shift
	bind_set "$@"
	assert_fails ssh_as alice -- true
	log_grep "$line"
	assert_match "$CHECKED" "$(pam-netns check || :)" 'pam-netns check'
	host_clean
}

# told_once REGEX: the log has that line of the helper's, and no other cause.
told_once() {
	log_grep "$1" >/dev/null
	assert_eq 1 "$(log_lines | grep -cE -- "$1")" "$1"
	assert_no_log 'on any CPU'
}

test_missing_paths_refuse_logins_and_check() {
	CHECKED='bind of \[profile default\] names /srv/absent, which does not exist, so its logins are refused: correct the path, or write \? before it if it may be missing'
	refused_with 'bind /srv/absent on /srv/at: the source does not exist; correct the path' /srv/absent:/srv/at
	CHECKED='names /srv/absent, which does not exist'
	refused_with 'bind /srv/groups on /srv/absent: the target does not exist; correct the path' /srv/groups:/srv/absent
	CHECKED='names /srv/one.txt, which is no directory, and its source is one'
	refused_with 'bind /srv/groups on /srv/one.txt: one is a directory, the other is not' /srv/groups:/srv/one.txt
	bind_set '?/srv/absent:/srv/at' '?/srv/groups:/srv/absent' "/srv/groups/%g:/mnt"
	assert_eq 'of lab' "$(ssh_as alice -- 'cat /mnt/file; ls /srv/at')"
	assert_no_match 'bind of' "$(pam-netns check || :)"
	host_clean
}

# The path of bob's group exists, alice's does not: only the login can know.
test_missing_path_of_one_user_refuses_only_that_user() {
	mkdir -p /data/only/bob
	bind_set /data/only/%u:/srv/at
	assert_fails ssh_as alice -- true
	log_grep 'cannot bind /data/only/alice on /srv/at: the source does not exist'
	ssh_as bob -- true
	assert_no_match 'bind of' "$(pam-netns check || :)"
	host_clean
}

test_name_that_is_no_part_of_a_path_refuses_only_that_user() {
	echo '..:x:4001:' >>/etc/group
	usermod -g 4001 alice
	bind_set /srv/groups/%g:/srv/at
	assert_fails ssh_as alice -- true
	told_once 'cannot bind /srv/groups/%g:/srv/at: the name of alice, or of group \.\., is no part of a path'
	ssh_as bob -- true
	host_clean
	usermod -g lab alice
	sed -i '/^\.\.:/d' /etc/group
}

# The conf file cannot tell that one is below the other.
test_t49_source_with_a_hidden_path_behind_a_link_refuses_logins() {
	ln -s /srv /data/alias
	bind_set /data/alias:/mnt
	conf_set hide /srv/groups/bob
	assert_fails ssh_as alice -- cat /mnt/groups/bob/file
	told_once 'cannot hide /srv/groups/bob: bind shows it below /mnt, because /srv contains it; name a part of /srv'
	host_clean
	bind_set /srv:/mnt
	ln -s /srv/groups /data/groups
	conf_set hide /data/groups/bob
	assert_fails ssh_as alice -- cat /mnt/groups/bob/file
	host_clean
	rm /data/alias /data/groups
}

test_t17_links_of_users_refuse_logins() {
	mkdir -p /srv/bobs/dir
	ln -sfn /etc /srv/bobs/link
	chown -hR bob /srv/bobs
	CHECKED='names /srv/bobs/link, which leads over a symbolic link that is not root.s, so its logins are refused: write the path without such links'
	refused_with "the source leads over a symbolic link that is not root's" /srv/bobs/link:/srv/at
	refused_with "the target leads over a symbolic link that is not root's" /srv/groups:/srv/bobs/link
	rm -r /srv/bobs
}

# bob owns the parent, and exchanges the folder with a link to /etc and back.
test_t17_flipped_folders_are_not_followed() {
	local i seen flip
	mkdir -p /srv/bobs/dir/job /etc/job
	echo etc >/etc/job/of
	ln -sfn /etc /srv/bobs/link
	chown -hR bob /srv/bobs
	bind_set /srv/bobs/dir/job:/srv/at /srv/groups:/srv/bobs/dir/job
	"$TOOLS/host-flip" /srv/bobs/dir /srv/bobs/link &
	flip=$!
	for ((i = 0; i < 40; i++)); do
		seen=$(pam_session su alice sh -c 'cat /etc/job/of; cat /srv/at/of 2>/dev/null || :' 2>/dev/null || echo refused)
		[[ $seen == refused || $seen == etc ]] || fail "/etc/job: $seen"
		[[ $seen == refused ]] || host_clean
	done
	kill "$flip"
	wait "$flip" || :
	host_clean
	rm -r /srv/bobs /etc/job
}

test_active_user_keeps_binds() {
	bind_set /srv/one.txt:/srv/two.txt
	hold_session one alice
	bind_set none
	pam-netns gc
	assert_eq one "$(ssh_as alice -- cat /srv/two.txt)" 'a further login'
	assert_eq one "$(pam-netns exec alice -- cat /srv/two.txt)" exec
	assert_eq one "$(as alice /usr/libexec/pam-netns/pam-netns-enter cat /srv/two.txt)" enter
	end_session one
	host_clean
	assert_eq two "$(ssh_as alice -- cat /srv/two.txt)" 'the next first login'
	host_clean
}
