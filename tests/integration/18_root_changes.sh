# shellcheck shell=bash
# shellcheck disable=SC2016 # what single quotes hold is for the shell of a session
# root = image:DIRECTORY: users have changes of their own to an image.

# shellcheck source=tests/integration/root_lib.sh
. "$CHECKOUT/tests/integration/root_lib.sh"

setup() {
	root_setup
}

test_each_way_of_login_has_the_users_changes() {
	changes_set
	ssh_as alice -- 'echo changed >/opt/own/file'
	assert_each_way changed alice 'cat /opt/own/file'
	assert_eq image "$(ssh_as bob -- cat /opt/own/file)" 'another user'
	assert_eq image "$(<"$IMAGE/opt/own/file")" 'the image'
	host_clean
	assert_eq '/' "$(ssh_as alice -- 'cut -d " " -f 5 /proc/self/mountinfo' | grep -vE '^/(dev|proc|run|sys|home|tmp|var/tmp|etc/resolv.conf)(/|$)' | paste -sd ' ')" mounts
	host_clean
}

test_changes_are_kept_between_logins() {
	local before
	before=$(find "$IMAGE/opt" -printf '%p %i %m %u\n' | sort)
	changes_set
	ssh_as alice -- 'cd /opt/own && rm file && mkdir -p deep/er && mv deep else && touch else/new && chmod 700 else &&
		echo x >/opt/open/file && ln -s /etc/passwd link'
	host_clean
	assert_eq 'else link 700 x' "$(ssh_as alice -- 'echo $(ls /opt/own) $(stat -c %a /opt/own/else) $(cat /opt/open/file)')"
	host_clean
	[[ -e $IMAGE/opt/own/file && ! -e $IMAGE/opt/own/else && ! -e $IMAGE/opt/open/file ]]
	# Root in the user's session changes the image of this user alone.
	hold_session one alice
	pam-netns exec alice --root -- sh -c 'echo new >/etc/name && rm /usr/bin/yes'
	assert_eq new "$(in_session one 'cat /etc/name')"
	assert_match "root +image:$IMAGE" "$(pam-netns status alice)"
	end_session one
	host_clean
	assert_eq 'of busybox' "$(ssh_as bob -- cat /etc/name)"
	assert_eq new "$(ssh_as alice -- cat /etc/name)"
	[[ -e $IMAGE/usr/bin/yes ]]
	host_clean
	# The changes are to that image, and gone with the user's directory.
	image_set "$IMAGE"
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)"
	host_clean
	changes_set
	assert_eq 'of busybox' "$(ssh_as alice -- cat /etc/name)"
	host_clean
}

# Root in the user's session has given / of the image to all, for instance by installing a package.
test_t69_changes_that_others_can_replace_refuse_logins() {
	changes_set
	hold_session one alice
	pam-netns exec alice --root -- chmod 777 /
	end_session one
	host_clean
	assert_fails ssh_as alice -- true
	log_grep "cannot use /var/lib/pam-netns/private/2001/image for changes to $IMAGE: its folders must be root's, with mode 0700, and upper with 0755"
	host_clean
	chmod 755 /var/lib/pam-netns/private/2001/image/*/upper
	ssh_as alice -- true
	host_clean
}

test_t69_changes_give_no_right() {
	changes_set
	for path in /etc/new /usr/bin/new /new /opt/new; do
		assert_fails ssh_as alice -- "touch $path" 2>/dev/null
	done
	image_add "$IMAGE" "$(command -v id)" /opt/own/suid
	chmod 4755 "$IMAGE/opt/own/suid"
	assert_eq 2001 "$(ssh_as alice -- '/opt/own/suid -u')"
	assert_fails ssh_as alice -- 'rm -f /opt/open/../../etc/name' 2>/dev/null
	assert_fails as alice ls /var/lib/pam-netns/private 2>/dev/null
	host_clean
	rm "$IMAGE/opt/own/suid"
}

# The user owns the directory above a mount point, and puts a link there.
test_t69_links_in_changes_lead_no_mount_elsewhere() {
	changes_set
	mkdir -p /opt/own/home "$IMAGE/opt/own/home"
	chown alice /opt/own/home "$IMAGE/opt/own/home"
	usermod -d /opt/own/home alice
	assert_eq /opt/own/home "$(su - alice -c pwd)"
	host_clean
	usermod -d /home/alice alice
	su alice -c 'rmdir /opt/own/home && ln -s /etc /opt/own/home'
	host_clean
	usermod -d /opt/own/home alice
	assert_fails su - alice -c true
	log_grep "the image has /opt/own/home, which leads over a symbolic link that is not root's"
	host_clean
	usermod -d /home/alice alice
	rm -r /opt/own
}

test_t69_changes_do_not_go_to_the_next_owner_of_the_uid() {
	changes_set
	ssh_as alice -- 'echo secret >/opt/own/file'
	host_clean
	usermod -l mallory alice
	assert_eq image "$(su mallory -c 'cat /opt/own/file')"
	host_clean
	usermod -l alice mallory
	assert_match '/2001\.alice\.' "$(echo /var/lib/pam-netns/private/*)"
}

test_file_system_that_holds_no_changes_refuses_logins() {
	changes_set
	umount /var/lib/pam-netns
	refused_with 'cannot mount an overlay of .*: the file system of /var/lib/pam-netns cannot hold one' \
		'the file system of /var/lib/pam-netns cannot hold users. changes, because it is an overlay itself'
}

test_failing_calls_with_changes_leave_nothing() {
	changes_set
	IMAGE=image:$IMAGE fault_with_image =open
}
