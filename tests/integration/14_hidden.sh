# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# hide: paths that are empty and read-only for users (T47, T48, T49).

setup() {
	host_pam_install
	mkdir -p /srv/secret/deep /data/homes
	echo secret | tee /srv/secret/file /srv/secret/deep/file >/srv/secret.txt
	chmod -R a+rwX /srv/secret
	hide_all
}

hide_all() {
	hide_set /home/\* /srv/secret /srv/secret.txt
}

# hide_set PATH…
hide_set() {
	conf_reset
	conf_set hide "$*"
}

# SEEN: a shell command that prints what it sees of the hidden paths, and "end": a refused login prints nothing.
SEEN='ls /home | grep -vx alice; ls -A /srv/secret; cat /srv/secret.txt; cat /srv/secret/file 2>/dev/null; ls -d /home/bob 2>/dev/null; echo end'

test_each_way_of_login_finds_paths_empty() {
	hide_all
	assert_each_way end alice "$SEEN"
	assert_match 'seen=alice[[:space:]].*home=/home/alice' "$(as_pty login <<-'END'
		< login:
		> alice
		< assword:
		> lemon-tree-7
		< \$
		> echo seen=$(ls /home /srv/secret | grep -v :) ; echo home=$(pwd)
		< home=/home
		> exit
	END
	)" login
	host_clean
}

# Sockets, devices and files of /proc, with the host's /proc and with one of the user's own.
test_each_kind_of_file_is_hidden() {
	local processes
	(cd / && exec nc -lkU /srv/socket) &
	wait_until 5 test -S /srv/socket
	chmod 666 /srv/socket
	mknod -m 666 /srv/device c 1 5
	as alice nc -NU /srv/socket </dev/null
	for processes in all own; do
		hide_set /srv/socket /srv/device /proc/version
		conf_set processes "$processes"
		assert_eq '0 0 0' "$(ssh_as alice -- 'echo $(head -c 9 /srv/device | wc -c) $(wc -c </proc/version) $(wc -c </srv/socket)')" "$processes"
		assert_fails ssh_as alice -- nc -NU /srv/socket </dev/null
		host_clean
	done
	kill $!
	rm /srv/socket /srv/device
	[[ -n $(</proc/version) ]]
}

test_host_keeps_hidden_paths() {
	hide_all
	hold_session one alice
	assert_eq secret "$(cat /srv/secret.txt)"
	assert_match 'alice.*bob' "$(find /home -maxdepth 1 | sort | paste -sd ' ')"
	assert_fails grep ' /srv/secret' /proc/self/mountinfo
	assert_eq secret "$(as bob cat /srv/secret/file)" 'on the host'
	end_session one
	host_clean
}

test_hidden_paths_are_read_only() {
	hide_all
	local command
	for command in 'touch /srv/secret/new' 'mkdir /home/new' 'echo x >/srv/secret.txt' 'rm -f /srv/secret.txt' \
		'rmdir /srv/secret' 'mv /srv/secret /srv/else' 'chmod 777 /srv/secret'; do
		assert_fails ssh_as alice -- "$command" 2>/dev/null
	done
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/hidden
	assert_fails ssh_as alice -- sudo touch /srv/secret/new
	rm /etc/sudoers.d/hidden
	host_clean
	assert_eq secret "$(cat /srv/secret.txt)"
}

test_own_home_stays() {
	hide_all
	assert_eq '/home/alice alice:700' "$(ssh_as alice -- 'echo $(pwd) $(stat -c %U:%a ~)')"
	ssh_as alice -- 'echo mine >~/kept && mkdir -p ~/folder'
	assert_eq mine "$(cat /home/alice/kept)"
	copies_work alice
	rm -r /home/alice/{kept,folder}
	host_clean
}

# home_set PATH: alice's home in /etc/passwd.
home_set() {
	sed -i "/^alice:/s|:/[^:]*:/bin/bash|:$1:/bin/bash|" /etc/passwd
}

