# shellcheck shell=bash
# Images for root = DIRECTORY.

IMAGE=/srv/images/busybox

# image_make DIRECTORY: one with busybox alone, which knows its own name. Users' shell must be /bin/sh.
image_make() {
	sh "$CHECKOUT/conf/examples/busybox-image.sh" "$1"
	echo "of ${1##*/}" >"$1/etc/name"
}

# image_add IMAGE PROGRAM [PATH]: a program of the host, with its libraries.
image_add() {
	local library
	install -D "$2" "$1${3:-$2}"
	for library in $(ldd "$2" | grep -o '/[^ ]*'); do
		install -D "$library" "$1$library"
	done
}

# image_set DIRECTORY
image_set() {
	conf_reset
	conf_set root "$1"
}

# changes_set: users have changes of their own to the image, on a file system that can hold them. In it, alice owns
# /opt/own, and all users may write to /opt/open.
changes_set() {
	image_set "image:$IMAGE"
	mkdir -p "$IMAGE"/opt/{own,open}
	chmod 1777 "$IMAGE/opt/open"
	echo image >"$IMAGE/opt/own/file"
	chown -R alice "$IMAGE/opt/own"
	rm -rf /var/lib/pam-netns/private/2001/image
	mountpoint -q /var/lib/pam-netns || mount -t tmpfs -o mode=0755 lib /var/lib/pam-netns
}

# setup of tests with an image: alice and bob have its shell.
root_setup() {
	host_pam_install
	usermod -s /bin/sh alice
	usermod -s /bin/sh bob
	image_make "$IMAGE"
}

# refused_with REGEX [CHECK_REGEX]: logins are refused with that line, check tells it too, and nothing is left.
refused_with() {
	log_mark
	assert_fails ssh_as alice -- true
	log_grep "$1" >/dev/null
	assert_match "/pam_netns.conf:[0-9]+: root of .*${2:-$1}" "$(pam-netns check || :)" 'pam-netns check'
	assert_eq '' "$(host_residue)"
	assert_fails mountpoint -q "$IMAGE"
}

# fault_with_image SWEEP: with all other keys of a user's view. One of ten calls.
fault_with_image() {
	local output=/run/test-host/fault
	usermod -s /bin/sh carol 2>/dev/null
	conf_reset
	FAULT_IMAGE=$IMAGE bash "$CHECKOUT/tests/fault/run" --on-host -o -s 10 "$1" 2>&1 | tee "$output"
	assert_match 'fault: [1-9][0-9]* passed, 0 failed' "$(<"$output")"
}
