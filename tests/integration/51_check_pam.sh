# shellcheck shell=bash
# Mistakes in PAM's stacks, in sshd's configuration and in the conf file, which let users out or lock
# administrators out. Check finds each with file and line.
# shellcheck source=tests/integration/doctor_lib.sh
. "$CHECKOUT/tests/integration/doctor_lib.sh"

FINDER=check
SESSION=/etc/pam.d/common-session
OTHER=/etc/pam.d/common-session-noninteractive

setup() {
	host_pam_install
	cp -a /etc/pam.d "$OUT/pam.d"
}

# stacks_back: the stacks as they were before the test.
stacks_back() {
	cp -a "$OUT/pam.d/." /etc/pam.d/
}

line_of() {
	grep -n "pam_netns.so" "$1" | head -n 1 | cut -d: -f1
}

test_sound_host_has_no_findings() {
	assert_eq ok "$(pam-netns check | tail -n 1)" "$(pam-netns check)"
}

test_line_in_one_stack_of_two_is_found() {
	sed -i '/pam_netns/d' $OTHER
	present "warning: $OTHER: no session line .*(cron|atd|sudo|systemd-user).*pam-auth-update --enable"
	echo 'session required pam_netns.so' >>$OTHER
	absent "no session line"
	sed -i '/pam_netns/d' $SESSION
	present "warning: $SESSION: no session line with pam_netns.so, but other stacks have one: programs that (sshd|login|su|su-l|sudo-i|remote) starts"
	echo 'session required pam_netns.so' >>$SESSION
	absent "no session line"
	# A service with its own stack.
	printf 'session required pam_unix.so\n' >/etc/pam.d/xrdp-sesman
	present "/etc/pam.d/xrdp-sesman: no session line"
	conf_set services_exempt xrdp-sesman
	absent "no session line"
	conf_reset
	rm /etc/pam.d/xrdp-sesman
	stacks_back
}

# /usr/lib/pam.d has the packages' stacks. A file in /etc/pam.d hides the one of the same name.
test_stacks_of_packages_are_read() {
	mkdir -p /usr/lib/pam.d
	printf 'session required pam_unix.so\n' >/usr/lib/pam.d/xrdp-sesman
	present "warning: /usr/lib/pam.d/xrdp-sesman: no session line .* or copy the file to /etc/pam.d and add 'session required"
	cp /usr/lib/pam.d/xrdp-sesman /etc/pam.d
	echo 'session required pam_netns.so' >>/etc/pam.d/xrdp-sesman
	absent xrdp
	printf 'auth required pam_unix.so\n' >/etc/pam.d/xrdp-sesman
	cp /etc/pam.d/other "$OUT/other"
	printf 'session required pam_unix.so\n' >/etc/pam.d/other
	present "warning: /etc/pam.d/other: no session line"
	echo 'session required pam_netns.so' >>/etc/pam.d/other
	absent 'no session line'
	cp "$OUT/other" /etc/pam.d/other
	rm /etc/pam.d/xrdp-sesman
	printf 'session include sub-stack\nsession optional pam_netns.so\n' >/usr/lib/pam.d/xrdp-sesman
	printf 'session sufficient pam_permit.so\n' >/usr/lib/pam.d/sub-stack
	present "problem: /usr/lib/pam.d/xrdp-sesman:2: with 'optional'"
	present "problem: /usr/lib/pam.d/sub-stack:1: with 'sufficient' .* before /usr/lib/pam.d/xrdp-sesman:2"
	printf 'session required pam_unix.so\n' >/etc/pam.d/sub-stack
	sed -i 's/optional/required/' /usr/lib/pam.d/xrdp-sesman
	absent 'xrdp|sub-stack'
	rm /usr/lib/pam.d/{xrdp-sesman,sub-stack} /etc/pam.d/sub-stack
}

# openSUSE's pam-config makes this link. Its next run writes the file anew, without our line.
test_line_in_a_file_of_pam_config_is_found() {
	printf 'session required pam_unix.so\nsession required pam_netns.so\n' >/etc/pam.d/common-session-pc
	ln -s common-session-pc /etc/pam.d/xrdp-sesman
	present "warning: /etc/pam.d/xrdp-sesman:2: the next run of pam-config .*make /etc/pam.d/common-session a file of your own"
	rm /etc/pam.d/xrdp-sesman
	printf 'session include common-session-pc\nsession required pam_netns.so\n' >/etc/pam.d/xrdp-sesman
	sed -i '/netns/d' /etc/pam.d/common-session-pc
	absent 'xrdp|pam-config'
	rm /etc/pam.d/{xrdp-sesman,common-session-pc}
}

