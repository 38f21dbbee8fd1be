# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Sessions that a user opens inside their own session: su and sudo to others and back.

setup() {
	host_pam_install
	cp /etc/pam.d/su "$OUT/pam.su"
	cp /etc/pam.d/sudo "$OUT/pam.sudo"
}

# script NAME COMMANDS: makes $OUT/NAME, which su and sudo can run without a second level of quotes.
script() {
	printf '%s\n' "$2" >"$OUT/$1"
	chmod 0755 "$OUT/$1"
}

# begin [trusted]: the host's stacks of su and sudo, and no active user. trusted: su asks for no password.
begin() {
	cp "$OUT/pam.su" /etc/pam.d/su
	cp "$OUT/pam.sudo" /etc/pam.d/sudo
	sudo_asks no
	[[ ${1-} != trusted ]] || sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	host_clean
}

# sudo_asks yes|no: sudo asks for a password.
sudo_asks() {
	echo "alice,bob ALL=(ALL) $([[ $1 == yes ]] || echo NOPASSWD:) ALL" >/etc/sudoers.d/nested
}

test_su_to_another_and_back_joins_each_network() {
	local alice bob
	begin trusted
	hold_session alice alice
	hold_session bob bob
	alice=$(in_session alice "$PRINT_INODES")
	bob=$(in_session bob "$PRINT_INODES")
	assert_ne "$alice" "$bob"
	script third "$PRINT_INODES"
	script second "$PRINT_INODES; su alice -c $OUT/third"
	script first "$PRINT_INODES; su bob -c $OUT/second; $PRINT_INODES"
	assert_same "$alice"$'\n'"$bob"$'\n'"$alice"$'\n'"$alice" "$(in_session alice "sh $OUT/first")" 'su'
	script second "$PRINT_INODES; sudo -u alice $OUT/third"
	script first "$PRINT_INODES; sudo -u bob $OUT/second; $PRINT_INODES"
	assert_same "$alice"$'\n'"$bob"$'\n'"$alice"$'\n'"$alice" "$(in_session alice "sh $OUT/first")" 'sudo'
	end_session alice
	end_session bob
	host_clean
}

# su inside alice's session opens bob's first session, which must be made of the host's namespaces.
test_first_session_by_nested_su_is_made_of_the_host() {
	local host from_alice
	begin trusted
	hold_session alice alice
	in_session alice 'echo hers >/tmp/hers'
	nsenter --mount="/proc/$(hold_pid alice)/ns/mnt" sh -c 'mount -t tmpfs inside /srv'
	nsenter --net="/proc/$(hold_pid alice)/ns/net" ip link add inside0 type bridge
	nsenter --uts="/proc/$(hold_pid alice)/ns/uts" hostname hers
	script look 'hostname; ls /sys/class/net /tmp; cat /proc/self/mountinfo | grep -c " inside "
		ip -o -4 address show dev eth0 | grep -o "10[0-9.]*/32"; readlink /proc/self/ns/pid'
	from_alice=$(in_session alice "su bob -c $OUT/look")
	user_clean bob
	host=$(ssh_as bob -- "$OUT/look")
	assert_same "$host" "$from_alice"
	assert_match $'^testhost\n' "$host"
	assert_match '10\.203\.7\.210/32' "$host"
	assert_no_match 'inside0|hers' "$host"
	# Its mounts are slaves of the host's, not of alice's.
	mkdir -p /srv/later
	script look 'grep -c later /proc/self/mountinfo'
	script sleeper "echo \$\$ >$OUT/sleeper.pid; exec sleep 30"
	in_session alice "su bob -c $OUT/sleeper >/dev/null 2>&1 &"
	wait_until 5 test -s "$OUT/sleeper.pid"
	mount -t tmpfs later /srv/later
	assert_eq 1 "$(ssh_as bob -- "$OUT/look")"
	umount /srv/later
	kill "$(<"$OUT/sleeper.pid")"
	rmdir /srv/later
	end_session alice
	host_clean
}

