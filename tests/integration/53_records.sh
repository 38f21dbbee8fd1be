# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Records of sessions below /run/pam-netns/users: a user reads their own, reads none of another user, and
# changes none.

USERS=/run/pam-netns/users

setup() {
	host_pam_install
}

sessions_hold() {
	hold_session alice alice
	hold_session bob bob
}

sessions_end() {
	end_session alice
	end_session bob
	host_clean
}

# reads_nothing USER UID: the user can read neither that uid's records nor the names of their files.
reads_nothing() {
	local file
	assert_fails as "$1" ls "$USERS/$2" 2>/dev/null
	assert_fails as "$1" ls "$USERS/$2/sessions" 2>/dev/null
	while read -r file; do
		assert_fails as "$1" cat "$file" 2>/dev/null
	done < <(find "$USERS/$2" -type f)
}

# Inside a session and outside, by the command and by the files.
test_t42_user_reads_only_their_own_records() {
	local said
	# alice and carol have one group, which must give no access.
	assert_eq "$(id -gn alice)" "$(id -gn carol)"
	sessions_hold
	reads_nothing bob 2001
	reads_nothing alice 2002
	reads_nothing carol 2001
	for said in "$(as alice cat "$USERS/2001/state")" "$(in_session alice "cat $USERS/2001/state")"; do
		assert_match 'network=default' "$said"
	done
	assert_match 'service=sshd' "$(as alice sh -c "cat $USERS/2001/sessions/*")"
	for said in "$(as alice pam-netns status)" "$(in_session alice 'pam-netns status')"; do
		assert_match '^alice \(uid 2001\)' "$said"
		assert_match 'sessions +1' "$said"
		assert_match 'sshd +.*198\.51\.100\.1' "$said"
	done
	for said in "$(as alice pam-netns list)" "$(in_session alice 'pam-netns list')"; do
		assert_match 'alice +10\.203\.7\.209' "$said"
		assert_no_match 'bob' "$said"
	done
	assert_fails_with 'only root may see other users' as alice pam-netns status bob
	# Root sees all.
	assert_match 'bob +10\.203\.7\.210' "$(pam-netns list)"
	sessions_end
}

# Root acts by these records, so their user must not change names, modes or contents.
test_t42_user_changes_no_record() {
	local before
	sessions_hold
	before=$(find "$USERS" -printf '%p %u %g %m %s\n' | sort)
	for path in "$USERS/2001" "$USERS/2001/state" "$USERS/2001/sessions"; do
		assert_fails as alice chmod 0777 "$path" 2>/dev/null
		assert_fails as alice mv "$path" "$path.away" 2>/dev/null
		assert_fails as alice rm -r "$path" 2>/dev/null
	done
	assert_fails as alice touch "$USERS/2001/new" "$USERS/2001/sessions/1.1" 2>/dev/null
	assert_fails as alice sh -c "echo >>$USERS/2001/state" 2>/dev/null
	assert_same "$before" "$(find "$USERS" -printf '%p %u %g %m %s\n' | sort)"
	# An open record does not keep the folder.
	as alice sleep 600 <"$USERS/2001/state" &
	sessions_end
	kill $!
}

# open_to_all UID: a folder as an older version made it, without an access control list.
open_to_all() {
	mv "$USERS/$1" "$USERS/.old"
	mkdir -m 0755 "$USERS/$1"
	cp -r "$USERS/.old/." "$USERS/$1/"
	rm -r "$USERS/.old"
	as carol cat "$USERS/$1/state" >/dev/null
}

test_t42_open_records_of_older_version_are_closed() {
	sessions_hold
	open_to_all 2001
	open_to_all 2002
	# The user's next login closes it, or gc.
	su alice -c true
	reads_nothing carol 2001
	as carol cat "$USERS/2002/state" >/dev/null
	pam-netns gc
	reads_nothing carol 2002
	assert_match 'sessions +1' "$(as bob pam-netns status)"
	assert_match 'sessions +[12]' "$(as alice pam-netns status)"
	sessions_end
}

# A folder that users can write to is not ours: the login makes it anew, without the old contents.
test_t42_writable_record_folder_is_made_anew() {
	mkdir -m 0777 "$USERS/2003"
	echo planted >"$USERS/2003/planted"
	assert_eq '750 root root' "$(su carol -c "stat -c '%a %U %G' $USERS/2003")"
	[[ ! -e $USERS/2003/planted ]] || fail 'the planted file is still there'
	host_clean
}
