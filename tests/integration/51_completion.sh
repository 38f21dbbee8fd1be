# shellcheck shell=bash
# Completion of pam-netns, driven in bash, zsh and fish. All offers come from the program's own tables.

BASH_FILE=/usr/share/bash-completion/completions/pam-netns
FISH_FILE=/usr/share/fish/vendor_completions.d/pam-netns.fish
ZSH_FILE=$(echo /usr/share/zsh/*/_pam-netns)

# bash_offers WORD...: prints what bash offers for the last word, on one line.
bash_offers() {
	bash -uc '
		source "$0"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"$(complete -p pam-netns | sed "s/.*-F \([^ ]*\) .*/\1/")"
		printf "%s\n" ${COMPREPLY+"${COMPREPLY[@]}"}' "$BASH_FILE" "$@"
}

# fish and zsh find our file in their own folders. fish adds a description after a tab.
fish_offers() {
	fish --private -c "complete -C '$*'" | sed 's/\t.*//'
}

# zsh leaves out the folder of an offered file.
zsh_offers() {
	timeout 60 zsh -f "$CHECKOUT/tests/integration/zsh_completed.zsh" "$OUT/zcompdump" "$*"
}

# offered SHELL WORD...: prints what the shell offers for the last word, in order, on one line.
offered() {
	"$1_offers" "${@:2}" | LC_ALL=C sort -u | xargs
}

# each_command_is_completed SHELL
each_command_is_completed() {
	local name shell=$1 first
	first=$(offered "$shell" pam-netns '')
	for name in $(pam-netns --commands | cut -f 1) help; do
		assert_match " $name " " $first "
		assert_eq '' "$(offered "$shell" pam-netns "$name" nothing-begins-like-this)" "$name"
	done
	assert_eq down "$(offered "$shell" pam-netns dow)"
	assert_eq explain "$(offered "$shell" pam-netns help exp)"
	assert_eq default "$(offered "$shell" pam-netns up '')"
	printf '%s\n' '[network lab]' 'bridge = lab0' 'subnet = 10.9.0.0/24' >>"$CONF"
	assert_eq 'default lab' "$(offered "$shell" pam-netns down '')"
	assert_eq lab "$(offered "$shell" pam-netns down --force l)"
	conf_reset
	assert_eq alice "$(offered "$shell" pam-netns kick ali)"
	assert_eq alice "$(offered "$shell" pam-netns exec --root ali)"
	assert_eq '--help --json --wide' "$(offered "$shell" pam-netns list -)"
	assert_eq '--help --json' "$(offered "$shell" pam-netns list --wide -)"
	assert_match '--help --root' "$(offered "$shell" pam-netns exec alice '')"
	assert_eq '' "$(offered "$shell" pam-netns up default d)"
	assert_match '^(/etc/security/)?pam_netns.conf$' "$(offered "$shell" pam-netns check /etc/security/pam_ne)"
	assert_eq printenv "$(offered "$shell" pam-netns exec alice -- printen)"
	assert_eq printenv "$(offered "$shell" pam-netns lab -- printen)"
	assert_eq '' "$(offered "$shell" pam-netns kick alice -- printen)"
	assert_eq '' "$(offered "$shell" pam-netns frobnicate '')"
	# A conf file with an error is not told of in the middle of a line.
	echo nonsense >>"$CONF"
	assert_eq '' "$(offered "$shell" pam-netns up '' 2>&1)"
	conf_reset
}

test_bash_completes_what_each_command_takes() {
	each_command_is_completed bash
	assert_eq '--help --json --wide' "$(offered bash pam-netns list '')"
	assert_eq '--json' "$(as bob bash -c "BASH_FILE=$BASH_FILE; $(declare -f bash_offers); bash_offers pam-netns doctor --j")"
}

test_zsh_completes_what_each_command_takes() {
	command -v zsh >/dev/null || skip "zsh is not installed"
	zsh -n "$ZSH_FILE"
	each_command_is_completed zsh
}

test_fish_completes_what_each_command_takes() {
	command -v fish >/dev/null || skip "fish is not installed"
	fish -n "$FISH_FILE"
	each_command_is_completed fish
	assert_match $'down\tremove the host' "$(fish --private -c 'complete -C "pam-netns dow"')"
}

# An active user is offered even if no list of accounts has the name, as with a directory service.
test_completion_offers_active_users() {
	local shell
	host_pam_install
	hold_session first alice
	sed -i '/^alice:/d' /etc/passwd
	for shell in bash zsh fish; do
		! command -v $shell >/dev/null || assert_eq alice "$(offered $shell pam-netns kick ali)" $shell
	done
}
