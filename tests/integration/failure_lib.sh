# shellcheck shell=bash
# What 80_failure.sh and 83_conf.sh share: something is broken or set wrongly, a login is refused, all
# is put right again. Sourced before each test, it mends what the one before it left.

HELPER=/usr/libexec/pam-netns/pam-netns-helper

failure_setup() {
	host_pam_install
	cp -p "$CONF" "$OUT/conf"
	cp -p "$HELPER" "$OUT/helper"
	# A service with our module alone: what it answers is ours.
	echo 'session required pam_netns.so' >/etc/pam.d/only
	pamtester_session su alice
	host_clean 5
}

conf_restore() {
	rm -rf "$CONF"
	cp -p "$OUT/conf" "$CONF"
}

# helper_replace 'SHELL COMMAND': runs in place of the helper.
helper_replace() {
	rm -f "$HELPER"
	printf '#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nHELPER=%s\n%s\n' "$OUT/helper" "$1" >"$HELPER"
	chmod 0755 "$HELPER"
}

helper_restore() {
	rm -rf "$HELPER"
	cp -p "$OUT/helper" "$HELPER"
}

# in_own_network USER
in_own_network() {
	assert_match "^you are $HOST4" "$(su "$1" -c "curl -sS -m 3 http://$OUTSIDE4/")"
}

# refused USER REGEX: by a real program, one line to the user, the cause in the log, nothing left.
refused() {
	local said
	log_mark
	said=$(assert_fails su "$1" -c 'echo let in' 2>&1)
	assert_eq 'Login refused: your private network could not be set up. Please tell the administrator of this machine.' \
		"$(grep -v '^su: ' <<<"$said")"
	log_grep "^authpriv.err .*pam_netns\(su:session\): .*($2)" >/dev/null
	# The veth pair goes by itself, 33 ms after its namespace.
	host_clean 1
}

# refused_all REGEX: whoever it is, root too.
refused_all() {
	refused alice "$1"
	refused root "$1"
}

if [[ -e $OUT/helper ]]; then
	[[ ! -e /usr/sbin/nft.away ]] || mv /usr/sbin/nft.away /usr/sbin/nft
	rm -rf /run/full
	conf_restore
	helper_restore
	host_pam_install
	pam-netns up
fi
