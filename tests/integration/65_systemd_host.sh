# shellcheck shell=bash
# The throw-away host with systemd, tried within a host without it.

# shellcheck source=tests/integration/nested_lib.sh
. "$CHECKOUT/tests/integration/nested_lib.sh"
NESTED_OPTIONS=(--systemd)

test_host_with_systemd_ends_with_the_commands_status() {
	nested_works
	assert_code 0 nested true
	assert_code 42 nested sh -c 'exit 42'
	assert_code 143 nested sh -c 'kill $$'
	assert_eq 'a b' "$(echo 'a b' | nested cat)"
}

test_host_with_systemd_leaves_nothing_behind() {
	local before
	nested_works
	before=$(everything)
	nested sh -c 'useradd zoe; mount -t tmpfs x /mnt; ip link add br9 type bridge; hostname z
		ip netns add n; mkdir /sys/fs/cgroup/g; nft add table inet t; touch /home/x
		loginctl enable-linger alice; systemd-run -q sleep 300; setsid sleep 300 & exit 0'
	assert_same "$before" "$(everything)"
}

# A systemd that powers off or ends by itself is no success of the command.
test_host_without_its_systemd_has_not_passed() {
	nested_works
	assert_code 125 nested sh -c 'systemctl --force --force poweroff; sleep 60'
	assert_code 125 nested sh -c 'systemctl --force exit 0; sleep 60'
}

test_host_with_systemd_ends_by_sigterm() {
	nested_works
	ends_by TERM
}

test_processes_of_a_killed_host_with_systemd_end() {
	nested_works
	ends_by_sigkill
}

test_host_with_a_failed_unit_does_not_start() {
	local said
	nested_works
	printf '[Service]\nExecStart=/bin/false\n' >/usr/lib/systemd/system/broken.service
	ln -s /usr/lib/systemd/system/broken.service /usr/lib/systemd/system/multi-user.target.wants
	said=$(assert_code 125 nested true 2>&1)
	rm /usr/lib/systemd/system/broken.service /usr/lib/systemd/system/multi-user.target.wants/broken.service
	assert_match 'systemd says: degraded.*broken.service' "$said"
}
