# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# read_only: paths that users cannot change.

setup() {
	host_pam_install
	mkdir -p /srv/fixed/deep /srv/fixed/private
	echo fixed | tee /srv/fixed/file >/srv/fixed/deep/file
	echo fixed >/srv/fixed.txt
	chmod -R a+rwX /srv/fixed /srv/fixed.txt
	read_only_set /srv/fixed /srv/fixed.txt
}

# read_only_set PATH…
read_only_set() {
	conf_reset
	conf_set read_only "$*"
}

# CHANGES: a shell command that prints what it could change.
CHANGES='for c in "touch /srv/fixed/new" "sh -c \"echo x >>/srv/fixed/file\"" "sh -c \"echo x >>/srv/fixed.txt\"" "rm /srv/fixed/deep/file"; do
	eval "$c" 2>/dev/null && echo "$c"; done; cat /srv/fixed/file /srv/fixed/deep/file /srv/fixed.txt | paste -sd " "'

test_each_way_of_login_finds_paths_read_only() {
	assert_each_way 'fixed fixed fixed' alice "$CHANGES"
	host_clean
	as alice touch /srv/fixed/file /srv/fixed.txt
}

test_root_in_a_session_cannot_change_them() {
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/fixed
	assert_fails ssh_as alice -- sudo touch /srv/fixed/new
	rm /etc/sudoers.d/fixed
	host_clean
}

# Private directories below are the user's own, and stay writable.
test_private_directories_below_stay_writable() {
	read_only_set /srv/fixed
	conf_set private /srv/fixed/private
	ssh_as alice -- 'touch /srv/fixed/private/mine && ! touch /srv/fixed/new 2>/dev/null'
	host_clean
	conf_set private '/tmp /var/tmp /dev/shm'
}

test_own_home_below_is_read_only() {
	read_only_set /home
	assert_fails ssh_as alice -- touch mine
	conf_set hide '/home/bob'
	assert_fails ssh_as alice -- touch mine
	host_clean
}

test_etc_can_be_read_only() {
	read_only_set /etc /usr
	assert_eq "eth0 lo /home/alice" "$(ssh_as alice -- 'echo $(ls /sys/class/net) $(pwd)')"
	ssh_as alice -- "grep -q nameserver /etc/resolv.conf && ! touch /etc/new 2>/dev/null"
	host_clean
}

test_t47_user_namespace_makes_nothing_writable() {
	local command
	read_only_set /srv/fixed /srv/fixed.txt
	hold_session one alice
	in_session one 'mkdir -p ~/at ~/up ~/work'
	for command in 'mount -o remount,rw /srv/fixed' 'mount -o remount,bind,rw /srv/fixed' 'umount /srv/fixed' \
		'umount -l /srv/fixed.txt' 'mount --bind /srv/fixed ~/at && mount -o remount,bind,rw ~/at && touch ~/at/new' \
		'mount --bind / ~/at && touch ~/at/srv/fixed/new' 'mount --rbind / ~/at && touch ~/at/srv/fixed/new' \
		'mount --bind /srv ~/at && touch ~/at/fixed/new'; do
		assert_match '^refused fixed fixed fixed$' "$(in_session one "unshare -Urm sh -c '{ $command; } 2>/dev/null || printf \"refused \"'; $CHANGES")" "$command"
	done
	end_session one
	rm -r /home/alice/{at,up,work}
	host_clean
	[[ ! -e /srv/fixed/new ]]
}

# The host's later mounts would be writable.
test_t47_later_mounts_of_the_host_do_not_appear() {
	hold_session one alice
	mount -t tmpfs -o mode=1777 later /srv/fixed/deep
	assert_eq 'fixed fixed fixed' "$(in_session one "$CHANGES")"
	assert_fails in_session one 'touch /srv/fixed/deep/new 2>/dev/null'
	umount /srv/fixed/deep
	assert_eq 'fixed fixed fixed' "$(in_session one "$CHANGES")"
	end_session one
	host_clean
}

# The host has the path read-only, and not what is mounted below it.
test_t47_writable_mount_below_a_read_only_one_is_read_only() {
	mount --bind -o ro /srv/fixed /srv/fixed
	mount -t tmpfs -o mode=1777 below /srv/fixed/deep
	read_only_set /srv/fixed /srv/fixed.txt
	hold_session one alice
	assert_fails in_session one 'touch /srv/fixed/deep/new 2>/dev/null'
	pam-netns gc
	assert_fails in_session one 'touch /srv/fixed/deep/new 2>/dev/null'
	assert_eq 2 "$(in_session one 'grep -c " /srv/fixed " /proc/self/mountinfo')"
	end_session one
	umount -R /srv/fixed
	host_clean
}

test_t49_replaced_paths_are_read_only_again() {
	hold_session one alice
	echo fixed >/srv/new.txt
	chmod 666 /srv/new.txt
	mv /srv/new.txt /srv/fixed.txt
	pam-netns gc
	assert_eq 'fixed fixed fixed' "$(in_session one "$CHANGES")"
	assert_eq 'fixed fixed fixed' "$(ssh_as alice -- "$CHANGES")"
	assert_eq 1 "$(in_session one 'grep -c " /srv/fixed " /proc/self/mountinfo')"
	end_session one
	host_clean
}

test_missing_path_refuses_login_and_check() {
	read_only_set /srv/absent
	assert_fails ssh_as alice -- true
	log_grep 'cannot make /srv/absent read-only: it does not exist; correct the path, or write \? before it'
	assert_match 'read_only of \[profile default\] names /srv/absent, which does not exist' "$(pam-netns check || :)"
	host_clean
	read_only_set '?/srv/absent'
	ssh_as alice -- true
	host_clean
}

test_changed_value_counts_at_next_first_login() {
	read_only_set /srv/fixed.txt
	hold_session one alice
	read_only_set none
	assert_fails ssh_as alice -- 'echo x >>/srv/fixed.txt'
	end_session one
	host_clean
	ssh_as alice -- 'echo fixed >/srv/fixed.txt'
	host_clean
}
