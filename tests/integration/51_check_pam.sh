# shellcheck shell=bash
# Mistakes in PAM's stacks, in sshd's configuration and in the conf file that let users out or lock admins
# out: each planted, found by `pam-netns check` with file and line, mended as the finding says, found no more.

SESSION=/etc/pam.d/common-session
OTHER=/etc/pam.d/common-session-noninteractive

setup() {
	host_pam_install
	cp -a /etc/pam.d "$OUT/pam.d"
	cp "$CONF" "$OUT/conf"
}

# Whatever a test did to them.
stacks_back() {
	cp -a "$OUT/pam.d/." /etc/pam.d/
}

findings() {
	pam-netns check 2>&1 || :
}

# found REGEX, mended REGEX: in the findings.
found() {
	assert_match "$1" "$(findings)"
}
mended() {
	assert_no_match "$1" "$(findings)"
}

# as_bob COMMAND...: on the host, without a login.
as_bob() {
	setpriv --reuid bob --regid "$(id -g bob)" --init-groups "$@"
}

line_of() {
	grep -n "pam_netns.so" "$1" | head -n 1 | cut -d: -f1
}

test_nothing_to_find() {
	assert_eq ok "$(pam-netns check | tail -n 1)" "$(pam-netns check)"
}

test_line_in_one_stack_alone() {
	sed -i '/pam_netns/d' $OTHER
	found "warning: $OTHER: no session line .*(cron|atd|sudo|systemd-user).*pam-auth-update --enable"
	echo 'session required pam_netns.so' >>$OTHER
	mended "no session line"
	sed -i '/pam_netns/d' $SESSION
	found "warning: $SESSION: no session line with pam_netns.so, but other stacks have one: what (sshd|login|su|su-l|sudo-i|remote) starts"
	echo 'session required pam_netns.so' >>$SESSION
	mended "no session line"
	# A service with a stack of its own.
	printf 'session required pam_unix.so\n' >/etc/pam.d/xrdp-sesman
	found "/etc/pam.d/xrdp-sesman: no session line"
	conf_set services_exempt xrdp-sesman
	mended "no session line"
	cp "$OUT/conf" "$CONF"
	rm /etc/pam.d/xrdp-sesman
	stacks_back
}

# Where packages have their stacks; a file in /etc/pam.d hides one of the same name.
test_stacks_of_packages() {
	mkdir -p /usr/lib/pam.d
	printf 'session required pam_unix.so\n' >/usr/lib/pam.d/xrdp-sesman
	found "warning: /usr/lib/pam.d/xrdp-sesman: no session line .* or copy the file to /etc/pam.d and add 'session required"
	cp /usr/lib/pam.d/xrdp-sesman /etc/pam.d
	echo 'session required pam_netns.so' >>/etc/pam.d/xrdp-sesman
	mended xrdp
	printf 'auth required pam_unix.so\n' >/etc/pam.d/xrdp-sesman
	cp /etc/pam.d/other "$OUT/other"
	printf 'session required pam_unix.so\n' >/etc/pam.d/other
	found "warning: /etc/pam.d/other: no session line"
	echo 'session required pam_netns.so' >>/etc/pam.d/other
	mended 'no session line'
	cp "$OUT/other" /etc/pam.d/other
	rm /etc/pam.d/xrdp-sesman
	printf 'session include sub-stack\nsession optional pam_netns.so\n' >/usr/lib/pam.d/xrdp-sesman
	printf 'session sufficient pam_permit.so\n' >/usr/lib/pam.d/sub-stack
	found "problem: /usr/lib/pam.d/xrdp-sesman:2: with 'optional'"
	found "problem: /usr/lib/pam.d/sub-stack:1: with 'sufficient' .* before /usr/lib/pam.d/xrdp-sesman:2"
	printf 'session required pam_unix.so\n' >/etc/pam.d/sub-stack
	sed -i 's/optional/required/' /usr/lib/pam.d/xrdp-sesman
	mended 'xrdp|sub-stack'
	rm /usr/lib/pam.d/{xrdp-sesman,sub-stack} /etc/pam.d/sub-stack
}

