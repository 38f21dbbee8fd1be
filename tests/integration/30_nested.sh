# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# Sessions opened from within a user's session: su and sudo to others and back.

# Namespaces of the shell that runs it, on one line.
INODES='stat -L -c %i /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts | paste -sd " "'

setup() {
	host_pam_install
	cp /etc/pam.d/su "$OUT/pam.su"
	cp /etc/pam.d/sudo "$OUT/pam.sudo"
}

# script NAME COMMANDS: $OUT/NAME, a script that su and sudo run without a second level of quotes.
script() {
	printf '%s\n' "$2" >"$OUT/$1"
	chmod 0755 "$OUT/$1"
}

# begin [trusted]: su's and sudo's stacks as the host has them, nobody in. trusted: su asks nobody
# for a password.
begin() {
	cp "$OUT/pam.su" /etc/pam.d/su
	cp "$OUT/pam.sudo" /etc/pam.d/sudo
	sudo_asks no
	[[ ${1-} != trusted ]] || sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
	host_clean
}

# sudo_asks yes|no: for a password.
sudo_asks() {
	echo "alice,bob ALL=(ALL) $([[ $1 == yes ]] || echo NOPASSWD:) ALL" >/etc/sudoers.d/nested
}

test_there_and_back_again() {
	local alice bob
	begin trusted
	hold_session alice alice
	hold_session bob bob
	alice=$(in_session alice "$INODES")
	bob=$(in_session bob "$INODES")
	assert_ne "$alice" "$bob"
	script third "$INODES"
	script second "$INODES; su alice -c $OUT/third"
	script first "$INODES; su bob -c $OUT/second; $INODES"
	assert_same "$alice"$'\n'"$bob"$'\n'"$alice"$'\n'"$alice" "$(in_session alice "sh $OUT/first")" 'su'
	script second "$INODES; sudo -u alice $OUT/third"
	script first "$INODES; sudo -u bob $OUT/second; $INODES"
	assert_same "$alice"$'\n'"$bob"$'\n'"$alice"$'\n'"$alice" "$(in_session alice "sh $OUT/first")" 'sudo'
	end_session alice
	end_session bob
	host_clean
}

