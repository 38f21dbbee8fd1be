# shellcheck shell=bash
# shellcheck disable=SC2016 # $ is of sed
# What the administrator or PAM says and cannot be believed: refused as 80_failure.sh has it. Whom the
# conf file leaves out, and who has two names.

# shellcheck source=tests/integration/failure_lib.sh
. "$CHECKOUT/tests/integration/failure_lib.sh"

setup() {
	failure_setup
}

# --- the conf file ---

# bad_conf 'SED COMMAND' REGEX: the shipped file with one thing changed.
bad_conf() {
	conf_restore
	sed -i "$1" "$CONF"
	! cmp -s "$CONF" "$OUT/conf" || fail "nothing changed: $1"
	refused_all "$2"
	assert_match "$2" "$(assert_fails pam-netns check 2>&1)" 'pam-netns check'
}

test_bad_conf() {
	local line='/etc/security/pam_netns.conf:[0-9]+: '
	bad_conf 's/^\[network default\]/[netwerk default]/' "$line.*netwerk"
	bad_conf 's/^subnet = .*/subnetz = 10.203.0.0\/16/' "$line.*subnetz"
	bad_conf 's/^subnet = .*/subnet = 10.203.0.0\/33/' "$line.*10\.203\.0\.0/33"
	bad_conf 's/^mtu = .*/mtu = 12/' "$line.*12.*1280"
	bad_conf 's/^peers = .*/peers = maybe/' "$line.*maybe.*no, yes"
	bad_conf 's/^on_error = .*/on_error = allow/' "$line.*allow.*deny"
	bad_conf 's/^deadline = .*/deadline = 10/' "$line.*10"
	bad_conf 's/^network = .*/network = other/' "$line.*other"
	bad_conf 's/^match = \*/match =/' "$line"
	bad_conf 's/^private = .*/private = tmp/' "$line.*tmp"
	bad_conf 's/^private = .*/private = \/tmp\/..\/etc/' "$line"
	bad_conf 's/^hostname = .*/hostname = a_b c/' "$line"
	bad_conf 's/^egress = .*/egress = deny 300.0.0.0\/8, allow any/' "$line.*300"
	bad_conf '$a\[network other]\nbridge = pnbr1\nsubnet = 10.203.128.0/24\nsubnet6 = none' "$line.*10\.203\.128\.0/24"
	bad_conf '$a\[network other]\nbridge = pnbr0\nsubnet = 10.9.0.0/24\nsubnet6 = none' "$line.*pnbr0"
	bad_conf '$a\[profile default]\nmatch = bob' "$line.*default"
	bad_conf 's/^mtu = .*/mtu = auto\nmtu = 1400/' "$line.*mtu"
	bad_conf 's/^mtu = .*/mtu/' "$line"
	bad_conf '/^match = \*/d' "$line"
	conf_restore
	in_own_network alice
}

# What cannot be believed because others could write it, or is no file at all.
test_conf_that_is_no_file_of_roots() {
	chown alice "$CONF"
	refused_all "$CONF.*root"
	conf_restore
	chmod 0666 "$CONF"
	refused_all "$CONF"
	conf_restore
	chmod 0664 "$CONF"
	refused_all "$CONF"
	chmod 0777 /etc/security
	conf_restore
	refused_all '/etc/security'
	chmod 0755 /etc/security
	chown bob /etc/security
	refused_all '/etc/security'
	chown root /etc/security
	rm "$CONF"
	refused_all "$CONF.*No such file"
	mkfifo "$CONF"
	refused_all "$CONF"
	rm "$CONF"
	mkdir "$CONF"
	refused_all "$CONF"
	rmdir "$CONF"
	cp "$OUT/conf" /home/alice/conf
	chown alice /home/alice/conf
	ln -s /home/alice/conf "$CONF"
	refused_all '/home/alice: the folder is owned by uid 2001'
	rm "$CONF"
	ln -s /dev/zero "$CONF"
	refused_all '/dev/zero'
	conf_restore
	in_own_network alice
}

test_conf_of_noise() {
	head -c 10000000 /dev/urandom >"$CONF"
	refused_all "$CONF"
	printf '[profile default]\n%.0s' {1..500000} >"$CONF"
	refused_all "$CONF"
	head -c 10000000 /dev/zero >"$CONF"
	refused_all "$CONF"
	head -c 3000 "$OUT/conf" >"$CONF"
	head -c 100000 /dev/zero | tr '\0' a >>"$CONF"
	refused_all "$CONF"
	cp "$OUT/conf" "$CONF"
	printf 'mtu = 1500\0\n' >>"$CONF"
	refused_all "$CONF"
	: >"$CONF"
	refused_all "$CONF"
	conf_restore
}

# Cut off anywhere: an error, or a file that is right as it is; never a crash.
test_conf_cut_off() {
	local size
	for ((size = 100; size < $(stat -c %s "$OUT/conf"); size += 397)); do
		head -c "$size" "$OUT/conf" >"$CONF"
		log_mark
		if ! su root -c true >/dev/null 2>&1; then
			log_grep "$CONF" >/dev/null
		fi
		log_settle
		assert_no_log 'signal'
	done
	conf_restore
}

# --- PAM ---

test_unknown_argument() {
	host_pam_install nonsense
	refused_all 'nonsense'
	host_pam_install conf=relative
	refused_all 'relative'
	host_pam_install "conf=$OUT/nothing"
	refused_all "$OUT"
	host_pam_install
	in_own_network alice
	host_clean 3
}

test_names_that_are_no_users() {
	local name
	for name in nobody-here '' / .. ../alice a/b '-1' '#2001' 4294967295 ALICE 'alice ' $'alice\n' $'al\tice' \
		$'\033[31m' "$(head -c 5000 /dev/zero | tr '\0' a)" %s%s%n; do
		log_mark
		assert_fails pamtester only "$name" open_session >/dev/null 2>&1
		[[ -z $name ]] || log_grep '^authpriv.err .*pam_netns\(only:session\): login refused' >/dev/null
		log_settle
		assert_no_log $'\033'
		assert_eq '' "$(host_residue)"
	done
}

# Two names of one uid are one user.
test_second_name_of_a_uid() {
	sed -n 's/^alice:/alicia:/p' /etc/passwd >>/etc/passwd.new
	cat /etc/passwd.new >>/etc/passwd
	hold_session one alice
	assert_eq "$(in_session one 'readlink /proc/self/ns/net')" \
		"$(pam_session -u only alicia readlink /proc/self/ns/net)"
	end_session one
	host_clean 3
	sed -i '/^alicia:/d' /etc/passwd
}

test_exempt_services_are_logged() {
	conf_set services_exempt 'vsftpd only'
	assert_eq "$(readlink /proc/self/ns/net)" "$(pam_session only alice readlink /proc/self/ns/net)"
	log_grep '^authpriv.info .*service only is exempt: user=alice uid=2001 stays on the host'
	assert_ne "$(readlink /proc/self/ns/net)" "$(pam_session su alice readlink /proc/self/ns/net)"
	conf_restore
	host_clean 3
}

test_who_matches_no_profile_is_refused() {
	conf_set match carol
	sed -i 's/^match = carol/match = root/; 0,/^match = root/!s/^match = root/match = bob/' "$CONF"
	refused alice 'no profile in .* matches'
	assert_eq 0 "$(su root -c 'id -u')"
	conf_restore
}
