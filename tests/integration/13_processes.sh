# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# processes = own: the processes that users see (T46).

# PROCESSES: a shell command that prints the owners of all processes that it sees, each once.
PROCESSES='for p in /proc/[0-9]*; do stat -c %U $p 2>/dev/null; done | sort -u | paste -sd " "'

setup() {
	host_pam_install
	printf '%s\n' "$PROCESSES" >/srv/processes
	chmod 0755 /srv/processes
}

# The users whose processes are seen: alice's own, and no other user's.
test_each_way_of_login_sees_own_processes() {
	conf_set processes own
	assert_each_way alice alice 'sh /srv/processes'
	assert_match 'seen=alice[[:space:]]' "$(as_pty login <<-'END'
		< login:
		> alice
		< assword:
		> lemon-tree-7
		< \$
		> echo seen=$(sh /srv/processes)
		< seen=[a-z]
		> exit
	END
	)" login
	host_clean
}

test_terminals_and_copies_work() {
	conf_set processes own
	assert_match 'pts/.*alice' "$(ssh_as alice -tt -- 'tty; ps -o user= -p $$' | tr -d '\r' | tr '\n' ' ')" pty
	copies_work alice
	host_clean
}

test_host_sees_all_processes() {
	local before
	before=$(findmnt -n -o OPTIONS --mountpoint /proc)
	conf_set processes own
	hold_session one alice
	assert_eq "$before" "$(findmnt -n -o OPTIONS --mountpoint /proc)"
	[[ -e /proc/$(hold_pid one)/status ]]
	assert_match 'alice.*root' "$(as bob sh /srv/processes)" 'on the host'
	end_session one
	host_clean
}

test_t46_first_process_and_its_network_are_hidden() {
	conf_set processes own
	assert_eq end "$(ssh_as alice -- 'ls -d /proc/1 /proc/1/net /proc/1/root /proc/$PPID/environ 2>/dev/null; echo end')"
	assert_fails ssh_as alice -- cat /proc/1/net/dev
	hold_session others bob
	assert_fails ssh_as alice -- cat "/proc/$(hold_pid others)/cmdline"
	end_session others
	assert_fails ssh_as alice -- ls /run/pam-netns/hostproc/proc
	assert_fails ssh_as alice -- unshare -Urm ls /run/pam-netns/hostproc/proc
	host_clean
}

# What a user mounts or unmounts in a user namespace of their own reveals nothing.
test_t46_user_namespace_reveals_no_processes() {
	local command
	conf_set processes own
	hold_session one alice
	assert_eq 0 "$(in_session one 'unshare -Urm id -u')" 'user namespaces work'
	for command in 'umount /proc' 'umount -l /proc' 'mount -o remount,hidepid=0 /proc' \
		'mount -t proc proc /proc' 'mount --bind / /mnt' 'mount -t proc -o hidepid=0 proc /mnt'; do
		assert_match 'refused nobody$' "$(in_session one "unshare -Urm sh -c '$command 2>/dev/null || printf \"refused \"; sh /srv/processes'" |
			sed 's/root/nobody/g')" "$command"
	done
	assert_eq nobody "$(in_session one 'unshare -Urpfm --mount-proc sh /srv/processes' | sed 's/root/nobody/g')" 'a PID namespace'
	end_session one
	host_clean
}

test_watchers_see_all_processes() {
	conf_set processes 'own lab'
	hold_session others bob
	assert_match 'alice.*bob.*root' "$(ssh_as alice -- sh /srv/processes)" 'alice, of group lab'
	assert_eq bob "$(in_session others 'sh /srv/processes')" bob
	end_session others
	host_clean
}

test_unknown_watchers_refuse_logins() {
	conf_set processes 'own no-such-group'
	assert_fails ssh_as alice -- true
	log_grep 'cannot find group no-such-group of processes = own no-such-group in \[profile default\]'
	assert_match "names group 'no-such-group', which does not exist, so its logins are refused" "$(pam-netns check || :)"
	host_clean
}