# bob's first session of all is opened by su in alice's: it must be made of the host.
test_first_session_of_another_is_built_from_the_host() {
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
	host_clean_of bob
	host=$(ssh_as bob -- "$OUT/look")
	assert_same "$host" "$from_alice"
	assert_match $'^testhost\n' "$host"
	assert_match '10\.203\.7\.210/32' "$host"
	assert_no_match 'inside0|hers' "$host"
	# Its mounts are slaves of the host's, not of hers.
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

# host_clean_of USER: nothing of this one is left; others may be in.
host_clean_of() {
	wait_until 10 test ! -e "/run/netns/$1"
	wait_until 10 test ! -e "/run/pam-netns/pins/$(id -u "$1")"
}

test_inner_logout_leaves_the_outer_alive() {
	local before
	begin trusted
	hold_session alice alice
	before=$(in_session alice "$INODES")
	in_session alice "su bob -c true; sudo -u carol true; sudo true"
	host_clean_of bob
	host_clean_of carol
	assert_eq "$before" "$(in_session alice "$INODES")"
	assert_match "you are $HOST4" "$(in_session alice "curl -sS -m 5 http://$OUTSIDE4/")"
	# Her own su within her session ends, and she stays.
	in_session alice "su alice -c true; sudo -u alice true"
	assert_eq "$before" "$(ssh_as alice -- "$INODES")"
	assert_match "you are $HOST6" "$(in_session alice "curl -sS -m 5 http://[$OUTSIDE6]/")"
	end_session alice
	host_clean
}

# The outer goes first: what runs inside keeps its network until it ends.
test_outer_logout_leaves_the_inner_alive() {
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

test_ssh_joins_what_su_opened() {
	local alice
	begin trusted
	hold_session alice alice
	alice=$(in_session alice "$INODES")
	script inner "$INODES >$OUT/inner.inodes; echo \$\$ >$OUT/inner.pid; exec sleep 30"
	rm -f "$OUT/inner.pid"
	in_session alice "su bob -c $OUT/inner >/dev/null 2>&1 &"
	wait_until 5 test -s "$OUT/inner.pid"
	assert_eq "$(<"$OUT/inner.inodes")" "$(ssh_as bob -- "$INODES")"
	assert_ne "$alice" "$(<"$OUT/inner.inodes")"
	kill "$(<"$OUT/inner.pid")"
	end_session alice
	host_clean
}

test_root_stays_in_the_users_network() {
	local alice
	begin trusted
	hold_session alice alice
	alice=$(in_session alice "$INODES")
	assert_eq "$alice" "$(in_session alice "su root -c '$INODES'")" su
	assert_eq "$alice" "$(in_session alice "sudo sh -c '$INODES'")" sudo
	# From there to another: that one's own, made of the host.
	hold_session bob bob
	script third "$INODES"
	assert_eq "$(in_session bob "$INODES")" "$(in_session alice "sudo su bob -c $OUT/third")"
	end_session bob
	end_session alice
	host_clean
}

test_private_directory_is_left_for_the_root() {
	begin trusted
	hold_session alice alice
	in_session alice 'mkdir -m 0777 /tmp/place'
	assert_eq / "$(in_session alice 'cd /tmp/place && su bob -c "pwd -P"')" 'su from /tmp/place'
	assert_eq / "$(in_session alice 'cd /tmp && su bob -c "pwd -P"')" 'su from /tmp'
	assert_eq /tmp/place "$(in_session alice 'cd /tmp/place && su alice -c "pwd -P"')" 'her own'
	assert_eq /srv "$(in_session alice 'cd /srv && su bob -c "pwd -P"')" 'what both see'
	end_session alice
	host_clean
}

# --- auth requisite pam_netns.so host ---

# Where authentication happened, a line each time. Not in $OUT: whose sticky bit keeps users from
# files of root.
WITNESSED=/run/test-host/witnessed

# witness_set SERVICE [host]: a witness first in the stack, and before it our line.
witness_set() {
	script witness "#!/bin/sh"$'\n'"readlink /proc/self/ns/net >>$WITNESSED"
	: >"$WITNESSED"
	chmod 0666 "$WITNESSED"
	sed -i "1i auth optional pam_exec.so quiet $OUT/witness" "/etc/pam.d/$1"
	[[ ${2-} != host ]] || sed -i '1i auth requisite pam_netns.so host' "/etc/pam.d/$1"
}

# su_by_password PASSWORD COMMAND: from alice's session to bob, on a terminal.
su_by_password() {
	as_pty nsenter "--net=/proc/$(</run/test-host/outside.pid)/ns/net" \
		ssh -t -o BatchMode=yes -o LogLevel=ERROR "alice@$HOST4" "$2" <<-END
			< assword:
			> $1
		END
}

test_authentication_happens_in_the_hosts_network() {
	local host
	begin
	host=$(readlink /proc/1/ns/net)
	# Without the line it is in hers: the witness tells the two apart.
	witness_set su
	su_by_password "$PASSWORD" 'su bob -c true'
	assert_match 'net:' "$(<"$WITNESSED")"
	assert_ne "$host" "$(<"$WITNESSED")"

	begin
	witness_set su host
	hold_session bob bob
	assert_match "$(in_session bob "$INODES")" "$(su_by_password "$PASSWORD" "su bob -c '$INODES'")" "bob's session"
	assert_eq "$host" "$(<"$WITNESSED")"
	end_session bob
	host_clean
}

# Root is exempt and stays where the caller was, not where authentication took it.
test_after_authentication_root_is_back_in_the_users_network() {
	local host alice
	host=$(readlink /proc/1/ns/net)
	begin trusted
	hold_session alice alice
	alice=$(in_session alice "$INODES")
	witness_set su host
	assert_eq "$alice" "$(in_session alice "su root -c '$INODES'")" su
	assert_eq "$host" "$(<"$WITNESSED")"
	sudo_asks yes
	witness_set sudo host
	assert_eq "$alice" "$(in_session alice "echo $PASSWORD | sudo -S -p '' sh -c '$INODES'")" sudo
	assert_eq "$host" "$(tail -n 1 "$WITNESSED")"
	end_session alice
	host_clean
}

test_wrong_password() {
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
	# Nothing was opened for bob, and nothing of hers has changed.
	[[ ! -e /run/pam-netns/pins/2002 ]] || fail 'pins of bob'
	assert_no_log 'session opened: user=bob'
	assert_eq "$(in_session alice "$INODES")" "$(ssh_as alice -- "$INODES")"
	end_session alice
	host_clean
}

# She may make the line fail, by a limit for one. Her own network must not answer in its stead.
test_no_authentication_where_the_hosts_network_cannot_be_had() {
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

# The process that checks passwords several times must not be left in the host's network by one
# that fails: sudo asks three times.
test_wrong_password_then_the_right_one() {
	local alice
	begin
	sudo_asks yes
	witness_set sudo host
	hold_session alice alice
	alice=$(in_session alice "$INODES")
	assert_eq "$alice" "$(in_session alice "printf '%s\n' wrong $PASSWORD | sudo -S -p '' sh -c '$INODES' 2>/dev/null")"
	assert_eq 2 "$(wc -l <"$WITNESSED")"
	assert_eq 1 "$(sort -u "$WITNESSED" | wc -l)"
	end_session alice
	host_clean
}
