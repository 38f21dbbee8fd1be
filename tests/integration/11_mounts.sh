# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The mount namespace of a login: private directories, /sys, mounts of the host and of users, /run/user.

setup() {
	host_pam_install
}

test_private_directories_have_the_hosts_modes() {
	local dir
	for dir in /tmp /var/tmp /dev/shm; do
		assert_eq "$(stat -c '%a %U %G' $dir)" "$(ssh_as alice -- stat -c "'%a %U %G'" $dir)" $dir
	done
	assert_eq 1777 "$(ssh_as alice -- stat -c %a /tmp)"
	ssh_as alice -- 'cp /bin/true /tmp/x && /tmp/x && cp /bin/true /dev/shm/x && /dev/shm/x'
	for dir in /tmp /var/tmp /dev/shm; do
		assert_match '(^|,)nosuid,nodev(,|$)' "$(ssh_as alice -- findmnt -n -o VFS-OPTIONS --mountpoint $dir)" $dir
	done
}

test_private_directories_are_hidden_from_others() {
	local dir
	hold_session alice alice
	hold_session bob bob
	for dir in /tmp /var/tmp /dev/shm; do
		in_session alice "echo mine >$dir/file"
		assert_code 1 in_session bob "test -e $dir/file"
		[[ ! -e $dir/file ]] || fail "alice's $dir/file is on the host"
		echo host >"$dir/host-file"
		assert_code 1 in_session alice "test -e $dir/host-file"
		assert_eq mine "$(ssh_as alice -- cat $dir/file)" 'the second session'
		rm "$dir/host-file"
	done
	end_session alice
	end_session bob
	host_clean
}

test_var_tmp_is_persistent_and_tmp_is_not() {
	ssh_as alice -- 'for dir in /tmp /var/tmp /dev/shm; do echo kept >$dir/kept; done'
	host_clean
	assert_eq /var/tmp/kept "$(ssh_as alice -- 'ls /tmp/kept /var/tmp/kept /dev/shm/kept 2>/dev/null || :')"
	assert_fails ssh_as bob -- test -e /var/tmp/kept
	host_clean
}

test_private_directories_have_a_share_of_memory() {
	local memory tmpfs
	host_clean
	memory=$(awk '/MemTotal/ { print $2 }' /proc/meminfo)
	tmpfs=$(ssh_as alice -- df -k --output=size /tmp | tail -n 1)
	[[ $tmpfs -gt $((memory * 79 / 1000)) && $tmpfs -lt $((memory * 81 / 1000)) ]] || fail "$tmpfs KiB of $memory"
}

test_sys_shows_links_of_the_own_network() {
	assert_eq 'eth0 lo' "$(ssh_as alice -- ls /sys/class/net | paste -sd ' ')"
	assert_eq cgroup2fs "$(ssh_as alice -- stat -f -c %T /sys/fs/cgroup)"
	assert_eq "$(stat -c %i /sys/fs/cgroup)" "$(ssh_as alice -- stat -c %i /sys/fs/cgroup)"
	[[ -e /sys/class/net/uplink0 ]]
	assert_fails ssh_as alice -- sh -c ': >/sys/kernel/uevent_helper'
}

test_mounts_of_others_are_hidden() {
	local before
	hold_session alice alice
	before=$(in_session alice 'cat /proc/self/mountinfo')
	hold_session bob bob
	hold_session carol carol
	assert_same "$before" "$(in_session alice 'cat /proc/self/mountinfo')"
	assert_no_match 'nsfs|/200[23]' "$before"
	assert_code 1 in_session alice 'ls /run/pam-netns/pins >/dev/null 2>&1 || exit 1'
	assert_code 1 in_session alice 'ls /run/pam-netns/hostproc/proc >/dev/null 2>&1 || exit 1'
	for name in alice bob carol; do
		end_session $name
	done
	host_clean
}

