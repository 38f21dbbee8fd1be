# shellcheck shell=bash
# Completion of pam-netns for bash. The program tells its commands, their options and operands
# (pam-netns --commands), and the networks of the conf file (pam-netns --networks).

# The words of standard input that begin with the word to complete.
_pam_netns_reply() {
	mapfile -t COMPREPLY < <(compgen -W "$(cat)" -- "${COMP_WORDS[COMP_CWORD]}")
}

# Users, networks or files, by the name of a command's operand.
_pam_netns_operand() {
	local word=${COMP_WORDS[COMP_CWORD]}
	case $1 in
	# A directory service does not list its users, but an active user has a record.
	USER) _pam_netns_reply < <(compgen -u; pam-netns list 2>/dev/null | awk 'NR > 1 { print $1 }') ;;
	NETWORK) _pam_netns_reply < <(pam-netns --networks 2>/dev/null) ;;
	FILE)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	esac
}

# The command line of exec and lab, whose first word is at that place.
_pam_netns_command() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

_pam_netns() {
	local commands command operand options name i word=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	commands=$(pam-netns --commands 2>/dev/null) || return 0
	if ((COMP_CWORD == 1)); then
		_pam_netns_reply < <(cut -f 1 <<<"$commands"; echo help --help --version)
		return 0
	fi
	command=${COMP_WORDS[1]}
	if [[ $command == help ]]; then
		((COMP_CWORD > 2)) || _pam_netns_reply < <(cut -f 1 <<<"$commands")
		return 0
	fi
	while IFS=$'\t' read -r name operand options _; do
		[[ $name != "$command" ]] || break
	done <<<"$commands"
	[[ $name == "$command" ]] || return 0
	options=" $options "
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			[[ $options != *' -- '* ]] || _pam_netns_command $((i + 1))
			return 0
			;;
		-*) options=${options/" ${COMP_WORDS[i]} "/ } ;; # once is enough
		*) operand=- ;; # there is one at most
		esac
	done
	if [[ $word == -* || (-z $word && $operand == -) ]]; then
		_pam_netns_reply <<<"$options"
	else
		_pam_netns_operand "$operand"
	fi
	return 0
}

complete -F _pam_netns pam-netns
