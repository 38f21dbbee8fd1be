# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# namespaces with cgroup: the user's control group is the root of all that a session sees of control groups.

GROUPS_OWN=/sys/fs/cgroup/pam-netns

setup() {
	host_pam_install
	sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/cgroup
	conf_set namespaces 'net mnt uts cgroup'
	# The namespace, if the session is in the group that is its root, and sees it in /sys/fs/cgroup.
	cat >/usr/bin/cgroup-look <<-'END'
		#!/bin/sh
		[ "$(grep ^0: /proc/self/cgroup)" = 0::/ ] && grep -qx $$ /sys/fs/cgroup/cgroup.procs && readlink /proc/self/ns/cgroup
	END
	chmod 0755 /usr/bin/cgroup-look
}

# ended: nothing of any user is left. A login program may outlive its session in the group, which gc removes then.
ended() {
	host_clean
	wait_until 3 eval "pam-netns gc; [[ ! -e $GROUPS_OWN ]]"
}

test_each_way_of_login_is_in_the_namespace() {
	local group
	hold_session one alice
	group=$(in_session one cgroup-look)
	assert_match '^cgroup:\[[0-9]+\]$' "$group"
	assert_ne "$(readlink /proc/1/ns/cgroup)" "$group"
	assert_each_way "$group" alice cgroup-look
	assert_eq "$group" "$(ssh_as alice -tt -- cgroup-look | tr -d '\r')" 'ssh with a terminal'
	assert_eq "$group" "$(in_session one 'su alice -c cgroup-look')" 'su from inside'
	assert_eq "$group" "$(in_session one 'sudo cgroup-look')" 'root from inside'
	assert_eq "$group" "$(in_session one 'pam-netns exec -- cgroup-look')" 'enter from inside'
	assert_eq "$group" "$(pam-netns exec alice -- readlink /proc/self/ns/cgroup)" exec
	assert_match "cgroup +$(in_session one 'stat -L -c %i /proc/self/ns/cgroup') " "$(pam-netns status alice --namespaces)"
	end_session one
	ended
}

# T64: neither the host's groups nor another user's are seen or reached, also in namespaces that a user makes.
test_t64_only_the_own_group_is_there() {
	local how
	hold_session one alice
	hold_session two bob
	assert_ne "$(in_session one cgroup-look)" "$(in_session two cgroup-look)"
	for how in 'ls /sys/fs/cgroup' \
		'unshare -Urm sh -c "umount /sys/fs/cgroup 2>/dev/null; umount -l /sys/fs/cgroup 2>/dev/null; ls /sys/fs/cgroup"' \
		'unshare -UrCm sh -c "mount -t cgroup2 x /mnt && ls /mnt"'; do
		assert_eq '' "$(in_session one "$how" | grep -v '^[a-z]*\.' || :)" "$how"
		in_session one "$how" | grep -qx cgroup.procs
	done
	assert_eq '' "$(in_session one "grep -x $(hold_pid two) /sys/fs/cgroup/cgroup.procs" || :)"
	assert_no_match /pam-netns "$(in_session one 'cat /proc/[0-9]*/cgroup /proc/self/mountinfo 2>/dev/null' | grep -E '^0:|cgroup')"
	# Read-only, and the files are root's, whatever the user mounts.
	assert_fails_with 'Read-only' in_session one 'sudo mkdir /sys/fs/cgroup/x'
	assert_fails_with 'Read-only' in_session one 'sudo sh -c "echo 1 >/sys/fs/cgroup/cgroup.freeze"'
	assert_fails_with 'denied' in_session one 'unshare -UrCm sh -c "mount -t cgroup2 x /mnt && mkdir /mnt/x"'
	assert_fails_with 'denied' in_session one 'unshare -UrCm sh -c "mount -t cgroup2 x /mnt && echo 1 >/mnt/cgroup.freeze"'
	end_session one
	end_session two
	ended
}

# lock_waiter UID: the helper that waits for the user's lock.
lock_waiter() {
	sed -nE "s/.*-> POSIX +ADVISORY +WRITE ([0-9]+) .* $1 $1\$/\\1/p" /proc/locks
}

# T10: a helper that is started in a session works in the host's root group, where no limit of the user holds.
test_t10_helper_of_a_session_is_in_the_root_group() {
	local lock who
	hold_session one alice
	for who in bob:2002 alice:2001; do
		rm -f "$OUT/held"
		"$TOOLS/host-lockhold" "${who#*:}" "$OUT/held" &
		lock=$!
		wait_until 5 test -e "$OUT/held"
		in_session one "su ${who%:*} -c cgroup-look >/dev/null" &
		wait_until 5 eval '[[ -n $(lock_waiter ${who#*:}) ]]'
		assert_eq 0::/ "$(grep ^0: "/proc/$(lock_waiter "${who#*:}")/cgroup")" "$who"
		kill "$lock"
		wait %%
	done
	end_session one
	ended
}