# Autofs or an administrator mounts below a shared mount while alice is active.
test_mounts_of_the_host_propagate_to_users() {
	mkdir -p /srv/later /home/alice/later
	hold_session one alice
	mount -t tmpfs later /srv/later
	mount -t tmpfs later /home/alice/later
	echo here | tee /srv/later/file >/home/alice/later/file
	assert_eq here "$(in_session one 'cat /srv/later/file')"
	assert_eq here "$(in_session one 'cat /home/alice/later/file')"
	umount /srv/later
	umount /home/alice/later
	assert_code 1 in_session one 'test -e /srv/later/file || test -e /home/alice/later/file'
	assert_no_match later "$(in_session one 'cat /proc/self/mountinfo')"
	end_session one
	host_clean
	rmdir /srv/later /home/alice/later
}

test_mounts_of_users_do_not_propagate_to_the_host() {
	hold_session one alice
	nsenter --mount="/proc/$(hold_pid one)/ns/mnt" mount -t tmpfs inside /srv
	assert_no_match ' - tmpfs inside ' "$(cat /proc/self/mountinfo)"
	assert_match ' - tmpfs inside ' "$(in_session one 'cat /proc/self/mountinfo')"
	end_session one
	host_clean
	[[ -d /srv/checkout ]]
}

# runtime_mount UID TEXT: mounts /run/user/UID as logind does.
runtime_mount() {
	mkdir -p "/run/user/$1"
	mount -t tmpfs -o "mode=0700,uid=$1" runtime "/run/user/$1"
	echo "$2" >"/run/user/$1/which"
}

test_runtime_directory_mounted_before_login_is_seen() {
	runtime_mount 2001 first
	runtime_mount 2002 bobs
	assert_eq first "$(ssh_as alice -- cat /run/user/2001/which)"
	assert_eq '2001 700' "$(ssh_as alice -- stat -c "'%u %a'" /run/user/2001)"
	assert_no_match '/run/user/2002' "$(ssh_as alice -- cat /proc/self/mountinfo)"
	ssh_as alice -- 'echo mine >/run/user/2001/socket'
	assert_eq mine "$(cat /run/user/2001/socket)" "the host's directory"
	host_clean
	umount /run/user/2001 /run/user/2002
	rmdir /run/user/2001 /run/user/2002
}

# The set-up gives /run/user a mount of its own. Sessions that are older keep their directories.
test_runtime_directories_outlive_the_first_set_up() {
	pam-netns down
	! mountpoint -q /run/user || umount /run/user
	runtime_mount 2001 older
	pam-netns up
	assert_eq older "$(cat /run/user/2001/which)"
	assert_eq 2 "$(grep -c ' /run/user[ /]' /proc/self/mountinfo)" "mounts at /run/user"
	assert_eq older "$(ssh_as alice -- cat /run/user/2001/which)"
	host_clean
	umount /run/user/2001
	rmdir /run/user/2001
	assert_eq 1 "$(grep -c ' /run/user[ /]' /proc/self/mountinfo)" "mounts at /run/user after the logout"
}

# As with logind, each mount gets the device number of the one before, unless another process is faster; then
# there is a further round.
test_runtime_directory_mounted_after_login_is_seen() {
	local round before='' device=''
	hold_session one alice
	assert_code 1 in_session one 'test -e /run/user/2001/which'
	for round in {1..20}; do
		before=$device
		runtime_mount 2001 "$round"
		device=$(stat -c %d /run/user/2001)
		assert_eq "$round" "$(ssh_as alice -- cat /run/user/2001/which)"
		assert_eq "$round" "$(in_session one 'cat /run/user/2001/which')"
		assert_eq 1 "$(in_session one 'grep -c " /run/user/2001 " /proc/self/mountinfo')"
		umount /run/user/2001
		rmdir /run/user/2001
		[[ $device != "$before" ]] || break
	done
	end_session one
	host_clean
}
