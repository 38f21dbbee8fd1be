# shellcheck shell=bash
# The key limits on a host that cannot enforce it. tests/vm has the limits in force. T60.
# shellcheck source=tests/integration/doctor_lib.sh
. "$CHECKOUT/tests/integration/doctor_lib.sh"

setup() {
	host_pam_install
	conf_set limits 'memory=64M tasks=100'
	echo 'cpuset hugetlb' >/run/test-host/controllers
	mount --bind /run/test-host/controllers /sys/fs/cgroup/cgroup.controllers
}

test_t60_limit_without_controller_refuses_login() {
	assert_fails ssh_as alice -- true
	log_grep 'cannot limit uid [0-9]+: this kernel or host offers no memory controller, which the limit memory needs'
	host_clean
}

test_limit_without_controller_is_found() {
	present "FAIL cgroup: profile default: cgroup v2 has no memory controller for the limit memory, so its logins are refused"
	conf_set limits none
	absent ' FAIL cgroup'
	ssh_as alice -- true
	conf_set limits 'memory=64M tasks=100'
}

# A failed read is not a missing controller. Process 1's memory has none at address 0.
test_limit_with_unreadable_controllers_refuses_login() {
	mount --bind /proc/1/mem /sys/fs/cgroup/cgroup.controllers
	assert_fails ssh_as alice -- true
	log_grep 'limit uid [0-9]+: read /sys/fs/cgroup/cgroup.controllers: I(nput)?/[Oo](utput)? error'
	present 'FAIL cgroup: profile default: cannot read /sys/fs/cgroup/cgroup.controllers \(Input/output error\), so its logins are refused'
	umount /sys/fs/cgroup/cgroup.controllers
	host_clean
}

# The host has cgroup v1, as with systemd.unified_cgroup_hierarchy=0.
test_limit_without_cgroup_v2_refuses_login() {
	mount -t tmpfs none /sys/fs/cgroup
	assert_fails ssh_as alice -- true
	present 'FAIL cgroup: profile default: limits need cgroup v2 at /sys/fs/cgroup'
	umount /sys/fs/cgroup
	log_grep 'limit uid [0-9]+: /sys/fs/cgroup is no cgroup v2'
	host_clean
}