# home_is_found PATH: alice's login begins in her home, has its content, and sees no other home that is hidden.
home_is_found() {
	echo here >"$(readlink -f "$(getent passwd alice | cut -d : -f 6)")/mark"
	assert_match "^$1 here\$" "$(su - alice -c 'echo $(pwd -P) $(cat mark)')"
	[[ $(grep '^hide' "$CONF") != *data* ]] || assert_fails su - alice -c 'cat /data/homes/dept/bob/mark'
	[[ $(grep '^hide' "$CONF") != *'/home '* ]] || assert_fails su - alice -c 'ls -d /home/bob'
	host_clean
}

test_own_home_below_links_and_hidden_parents_stays() {
	mkdir -p /data/homes/dept/bob
	echo bobs >/data/homes/dept/bob/mark
	chmod 0755 /data /data/homes /data/homes/dept /data/homes/dept/bob
	mv /home/alice /data/homes/dept/alice
	# Each home is a link of root's.
	ln -s /data/homes/dept/alice /home/alice
	home_is_found /data/homes/dept/alice
	# The folder with the homes is hidden too.
	hide_set /home/\* /data/homes
	home_is_found /data/homes/dept/alice
	hide_set /home /data/homes/dept/\*
	home_is_found /data/homes/dept/alice
	# A link that goes up, through another one.
	ln -s ../data/homes/dept /srv/people
	ln -sfn ../srv/people/alice /home/alice
	home_is_found /data/homes/dept/alice
	# The account itself names the place; the link is in no way of it.
	home_set /data/homes/dept/alice
	home_is_found /data/homes/dept/alice
	home_set /srv/people/alice
	home_is_found /data/homes/dept/alice
	home_set /home/alice
	rm /home/alice /srv/people
	mv /data/homes/dept/alice /home/alice
	hide_set /home/\*
	home_is_found /home/alice
	# Only the home is named: there is nothing to hide.
	hide_set /home/alice
	home_is_found /home/alice
}

# The way to the home is made anew in what covers it, so only root may have made it.
test_home_behind_a_link_of_a_user_refuses_login() {
	mkdir -p /data/homes/links
	ln -sfn /home/alice /data/homes/links/alice
	chown -hR bob /data/homes/links
	home_set /data/homes/links/alice
	hide_set /data/homes
	assert_fails su alice -c true
	log_grep "cannot hide paths, because the user's home /data/homes/links/alice leads over a symbolic link that is not root's"
	home_set /home/alice
	su alice -c true
	host_clean
	rm -r /data/homes/links
}

test_users_without_home_can_log_in() {
	hide_all
	home_set /home/none
	assert_eq end "$(su alice -c 'ls /home; echo end' 2>/dev/null)"
	host_clean
	home_set /
	assert_eq end "$(su alice -c 'ls /home; echo end' 2>/dev/null)"
	home_set /home/alice
	host_clean
}

test_homes_made_later_are_hidden() {
	hide_all
	hold_session one alice
	mkdir /home/later
	mkdir -p /srv/secret/later
	assert_eq end "$(in_session one "$SEEN")"
	end_session one
	host_clean
	rm -r /home/later /srv/secret/later
}

# A mount of the host's arrives below the cover.
test_t47_later_mounts_of_the_host_stay_hidden() {
	hide_all
	hold_session one alice
	mount -t tmpfs later /home
	mkdir /home/carol2
	mount -t tmpfs later /srv/secret
	mkdir /srv/secret/deep
	mount -t tmpfs later /srv/secret/deep
	touch /srv/secret/deep/later
	assert_eq end "$(in_session one "$SEEN")" 'mounted'
	assert_match alice "$(in_session one 'cd && ls -d /home/alice')"
	umount /srv/secret/deep /srv/secret /home
	assert_eq end "$(in_session one "$SEEN")" 'unmounted'
	end_session one
	host_clean
}

