# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# root = DIRECTORY: users' / is an image.

# shellcheck source=tests/integration/root_lib.sh
. "$CHECKOUT/tests/integration/root_lib.sh"

ENTER=/usr/libexec/pam-netns/pam-netns-enter

setup() {
	root_setup
}

test_each_way_of_login_is_in_the_image() {
	image_set "$IMAGE"
	assert_each_way 'of busybox' alice 'cat /etc/name'
	assert_eq 'of busybox' "$(su alice -c 'cat /etc/name')" su
	assert_match 'name=of busybox.*home=/home/alice' "$(as_pty login <<-'END'
		< login:
		> alice
		< assword:
		> lemon-tree-7
		< \$
		> echo name=$(cat /etc/name); echo home=$(pwd)
		< home=/home
		> exit
	END
	)" login
	assert_match '/dev/pts/' "$(ssh_as alice -tt -- tty)" 'ssh with a terminal'
	pamtester_session su alice
	host_clean
	assert_no_log 'not closed cleanly|cannot'
}

# sshd's own sftp server needs no program of the image. The other one does, and scp as well.
test_copies_work_by_the_internal_sftp_server() {
	image_set "$IMAGE"
	echo content >"$OUT/sent"
	outside sftp -q -o BatchMode=yes -b - "alice@$HOST4" >/dev/null <<-END
		put $OUT/sent copied.file
		get copied.file $OUT/got
		rm copied.file
	END
	assert_eq content "$(<"$OUT/got")" sftp
	outside scp -q -o BatchMode=yes "$OUT/sent" "alice@$HOST4:copied.file"
	assert_eq content "$(</home/alice/copied.file)" scp
	rm /home/alice/copied.file
	assert_fails outside sftp -q -P 2222 -o BatchMode=yes -b - "alice@$HOST4" <<<ls
	host_clean
}

# Besides the image: the host's directories, the home, and what other keys give.
test_t67_nothing_else_of_the_host_is_mounted() {
	local points
	image_set "$IMAGE"
	hold_session one alice
	points=$(in_session one 'cut -d " " -f 5 /proc/self/mountinfo' | grep -vE '^/(dev|proc|run|sys)(/|$)' | sort -u | paste -sd ' ')
	assert_eq '/ /etc/resolv.conf /home /tmp /var/tmp' "$points"
	assert_match 'lo.*eth0' "$(in_session one 'ls /sys/class/net' | sort -r | paste -sd ' ')"
	assert_match 'nameserver' "$(in_session one 'cat /etc/resolv.conf')"
	in_session one 'echo x >/tmp/file && echo x >/var/tmp/file && echo x >/dev/shm/file && echo x >~/file'
	assert_eq x "$(</home/alice/file)"
	[[ ! -e /tmp/file ]]
	for path in /etc/shadow /srv /root "/proc/1/root/etc" "/proc/$(pgrep -o sshd)/root/etc"; do
		assert_fails in_session one "ls $path"
	done
	for path in /new /etc/new /usr/bin/new; do
		assert_match 'Read-only file system' "$(in_session one "touch $path" 2>&1 || :)"
	done
	# What the host mounts below its directories appears, too.
	mkdir -p /run/later /home/later
	mount -t tmpfs later /home/later
	touch /home/later/file
	in_session one 'test -e /home/later/file'
	umount /home/later
	end_session one
	host_clean
	rmdir /run/later /home/later
	rm /home/alice/file
	[[ -e $IMAGE/etc/name && -z $(ls -A "$IMAGE"/{dev,home,proc,run,sys,tmp,var/tmp} | grep -v :) ]]
}

