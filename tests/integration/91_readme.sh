# shellcheck shell=bash
# README, followed literally on a host with `make install`: the first commands, and the output that it shows.
# 92_deb does the same with the packages.

# shellcheck source=tests/integration/readme_lib.sh
. "$CHECKOUT/tests/integration/readme_lib.sh"

test_readmes_commands_isolate_the_first_user() {
	readme_isolates_bob
}

test_output_is_as_readme_shows_it() {
	hold_session first bob
	as_readme_shows 'pam-netns list'
	as_readme_shows 'pam-netns status bob'
	as_readme_shows 'pam-netns explain bob'
	end_session first
}

test_readmes_last_command_undoes_the_first() {
	readme_undoes_it
	user_clean bob
	pam-netns down
	assert_no_match pam_netns "$(nft list ruleset; cat /etc/pam.d/common-session)"
	[[ ! -e /sys/class/net/pnbr0 ]]
}

# Its first screen: what it is, for which hosts, and the commands.
test_readme_begins_with_a_hundred_words() {
	local words
	words=$(sed '/^## /,$d; /^    /d' "$CHECKOUT/README.md" | wc -w)
	((words <= 120)) || fail "$words words before the first heading"
	assert_eq "" "$(readme_commands | grep -E '.{110}' || :)" "long commands"
}
