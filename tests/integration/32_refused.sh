# shellcheck shell=bash
# If isolation fails, each program refuses the login and runs no command of the user (T1). sudo does not take
# PAM_SESSION_ERR for an error, so each program is tried.

HELPER=/usr/libexec/pam-netns/pam-netns-helper

setup() {
	host_pam_install
}

# refused_everywhere: each program refuses bob.
refused_everywhere() {
	local mark=$OUT/got-in.$RANDOM
	assert_fails ssh_as bob -- touch "$mark"
	assert_fails su bob -c "touch $mark"
	assert_fails sudo -u bob touch "$mark"
	assert_fails sudo -i -u bob touch "$mark"
	assert_code 254 pam_session -u sshd bob touch "$mark"
	cron_refused "$mark"
	at_refused "$mark"
	[[ ! -e $mark ]] || fail "something ran as bob"
	log_grep 'pam_netns\(sudo:session\): login refused'
	host_clean
}

# The log has the refusal, and the daemon's child that would run the job has ended.
cron_refused() {
	cron_submit bob "touch $1"
	log_grep 'pam_netns\(cron:session\): login refused'
	wait_until 10 childless "$(cron_pid)"
	rm /etc/cron.d/test-job
}

at_refused() {
	at_submit bob "touch $1"
	log_grep 'pam_netns\(atd:session\): login refused'
	wait_until 10 childless "$(pgrep -o -x atd)"
}

childless() {
	! pgrep -P "$1"
}

test_missing_helper_is_refused_by_each_program() {
	mv $HELPER $HELPER.away
	refused_everywhere
	ssh_as root -- true
	sudo true
	mv $HELPER.away $HELPER
	ssh_as bob -- true
	sudo -u bob true
}

test_erroneous_conf_is_refused_by_each_program() {
	echo 'unknown key' >>"$CONF"
	refused_everywhere
	conf_reset
	sudo -u bob true
}

test_unknown_argument_is_refused_by_su_and_sudo() {
	host_pam_install isolate=yes
	assert_fails sudo -u bob touch "$OUT/got-in.argument"
	assert_fails su bob -c "touch $OUT/got-in.argument"
	[[ ! -e $OUT/got-in.argument ]]
	log_grep 'unknown argument "isolate=yes"'
	host_pam_install
	sudo -u bob true
}

# The log has the helper's line and the refusal once each. The command prints its error once too.
test_refusal_is_logged_once() {
	local lines
	ip netns add alice
	assert_fails pam_session su alice true
	lines=$(log_lines | sed -n 's/^authpriv.err .*pam_netns(su:session): //p')
	assert_match 'is not ours' "$(head -n 1 <<<"$lines")"
	assert_match '^login refused' "$(tail -n 1 <<<"$lines")"
	assert_eq 2 "$(wc -l <<<"$lines")"
	ip netns del alice
	log_mark
	mv $HELPER $HELPER.away
	assert_fails pam_session su alice true
	mv $HELPER.away $HELPER
	lines=$(log_lines | sed -n 's/^authpriv.err .*pam_netns(su:session): //p')
	assert_match '^cannot run .*pam-netns-helper: No such file' "$(head -n 1 <<<"$lines")"
	assert_eq 2 "$(wc -l <<<"$lines")"
	lines=$(pam-netns up nosuchnetwork 2>&1 || :)
	assert_eq 1 "$(wc -l <<<"$lines")"
	assert_match '^pam-netns: there is no \[network nosuchnetwork\]' "$lines"
}