# Elsewhere no pam-auth-update exists.
test_remedy_names_pam_auth_update_only_if_it_is_there() {
	printf 'session required pam_unix.so\n' >/etc/pam.d/xrdp-sesman
	present "xrdp-sesman: no session line .*: run 'pam-auth-update --enable"
	mv /usr/sbin/pam-auth-update "$OUT/pam-auth-update"
	present "xrdp-sesman: no session line .*: add 'session required pam_netns.so' as the last session line"
	mv "$OUT/pam-auth-update" /usr/sbin/pam-auth-update
	rm /etc/pam.d/xrdp-sesman
}

test_unknown_argument_is_found() {
	local line
	sed -i 's/pam_netns.so.*/pam_netns.so debg/' $SESSION
	line=$(line_of $SESSION)
	present "problem: $SESSION:$line: unknown argument 'debg'.*is refused: .*conf=/PATH, debug, open, close, host"
	assert_fails ssh_as alice -- true
	sed -i 's/debg/debug/' $SESSION
	absent 'unknown argument'
	ssh_as alice -- true
	stacks_back
}

test_misspelt_module_is_found() {
	local name
	for name in pam_netn.so pam-netns.so pam_netns /lib/security/pam_netsn.so; do
		sed -i "s,^session.*pam_netns.so.*,session required $name," $SESSION
		present "problem: $SESSION:[0-9]+: there is no module $name: .*the name is pam_netns.so"
		stacks_back
	done
	absent 'there is no module'
}

test_missing_conf_file_is_found() {
	sed -i 's,pam_netns.so.*,pam_netns.so conf=/etc/security/nowhere.conf,' $OTHER
	present "problem: $OTHER:[0-9]+: conf=/etc/security/nowhere.conf: No such file or directory"
	cp "$CONF" /etc/security/nowhere.conf
	absent nowhere.conf
	rm /etc/security/nowhere.conf
	stacks_back
}

test_control_that_lets_failed_login_go_on_is_found() {
	local control
	for control in optional sufficient '[success=ok default=ignore]' '[default=ok perm_denied=ignore]'; do
		sed -i "s/^session.*pam_netns.so/session $control pam_netns.so/" $SESSION
		present "problem: $SESSION:[0-9]+: with '.*' a login that cannot be isolated continues .*write 'session required pam_netns.so'"
		stacks_back
	done
	sed -i 's/^session.*pam_netns.so/-session required pam_netns.so/' $SESSION
	present "warning: $SESSION:[0-9]+: with '-' before the type, logins continue .*if the module is not installed: remove the '-'"
	sed -i 's/^-session/session/' $SESSION
	absent 'before the type'
	for control in required requisite '[success=ok]' '[success=ok default=die]' '[success=ok ignore=ignore default=bad]'; do
		sed -i "s/^session.*pam_netns.so/session $control pam_netns.so/" $SESSION
		absent 'goes on'
		stacks_back
	done
	sed -i '1i auth optional pam_netns.so host' /etc/pam.d/su
	present "problem: /etc/pam.d/su:1: with 'optional' a user can make this line fail, .*auth requisite pam_netns.so host"
	sed -i '1s/optional/requisite/' /etc/pam.d/su
	absent 'make this line fail'
	stacks_back
}

test_line_first_or_twice_is_found() {
	sed -i '/pam_netns/d; 1i session required pam_netns.so' $SESSION
	present "warning: $SESSION:1: the line comes before pam_unix.so \\($SESSION:[0-9]+\\).*move the line to the end"
	stacks_back
	absent 'comes before'
	echo 'session required pam_netns.so' >>$SESSION
	present "warning: $SESSION:[0-9]+: the line is there twice, first in $SESSION:[0-9]+: remove one"
	stacks_back
	# A line that closes and a line that opens are a pair.
	sed -i 's/pam_netns.so.*/pam_netns.so open/; 1i session required pam_netns.so close' $SESSION
	absent 'stands twice|comes before'
	stacks_back
}

