# shellcheck shell=bash
# A kernel that lacks what we need, as Debian 11's 5.10 lacks mount_setattr(2): the set-up and logins are refused
# with its name, and root can log in.

# shellcheck source=tests/vm/guest/smoke_lib.sh
. "$CHECKOUT/tests/vm/guest/smoke_lib.sh"

MISSING='this kernel has no mount_setattr.2. .Linux 5.12.: run a newer kernel'

test_old_kernel_is_refused_by_up_and_doctor() {
	assert_fails_with "$MISSING" pam-netns up
	assert_code_with 2 'FAIL kernel: this kernel has no mount_setattr.2. .Linux 5.12. -> install a newer kernel' \
		pam-netns doctor
}

test_old_kernel_refuses_logins_and_leaves_nothing() {
	host_pam_install
	assert_fails ssh_as alice -- true >&2
	log_grep "$MISSING"
	log_grep 'login refused'
	ssh_as root -- true
	host_clean
	assert_eq '' "$(ip -o link show type bridge)" bridges
	assert_no_match pam_netns "$(nft list ruleset)"
	host_pam_remove
	ssh_as alice -- true
}