test_unknown_argument() {
	local line
	sed -i 's/pam_netns.so.*/pam_netns.so debg/' $SESSION
	line=$(line_of $SESSION)
	found "problem: $SESSION:$line: unknown argument 'debg'.*is refused: .*conf=/PATH, debug, open, close, host"
	assert_fails ssh_as alice -- true
	sed -i 's/debg/debug/' $SESSION
	mended 'unknown argument'
	ssh_as alice -- true
	stacks_back
}

test_misspelt_module() {
	local name
	for name in pam_netn.so pam-netns.so pam_netns /lib/security/pam_netsn.so; do
		sed -i "s,^session.*pam_netns.so.*,session required $name," $SESSION
		found "problem: $SESSION:[0-9]+: there is no module $name: .*the name is pam_netns.so"
		stacks_back
	done
	mended 'there is no module'
}

test_conf_that_does_not_exist() {
	sed -i 's,pam_netns.so.*,pam_netns.so conf=/etc/security/nowhere.conf,' $OTHER
	found "problem: $OTHER:[0-9]+: conf=/etc/security/nowhere.conf: No such file or directory"
	cp "$CONF" /etc/security/nowhere.conf
	mended nowhere.conf
	rm /etc/security/nowhere.conf
	stacks_back
}

test_line_that_does_not_refuse() {
	local control
	for control in optional sufficient '[success=ok default=ignore]' '[default=ok perm_denied=ignore]'; do
		sed -i "s/^session.*pam_netns.so/session $control pam_netns.so/" $SESSION
		found "problem: $SESSION:[0-9]+: with '.*' a login that cannot be isolated goes on, .*write 'session required pam_netns.so'"
		stacks_back
	done
	sed -i 's/^session.*pam_netns.so/-session required pam_netns.so/' $SESSION
	found "warning: $SESSION:[0-9]+: with '-' before the type logins go on, .*if the module is not installed: take the '-' out"
	sed -i 's/^-session/session/' $SESSION
	mended 'before the type'
	for control in required requisite '[success=ok]' '[success=ok default=die]' '[success=ok ignore=ignore default=bad]'; do
		sed -i "s/^session.*pam_netns.so/session $control pam_netns.so/" $SESSION
		mended 'goes on'
		stacks_back
	done
	sed -i '1i auth optional pam_netns.so host' /etc/pam.d/su
	found "problem: /etc/pam.d/su:1: with 'optional' a user can make this line fail .*auth requisite pam_netns.so host"
	sed -i '1s/optional/requisite/' /etc/pam.d/su
	mended 'make this line fail'
	stacks_back
}

test_line_first_or_twice() {
	sed -i '/pam_netns/d; 1i session required pam_netns.so' $SESSION
	found "warning: $SESSION:1: the line comes before pam_unix.so \\($SESSION:[0-9]+\\).*move it to the end"
	stacks_back
	mended 'comes before'
	echo 'session required pam_netns.so' >>$SESSION
	found "warning: $SESSION:[0-9]+: the line stands twice, first in $SESSION:[0-9]+: take one out"
	stacks_back
	# One that closes and one that opens are a pair.
	sed -i 's/pam_netns.so.*/pam_netns.so open/; 1i session required pam_netns.so close' $SESSION
	mended 'stands twice|comes before'
	stacks_back
}