# A line before ours ends the stack with success.
test_line_that_is_never_reached_is_found() {
	local control
	for control in sufficient '[success=done default=ignore]' '[default=done]' '[success=9 default=ignore]'; do
		sed -i "1i session $control pam_permit.so" $SESSION
		present "problem: $SESSION:1: with '.*' the success of pam_permit.so ends the stack before $SESSION:[0-9]+"
		assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "$control: alice's network"
		stacks_back
	done
	# A decision of pam_succeed_if is an exemption that the conf file does not contain.
	sed -i '/pam_netns/i session [success=ignore default=1] pam_succeed_if.so quiet user != alice' $SESSION
	present "warning: $SESSION:[0-9]+: with 'success=ignore default=1' some logins jump past $SESSION:[0-9]+, as pam_succeed_if.so decides"
	assert_eq "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	sed -i '/pam_succeed_if/d' $SESSION
	absent 'jump past'
	stacks_back
	# A jump of one line, and the end of a substack, do not pass our line.
	sed -i '1i session [success=1 default=ignore] pam_permit.so\nsession optional pam_permit.so' $SESSION
	absent 'ends the stack'
	printf 'session sufficient pam_permit.so\n' >/etc/pam.d/sub-stack
	sed -i '1i session substack sub-stack' $SESSION
	absent 'ends the stack'
	assert_ne "$(netns_inode 1)" "$(ssh_as alice -- stat -L -c %i /proc/self/ns/net)" "alice's network"
	sed -i '1s/substack/include/' $SESSION
	present "problem: /etc/pam.d/sub-stack:1: with 'sufficient'"
	rm /etc/pam.d/sub-stack
	stacks_back
	absent 'ends the stack'
}

test_sshd_without_pam_is_found() {
	cp /etc/ssh/sshd_config "$OUT/sshd_config"
	mkdir -p /etc/ssh/sshd_config.d
	printf 'Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n' >/etc/ssh/sshd_config
	absent UsePAM
	printf '# UsePAM yes\nusepam=no\n' >/etc/ssh/sshd_config.d/here.conf
	present "problem: /etc/ssh/sshd_config.d/here.conf:2: UsePAM is no: .*reload sshd"
	sed -i 's/no/yes/' /etc/ssh/sshd_config.d/here.conf
	absent UsePAM
	rm /etc/ssh/sshd_config.d/here.conf
	printf 'Port 22\nMatch User x\nUsePAM yes\n' >/etc/ssh/sshd_config
	present "problem: /etc/ssh/sshd_config: UsePAM is not set"
	# A file with which sshd does not start is read too.
	printf 'nonsense\nUsePAM no\n' >/etc/ssh/sshd_config
	present "problem: /etc/ssh/sshd_config:2: UsePAM is no"
	# If sshd says otherwise than its files, sshd is right.
	printf 'UsePAM yes\n' >/etc/ssh/sshd_config
	absent UsePAM
	cp -a /usr/sbin/sshd "$OUT/sshd"
	rm /usr/sbin/sshd
	printf '#!/bin/sh\necho "port 22\nusepam no"\n' >/usr/sbin/sshd
	chmod 755 /usr/sbin/sshd
	present "problem: /etc/ssh/sshd_config: UsePAM is no, as sshd -T says"
	cp -a "$OUT/sshd" /usr/sbin/sshd
	cp "$OUT/sshd_config" /etc/ssh/sshd_config
}

conf_is() {
	printf '[network default]\n%s\n' "$1" >"$CONF"
}

test_profile_after_catch_all_is_found() {
	conf_is $'[profile staff]\nmatch = root, @sudo\nisolate = no\n[profile default]\nmatch = *\n[profile late]\nmatch = alice\nisolate = no'
	present "warning: $CONF:7: \\[profile late\\] is never used, because \\[profile default\\] .*move it up"
	conf_is $'[profile staff]\nmatch = root, @sudo\nisolate = no\n[profile late]\nmatch = alice\nisolate = no\n[profile default]\nmatch = *'
	absent 'never used'
	conf_reset
}

# Profiles before it match each of its items.
test_profile_whose_items_match_earlier_is_found() {
	local before=$'[profile staff]\nmatch = root, @sudo, 3000-3999\nisolate = no\n[profile team]\nmatch = @lab, bob\n'
	local item
	usermod -aG lab alice
	for item in alice bob @lab 3100-3200 3999 'alice, 3500'; do
		conf_is "$before"$'[profile late]\nmatch = '"$item"$'\n[profile default]\nmatch = *'
		present "warning: $CONF:7: \\[profile late\\] is never used, because profiles before it match everything that it matches"
		absent 'because \[profile'
	done
	for item in 'alice, 2999' 3500-4000 2001 '@users' 'alice, *'; do
		conf_is "$before"$'[profile late]\nmatch = '"$item"$'\n[profile default]\nmatch = @lab'
		absent 'profile late\] is never used'
	done
	gpasswd -d alice lab
	conf_reset
}