# In a user namespace the user may mount and chroot, but the image is all there is.
test_t67_user_namespace_finds_no_other_root() {
	image_set "$IMAGE"
	hold_session one alice
	assert_eq 'of busybox' "$(in_session one 'unshare -Urm sh -c "umount -l /home; umount -l /; mkdir /tmp/c; chroot /tmp/c /bin/true; cd /../../..; cat etc/name" 2>/dev/null')"
	assert_fails in_session one 'unshare -Urm mount -o remount,rw,bind /'
	assert_fails in_session one 'unshare -Urm sh -c "umount /home && ls /home"'
	end_session one
	host_clean
}

# A session's descriptors and directory are those that its program had: sshd gives none away.
test_t67_no_descriptor_leads_to_the_host() {
	local found pid fd count=0
	image_set "$IMAGE"
	hold_session one alice
	found=$(in_session one 'for fd in /proc/[0-9]*/fd/* /proc/[0-9]*/cwd /proc/[0-9]*/root; do readlink $fd; done 2>/dev/null' | grep -E '^/(srv|root|etc/ssh|var/lib)' || :)
	assert_eq '' "$found"
	# The user cannot look into sshd, whose internal sftp server opens paths of /proc/self/fd for the user.
	for pid in $(pgrep -f '^sshd: alice'); do
		for fd in "/proc/$pid"/fd/*; do
			[[ ! -d $fd && ! -f $fd ]] || fail "$fd: $(readlink "$fd")"
			count=$((count + 1))
		done
	done
	[[ $count -gt 6 ]]
	end_session one
	host_clean
}

test_t66_setuid_programs_and_devices_have_no_effect() {
	image_add "$IMAGE" "$(command -v id)" /usr/bin/suid
	chmod 4755 "$IMAGE/usr/bin/suid"
	mknod -m 666 "$IMAGE/null" c 1 3
	image_set "$IMAGE"
	assert_eq 2001 "$(ssh_as alice -- '/usr/bin/suid -u')"
	assert_fails ssh_as alice -- 'echo x >/null'
	host_clean
	assert_eq 0 "$(as alice "$IMAGE/usr/bin/suid" -u)" 'on the host'
	rm "$IMAGE/usr/bin/suid" "$IMAGE/null"
}

test_t68_image_that_others_can_change_refuses_logins() {
	image_set "$IMAGE"
	chown alice "$IMAGE/etc"
	refused_with "root = $IMAGE of \[profile default\]: the image has /etc of uid 2001 with mode 0755, so others than root can change it: chown root:root $IMAGE/etc" \
		'whose logins are refused: the image has /etc of uid 2001'
	chown root "$IMAGE/etc"
	chmod 777 "$IMAGE/usr/bin"
	refused_with 'the image has /usr/bin of uid 0 with mode 0777'
	chmod 755 "$IMAGE/usr/bin"
	chown alice "$IMAGE"
	refused_with "$IMAGE: the folder is owned by uid 2001"
	chown root "$IMAGE"
	chmod 777 /srv/images
	refused_with '/srv/images: the folder is owned by uid 0 with mode 0777, so others than root could change what is in it'
	chmod 755 /srv/images
	ln -s "$IMAGE" /srv/images/link
	chown -h alice /srv/images/link
	image_set /srv/images/link
	refused_with "/srv/images/link: the symbolic link is owned by uid 2001"
	chown -h root /srv/images/link
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)" "a link of root's"
	host_clean
	rm /srv/images/link
}

test_missing_parts_of_the_image_refuse_logins() {
	local part
	image_set /srv/images/absent
	refused_with 'cannot open /srv/images/absent: No such file'
	image_set "$IMAGE"
	for part in dev proc run sys home var/tmp; do
		rmdir "$IMAGE/$part"
		refused_with "the image has no directory /$part: mkdir -p -m 0755 $IMAGE/$part"
		mkdir "$IMAGE/$part"
	done
	chmod 755 "$IMAGE/tmp"
	refused_with "the image has a /tmp with mode 0755: chmod 1777 $IMAGE/tmp"
	chmod 1777 "$IMAGE/tmp"
	rm "$IMAGE/etc/resolv.conf"
	refused_with "the image has no file /etc/resolv.conf: touch $IMAGE/etc/resolv.conf"
	touch "$IMAGE/etc/resolv.conf"
	conf_set hostname %u-%h
	rm "$IMAGE/etc/hosts"
	refused_with 'the image has no file /etc/hosts'
	touch "$IMAGE/etc/hosts"
	assert_match 'alice-testhost' "$(ssh_as alice -- cat /etc/hosts)"
	host_clean
}

test_remedy_of_an_image_mends_it() {
	local remedy
	image_set "$IMAGE"
	rmdir "$IMAGE/sys"
	remedy=$({ pam-netns doctor --json || :; } | jq -r '.[] | select(.id == "root").remedy')
	assert_eq "mkdir -p -m 0755 $IMAGE/sys" "$remedy"
	assert_match "the image has no directory /sys -> $remedy" "$(pam-netns doctor || :)"
	eval "$remedy"
	assert_match 'ok   root: ' "$(pam-netns doctor || :)"
}

# Each user has a shell of their own, so only the login can know.
test_shell_that_the_image_lacks_refuses_the_login() {
	image_set "$IMAGE"
	usermod -s /bin/bash bob
	assert_fails ssh_as bob -- true
	log_grep "the image has no shell /bin/bash \(it does not exist\): put it there, or change the user's shell"
	touch "$IMAGE/bin/bash"
	assert_fails ssh_as bob -- true
	log_grep 'the image has a shell /bin/bash that cannot be run'
	rm "$IMAGE/bin/bash"
	ssh_as alice -- true
	usermod -s /bin/sh bob
	mount -t tmpfs -o noexec,mode=755 noexec /srv/images
	image_make "$IMAGE"
	refused_with 'the image has a shell /bin/sh that cannot be run: it must be a program with mode 0755, and the image not on a noexec mount'
	changes_set
	refused_with 'the image has a shell /bin/sh that cannot be run: .* not on a noexec mount'
	umount /var/lib/pam-netns /srv/images
	image_set "$IMAGE"
	rm "$IMAGE/bin/sh"
	refused_with 'the image has no shell /bin/sh'
	ln -s busybox "$IMAGE/bin/sh"
	host_clean
}

# pam_limits comes after us in sshd's stack.
test_modules_behind_ours_read_the_image() {
	image_set "$IMAGE"
	rm "$IMAGE/etc/security/limits.conf"
	assert_match "pam_limits.so comes after pam_netns.so and reads the image of \[profile default\], which has no /etc/security/limits.conf, so sshd refuses its logins" \
		"$(pam-netns check || :)"
	touch "$IMAGE/etc/security/limits.conf"
	assert_no_match 'pam_limits' "$(pam-netns check || :)"
}

# Links of root's are followed in the image, never on the host.
test_t65_links_of_the_image_stay_in_it() {
	mkdir -p "$IMAGE/data" /data
	mv "$IMAGE/home" "$IMAGE/data/home"
	ln -s /data/home "$IMAGE/home"
	image_set "$IMAGE"
	assert_eq '/data/home/alice' "$(ssh_as alice -- 'pwd')"
	host_clean
	[[ ! -e /data/home ]]
	chown -h bob "$IMAGE/home"
	refused_with "the image has /home, which leads over a symbolic link that is not root's"
	rm "$IMAGE/home"
	mv "$IMAGE/data/home" "$IMAGE/home"
	# The files that are mounted over, and the shell.
	mv "$IMAGE/etc/resolv.conf" "$IMAGE/etc/old"
	ln -s ../../../../../../etc/shadow "$IMAGE/etc/resolv.conf"
	assert_match nameserver "$(ssh_as alice -- cat /etc/resolv.conf)"
	host_clean
	grep -q ^root: /etc/shadow
	mv "$IMAGE/etc/old" "$IMAGE/etc/resolv.conf"
}

test_home_elsewhere_needs_its_directory_in_the_image() {
	image_set "$IMAGE"
	mkdir -p /data/homes/alice
	chown alice /data/homes/alice
	usermod -d /data/homes/alice alice
	assert_fails su - alice -c true
	log_grep "the image has no directory /data/homes/alice: mkdir -p -m 0755 $IMAGE/data/homes/alice"
	mkdir -p "$IMAGE/data/homes/alice"
	assert_eq /data/homes/alice "$(su - alice -c 'touch ~/file && pwd')"
	[[ -e /data/homes/alice/file ]]
	host_clean
	usermod -d /home/absent alice
	assert_eq / "$(su - alice -c pwd 2>/dev/null)" 'without a home'
	host_clean
	usermod -d /home/alice alice
}

test_other_keys_work_in_the_image() {
	mkdir -p "$IMAGE"/srv/{at,secret,kept} /srv/groups/lab
	echo secret >"$IMAGE/srv/secret/file"
	echo 'of lab' >/srv/groups/lab/file
	chmod 777 /srv/groups/lab
	image_set "$IMAGE"
	conf_set hide '/home/* /srv/secret ?/srv/absent'
	conf_set read_only /srv/kept
	conf_set bind '/srv/groups/%g:/srv/secret/at'
	conf_set processes own
	assert_no_match 'refused' "$(pam-netns check || :)"
	hold_session one alice
	assert_eq 'alice at of lab' "$(in_session one 'echo $(ls /home) $(ls /srv/secret) $(cat /srv/secret/at/file)')"
	assert_eq '' "$(in_session one 'ps -o user' | grep root || :)"
	end_session one
	host_clean
	conf_set hide '/srv/groups'
	assert_fails ssh_as alice -- true
	log_grep 'cannot hide /srv/groups: it does not exist'
	assert_match 'names /srv/groups, which does not exist' "$(pam-netns check || :)"
	host_clean
	rm -r "$IMAGE/srv" /srv/groups
}

test_other_namespaces_work_with_an_image() {
	image_set "$IMAGE"
	mkdir -p /run/sudo
	conf_set private '/tmp /run/sudo'
	conf_set namespaces 'net mnt uts time cgroup'
	assert_eq '0::/ cgroup.procs' "$(ssh_as alice -- 'grep ^0: /proc/self/cgroup; cd /sys/fs/cgroup && ls -d pam-netns cgroup.procs 2>/dev/null' | xargs)"
	assert_match '^[0-9]\.' "$(su alice -c 'cut -d " " -f 1 /proc/uptime')"
	host_clean
	image_set "$IMAGE"
	conf_set namespaces 'net mnt uts ipc time cgroup'
	conf_set private '/tmp /var/tmp /dev/shm /run/sudo/ts'
	mkdir -p /run/sudo/ts
	assert_eq 'of busybox 0::/' "$(ssh_as alice -- 'echo $(cat /etc/name) $(grep ^0: /proc/self/cgroup)')"
	host_clean
	image_set "$IMAGE"
	conf_set namespaces 'net mnt uts ipc pid'
	assert_eq '1 pam-netns-init' "$(ssh_as alice -- 'ps -o pid,comm | head -2 | tail -1 | xargs')"
	host_clean
	conf_set namespaces 'net mnt'
	sed -i '/^hostname = /d' "$CONF"
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)"
	host_clean
	image_set "$IMAGE"
	conf_set net_admin yes
	ssh_as alice -- ip link set lo down
	host_clean
}

test_t68_active_user_keeps_a_replaced_image() {
	image_set "$IMAGE"
	hold_session one alice
	cp -a "$IMAGE" /srv/images/new
	echo new >/srv/images/new/etc/name
	mv "$IMAGE" /srv/images/old
	mv /srv/images/new "$IMAGE"
	assert_eq 'of busybox' "$(in_session one 'cat /etc/name')"
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)" 'a further login'
	pam-netns gc
	assert_eq 'of busybox' "$(pam-netns exec alice -- cat /etc/name)" exec
	assert_eq new "$(ssh_as bob -- cat /etc/name)" 'another user'
	end_session one
	host_clean
	assert_eq new "$(ssh_as alice -- cat /etc/name)" 'the next first login'
	host_clean
	rm -r "$IMAGE"
	mv /srv/images/old "$IMAGE"
}

test_enter_and_exec_land_in_the_image() {
	image_set "$IMAGE"
	hold_session one alice
	assert_eq '/ of busybox' "$(cd /srv && as alice "$ENTER" sh -c 'echo $(pwd) $(cat /etc/name)')"
	assert_eq '/home/alice of busybox' "$(cd /home/alice && as alice "$ENTER" sh -c 'echo $(pwd) $(cat /etc/name)')"
	assert_eq '/home/alice of busybox 2001' "$(cd /srv && pam-netns exec alice -- sh -c 'echo $(pwd) $(cat /etc/name) $(id -u)')"
	assert_eq '0 of busybox' "$(pam-netns exec alice --root -- sh -c 'echo $(id -u) $(cat /etc/name)')"
	assert_code 127 pam-netns exec alice -- bash
	assert_match "root +$IMAGE" "$(pam-netns status alice)"
	# An image that is set while the user is active, and the host's.
	image_set /
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)"
	end_session one
	host_clean
	assert_fails ssh_as alice -- cat /etc/name
	host_clean
}

# root in bob's session, who has the host's /.
test_login_from_another_users_session_comes_and_goes() {
	image_set "$IMAGE"
	sed -i '/^\[profile default\]/i [profile bob]\nmatch = bob\n' "$CONF"
	hold_session one bob
	assert_fails in_session one 'cat /etc/name'
	log_mark
	assert_eq 'of busybox' "$(pam-netns exec bob --root -- su alice -c 'cat /etc/name')"
	log_grep 'session closed: user=alice' >/dev/null
	assert_no_log 'not closed cleanly'
	user_clean alice
	end_session one
	host_clean
}

test_mending_kicking_and_lingering_work() {
	image_set "$IMAGE"
	hold_session one alice
	pam-netns gc
	in_session one 'test -s /etc/resolv.conf'
	pam-netns kick alice
	host_clean
	drop_session one
	conf_set linger no
	ssh_as alice -- 'nohup sleep 1000 >/dev/null 2>&1 &'
	host_clean
	assert_fails pgrep -u alice sleep
	image_set "$IMAGE"
	ssh_as alice -- 'setsid sleep 1000 >/dev/null 2>&1 &'
	[[ -e /run/pam-netns/pins/2001 ]]
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)"
	pkill -u alice sleep
	host_clean
}

test_killed_leader_is_cleaned_up() {
	image_set "$IMAGE"
	hold_session one alice
	kill -KILL "$(find /run/pam-netns/users/2001/sessions -type f -printf '%f\n' | cut -d . -f 1)"
	drop_session one
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	host_clean 5
}

test_user_manager_is_refused() {
	image_set "$IMAGE"
	cp /etc/pam.d/su /etc/pam.d/systemd-user
	assert_fails pamtester_session systemd-user alice
	log_grep 'alice has no systemd user manager, because root is an image.s: user@2001.service is refused'
	hold_session one alice
	assert_fails pamtester_session systemd-user alice
	end_session one
	host_clean
}

test_explain_tells_what_an_image_means() {
	local text
	image_set "$IMAGE"
	text=$(pam-netns explain alice)
	assert_match "root +$IMAGE: / of users is this directory, read-only" "$text"
	assert_match 'does not work: su, sudo and all other setuid programs' "$text"
	image_set /
	assert_match 'root +/: users have the programs and files of the host' "$(pam-netns explain alice)"
}

test_failing_calls_leave_nothing() {
	fault_with_image =open
}

test_killed_helper_leaves_nothing() {
	fault_with_image kill-open
}
