# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# pam-netns kick ends the processes in a user's namespaces, and the processes that left these.

setup() {
	host_pam_install
}

# A process that left for namespaces that a user made ends too, whatever its uid there. Processes of
# other users in such namespaces stay, and so do those that root started outside.
test_kick_ends_processes_that_left_the_namespaces() {
	local stays name
	hold_session one alice
	hold_session two bob
	in_session one 'setsid unshare -Urmnu sleep 701 >/dev/null 2>&1 &
		setsid unshare -Urmnu unshare -Urmnu sleep 702 >/dev/null 2>&1 &'
	in_session two 'setsid unshare -Urmnu sleep 703 >/dev/null 2>&1 &'
	setpriv --reuid alice --regid lab --clear-groups sleep 704 &
	stays=$!
	unshare -Urmnu sleep 705 &
	stays+=" $!"
	for name in 701 702 703 704 705; do
		wait_until 5 pgrep -xf "sleep $name"
	done
	pam-netns kick alice
	assert_fails pgrep -xf 'sleep 70[12]'
	for name in 703 704 705; do
		pgrep -xf "sleep $name"
	done
	assert_eq bob "$(in_session two 'id -un')"
	# shellcheck disable=SC2086 # two process ids
	kill $stays
	pam-netns kick bob
	assert_fails pgrep -xf 'sleep 703'
	host_clean 5
	# A user who is not isolated keeps their processes.
	unshare -Urmnu sleep 706 &
	stays=$!
	wait_until 5 pgrep -xf 'sleep 706'
	pam-netns kick root
	kill "$stays"
}

test_kick_ends_all_processes_of_a_user() {
	hold_session in bob
	in_session in 'nohup sleep 600 >/dev/null 2>&1 & true'
	pam-netns kick bob
	host_clean
	wait_until 5 process_gone "$(<"$OUT/hold.in.client")"
	wait_until 5 eval '! pgrep -u bob'
	pam-netns kick bob
	pam-netns kick '#2002'
	assert_code 1 pam-netns kick unknown-user
}