test_unknown_names_in_match_are_found() {
	conf_is $'[profile staff]\nmatch = root, @sudo, @wheel\nisolate = no\n[profile lab]\nmatch = alcie, @labb, bob\n[profile default]\nmatch = *'
	present "warning: $CONF:5: match of \\[profile lab\\] names user 'alcie', which does not exist"
	present "warning: $CONF:5: match of \\[profile lab\\] names group 'labb', which does not exist"
	absent "user 'bob'|group 'wheel'"
	sed -i 's/alcie/alice/; s/labb/lab/' "$CONF"
	absent 'does not exist'
	conf_reset
}

test_conf_without_exempt_administrator_is_found() {
	conf_is $'[profile default]\nmatch = *'
	present "problem: $CONF: no administrator is exempt"
	conf_is $'[profile staff]\nmatch = @sudo\nisolate = no\n[profile default]\nmatch = *'
	absent 'no administrator'
	present "warning: $CONF: root is isolated, or no profile matches root"
	conf_is $'[profile staff]\nmatch = root\nisolate = no\n[profile default]\nmatch = *'
	absent 'no administrator|root is isolated'
	conf_reset
}

# The same findings as lines with ids, as JSON, by the exit status, and for users.
test_doctor_prints_findings_as_text_and_json() {
	local line said
	pam-netns up
	assert_code 0 pam-netns doctor
	assert_eq ok "$(pam-netns doctor --json | jq -r '[.[].level] | unique - ["note"] | join(" ")')"
	assert_code 0 as bob pam-netns doctor
	assert_match $'\nskip overlap: only root can check this\n' "$(as bob pam-netns doctor)"
	echo 'session required pam_netns.so' >>$SESSION
	assert_code 1 pam-netns doctor
	stacks_back
	sed -i 's/pam_netns.so.*/pam_netns.so debg/' $SESSION
	line=$(line_of $SESSION)
	assert_code_with 2 "(^|
)FAIL pam-argument: $SESSION:$line: unknown argument 'debg': .* -> remove it" pam-netns doctor
	said=$(assert_code 2 pam-netns doctor --json)
	assert_eq "pam-argument problem $SESSION $line" "$(
		jq -r '.[] | select(.level == "problem") | "\(.id) \(.level) \(.file) \(.line)"' <<<"$said")"
	assert_match '^remove it;' "$(jq -r '.[] | select(.level == "problem").remedy' <<<"$said")"
	stacks_back
	sed -i '1i nonsense' "$CONF"
	said=$(assert_code 2 pam-netns doctor --json)
	assert_eq "1" "$(jq '[.[] | select(.id == "conf")][0].line' <<<"$said")"
	assert_code_with 2 "FAIL conf: $CONF:1: .*FAIL conf: $CONF: not usable.*skip overlap: the conf file is not usable" pam-netns doctor
	conf_reset
}

# installed_mended REGEX: doctor finds the fault of an installed file, and its remedy mends it.
installed_mended() {
	local said
	said=$({ pam-netns doctor || :; } | grep ' installed: ')
	assert_match "$1" "$said"
	bash -euc "${said##* -> }"
	assert_match 'ok   installed: ' "$({ pam-netns doctor || :; } | grep ' installed: ')"
}

test_installed_files_with_a_wrong_owner_or_mount_are_found() {
	local dir=/usr/libexec/pam-netns module
	module=$(compgen -G '/lib*/*/security/pam_netns.so' || compgen -G '/lib*/security/pam_netns.so')
	chmod 0664 "$module"
	installed_mended "^FAIL installed: $module has owner 0 and mode 0664: another user than root can"
	chown alice "$module"
	installed_mended "^FAIL installed: $module has owner 2001 and mode 0644"
	chmod 0755 "$dir/pam-netns-enter"
	installed_mended "^FAIL installed: $dir/pam-netns-enter has owner 0:0 and mode 0755 -> chown"
	mount --bind $dir $dir
	mount -o remount,bind,nosuid $dir
	installed_mended "^warn installed: $dir/pam-netns-enter: it is on a mount with the option nosuid: users cannot"
	mount -o remount,bind,noexec $dir
	assert_fails su alice -c true
	installed_mended "^FAIL installed: $dir/pam-netns-helper: it is on a mount with the option noexec: all isolated logins are refused"
	su alice -c true
	host_clean
	umount $dir
}