# In a user namespace of their own, users may mount. The kernel locks what covers.
test_t47_user_namespace_reveals_no_path() {
	hide_all
	local command
	hold_session one alice
	in_session one 'mkdir -p ~/low ~/up ~/work ~/at'
	for command in 'umount /srv/secret' 'umount -l /srv/secret' 'umount /srv/secret.txt' 'umount -l /home' \
		'umount -R /home' 'mount -o remount,rw /srv/secret' 'mount --bind / ~/at && ls ~/at/srv/secret' \
		'mount -t overlay -o lowerdir=/srv,upperdir=$HOME/up,workdir=$HOME/work none ~/at' \
		'mount -t overlay -o lowerdir=/:/srv none ~/at' 'mount --move /srv/secret ~/at'; do
		assert_match 'refused $' "$(in_session one "unshare -Urm sh -c '{ $command; } 2>/dev/null || printf \"refused \"
			cat /srv/secret.txt /srv/secret/file ~/at/secret/file ~/at/srv/secret/file 2>/dev/null; ls -d /home/bob 2>/dev/null'")" "$command"
	done
	# With all that is mounted below, the covers come along.
	assert_eq bound "$(in_session one "unshare -Urm sh -c 'mount --rbind / ~/at && echo bound; cat ~/at/srv/secret.txt ~/at/srv/secret/file; ls -d ~/at/home/bob' 2>/dev/null")"
	assert_fails in_session one "unshare -Urm touch /srv/secret/new 2>/dev/null"
	end_session one
	rm -r /home/alice/{low,up,work,at}
	host_clean
}

# A procfs or sysfs of a namespace of the user's own would show what is hidden in the user's.
test_t47_user_namespace_mounts_no_other_proc_or_sys() {
	local processes command
	for processes in all own; do
		hide_set /proc/version /sys/kernel/vmcoreinfo
		conf_set processes "$processes"
		hold_session one alice
		in_session one 'mkdir -p ~/at'
		for command in 'unshare -Urpfm --mount-proc cat /proc/version' \
			'unshare -Urpfm sh -c "mount -t proc proc ~/at && cat ~/at/version"' \
			'unshare -Urnm sh -c "mount -t sysfs sys ~/at && cat ~/at/kernel/vmcoreinfo"'; do
			assert_eq refused "$(in_session one "$command 2>/dev/null || echo refused")" "$processes: $command"
		done
		end_session one
		host_clean
	done
	rmdir /home/alice/at
	# If no path of them is hidden, containers without root work.
	hide_set /srv/secret
	ssh_as alice -- unshare -Urpfm --mount-proc cat /proc/version >/dev/null
	host_clean
}

# The roots of all processes that a user may look at are the user's own.
test_t48_processes_lead_to_no_hidden_path() {
	hide_all
	assert_eq end "$(ssh_as alice -- 'cat /proc/[0-9]*/root/srv/secret.txt /proc/[0-9]*/cwd/srv/secret.txt 2>/dev/null; echo end')"
	# The working directory of the login program is hidden, too.
	cd /srv/secret/deep || fail 'no folder'
	assert_eq '/ ' "$(su alice -c 'echo $(pwd -P) $(cat file ../file 2>/dev/null)') "
	cd /
	host_clean
}

# A descriptor that the login program has open leads there: the login programs leave users none.
test_t48_login_programs_leave_no_descriptor() {
	hide_all
	assert_eq end "$(ssh_as alice -- 'for fd in /proc/self/fd/*; do ls -d $fd/srv/secret 2>/dev/null; done; echo end')"
	host_clean
}