# carol's profile is without cgroup. The session that a login leaves stays in its group.
test_nested_logins_are_in_the_namespaces_of_their_own_profile() {
	local host
	host=$(readlink /proc/1/ns/cgroup)
	sed -i '0,/^\[profile/s//[profile plain]\nmatch = carol\n\n&/' "$CONF"
	pam-netns check "$CONF"
	hold_session one alice
	assert_eq "$host" "$(in_session one "su carol -c 'readlink /proc/self/ns/cgroup'")"
	[[ -d $(in_session one "su carol -c 'echo /sys/fs/cgroup\$(sed -n s/^0:://p /proc/self/cgroup)'") ]]
	assert_match '^cgroup:' "$(in_session one 'su bob -c cgroup-look')"
	assert_eq "$(in_session one cgroup-look)" "$(in_session one "su bob -c 'su alice -c cgroup-look'")"
	end_session one
	ended
	conf_reset
	conf_set namespaces 'net mnt uts cgroup'
}

test_all_kinds_together() {
	mkdir -p /run/sudo
	conf_set namespaces 'net mnt uts ipc time cgroup pid'
	conf_set private '/tmp /var/tmp /dev/shm /run/sudo'
	pam-netns check "$CONF"
	hold_session one alice
	assert_match '^0::/$' "$(in_session one 'grep ^0: /proc/self/cgroup')"
	assert_eq 'net uts ipc time cgroup pid mnt' \
		"$(pam-netns status --namespaces --json alice | jq -r '[.namespaces[].kind] | join(" ")')"
	assert_eq "$(in_session one 'readlink /proc/self/ns/cgroup')" "$(su alice -c 'readlink /proc/self/ns/cgroup')"
	pam-netns gc
	assert_match '^0::/$' "$(su alice -c 'grep ^0: /proc/self/cgroup')"
	pam-netns kick alice
	drop_session one
	ended
	conf_reset
	conf_set namespaces 'net mnt uts cgroup'
}

test_missing_cgroup_refuses_login() {
	local helper=/usr/libexec/pam-netns/pam-netns-helper call code
	for call in clone3:error=ENOSPC mkdirat:error=EACCES dup3:error=EMFILE; do
		mv "$helper" "$helper.real"
		printf '#!/bin/sh\nexec strace -f -qq -o /run/trace -e trace=%s -e inject=%s %s "$@"\n' \
			"${call%%:*}" "$call" "$helper.real" >"$helper"
		chmod 0755 "$helper"
		code=0
		su alice -c true || code=$?
		mv "$helper.real" "$helper"
		assert_ne 0 "$code" "$call"
		grep -q INJECTED /run/trace || fail "$call: not called"
		ended
	done
	log_mark
	mount -t tmpfs none /sys/fs/cgroup
	assert_fails su alice -c true
	assert_fails_with 'profile default: a cgroup namespace needs cgroup v2 at /sys/fs/cgroup, so its logins are refused' pam-netns check
	umount /sys/fs/cgroup
	log_grep 'limit uid 2001: /sys/fs/cgroup is no cgroup v2' >/dev/null
	ended
	login_works
	ended
}

test_cgroup_without_mnt_is_refused() {
	conf_set namespaces 'net uts cgroup'
	assert_fails_with 'cgroup needs mnt, because /sys/fs/cgroup would show .*add mnt, or remove cgroup' pam-netns check "$CONF"
	conf_set namespaces 'net mnt uts cgroup'
}

test_users_are_told() {
	pam-netns explain alice >"$OUT/explain"
	assert_match 'isolated *yes: own network, host name, control groups, mount namespace' "$(<"$OUT/explain")"
	assert_match "users notice: cgroup: /sys/fs/cgroup shows only the user's own control group" "$(<"$OUT/explain")"
}

# The pin or the group is gone: the user has no valid set, and a login makes all anew.
test_lost_pin_or_group_is_made_again() {
	hold_session one alice
	umount /run/pam-netns/pins/2001/cgroup
	assert_match '^cgroup:' "$(su alice -c cgroup-look)"
	drop_session one
	wait_until 5 eval '! pgrep -u alice'
	ended
	# No program has noticed the end of the session: it is open, without a process.
	pamtester su alice open_session >/dev/null
	wait_until 5 rmdir "$GROUPS_OWN/2001"
	log_mark
	assert_match '^cgroup:' "$(su alice -c cgroup-look)"
	log_grep 'the control group of uid 2001 was removed: a login makes the namespaces again' >/dev/null
	ended
}

test_killed_leader_is_cleaned_up() {
	killed_leader_is_cleaned_up "sleep 632" ended
}

test_process_in_the_cgroup_namespace_alone_keeps_it() {
	local pid
	hold_session one alice
	in_session one "sudo unshare -n -u -m sleep 631 >/dev/null 2>&1 &"
	wait_until 5 pgrep -f '^sleep 631'
	pid=$(pgrep -f '^sleep 631')
	end_session one
	assert_eq "$(readlink "/proc/$pid/ns/cgroup")" "$(su alice -c cgroup-look)"
	pam-netns kick alice
	wait_until 5 process_gone "$pid"
	ended
}