# authselect CREATE-PROFILE and SELECT, as far as the remedy uses them.
fake_authselect() {
	cat >/usr/bin/authselect <<-'END'
		#!/bin/bash
		dir=/etc/authselect
		case $1 in
		create-profile)
			mkdir -p $dir/custom/$2
			grep -hv pam_netns $dir/system-auth >$dir/custom/$2/system-auth
			cp $dir/custom/$2/system-auth $dir/custom/$2/password-auth
			[[ $3 == -b && $4 == sssd ]]
			;;
		select)
			printf '%s\n' "${@:2:$#-2}" >$dir/authselect.conf
			cp $dir/$2/*-auth $dir
			;;
		esac
	END
	chmod 755 /usr/bin/authselect
}

test_lines_that_authselect_overwrites_are_found() {
	local dir=/etc/authselect said
	mkdir -p $dir
	fake_authselect
	printf 'sssd\nwith-mkhomedir\n' >$dir/authselect.conf
	printf 'session required pam_unix.so\n' >$dir/system-auth
	cp $dir/system-auth $dir/password-auth
	assert_match 'ok   authselect: ' "$(pam-netns doctor)"
	echo 'session required pam_netns.so' | tee -a $dir/password-auth >>$dir/system-auth
	said=$(pam-netns doctor || :)
	said=$(grep ' authselect: ' <<<"$said")
	assert_match "^warn authselect: $dir/password-auth:2: authselect overwrites this file .* -> authselect create-profile pam-netns -b sssd" "$said"
	bash -euc "${said##* -> }"
	assert_match 'ok   authselect: ' "$(pam-netns doctor)"
	assert_eq 'session required pam_netns.so' "$(tail -n 1 $dir/system-auth)"
	assert_eq 'custom/pam-netns with-mkhomedir' "$(xargs <$dir/authselect.conf)" "features that stay"
	echo sssd >$dir/authselect.conf
	sed -i /pam_netns/d $dir/*-auth
	echo 'session required pam_netns.so' >$dir/postlogin
	assert_match "warn authselect: $dir/postlogin:1: authselect overwrites this file" "$(pam-netns doctor || :)"
	rm -r $dir /usr/bin/authselect
}

test_sessions_that_slurm_adopts_are_noted() {
	local said
	echo 'account required pam_slurm_adopt.so' >>/etc/pam.d/sshd
	said=$(pam-netns doctor)
	assert_match "note pam-slurm: /etc/pam.d/sshd:[0-9]+: logins become parts of Slurm's jobs.* but $SESSION:[0-9]+ gives them another -> write isolate = no" "$said"
	assert_match 'no problem, 0 warnings' "$said"
	sed -i /slurm/d /etc/pam.d/sshd
	assert_no_match pam-slurm "$(pam-netns doctor)"
}

test_host_without_our_line_is_told_the_command() {
	local said
	command -v pam-auth-update || skip 'no pam-auth-update'
	host_pam_remove
	said=$({ pam-netns doctor || :; } | grep '^warn pam: ')
	assert_match 'no stack in /etc/pam.d has a session line .*, so no user is isolated -> pam-auth-update --enable' "$said"
	DEBIAN_FRONTEND=noninteractive bash -euc "${said##* -> }"
	assert_match 'ok   pam: ' "$(pam-netns doctor)"
	# pam-auth-update leaves a file alone that was changed by hand, and does not fail.
	DEBIAN_FRONTEND=noninteractive pam-auth-update --disable pam-netns
	cp -p /etc/pam.d/common-session "$OUT/session"
	sed -i 's/^# end of pam-auth-update config/session optional pam_echo.so\n&/' /etc/pam.d/common-session
	DEBIAN_FRONTEND=noninteractive bash -euc "${said##* -> }"
	assert_match 'if it finds local modifications, add the line by hand' "$(pam-netns doctor || :)"
	cp -p "$OUT/session" /etc/pam.d/common-session
	DEBIAN_FRONTEND=noninteractive bash -euc "${said##* -> }"
	assert_ne "$(readlink /proc/self/ns/net)" "$(su alice -c 'readlink /proc/self/ns/net')"
	DEBIAN_FRONTEND=noninteractive pam-auth-update --disable pam-netns
	stacks_back
	host_clean
}

# The command that installs us again is the one of the package, if we came in one.
test_missing_programs_name_the_command_that_installs_them() {
	local enter=/usr/libexec/pam-netns/pam-netns-enter list=/usr/share/doc/pam-netns/copyright
	mv $enter $enter.away
	assert_match "FAIL installed: $enter: No such file or directory -> make install" "$(pam-netns doctor || :)"
	mkdir -p "${list%/*}"
	touch $list
	assert_match "FAIL installed: $enter: No such .* -> apt-get install --reinstall libpam-netns pam-netns" "$(pam-netns doctor || :)"
	mv $enter.away $enter
	rm $list
}