# If a service makes its socket anew, the cover is gone with the old one.
test_t49_replaced_paths_are_hidden_again() {
	hide_all
	hold_session one alice
	echo secret >/srv/new.txt
	mv /srv/new.txt /srv/secret.txt
	rm -r /srv/secret
	mkdir -p /srv/secret/deep
	echo secret >/srv/secret/file
	chmod 755 /srv/secret
	pam-netns gc
	assert_eq end "$(in_session one "$SEEN")" 'after gc'
	echo secret >/srv/new.txt
	mv /srv/new.txt /srv/secret.txt
	assert_eq end "$(ssh_as alice -- "$SEEN")" 'a further login'
	assert_eq end "$(in_session one "$SEEN")" 'the first session'
	# It is hidden once, not once more each time.
	assert_eq 1 "$(in_session one 'grep -c " /srv/secret " /proc/self/mountinfo')"
	end_session one
	host_clean
}

test_t49_optional_path_that_appears_is_hidden() {
	rm -f /srv/socket
	hide_set /srv/secret '?/srv/socket'
	pam-netns check >/dev/null || :
	hold_session one alice
	echo secret >/srv/socket
	pam-netns gc
	assert_eq '' "$(in_session one 'cat /srv/socket')"
	end_session one
	host_clean
	rm /srv/socket
}

test_t49_failed_mending_refuses_login() {
	hide_set /srv/secret '?/srv/socket'
	hold_session one alice
	ln -s /srv/secret.txt /srv/socket
	chown -h bob /srv/socket
	assert_fails ssh_as alice -- true
	log_grep "cannot hide /srv/socket: it leads over a symbolic link that is not root's; write the path without such links"
	rm /srv/socket
	ssh_as alice -- true
	end_session one
	host_clean
}

test_missing_path_refuses_login_and_check() {
	hide_set /srv/absent/path
	assert_fails ssh_as alice -- true
	log_grep 'cannot hide /srv/absent/path: it does not exist; correct the path, or write \? before it if it may be missing'
	assert_match 'hide of \[profile default\] names /srv/absent/path, which does not exist, so its logins are refused: correct the path, or write \? before it if it may be missing' \
		"$(pam-netns check || :)"
	host_clean
	hide_set '?/srv/absent/path'
	ssh_as alice -- true
	assert_no_match absent "$(pam-netns check || :)"
	host_clean
}

# bob could lead the cover to another place.
test_link_of_a_user_refuses_login_and_check() {
	mkdir -p /srv/bobs
	ln -sfn /srv/secret /srv/bobs/link
	chown -hR bob /srv/bobs
	hide_set /srv/bobs/link
	assert_fails ssh_as alice -- true
	log_grep "cannot hide /srv/bobs/link: it leads over a symbolic link that is not root's"
	assert_match "names /srv/bobs/link, which leads over a symbolic link that is not root's" "$(pam-netns check || :)"
	chown -h root /srv/bobs/link
	assert_eq end "$(ssh_as alice -- 'ls /srv/secret; echo end')"
	host_clean
	rm -r /srv/bobs
}

test_changed_value_counts_at_next_first_login() {
	hide_set /srv/secret
	hold_session one alice
	hide_set /srv/secret.txt
	assert_eq secret "$(ssh_as alice -- 'ls /srv/secret; cat /srv/secret.txt')"
	pam-netns gc
	assert_eq secret "$(in_session one 'ls /srv/secret; cat /srv/secret.txt')"
	end_session one
	host_clean
	assert_eq 'deep file' "$(ssh_as alice -- 'cat /srv/secret.txt; ls /srv/secret | paste -sd " "')"
	host_clean
}

test_commands_work_while_paths_are_hidden() {
	hide_all
	hold_session one alice
	assert_eq end "$(pam-netns exec alice -- sh -c "$SEEN")" exec
	assert_eq end "$(as alice /usr/libexec/pam-netns/pam-netns-enter sh -c "$SEEN")" enter
	assert_match alice "$(pam-netns status alice)" status
	assert_match 'hide +/home/\* /srv/secret /srv/secret.txt: empty and read-only' "$(pam-netns explain alice)"
	touch "$CONF"
	assert_eq end "$(ssh_as alice -- "$SEEN")" 'after a new set-up'
	pam-netns kick alice
	drop_session one
	host_clean
}