test_root_sees_all_processes_in_a_session() {
	conf_set processes own
	hold_session others bob
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/processes
	assert_match 'alice.*bob.*root' "$(ssh_as alice -- sudo sh /srv/processes)"
	end_session others
	rm /etc/sudoers.d/processes
	host_clean
}

# A container's own mounts below /proc, and those of LXCFS, hide or replace files.
test_mounts_below_proc_stay() {
	conf_set processes own
	pam-netns down
	mkdir -p /srv/apart
	echo 'processor : of the host' >/srv/apart/cpuinfo
	mount --bind /srv/apart/cpuinfo /proc/cpuinfo
	assert_eq 'processor : of the host' "$(ssh_as alice -- cat /proc/cpuinfo)"
	host_clean
	umount /proc/cpuinfo
	pam-netns down
}

# A mount that hides something may still be there, so only one that is gone is left out.
test_mount_that_cannot_be_cloned_refuses_the_login() {
	local list=/run/pam-netns/networks/default/sys
	conf_set processes own
	pam-netns down
	pam-netns up
	echo /sys/gone >>"$list"
	su alice -c true
	host_clean
	printf '/sys/%05000d\n' 0 >>"$list"
	assert_fails su alice -c true
	log_grep 'cannot clone the mount on /sys/0' >/dev/null
	host_clean
	pam-netns down
}

# A container's runtime mounts over files that its users must not read: one for each processor, or more.
test_many_mounts_below_proc_and_sys_stay() {
	local files more file
	mapfile -t files < <(find /sys/module -type f -perm -444 | head -n 150)
	conf_set processes own
	pam-netns down
	mkdir -p /srv/apart
	echo hidden >/srv/apart/hidden
	for file in "${files[@]}"; do
		mount --bind /srv/apart/hidden "$file"
	done
	assert_eq "${#files[@]}" "$(ssh_as alice -- cat "${files[@]}" | grep -c '^hidden$')"
	host_clean
	pam-netns down
	mapfile -t more < <(find /sys/module -type f -perm -444 | sed -n 151,300p)
	for file in "${more[@]}"; do
		mount --bind /srv/apart/hidden "$file"
	done
	assert_fails ssh_as alice -- true
	log_grep 'too many mounts are below /proc and /sys \(at most 256, and 32768 bytes of paths\); unmount some'
	umount "${files[@]}" "${more[@]}"
	pam-netns down
}

# A new procfs shows the PID namespace of the login program.
test_login_from_another_pid_namespace_is_refused() {
	pam-netns up
	conf_set processes own
	assert_fails unshare -pf --mount-proc su alice -c true
	log_grep 'processes = own: a first login cannot begin in another PID namespace'
	host_clean
	hold_session one alice
	unshare -pf --mount-proc su alice -c true
	end_session one
	host_clean
}

test_changed_value_counts_at_next_first_login() {
	conf_set processes all
	hold_session one alice
	conf_set processes own
	assert_match 'alice.*root' "$(ssh_as alice -- sh /srv/processes)"
	end_session one
	host_clean
	assert_eq alice "$(ssh_as alice -- sh /srv/processes)"
	host_clean
}

test_commands_work_while_processes_are_hidden() {
	conf_set processes own
	hold_session one alice
	assert_eq alice "$(pam-netns exec alice -- sh /srv/processes)" exec
	assert_eq alice "$(as alice /usr/libexec/pam-netns/pam-netns-enter sh /srv/processes)" enter
	assert_match alice "$(pam-netns status alice)" status
	assert_match alice "$(ssh_as alice -- pam-netns status)" 'status by alice'
	assert_match 'processes +own: users see only their own processes' "$(ssh_as alice -- pam-netns explain)"
	pam-netns gc
	touch "$CONF"
	assert_eq alice "$(ssh_as alice -- sh /srv/processes)" 'after a new set-up'
	pam-netns kick alice
	drop_session one
	host_clean
}
