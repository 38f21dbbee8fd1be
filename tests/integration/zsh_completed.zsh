# zsh -f zsh_completed.zsh DUMP LINE: prints what an interactive zsh offers for the last word of the command
# line, a match a line. The file DUMP speeds the next start up.
zmodload zsh/zpty
zpty shell 'TERM=dumb zsh -f -i'
zpty -w shell "stty -echo; PROMPT=; unsetopt zle_bracketed_paste
	autoload -Uz compinit && compinit -u -d ${(q)1}
	compadd() {
		local -a found; local word
		if [[ \${@[1,(i)(-|--)]} != *-[OAD]\\ * ]]; then
			builtin compadd -A found \"\$@\"
			for word in \$found; do print -r -- \"<\$word>\"; done
		fi
		builtin compadd \"\$@\"
	}
	completed() { compstate[insert]= compstate[list]=; print '<the end>'; }
	comppostfuncs=(completed); bindkey '^I' complete-word; print '<ready'\\>"
zpty -r shell output '*<ready>*'
zpty -w -n shell "$2"$'\t'
zpty -r shell output '*<the end>*'
zpty -d shell
print -r -- $output | grep -o '<[^<>]*>' | tr -d '<>' | sed '/^the end$/d'
