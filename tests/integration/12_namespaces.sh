# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The sets of namespaces that a profile may name: a login has its own ones of these, and the host's of all other
# kinds.
KINDS=(net uts ipc time cgroup mnt)

setup() {
	host_pam_install
	sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/namespaces
	mkdir -p /run/sudo
	printf '#!/bin/sh\nfor kind in %s; do echo $kind=$(stat -L -c %%i /proc/self/ns/$kind); done\n' \
		"${KINDS[*]}" >/usr/local/bin/print-kinds
	chmod 0755 /usr/local/bin/print-kinds
}

# conf_sets ALICE_SET OTHERS_SET: the namespaces of alice's profile, and of all other users'.
conf_sets() {
	local private=
	[[ " $1 " != *' time '* ]] || private='private = /tmp /var/tmp /dev/shm /run/sudo'
	cat >"$CONF" <<-END
		[network default]
		[profile staff]
		match = root, 1-999
		isolate = no
		[profile one]
		match = alice
		namespaces = $1
		$private
		[profile two]
		match = *
		namespaces = $2
	END
	pam-netns check "$CONF"
}

# own_kinds FILE: the kinds in which what print-kinds wrote differs from the host.
own_kinds() {
	local kind own=()
	for kind in "${KINDS[@]}"; do
		grep -q "^$kind=[0-9]" "$1" || fail "no $kind in $(<"$1")"
		grep -qx "$kind=$(stat -L -c %i "/proc/1/ns/$kind")" "$1" || own+=("$kind")
	done
	echo "${own[*]}"
}

test_each_set_isolates_exactly_what_it_names() {
	local set
	for set in 'net' 'net uts' 'net mnt' 'net ipc mnt' 'net time mnt' 'net cgroup mnt' 'net uts ipc time cgroup mnt'; do
		conf_sets "$set" net
		hold_session alice alice
		in_session alice print-kinds >"$OUT/kinds"
		assert_eq "$set" "$(own_kinds "$OUT/kinds")" "$set: ssh"
		assert_eq "$(tr ' ' '\n' <<<"$set" | sort)" "$(ls /run/pam-netns/pins/2001)" "$set: pins"
		su alice -c print-kinds >"$OUT/further"
		assert_eq "$(<"$OUT/kinds")" "$(<"$OUT/further")" "$set: a further login"
		in_session alice "sudo -u alice print-kinds" >"$OUT/further"
		assert_eq "$(<"$OUT/kinds")" "$(<"$OUT/further")" "$set: sudo to oneself"
		as alice pam-netns exec -- print-kinds >"$OUT/further"
		assert_eq "$(<"$OUT/kinds")" "$(<"$OUT/further")" "$set: enter"
		pam-netns exec alice -- print-kinds >"$OUT/further"
		assert_eq "$(<"$OUT/kinds")" "$(<"$OUT/further")" "$set: exec"
		reaches_outside alice
		end_session alice
		host_clean
	done
}

# After close_session the caller is where it was: in the host's namespaces.
test_close_goes_back_from_exactly_these() {
	local set
	for set in 'net' 'net uts ipc time cgroup mnt'; do
		conf_sets "$set" net
		strace -f -e trace=setns,execve -o "$OUT/trace" "$TOOLS/host-session" su alice true
		awk 'NR == 1 { caller = $1 } $1 == caller' "$OUT/trace" | grep -c 'setns(' >"$OUT/count"
		assert_eq "$((2 * $(wc -w <<<"$set")))" "$(<"$OUT/count")" "$set"
		host_clean
	done
}

test_changed_profile_counts_from_the_next_first_login() {
	local before
	conf_sets 'net uts ipc time cgroup mnt' net
	hold_session alice alice
	before=$(in_session alice print-kinds)
	conf_sets net net
	assert_eq "$before" "$(ssh_as alice -- print-kinds)"
	pam-netns gc
	assert_eq "$before" "$(su alice -c print-kinds)"
	pam-netns explain alice >"$OUT/explain"
	assert_match 'active *in network default by profile one with namespaces net uts ipc time cgroup mnt, and so is' "$(<"$OUT/explain")"
	end_session alice
	host_clean
	su alice -c print-kinds >"$OUT/kinds"
	assert_eq net "$(own_kinds "$OUT/kinds")"
	host_clean
}

# bob's profile has net alone: in alice's session he gets the host's mounts and host name, not hers.
test_nested_login_leaves_all_namespaces_of_the_outer_user() {
	conf_sets 'net uts ipc time cgroup mnt' net
	hold_session alice alice
	in_session alice 'echo hers >/tmp/hers'
	in_session alice "su bob -c 'print-kinds; test ! -e /tmp/hers'" >"$OUT/kinds"
	assert_eq net "$(own_kinds "$OUT/kinds")" su
	in_session alice "sudo -u bob print-kinds" >"$OUT/kinds"
	assert_eq net "$(own_kinds "$OUT/kinds")" sudo
	in_session alice "su bob -c 'su alice -c print-kinds'" >"$OUT/kinds"
	assert_eq 'net uts ipc time cgroup mnt' "$(own_kinds "$OUT/kinds")" 'and back'
	user_clean bob
	# root's `exec` from there too.
	hold_session bob bob
	in_session alice "sudo pam-netns exec bob -- print-kinds" >"$OUT/kinds"
	assert_eq net "$(own_kinds "$OUT/kinds")" exec
	end_session bob
	end_session alice
	host_clean
}

test_unknown_namespace_is_refused_with_those_known() {
	assert_fails conf_sets 'net disk' net >"$OUT/check" 2>&1
	assert_match "namespaces = net disk: unknown namespace 'disk'; known: net " "$(<"$OUT/check")"
	assert_fails su alice -c true
	host_clean
	assert_fails conf_sets 'uts mnt' net >"$OUT/check" 2>&1
	assert_match 'must have net; to leave users on the host.s network, write isolate = no' "$(<"$OUT/check")"
}

# The other keys that need a namespace are tried in conf_text_test.
test_key_that_needs_a_missing_namespace_is_refused() {
	conf_sets net net
	printf 'private = /tmp\n' >>"$CONF"
	assert_fails pam-netns check "$CONF" >"$OUT/check" 2>&1
	assert_match 'private = /tmp: needs the mnt namespace; add mnt to namespaces, or remove the line' \
		"$(<"$OUT/check")"
}

test_ipc_without_mnt_is_refused() {
	assert_fails conf_sets 'net ipc' net >"$OUT/check" 2>&1
	assert_match 'namespaces = net ipc: ipc needs mnt, because .*add mnt, or remove ipc' "$(<"$OUT/check")"
	log_mark
	assert_fails su alice -c true
	log_grep 'ipc needs mnt' >/dev/null
	host_clean
}
