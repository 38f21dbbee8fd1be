# shellcheck shell=bash
# What 80_failure.sh and 83_conf.sh share: a fault of the host or of the conf file, a refused login, and
# the repair. It is sourced before each test, and repairs what an earlier test left.

HELPER=/usr/libexec/pam-netns/pam-netns-helper

failure_setup() {
	host_pam_install
	cp -p "$HELPER" "$OUT/helper"
	# A service with our module alone, so that its answer is the service's.
	echo 'session required pam_netns.so' >/etc/pam.d/only
	pamtester_session su alice
	host_clean 5
}

# conf_restore: the shipped conf file, whatever is in its place.
conf_restore() {
	rm -rf "$CONF"
	install -m 0644 "$SHIPPED" "$CONF"
}

# helper_replace 'SHELL COMMAND': the command runs in place of the helper.
helper_replace() {
	rm -f "$HELPER"
	printf '#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nHELPER=%s\n%s\n' "$OUT/helper" "$1" >"$HELPER"
	chmod 0755 "$HELPER"
}

helper_restore() {
	rm -rf "$HELPER"
	cp -p "$OUT/helper" "$HELPER"
}

# refused USER REGEX: su refuses the login with one line, the log has the cause, and nothing is left.
refused() {
	local said
	log_mark
	said=$(assert_fails su "$1" -c 'echo let in' 2>&1)
	assert_eq 'Login refused: your private network could not be set up. Please tell the administrator of this machine.' \
		"$(grep -v '^su: ' <<<"$said")"
	log_grep "^authpriv.err .*pam_netns\(su:session\): .*($2)" >/dev/null
	# The kernel removes the veth pair later than its namespace.
	host_clean 5
}

# refused_all REGEX: logins of alice and of root are refused.
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