test_inner_logout_keeps_the_outer_session() {
	local before
	begin trusted
	hold_session alice alice
	before=$(in_session alice "$PRINT_INODES")
	in_session alice "su bob -c true; sudo -u carol true; sudo true"
	user_clean bob
	user_clean carol
	assert_eq "$before" "$(in_session alice "$PRINT_INODES")"
	assert_match "you are $HOST4" "$(in_session alice "curl -sS -m 5 http://$OUTSIDE4/")"
	# alice's su to herself ends, and her session stays.
	in_session alice "su alice -c true; sudo -u alice true"
	assert_eq "$before" "$(ssh_as alice -- "$PRINT_INODES")"
	assert_match "you are $HOST6" "$(in_session alice "curl -sS -m 5 http://[$OUTSIDE6]/")"
	end_session alice
	host_clean
}

# The outer session ends first. The inner one keeps its network.
test_outer_logout_keeps_the_inner_session() {
	local pid
	begin trusted
	hold_session alice alice
	script inner "echo \$\$ >$OUT/inner.pid; exec sleep 30"
	rm -f "$OUT/inner.pid"
	in_session alice "setsid su bob -c $OUT/inner >/dev/null 2>&1 </dev/null &"
	wait_until 5 test -s "$OUT/inner.pid"
	pid=$(<"$OUT/inner.pid")
	end_session alice
	assert_eq "$(netns_inode "$pid")" "$(ssh_as bob -- stat -L -c %i /proc/self/ns/net)"
	kill "$pid"
	host_clean
}

test_ssh_joins_a_session_that_su_opened() {
	local alice
	begin trusted
	hold_session alice alice
	alice=$(in_session alice "$PRINT_INODES")
	script inner "$PRINT_INODES >$OUT/inner.inodes; echo \$\$ >$OUT/inner.pid; exec sleep 30"
	rm -f "$OUT/inner.pid"
	in_session alice "su bob -c $OUT/inner >/dev/null 2>&1 &"
	wait_until 5 test -s "$OUT/inner.pid"
	assert_eq "$(<"$OUT/inner.inodes")" "$(ssh_as bob -- "$PRINT_INODES")"
	assert_ne "$alice" "$(<"$OUT/inner.inodes")"
	kill "$(<"$OUT/inner.pid")"
	end_session alice
	host_clean
}

test_nested_root_stays_in_the_users_network() {
	local alice
	begin trusted
	hold_session alice alice
	alice=$(in_session alice "$PRINT_INODES")
	assert_eq "$alice" "$(in_session alice "su root -c '$PRINT_INODES'")" su
	assert_eq "$alice" "$(in_session alice "sudo sh -c '$PRINT_INODES'")" sudo
	# su from there to bob gives bob's own namespaces.
	hold_session bob bob
	script third "$PRINT_INODES"
	assert_eq "$(in_session bob "$PRINT_INODES")" "$(in_session alice "sudo su bob -c $OUT/third")"
	end_session bob
	end_session alice
	host_clean
}

test_su_from_a_private_directory_starts_in_root() {
	begin trusted
	hold_session alice alice
	in_session alice 'mkdir -m 0777 /tmp/place'
	assert_eq / "$(in_session alice 'cd /tmp/place && su bob -c "pwd -P"')" 'su from /tmp/place'
	assert_eq / "$(in_session alice 'cd /tmp && su bob -c "pwd -P"')" 'su from /tmp'
	assert_eq /tmp/place "$(in_session alice 'cd /tmp/place && su alice -c "pwd -P"')" 'the own directory'
	assert_eq /srv "$(in_session alice 'cd /srv && su bob -c "pwd -P"')" 'a directory of both'
	end_session alice
	host_clean
}

# --- auth requisite pam_netns.so host ---

# A line with the network of each authentication. It is not in $OUT, whose sticky bit stops users from
# writing to files of root.
WITNESSED=/run/test-host/witnessed

# witness_set SERVICE [host]: a script first in the stack that notes its network; host: our line before it.
witness_set() {
	script witness "#!/bin/sh"$'\n'"readlink /proc/self/ns/net >>$WITNESSED"
	: >"$WITNESSED"
	chmod 0666 "$WITNESSED"
	sed -i "1i auth optional pam_exec.so quiet $OUT/witness" "/etc/pam.d/$1"
	[[ ${2-} != host ]] || sed -i '1i auth requisite pam_netns.so host' "/etc/pam.d/$1"
}

