# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# The command pam-netns, by root and by users, against real logins.

setup() {
	host_pam_install
}

# An argument from an administrator's script may be a name that a user chose.
test_t43_arguments_with_terminal_controls_are_printed_without() {
	local hostile=$'x\e[2J\xc2\x9b1m' command
	for command in list check doctor status explain kick up exec "list -$hostile" "$hostile" "exec alice"; do
		# shellcheck disable=SC2086 # a command may be two words
		assert_eq '' "$(pam-netns $command "$hostile" 2>&1 | LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f-\x9f]' || :)" "$command"
	done
}

test_help_and_usage_agree() {
	local name text
	for name in $(pam-netns --help | awk '/^  / { print $1 }'); do
		text=$(pam-netns "$name" --help)
		assert_match "^Usage: pam-netns $name" "$text"
		assert_match $'\nExit status: .*\n\nExamples:\n  (sudo )?pam-netns '"$name" "$text"
		assert_eq "$text" "$(pam-netns help "$name")"
		assert_eq "" "$(awk 'length > 80' <<<"$text")" "longer than 80 columns"
	done
	assert_eq doctor "$name" 'the last command'
	assert_eq "" "$(pam-netns --help | awk 'length > 80')" "longer than 80 columns"
	assert_eq "$(pam-netns --help)" "$(pam-netns help)"
	assert_match '^pam-netns [0-9]' "$(pam-netns -V)"
	assert_eq "$(pam-netns --version)" "$(pam-netns -V)"
	assert_code 2 pam-netns help frobnicate
	assert_fails_with 'kick: USER is missing' pam-netns kick
	assert_code 0 pam-netns --version
	assert_code 2 pam-netns
	assert_code 2 pam-netns frobnicate
	assert_code 2 pam-netns kick
	assert_code 2 pam-netns list --force
	assert_code 2 pam-netns list extra
	assert_code 2 pam-netns exec alice
	assert_code 2 pam-netns exec -- true
	assert_fails_with "'pam-netns --help' lists all commands" pam-netns frobnicate
}

test_commands_of_root_refuse_users() {
	local words
	for words in up down gc 'kick alice' 'down --force'; do
		# shellcheck disable=SC2086
		assert_eq "pam-netns: ${words%% *} needs root; run it with sudo" \
			"$(assert_fails as bob pam-netns $words 2>&1)"
	done
	assert_code 1 as bob pam-netns exec alice -- true
	assert_code 1 as bob pam-netns status alice
	assert_code 1 as bob pam-netns explain alice
}

test_commands_without_active_user_say_so() {
	pam-netns up
	assert_eq '[]' "$(pam-netns list --json)"
	assert_eq 1 "$(pam-netns list | wc -l)"
	assert_fails_with 'alice has no network at present' pam-netns status alice
	assert_fails_with 'alice has no network at present' pam-netns exec alice -- true
	assert_code 1 pam-netns exec root -- true
}

test_commands_take_a_name_or_a_uid() {
	local command
	for command in status explain kick; do
		assert_eq "pam-netns: no user is called 'unknown-user'; write '#UID' for a removed user" \
			"$(assert_fails pam-netns $command unknown-user 2>&1)" "$command"
		assert_code 1 pam-netns $command '#12x'
	done
	assert_fails_with "no user is called 'unknown-user'" pam-netns exec unknown-user -- true
	assert_eq "$(pam-netns explain alice)" "$(pam-netns explain '#2001')"
	assert_eq "$(as bob pam-netns explain)" "$(as bob pam-netns explain '#2002')"
	assert_fails_with 'no user has uid 4242' pam-netns explain '#4242'
	assert_fails_with 'only root may see other users' as bob pam-netns explain '#2001'
	pam-netns kick '#4242'
}

test_check_names_bad_conf_and_bad_mode() {
	printf '[profile x]\nmatch = *\nnonsense = 1\nhostname = a b\n' >/etc/security/bad.conf
	assert_code 1 pam-netns check /etc/security/bad.conf
	assert_fails_with 'bad.conf:3' pam-netns check /etc/security/bad.conf
	assert_eq '/etc/security/pam_netns.conf: ok' "$(pam-netns check /etc/security/pam_netns.conf)"
	pam-netns check
	assert_match '^ok' "$(pam-netns check | tail -n 1)"
	cp -p "$CONF" "$OUT/conf"
	sed -i '/^\[profile/,$d' "$CONF"
	assert_fails_with "^problem: $CONF: has no \[profile NAME\] section" pam-netns check
	cp -p "$OUT/conf" "$CONF"
	assert_match 'only root can check' "$(as bob pam-netns check)"
	chmod 0755 /usr/libexec/pam-netns/pam-netns-enter
	assert_fails_with 'problem: .*pam-netns-enter .*mode 0755.*chmod 4755' pam-netns check
	chmod 4755 /usr/libexec/pam-netns/pam-netns-enter
}

test_check_warns_of_stacks_tables_and_sudoers() {
	host_pam_remove
	assert_match 'warning: no stack .* no user is isolated' "$(pam-netns check)"
	host_pam_install
	sed -i '/pam_netns/d' /etc/pam.d/common-session-noninteractive
	assert_match 'cron jobs and' "$(pam-netns check)"
	host_pam_install
	nft 'add table inet foreign; add chain inet foreign f { type filter hook forward priority 0; policy drop; }'
	assert_match 'warning: .*' "$(pam-netns check | grep -i -e foreign -e forward)"
	nft delete table inet foreign
	echo 'alice otherhost = (ALL) ALL' >/etc/sudoers.d/hosts
	assert_no_match sudoers "$(pam-netns check)"
	sed -i 's/^hostname = %h/hostname = %u-%h/' /etc/security/pam_netns.conf
	assert_match 'warning: .*/sudoers.d/hosts lists hosts' "$(pam-netns check)"
	sed -i 's/^hostname = %u-%h/hostname = %h/' /etc/security/pam_netns.conf
	rm /etc/sudoers.d/hosts
}

test_list_to_full_device_fails() {
	assert_code 1 eval 'pam-netns list >/dev/full'
	assert_code 1 eval 'pam-netns list --json >/dev/full'
}

# Before each test, even if the one before it failed.
conf_reset
