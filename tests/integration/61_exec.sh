# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# pam-netns exec: a command in the namespaces of an active user.

setup() {
	host_pam_install
}

test_exec_has_ids_and_namespaces_of_the_user() {
	hold_session in alice
	assert_eq "$(in_session in 'readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/mnt')" \
		"$(pam-netns exec alice -- readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/mnt)"
	assert_eq "$(in_session in id)" "$(pam-netns exec alice -- id)"
	assert_eq /home/alice "$(pam-netns exec alice -- pwd)"
	assert_eq 'HOME LOGNAME PATH SHELL TERM USER' \
		"$(SECRET=1 LD_PRELOAD='' pam-netns exec alice -- env | sed 's/=.*//' | sort | xargs)"
	assert_match $'CapPrm:\t0000000000000000' "$(pam-netns exec alice -- cat /proc/self/status)"
	assert_fails pam-netns exec alice -- cat /etc/shadow
	assert_code 9 pam-netns exec alice -- sh -c 'exit 9'
	assert_code 127 pam-netns exec alice -- no-such-command
	assert_code 126 pam-netns exec alice -- /etc/passwd
	assert_eq "$(pam-netns exec alice -- ls /proc/self/fd)" \
		"$(pam-netns exec alice -- ls /proc/self/fd 7</etc/shadow 8</)"
	end_session in
	host_clean
}

test_exec_with_root_option_stays_root() {
	hold_session in alice
	assert_eq 0 "$(pam-netns exec alice --root -- id -u)"
	assert_eq "$(in_session in 'readlink /proc/self/ns/net')" \
		"$(pam-netns exec alice --root -- readlink /proc/self/ns/net)"
	assert_eq /usr/sbin:/usr/bin:/sbin:/bin "$(PATH=/evil:$PATH pam-netns exec alice --root -- printenv PATH)"
	end_session in
	host_clean
}

test_exec_by_a_user_enters_their_own_namespaces() {
	hold_session in bob
	assert_ne "$(as bob readlink /proc/self/ns/net)" "$(as bob pam-netns exec -- readlink /proc/self/ns/net)"
	assert_eq "$(in_session in 'readlink /proc/self/ns/net')" \
		"$(as bob pam-netns exec -- readlink /proc/self/ns/net)"
	assert_eq bob "$(as bob pam-netns exec bob -- id -un)"
	assert_code 1 as bob pam-netns exec --root -- true
	end_session in
	host_clean
	assert_fails_with 'log in first' as bob pam-netns exec -- true
}

# The command has no way to root's terminal, neither by TIOCSTI nor otherwise (CVE-2017-5226 and its
# kind). Input and output still pass, and root's terminal keeps its settings.
test_exec_command_has_its_own_terminal() {
	local output own
	hold_session in alice
	output=$(as_pty sh -c 'tty; stty rows 33 cols 77; stty -g; pam-netns exec alice -- env --default-signal=INT sh; echo code $?; stty -g; tty' <<-'END'
		< [$] $
		> tty; stty size; stat -c 'owner %U' $(tty); (: </dev/tty) && echo has' 'one
		< has one.*[$] $
		> trap 'echo inter'rupted INT; sh -c 'echo re""ady; exec sleep 30'
		< ready
		^ C
		< interrupted.*[$] $
		> exit 7
	END
	)
	output=$(tr -d '\r' <<<"$output")
	assert_match '33 77' "$output"
	assert_match 'owner alice' "$output"
	assert_match $'\ncode 7\n' "$output"
	own=$(grep '^/dev/pts/' <<<"$output" | uniq)
	assert_eq 3 "$(wc -l <<<"$own")" "root's, the command's, root's"
	assert_eq "$(sed -n 1p <<<"$own")" "$(sed -n 3p <<<"$own")"
	assert_eq 1 "$(grep -E '^[0-9a-f:]{60,}$' <<<"$output" | sort -u | wc -l)" "settings"
	# Without a terminal among the descriptors, the command has no controlling terminal, not root's.
	output=$(as_pty sh -c 'pam-netns exec alice -- sh -c "(: </dev/tty) || echo none" </dev/null 2>&1 | cat' </dev/null)
	assert_match none "$output"
	# In a pipeline the pager reads from the terminal, not the command.
	output=$(as_pty sh -c 'pam-netns exec alice -- echo hello | (cat; read -r line </dev/tty; echo "read $line")' <<-END
		< hello
		> for the pager
		< read for the pager
	END
	)
	end_session in
	host_clean
}

test_exec_passes_signals_to_the_command() {
	local pid code=0
	hold_session in alice
	pam-netns exec alice -- sh -c 'trap "exit 5" TERM; touch '"$OUT"'/ready; sleep 600 & wait' &
	pid=$!
	wait_until 5 test -e "$OUT/ready"
	kill "$pid"
	wait "$pid" || code=$?
	assert_eq 5 "$code"
	assert_code 143 pam-netns exec alice -- sh -c 'kill -TERM $$'
	assert_eq 100000 "$(pam-netns exec alice -- head -c 100000 /dev/zero | wc -c)"
	assert_eq typed "$(echo typed | pam-netns exec alice -- cat)"
	pam-netns kick alice
	host_clean
}

# NSS would load code: every name is looked up before the switch (T15).
test_exec_opens_no_file_after_the_switch() {
	local calls
	hold_session in alice
	calls=$(strace -f -qq -e trace=openat,openat2,open,setresuid,setns,execve pam-netns exec alice -- true 2>&1 |
		sed -n '/CLONE_NEWNS/,/setresuid/p')
	assert_match 'setresuid\(2001, 2001, 2001\)' "$calls"
	assert_no_match 'open(at2?)?\(("|AT_FDCWD)' "$calls"
	end_session in
	host_clean
}
