/* Leases: each uid keeps one address, even if many processes take leases at once. Runs as root. */
#include "lease_take.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PROCESSES 8
#define UID_LAST  4294967294U

static bool exists(const char *path)
{
	return faccessat(scratch, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_preferred_address_is_given(void **state)
{
	static const uid_t uids[] = {0, 3, 254, 1000, 65534, UID_LAST};

	(void)state;
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	assert_int_equal(take(7), 7);
	assert_link("default/address/10.203.4.7", "7");
	assert_link("default/uid/7", "10.203.4.7");
	for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++)
		assert_int_equal(take(uids[i]), prefix_preferred_offset(&subnet, uids[i]));
	assert_int_equal(lines_logged, 0);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
}

/* Returns a uid beyond the subnet's size whose preferred offset is this one. */
static uid_t uid_preferring(uint32_t offset)
{
	for (uid_t uid = 100000;; uid++)
		if (prefix_preferred_offset(&subnet, uid) == offset)
			return uid;
}

static void test_collision_gives_the_next_free_address(void **state)
{
	uid_t other = uid_preferring(254);

	(void)state;
	assert_int_equal(take(254), 254);
	assert_int_equal(take(other), 2);
	assert_int_equal(take(2), 3);
	/* The lease stays when the preferred address becomes free. */
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 254), 0);
	assert_no_lease(254);
	assert_int_equal(take(other), 2);
	assert_int_equal(take(254), 254);
}

static void test_release_frees_only_the_own_lease(void **state)
{
	(void)state;
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	assert_int_equal(take(7), 7);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	assert_no_lease(7);
	assert_false(exists("default/address/10.203.4.7"));
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	/* A wrong link of one uid does not remove another user's lease. */
	assert_int_equal(take(8), 8);
	link_put("10.203.4.8", "default/uid/7");
	assert_no_lease(7);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	assert_int_equal(take(8), 8);
	assert_int_equal(lines_logged, 0);
}

/* Another subnet in the conf gives other addresses. The old subnet gives the old ones again. */
static void test_changed_subnet_gives_other_addresses(void **state)
{
	struct prefix first = subnet;
	uint32_t offset;

	(void)state;
	assert_int_equal(take(7), 7);
	assert_int_equal(take(8), 8);
	assert_int_equal(prefix_parse("10.99.0.0/16", &subnet), 0);
	assert_no_lease(7);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	assert_int_equal(take(7), 7);
	assert_link("default/uid/7", "10.99.0.7");
	assert_false(exists("default/address/10.203.4.7"));
	assert_int_equal(lease_find(scratch, NETWORK, &first, 7, &offset), -ENOENT);
	assert_int_equal(lease_find(scratch, NETWORK, &first, 8, &offset), 0);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 8), 0);
	assert_int_equal(lease_find(scratch, NETWORK, &first, 8, &offset), -ENOENT);
}

static void test_networks_have_separate_leases(void **state)
{
	uint32_t offset;

	(void)state;
	take(7);
	assert_int_equal(lease_find(scratch, "lab", &subnet, 7, &offset), -ENOENT);
	assert_int_equal(lease_take(scratch, "lab", &subnet, uid_preferring(7), &offset), 0);
	assert_int_equal(offset, 7);
}

static void test_bad_names_and_subnets_are_refused(void **state)
{
	static const char *const names[] = {"",	   ".",	   "..",
					    "a/b", "/etc", "a-name-of-more-than-thirty-one-bytes"};
	struct prefix six, tiny;
	uint32_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(lease_take(scratch, names[i], &subnet, 7, &offset), -EINVAL);
	assert_int_equal(prefix_parse("fd00::/64", &six), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &six, 7, &offset), -EAFNOSUPPORT);
	assert_int_equal(prefix_parse("10.0.0.0/31", &tiny), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &tiny, 7, &offset), -EADDRNOTAVAIL);
	assert_int_equal(prefix_parse("10.0.0.0/30", &tiny), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &tiny, 7, &offset), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &tiny, 8, &offset), -EADDRNOTAVAIL);
	/* Folders of another user. */
	assert_int_equal(mkdirat(scratch, "theirs", 0755), 0);
	assert_int_equal(fchownat(scratch, "theirs", 1000, 1000, 0), 0);
	assert_int_equal(lease_take(scratch, "theirs", &subnet, 7, &offset), -EPERM);
	assert_int_equal(symlinkat("/etc", scratch, "link"), 0);
	assert_int_equal(lease_take(scratch, "link", &subnet, 7, &offset), -ENOTDIR);
	assert_int_equal(lease_take(-1, NETWORK, &subnet, 7, &offset), -EBADF);
}