# What ends the stack with success before our line.
test_line_that_is_never_reached() {
	local control
	for control in sufficient '[success=done default=ignore]' '[default=done]' '[success=9 default=ignore]'; do
		sed -i "1i session $control pam_permit.so" $SESSION
		found "problem: $SESSION:1: with '.*' the success of pam_permit.so ends the stack before $SESSION:[0-9]+"
		assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "$control: alice's network"
		stacks_back
	done
	# What pam_succeed_if decides is an exemption that the conf file does not know of.
	sed -i '/pam_netns/i session [success=ignore default=1] pam_succeed_if.so quiet user != alice' $SESSION
	found "warning: $SESSION:[0-9]+: with 'success=ignore default=1' some logins jump past $SESSION:[0-9]+, as pam_succeed_if.so decides"
	assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	sed -i '/pam_succeed_if/d' $SESSION
	mended 'jump past'
	stacks_back
	# A jump of one, and what ends a substack alone, do not pass our line.
	sed -i '1i session [success=1 default=ignore] pam_permit.so' $SESSION
	mended 'ends the stack'
	printf 'session sufficient pam_permit.so\n' >/etc/pam.d/sub-stack
	sed -i '1i session substack sub-stack' $SESSION
	mended 'ends the stack'
	assert_ne "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	sed -i '1s/substack/include/' $SESSION
	found "problem: /etc/pam.d/sub-stack:1: with 'sufficient'"
	rm /etc/pam.d/sub-stack
	stacks_back
	mended 'ends the stack'
}

test_sshd_without_pam() {
	cp /etc/ssh/sshd_config "$OUT/sshd_config"
	mkdir -p /etc/ssh/sshd_config.d
	printf 'Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n' >/etc/ssh/sshd_config
	mended UsePAM
	printf '# UsePAM yes\nusepam=no\n' >/etc/ssh/sshd_config.d/here.conf
	found "problem: /etc/ssh/sshd_config.d/here.conf:2: UsePAM is no: .*reload sshd"
	sed -i 's/no/yes/' /etc/ssh/sshd_config.d/here.conf
	mended UsePAM
	rm /etc/ssh/sshd_config.d/here.conf
	printf 'Port 22\nMatch User x\nUsePAM yes\n' >/etc/ssh/sshd_config
	found "problem: /etc/ssh/sshd_config: UsePAM is not set"
	# A file that sshd does not start with is read all the same.
	printf 'nonsense\nUsePAM no\n' >/etc/ssh/sshd_config
	found "problem: /etc/ssh/sshd_config:2: UsePAM is no"
	# sshd's own word counts.
	printf 'UsePAM yes\n' >/etc/ssh/sshd_config
	mended UsePAM
	cp -a /usr/sbin/sshd "$OUT/sshd"
	rm /usr/sbin/sshd
	printf '#!/bin/sh\necho "port 22\nusepam no"\n' >/usr/sbin/sshd
	chmod 755 /usr/sbin/sshd
	found "problem: /etc/ssh/sshd_config: UsePAM is no, as sshd -T says"
	cp -a "$OUT/sshd" /usr/sbin/sshd
	cp "$OUT/sshd_config" /etc/ssh/sshd_config
}

conf_is() {
	printf '[network default]\n%s\n' "$1" >"$CONF"
}

test_profile_that_is_never_used() {
	conf_is $'[profile staff]\nmatch = root, @sudo\nisolate = no\n[profile default]\nmatch = *\n[profile late]\nmatch = alice\nisolate = no'
	found "warning: $CONF:7: \\[profile late\\] is never used, because \\[profile default\\] .*move it up"
	conf_is $'[profile staff]\nmatch = root, @sudo\nisolate = no\n[profile late]\nmatch = alice\nisolate = no\n[profile default]\nmatch = *'
	mended 'never used'
	cp "$OUT/conf" "$CONF"
}

