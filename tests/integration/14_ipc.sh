# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# namespaces with ipc: System V objects and POSIX message queues of a user's own.

setup() {
	host_pam_install
	mkdir -p /dev/mqueue
	mount -t mqueue mqueue /dev/mqueue
	sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ipc
	# carol's profile is without ipc.
	cat >"$CONF" <<-END
		[network default]
		[profile staff]
		match = root, 1-999
		isolate = no
		[profile shared]
		match = carol
		namespaces = net mnt uts
		[profile own]
		match = *
		namespaces = net mnt uts ipc
	END
	pam-netns check "$CONF"
}

# OBJECTS: a shell command that prints the number of System V objects, and the names of POSIX queues.
# shellcheck disable=SC2034
OBJECTS='ipcs | grep -c ^0x; ls /dev/mqueue'

# objects_make NAME: a shell command that makes one of each kind, which all users may open.
objects_make() {
	echo "ipcmk -Q -p 0666 >/dev/null; ipcmk -S 1 -p 0666 >/dev/null; ipcmk -M 4096 -p 0666 >/dev/null
		umask 0; : >/dev/mqueue/$1"
}

objects_remove() {
	ipcrm -a
	rm -f /dev/mqueue/*
}

test_t50_objects_are_separate_both_ways() {
	sh -c "$(objects_make hosts)"
	hold_session alice alice
	hold_session bob bob
	assert_eq 0 "$(in_session alice "$OBJECTS")"
	in_session alice "$(objects_make hers)"
	assert_eq $'3\nhers' "$(in_session alice "$OBJECTS")"
	assert_eq $'3\nhers' "$(su alice -c "$OBJECTS")" 'a further login'
	assert_eq $'3\nhers' "$(as alice pam-netns exec -- sh -c "$OBJECTS")" exec
	assert_eq 0 "$(in_session bob "$OBJECTS")" 'another user'
	assert_eq $'3\nhosts' "$(sh -c "$OBJECTS")" 'the host'
	assert_eq $'3\nhosts' "$(su carol -c "$OBJECTS")" 'a user without ipc'
	assert_eq $'3\nhosts' "$(in_session alice "su carol -c '$OBJECTS'")" 'a user without ipc, nested'
	assert_eq 0 "$(in_session alice "su bob -c '$OBJECTS'")" 'another user, nested'
	end_session alice
	end_session bob
	host_clean
	objects_remove
}

# A queue can be opened by its file, so the host's mount must be covered in namespaces that a user makes, too.
test_t50_no_file_of_the_hosts_queues_is_left() {
	sh -c "$(objects_make hosts)"
	hold_session alice alice
	assert_eq mqueue "$(in_session alice 'stat -f -c %T /dev/mqueue')"
	assert_eq '' "$(in_session alice 'unshare -Urm sh -c "umount /dev/mqueue 2>/dev/null; ls /dev/mqueue"')"
	assert_eq '' "$(in_session alice 'unshare -Urm sh -c "umount -l /dev/mqueue 2>/dev/null; ls /dev/mqueue"')"
	assert_eq '' "$(in_session alice 'unshare -Urmi sh -c "mount -t mqueue x /mnt && ls /mnt"')"
	# What the host mounts there later is below the user's.
	umount /dev/mqueue
	assert_eq '' "$(in_session alice 'ls /dev/mqueue')"
	mount -t mqueue mqueue /dev/mqueue
	assert_eq hosts "$(ls /dev/mqueue)"
	assert_eq '' "$(in_session alice 'ls /dev/mqueue')"
	end_session alice
	host_clean
	objects_remove
}

# Objects outlive their processes, so the last logout must end them with the namespace.
test_t50_no_object_reaches_the_next_first_login() {
	hold_session alice alice
	in_session alice "$(objects_make hers); setsid sleep 300 >/dev/null 2>&1 & echo \$! >$OUT/pid"
	end_session alice
	assert_eq $'3\nhers' "$(su alice -c "$OBJECTS")" 'while a process is left'
	kill "$(<"$OUT/pid")"
	host_clean
	assert_eq 0 "$(su alice -c "$OBJECTS")"
	host_clean
	assert_eq '' "$(lsns -n -t ipc -o NS | grep -vx " *$(stat -L -c %i /proc/1/ns/ipc)" || :)"
}

# A process that has left all other namespaces of the user is still the user's.
test_process_in_the_ipc_namespace_alone_keeps_it() {
	local pid
	hold_session alice alice
	in_session alice "sudo unshare -n -u -m sleep 301 >/dev/null 2>&1 &"
	wait_until 5 pgrep -f '^sleep 301'
	pid=$(pgrep -f '^sleep 301')
	end_session alice
	assert_eq "$(stat -L -c %i "/proc/$pid/ns/ipc")" "$(su alice -c 'stat -L -c %i /proc/self/ns/ipc')"
	pam-netns kick alice
	wait_until 5 process_gone "$pid"
	host_clean
}

test_gc_leaves_active_users_and_cleans_up_after_crashes() {
	local before
	hold_session alice alice
	before=$(in_session alice 'stat -L -c %i /proc/self/ns/ipc')
	pam-netns gc
	assert_eq "$before" "$(su alice -c 'stat -L -c %i /proc/self/ns/ipc')"
	assert_eq ok "$(in_session alice 'ls /dev/mqueue && echo ok')"
	kill -KILL "$(find /run/pam-netns/users/2001/sessions -type f -printf '%f\n' | cut -d . -f 1)"
	drop_session alice
	wait_until 5 eval '! pgrep -u alice'
	pam-netns gc
	host_clean
	assert_fails mountpoint -q /run/pam-netns/pins/2001/ipc
}

# The pin is gone, but not the record: the user has no valid set, and a login makes all anew.
test_lost_pin_is_made_again() {
	hold_session alice alice
	umount /run/pam-netns/pins/2001/ipc
	su alice -c 'readlink /proc/self/ns/ipc; readlink /proc/self/ns/net' >"$OUT/after"
	assert_match '^ipc:.*net:' "$(<"$OUT/after")"
	assert_no_match "$(readlink /proc/1/ns/ipc)" "$(<"$OUT/after")"
	end_session alice
	pam-netns gc
	host_clean
}

# The kernel refuses further namespaces: the log names the limit, and nothing is left.
test_missing_ipc_namespace_refuses_login() {
	local helper=/usr/libexec/pam-netns/pam-netns-helper
	mv "$helper" "$helper.real"
	printf '#!/bin/sh\nexec strace -f -qq -o /dev/null -e trace=unshare -e inject=unshare:error=ENOSPC:when=%s %s "$@"\n' \
		'1+3' "$helper.real" >"$helper"
	chmod 0755 "$helper"
	log_mark
	assert_fails su alice -c true
	log_grep 'make a (uts|ipc) namespace \(limit: user.max_(uts|ipc)_namespaces\): No space left' >/dev/null
	mv "$helper.real" "$helper"
	host_clean
	su alice -c true
	host_clean
}

test_users_are_told() {
	pam-netns explain alice >"$OUT/explain"
	assert_match 'isolated *yes: own network, host name, IPC objects, mount namespace' "$(<"$OUT/explain")"
	assert_match 'namespaces *net uts ipc mnt' "$(<"$OUT/explain")"
}