/* All processes take leases at once, each for its own uids among 200. */
static void take_many(unsigned process)
{
	uint32_t offset;

	for (uid_t i = 0; i < 200; i++) {
		uid_t uid = 100000 + (i * 7 + process * 25) % 200;

		if (uid % PROCESSES == process &&
		    lease_take(scratch, NETWORK, &subnet, uid, &offset))
			_exit(1);
	}
	_exit(0);
}

static void test_many_processes_get_different_addresses(void **state)
{
	bool taken[256] = {false};
	pid_t children[PROCESSES];
	uint32_t offset;
	int status;

	(void)state;
	for (unsigned i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			take_many(i);
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	for (uid_t uid = 100000; uid < 100253; uid++) {
		/* The last 53 take all that is left. */
		offset = take(uid);
		assert_in_range(offset, 2, 254);
		assert_false(taken[offset]);
		taken[offset] = true;
	}
	assert_int_equal(lease_take(scratch, NETWORK, &subnet, 200000, &offset), -EADDRNOTAVAIL);
	assert_int_equal(offset, 0);
	assert_no_lease(200000);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 100042), 0);
	take(200000);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
}

/* SIGKILL at any moment: each lease is complete, completed later, or removed by repair. */
static void test_killed_processes_leave_no_double_lease(void **state)
{
	bool taken[256] = {false};
	uint32_t offset;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		pid_t child = fork();

		if (child == 0)
			for (uid_t uid = 100000;; uid = 100000 + (uid + 1) % 100) {
				if (lease_take(scratch, NETWORK, &subnet, uid, &offset) ||
				    lease_release(scratch, NETWORK, &subnet, uid))
					_exit(1);
			}
		usleep(300 + i * 37);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	assert_in_range(lease_repair(scratch, NETWORK, &subnet), 0, 60);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	for (uid_t uid = 100000; uid < 100253; uid++) {
		offset = take(uid);
		assert_false(taken[offset]);
		taken[offset] = true;
	}
}

/* The file system has an inode for the first link, and none for the second. */
static int take_without_space(void)
{
	uint32_t offset;
	int leases;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", scratch_path, "tmpfs", 0, "nr_inodes=5"))
		return 77;
	leases = open(scratch_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (lease_take(leases, NETWORK, &subnet, 7, &offset) != -ENOSPC)
		return 1;
	if (faccessat(leases, "default/uid", F_OK, 0))
		return 2;
	if (!faccessat(leases, "default/address/10.203.4.7", F_OK, AT_SYMLINK_NOFOLLOW))
		return 3;
	return mount(NULL, scratch_path, NULL, MS_REMOUNT, "nr_inodes=6") ||
		       lease_take(leases, NETWORK, &subnet, 7, &offset)
		   ? 4
		   : 0;
}

static void test_full_disk_leaves_no_half_lease(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(take_without_space());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Many processes take the lease of one uid, without a lock. */
static void test_processes_of_one_uid_get_one_address(void **state)
{
	pid_t children[PROCESSES];
	uint32_t offset;
	int status;

	(void)state;
	take(2);
	for (uid_t uid = 3; uid < 60; uid++) {
		for (unsigned i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			if (children[i] == 0)
				_exit(lease_find(scratch, NETWORK, &subnet, uid, &offset) == 0 ||
					      lease_take(scratch, NETWORK, &subnet, uid, &offset) ==
						  0
					  ? (int)offset
					  : 255);
		}
		for (unsigned i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(children[i], &status, 0), children[i]);
			assert_int_equal(WEXITSTATUS(status), uid);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LEASE_TEST(test_preferred_address_is_given),
	    LEASE_TEST(test_collision_gives_the_next_free_address),
	    LEASE_TEST(test_release_frees_only_the_own_lease),
	    LEASE_TEST(test_changed_subnet_gives_other_addresses),
	    LEASE_TEST(test_networks_have_separate_leases),
	    LEASE_TEST(test_bad_names_and_subnets_are_refused),
	    LEASE_TEST(test_many_processes_get_different_addresses),
	    LEASE_TEST(test_full_disk_leaves_no_half_lease),
	    LEASE_TEST(test_processes_of_one_uid_get_one_address),
	    LEASE_TEST(test_killed_processes_leave_no_double_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
