# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in sed scripts
# Faults of the conf file and of PAM's arguments and names: the login is refused as in 80_failure.sh.

# shellcheck source=tests/integration/failure_lib.sh
. "$CHECKOUT/tests/integration/failure_lib.sh"

setup() {
	failure_setup
}

# --- the conf file ---

# bad_conf 'SED COMMAND' REGEX: the shipped file with one change.
bad_conf() {
	conf_restore
	sed -i "$1" "$CONF"
	! cmp -s "$CONF" "$SHIPPED" || fail "nothing changed: $1"
	refused_all "$2"
	assert_fails_with "$2" pam-netns check
}

test_bad_line_in_conf_refuses_login() {
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
	login_works
}

# The conf file or its folder is writable for users, or it is not a regular file.
test_conf_not_owned_by_root_refuses_login() {
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
	cp "$SHIPPED" /home/alice/conf
	chown alice /home/alice/conf
	ln -s /home/alice/conf "$CONF"
	refused_all '/home/alice: the folder is owned by uid 2001'
	rm "$CONF"
	ln -s /dev/zero "$CONF"
	refused_all '/dev/zero'
	conf_restore
	login_works
}

test_conf_of_random_bytes_refuses_login() {
	head -c 10000000 /dev/urandom >"$CONF"
	refused_all "$CONF"
	printf '[profile default]\n%.0s' {1..500000} >"$CONF"
	refused_all "$CONF"
	head -c 10000000 /dev/zero >"$CONF"
	refused_all "$CONF"
	head -c 3000 "$SHIPPED" >"$CONF"
	head -c 100000 /dev/zero | tr '\0' a >>"$CONF"
	refused_all "$CONF"
	cp "$SHIPPED" "$CONF"
	printf 'mtu = 1500\0\n' >>"$CONF"
	refused_all "$CONF"
	: >"$CONF"
	refused_all "$CONF"
	conf_restore
}

# A truncated file is an error or is valid; it never crashes the helper.
test_truncated_conf_crashes_no_login() {
	local size
	for ((size = 100; size < $(stat -c %s "$SHIPPED"); size += 397)); do
		head -c "$size" "$SHIPPED" >"$CONF"
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

test_unknown_argument_refuses_login() {
	host_pam_install nonsense
	refused_all 'nonsense'
	host_pam_install conf=relative
	refused_all 'relative'
	host_pam_install "conf=$OUT/nothing"
	refused_all "$OUT"
	host_pam_install
	login_works
	host_clean 3
}

test_unknown_user_names_are_refused() {
	local name
	for name in unknown-user '' / .. ../alice a/b '-1' '#2001' 4294967295 ALICE 'alice ' $'alice\n' $'al\tice' \
		$'\033[31m' "$(head -c 5000 /dev/zero | tr '\0' a)" %s%s%n; do
		log_mark
		assert_fails pamtester only "$name" open_session >/dev/null 2>&1
		[[ -z $name ]] || log_grep '^authpriv.err .*pam_netns\(only:session\): login refused' >/dev/null
		log_settle
		assert_no_log $'\033'
		assert_eq '' "$(host_residue)"
	done
}

# Two names of one uid are one user with one network.
test_second_name_of_a_uid_has_the_same_network() {
	sed -n 's/^alice:/alicia:/p' /etc/passwd >>/etc/passwd.new
	cat /etc/passwd.new >>/etc/passwd
	hold_session one alice
	assert_eq "$(in_session one 'readlink /proc/self/ns/net')" \
		"$(pam_session -u only alicia readlink /proc/self/ns/net)"
	end_session one
	host_clean 3
	sed -i '/^alicia:/d' /etc/passwd
}

test_exempt_service_is_logged() {
	conf_set services_exempt 'vsftpd only'
	assert_eq "$(readlink /proc/self/ns/net)" "$(pam_session only alice readlink /proc/self/ns/net)"
	log_grep '^authpriv.info .*service only is exempt: user=alice uid=2001 stays on the host'
	assert_ne "$(readlink /proc/self/ns/net)" "$(pam_session su alice readlink /proc/self/ns/net)"
	conf_restore
	host_clean 3
}

test_user_without_profile_is_refused() {
	conf_set match carol
	sed -i 's/^match = carol/match = root/; 0,/^match = root/!s/^match = root/match = bob/' "$CONF"
	refused alice 'no profile in .* matches'
	assert_eq 0 "$(su root -c 'id -u')"
	conf_restore
}