# su_by_password PASSWORD COMMAND: alice runs it on a terminal and types the password.
su_by_password() {
	as_pty nsenter "--net=/proc/$(</run/test-host/outside.pid)/ns/net" \
		ssh -t -o BatchMode=yes -o LogLevel=ERROR "alice@$HOST4" "$2" <<-END
			< assword:
			> $1
		END
}

test_authentication_with_host_line_is_in_the_hosts_network() {
	local host
	begin
	host=$(readlink /proc/1/ns/net)
	# The control: without the line, authentication is in alice's network.
	witness_set su
	su_by_password "$PASSWORD" 'su bob -c true'
	assert_match 'net:' "$(<"$WITNESSED")"
	assert_ne "$host" "$(<"$WITNESSED")"

	begin
	witness_set su host
	hold_session bob bob
	assert_match "$(in_session bob "$PRINT_INODES")" "$(su_by_password "$PASSWORD" "su bob -c '$PRINT_INODES'")" "bob's session"
	assert_eq "$host" "$(<"$WITNESSED")"
	end_session bob
	host_clean
}

# Root is exempt and stays in the caller's network, not in that of the authentication.
test_root_after_authentication_is_in_the_users_network() {
	local host alice
	host=$(readlink /proc/1/ns/net)
	begin trusted
	hold_session alice alice
	alice=$(in_session alice "$PRINT_INODES")
	witness_set su host
	assert_eq "$alice" "$(in_session alice "su root -c '$PRINT_INODES'")" su
	assert_eq "$host" "$(<"$WITNESSED")"
	sudo_asks yes
	witness_set sudo host
	assert_eq "$alice" "$(in_session alice "echo $PASSWORD | sudo -S -p '' sh -c '$PRINT_INODES'")" sudo
	assert_eq "$host" "$(tail -n 1 "$WITNESSED")"
	end_session alice
	host_clean
}

test_wrong_password_opens_no_session() {
	local code=0 output host
	begin
	host=$(readlink /proc/1/ns/net)
	witness_set su host
	hold_session alice alice
	output=$(su_by_password wrong "su bob -c 'echo got in'") || code=$?
	assert_eq 1 "$code"
	assert_match 'Authentication failure' "$output"
	assert_no_match 'got in' "$output"
	assert_eq "$host" "$(<"$WITNESSED")"
	wait_until 2 sh -c '! pgrep -x su'
	# No session was opened for bob, and alice's namespaces are the same.
	[[ ! -e /run/pam-netns/pins/2002 ]] || fail 'pins of bob'
	assert_no_log 'session opened: user=bob'
	assert_eq "$(in_session alice "$PRINT_INODES")" "$(ssh_as alice -- "$PRINT_INODES")"
	end_session alice
	host_clean
}

# A user can make the line fail, for instance by a limit. Their own network must not answer instead.
test_failing_host_line_refuses_authentication() {
	local code=0 output helper=/usr/libexec/pam-netns/pam-netns-helper
	begin
	witness_set su host
	hold_session alice alice
	mv $helper $helper.away
	output=$(in_session alice "su bob -c 'echo got in' 2>&1 </dev/null") || code=$?
	mv $helper.away $helper
	assert_ne 0 "$code"
	assert_no_match 'got in' "$output"
	assert_eq '' "$(<"$WITNESSED")"
	end_session alice
	host_clean
}

# sudo asks three times in one process, which must not stay in the host's network after a failure.
test_right_password_after_wrong_one_joins_the_session() {
	local alice
	begin
	sudo_asks yes
	witness_set sudo host
	hold_session alice alice
	alice=$(in_session alice "$PRINT_INODES")
	assert_eq "$alice" "$(in_session alice "printf '%s\n' wrong $PASSWORD | sudo -S -p '' sh -c '$PRINT_INODES' 2>/dev/null")"
	assert_eq 2 "$(wc -l <"$WITNESSED")"
	assert_eq 1 "$(sort -u "$WITNESSED" | wc -l)"
	end_session alice
	host_clean
}