# Each of its items is matched by a profile before it.
test_profile_in_the_shadow_of_others() {
	local before=$'[profile staff]\nmatch = root, @sudo, 3000-3999\nisolate = no\n[profile team]\nmatch = @lab, bob\n'
	local item
	usermod -aG lab alice
	for item in alice bob @lab 3100-3200 3999 'alice, 3500'; do
		conf_is "$before"$'[profile late]\nmatch = '"$item"$'\n[profile default]\nmatch = *'
		found "warning: $CONF:7: \\[profile late\\] is never used, because profiles before it match all that it matches"
		mended 'because \[profile'
	done
	for item in 'alice, 2999' 3500-4000 2001 '@users' 'alice, *'; do
		conf_is "$before"$'[profile late]\nmatch = '"$item"$'\n[profile default]\nmatch = @lab'
		mended 'profile late\] is never used'
	done
	gpasswd -d alice lab
	cp "$OUT/conf" "$CONF"
}

test_names_that_do_not_exist() {
	conf_is $'[profile staff]\nmatch = root, @sudo, @wheel\nisolate = no\n[profile lab]\nmatch = alcie, @labb, bob\n[profile default]\nmatch = *'
	found "warning: $CONF:5: match of \\[profile lab\\] names user 'alcie', which does not exist"
	found "warning: $CONF:5: match of \\[profile lab\\] names group 'labb', which does not exist"
	mended "user 'bob'|group 'wheel'"
	sed -i 's/alcie/alice/; s/labb/lab/' "$CONF"
	mended 'does not exist'
	cp "$OUT/conf" "$CONF"
}

test_no_administrator_is_exempt() {
	conf_is $'[profile default]\nmatch = *'
	found "problem: $CONF: no administrator is exempt"
	conf_is $'[profile staff]\nmatch = @sudo\nisolate = no\n[profile default]\nmatch = *'
	mended 'no administrator'
	found "warning: $CONF: root is isolated, or matched by no profile"
	conf_is $'[profile staff]\nmatch = root\nisolate = no\n[profile default]\nmatch = *'
	mended 'no administrator|root is isolated'
	cp "$OUT/conf" "$CONF"
}

# The same findings as lines with ids, as JSON, by the exit status, and for users.
test_doctor_says_it_in_each_form() {
	local line id
	assert_code 0 pam-netns doctor
	assert_eq ok "$(pam-netns doctor --json | jq -r '[.[].level] | unique - ["note"] | join(" ")')"
	assert_code 0 as_bob pam-netns doctor
	assert_match $'\nskip overlap: only root can look at this\n' "$(as_bob pam-netns doctor)"
	echo 'session required pam_netns.so' >>$SESSION
	assert_code 1 pam-netns doctor
	stacks_back
	sed -i 's/pam_netns.so.*/pam_netns.so debg/' $SESSION
	line=$(line_of $SESSION)
	assert_match "
FAIL pam-argument: $SESSION:$line: unknown argument 'debg': .* -> take it out" "
$(assert_code 2 pam-netns doctor)"
	assert_eq "pam-argument problem $SESSION $line" "$(assert_code 2 pam-netns doctor --json |
		jq -r '.[] | select(.level == "problem") | "\(.id) \(.level) \(.file) \(.line)"')"
	assert_match '^take it out;' "$(assert_code 2 pam-netns doctor --json | jq -r '.[] | select(.level == "problem").remedy')"
	stacks_back
	sed -i '1i nonsense' "$CONF"
	assert_eq "1" "$(assert_code 2 pam-netns doctor --json | jq '[.[] | select(.id == "conf")][0].line')"
	assert_match "FAIL conf: $CONF:1: .*FAIL conf: $CONF: not usable.*skip overlap: the conf file is not usable" "$(assert_code 2 pam-netns doctor)"
	cp "$OUT/conf" "$CONF"
}

test_doctor_ids_are_in_the_manual() {
	local id
	for id in $(pam-netns doctor --json | jq -r '.[].id') $(grep -oh '"pam-[a-z]*"' "$CHECKOUT"/cli/doctor/*.c | tr -d '"'); do
		sed -n '/^.SH FINDINGS/,/^.SH EXIT/p' "$CHECKOUT/man/pam-netns.8" | sed 's/\\-/-/g' | grep -Eqx "\.B $id" ||
			fail "$id is not in pam-netns(8)"
	done
}
