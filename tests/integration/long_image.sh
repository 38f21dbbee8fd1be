# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# root = DIRECTORY with a Debian of its own (tests/debian-image), as debootstrap makes one.

# shellcheck source=tests/integration/root_lib.sh
. "$CHECKOUT/tests/integration/root_lib.sh"

IMAGE=/srv/debian

setup() {
	host_pam_install
	cp -a /srv/build/images/debian "$IMAGE"
	echo 'of debian' >"$IMAGE/etc/name"
	debian_set
}

# With the host's users.
debian_set() {
	image_set "$IMAGE"
	conf_set bind '/etc/passwd:/etc/passwd:ro /etc/group:/etc/group:ro'
}

test_check_finds_no_fault() {
	assert_no_match 'root of|refused' "$(pam-netns check)"
}

test_each_way_of_login_is_in_the_image() {
	assert_each_way 'of debian alice' alice 'echo $(cat /etc/name) $(whoami)'
	assert_match '/dev/pts/.*of debian' "$(ssh_as alice -tt -- 'tty; cat /etc/name' | paste -sd ' ')"
	host_clean
	assert_no_log 'not closed cleanly|cannot'
}

test_copies_work() {
	copies_work alice
	echo content >"$OUT/sent"
	outside scp -O -q -o BatchMode=yes "$OUT/sent" "alice@$HOST4:copied.file"
	assert_eq content "$(</home/alice/copied.file)" 'scp -O'
	rm /home/alice/copied.file
	host_clean
}

test_programs_of_the_image_run() {
	hold_session one alice
	assert_eq 3 "$(in_session one 'python3 -c "import sys; print(sys.version_info[0])"')"
	assert_match 'eth0' "$(in_session one 'ip -o address')"
	assert_match 'bash|sh' "$(in_session one 'ps -eo comm')"
	assert_match 'www.example.test' "$(in_session one 'getent hosts www.example.test')" 'a name of the DNS'
	end_session one
	host_clean
}

test_setuid_programs_of_the_image_have_no_effect() {
	[[ -u $IMAGE/usr/bin/su && -u $IMAGE/usr/bin/passwd ]]
	assert_fails_with 'must be suid|[Aa]uthentication|[Pp]ermission|not permitted' ssh_as alice -- 'su -c id </dev/null'
	assert_fails ssh_as alice -- 'passwd -S root'
	assert_eq 'NoNewPrivs: 0' "$(ssh_as alice -- 'grep NoNewPrivs /proc/self/status' | xargs)"
	host_clean
}

test_image_stays_as_it_was() {
	local before after
	before=$(find "$IMAGE" -xdev -printf '%p %i %m %u %T@\n' | sort | sha256sum)
	ssh_as alice -- 'touch /tmp/x /var/tmp/x ~/x; python3 -c 1; touch /etc/x' 2>/dev/null || :
	host_clean
	after=$(find "$IMAGE" -xdev -printf '%p %i %m %u %T@\n' | sort | sha256sum)
	assert_eq "$before" "$after"
	rm -f /home/alice/x
}
