# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# pam-netns status --namespaces: what the kernel tells of a user's namespaces, beside lsns, nsenter, ip netns.

setup() {
	host_pam_install
	pam-netns up
}

# told KIND KEY: what the JSON of root says.
told() {
	pam-netns status --namespaces --json alice | jq -r --arg kind "$1" ".namespaces[] | select(.kind == \$kind).$2"
}

test_root_sees_kinds_owners_and_members() {
	local kind pid host mounts
	hold_session alice alice
	pid=$(hold_pid alice)
	host=$(stat -L -c %i /proc/1/ns/user)
	assert_eq 'net uts mnt' "$(pam-netns status --namespaces --json alice | jq -r '[.namespaces[].kind] | join(" ")')"
	for kind in net uts mnt; do
		assert_eq "$(stat -L -c %i "/proc/$pid/ns/$kind")" "$(told "$kind" inode)" "$kind"
		assert_eq "$host 0 null" "$(told "$kind" owner) $(told "$kind" owner_uid) $(told "$kind" parent)" "$kind"
		assert_eq "$(find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/'"$kind" -lname "*\[$(told "$kind" inode)\]" 2>/dev/null | wc -l)" \
			"$(told "$kind" members)" "members of $kind"
	done
	assert_match "^alice \(uid 2001\)" "$(pam-netns status alice --namespaces)"
	assert_match " $pid +$pid +sh" "$(pam-netns status alice --namespaces)"
	# The id tells namespaces apart for ever, an inode only while they are there.
	[[ $(told net id) == null ]] || assert_ne "$(told net id)" "$(told uts id)"
	mounts=$(told mnt mounts)
	[[ $mounts == null ]] || assert_eq "$(wc -l <"/proc/$pid/mountinfo")" "$mounts"
	# As other programs see them.
	assert_match "$(told net inode)" "$(lsns -t net -n -o NS)"
	assert_eq "$(told net inode)" "$(nsenter --net=/run/netns/alice stat -L -c %i /proc/self/ns/net)"
	assert_eq "$(told net inode)" "$(ip netns exec alice stat -L -c %i /proc/self/ns/net)"
	end_session alice
	host_clean
}

test_user_sees_their_own() {
	local text
	hold_session alice alice
	text=$(in_session alice 'pam-netns status --namespaces')
	assert_match "net +$(told net inode) " "$text"
	assert_match " $(hold_pid alice) +$(hold_pid alice) +sh" "$text"
	assert_no_match ' sshd$' "$text" # root's
	assert_fails_with 'only root may see other users' in_session alice 'pam-netns status --namespaces bob'
	assert_fails_with 'not in your network' as alice pam-netns status --namespaces
	assert_match "net +$(told net inode) " "$(as alice pam-netns exec -- pam-netns status --namespaces)"
	end_session alice
	host_clean
}

test_number_of_a_process_inside_its_own_pid_namespace() {
	hold_session alice alice
	in_session alice 'unshare -Urpf sleep 300 >/dev/null 2>&1 &'
	wait_until 5 pgrep -u alice -x sleep
	assert_eq 1 "$(pam-netns status --namespaces --json alice |
		jq -r ".processes[] | select(.pid == $(pgrep -n -u alice -x sleep)).inside")"
	pam-netns kick alice
	host_clean
}

test_owner_of_a_network_is_shown() {
	conf_set net_admin yes
	hold_session alice alice
	assert_eq "$(told user inode) 2001" "$(told net owner) $(told net owner_uid)"
	assert_eq "$(stat -L -c %i /proc/1/ns/user) 0" "$(told user parent) $(told user owner_uid)"
	in_session alice 'pam-netns lab -- sleep 300 >/dev/null 2>&1 &'
	wait_until 5 pgrep -u alice -x sleep
	assert_eq 1 "$(told user members)"
	pam-netns kick alice
	host_clean
	conf_reset
}

test_kernel_that_does_not_tell_is_unknown() {
	local text
	hold_session alice alice
	text=$(strace -f -o /dev/null -e inject=ioctl:error=ENOTTY pam-netns status --namespaces alice)
	assert_match "unknown +$(stat -L -c %i "/proc/$(hold_pid alice)/ns/net") +unknown +unknown +unknown +- +- +[1-9]" "$text"
	assert_eq null "$(strace -f -o /dev/null -e inject=ioctl:error=ENOTTY pam-netns status --namespaces --json alice |
		jq -r '.namespaces[0].id')"
	end_session alice
	host_clean
}

test_pid_namespace_has_a_parent_and_numbers_inside() {
	conf_set namespaces 'net mnt uts pid'
	hold_session alice alice
	assert_eq "$(stat -L -c %i /proc/1/ns/pid)" "$(told pid parent)"
	assert_match ' 1 +pam-netns-init' "$(pam-netns status --namespaces alice)"
	assert_match ' pid .* unknown ' "$(in_session alice 'pam-netns status --namespaces' | sed 's/^ */ /')"
	end_session alice
	host_clean
	conf_reset
}
