# shellcheck shell=bash
# README's first commands, run as they are written, and the output that README shows.

README=$CHECKOUT/README.md

# readme_commands: prints the commands before the first heading, one a line. The last one undoes the others.
readme_commands() {
	sed -n '/^## /q; s/^    //p' "$README"
}

# readme_isolates_bob: runs all commands but the last, in the order of README.
readme_isolates_bob() {
	local commands command
	mapfile -t commands < <(readme_commands)
	assert_eq 4 "${#commands[@]}" "commands"
	for command in "${commands[@]:0:3}"; do
		echo "\$ $command" >>"$OUT/readme"
		bash -ec "cd /; $command" >>"$OUT/readme" 2>&1 || fail "'$command' failed: $(<"$OUT/readme")"
	done
	assert_no_match '(^|'$'\n'')pam-netns: ' "$(<"$OUT/readme")" "errors"
	assert_match 'no stack in /etc/pam.d has a session line' "$(<"$OUT/readme")" "what check says before the PAM line"
	assert_ne "$(netns_inode 1)" "$(network_by_ssh bob)" "bob's network"
	assert_eq "$(netns_inode 1)" "$(network_by_ssh alice)" "alice's network"
	assert_eq "$(netns_inode 1)" "$(network_by_ssh root)" "root's network"
}

# readme_undoes_it: runs the last command.
readme_undoes_it() {
	bash -ec "cd /; $(readme_commands | tail -n 1)" >&2
	assert_eq "$(netns_inode 1)" "$(network_by_ssh bob)" "bob's network"
}

network_by_ssh() {
	ssh_as "$1" -- stat -L -c %i /proc/self/ns/net
}

# readme_output COMMAND: prints what README shows as the command's output.
readme_output() {
	awk -v command="    \$ sudo $1" '$0 == command { on = 1; next } on && (/^    \$/ || !/^    /) { exit } on { print substr($0, 5) }' "$README"
}

# shape: what differs from host to host and from time to time becomes one word each.
shape() {
	sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]+/TIME/g; s/\bpnu[0-9a-z]+/PORT/g; s/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/g
		s/[0-9a-f]*(:[0-9a-f]*){2,7}/ADDRESS6/g; s/\b[0-9]+(\.[0-9]+){3}\b/ADDRESS/g; s/\b[0-9][0-9.]*[KMGT]?\b/NUMBER/g
		s/^( *hostname +).*/\1HOST/; s/ +/ /g'
}

# as_readme_shows COMMAND: its output has the lines of README, with others only where README has "...".
as_readme_shows() {
	local expected actual
	expected=$(readme_output "$1")
	assert_match . "$expected" "README's output of $1"
	# shellcheck disable=SC2086 # words
	actual=$($1)
	awk 'NR == FNR { want[++count] = $0; next }
		want[at + 1] ~ /^ *\.\.\.$/ { any = 1; at++ }
		$0 == want[at + 1] { any = 0; at++; next }
		!any { print "README has \"" want[at + 1] "\", not \"" $0 "\""; exit bad = 1 }
		END { if (want[at + 1] ~ /\.\.\.$/) at++; if (!bad && at < count) { print "not there: " want[at + 1]; bad = 1 } exit bad }' \
		<(shape <<<"$expected") <(shape <<<"$actual") >&2 || fail "README shows another output of $1"
}
