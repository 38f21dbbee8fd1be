/* Sizes of users' private directories in memory, and the /run/user/UID that is shown. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ns/mounts.h"

static int clone_error; /* of mount_clone(); 0: it succeeds */

#define mount_clone(...) (clone_error ? -clone_error : mount_clone(__VA_ARGS__))
#include "../../lib/ns/mntns.c"

#define USER	     2001
#define USER_RUNTIME "/run/user/2001"

static uint64_t memory_total;

static int memory_read(void **state)
{
	struct sysinfo memory;

	(void)state;
	if (sysinfo(&memory) < 0)
		return -1;
	memory_total = (uint64_t)memory.totalram * memory.mem_unit;
	return 0;
}

static void test_configured_size_is_the_same_for_all(void **state)
{
	const struct profile size = {.private_bytes = 512 << 20}, share = {.private_percent = 25};

	(void)state;
	for (uint64_t users = 0; users < 3; users++) {
		assert_int_equal(mntns_private_bytes(&size, users), 512 << 20);
		assert_int_equal(mntns_private_bytes(&share, users), memory_total / 100 * 25);
	}
	/* A small size is the administrator's choice. */
	assert_int_equal(mntns_private_bytes(&(struct profile){.private_bytes = 4096}, 1), 4096);
}

static void test_inodes_follow_from_the_size(void **state)
{
	(void)state;
	assert_int_equal(mntns_private_inodes(16 << 20), 4096);
	assert_int_equal(mntns_private_inodes(1ULL << 40), 1ULL << 28);
	assert_int_equal(mntns_private_inodes(4096), 1024);
	assert_int_equal(mntns_private_inodes(0), 1024);
}

/* Users log in one after another, and each fills all pages and inodes. */
static void test_all_users_together_leave_memory(void **state)
{
	static const struct profile automatic = {.private_percent = 0};
	const struct {
		uint64_t users;
		unsigned percent;
	} promised[] = {{1, 10}, {10, 30}, {100, 52}, {1000, 75}, {5000, 91}};
	uint64_t all = 0, users = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++) {
		while (users < promised[i].users) {
			uint64_t bytes = mntns_private_bytes(&automatic, ++users);

			/* On a small machine the last users all get the minimum. */
			if (bytes > 4 << 20)
				all += bytes + mntns_private_inodes(bytes) * 1024;
			else
				all += memory_total / 10 / users;
		}
		assert_true(all <= memory_total / 100 * promised[i].percent);
	}
	assert_int_equal(mntns_private_bytes(&automatic, 1), memory_total / 100 * 8);
	assert_int_equal(mntns_private_bytes(&automatic, 1ULL << 40), 1 << 20);
}

/* What was not mounted must have no id: else no later look would try it again. */
static void test_runtime_directory_that_cannot_be_cloned_has_no_id(void **state)
{
	uint64_t id;
	int tree;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("run", "/run", "tmpfs", 0, NULL), 0);
	assert_int_equal(mkdir(RUNTIME_ROOT, 0755), 0);
	assert_int_equal(mkdir(USER_RUNTIME, 0700), 0);
	assert_int_equal(runtime_clone(USER, &id), -1);
	assert_int_equal(id, 0);
	assert_int_equal(mount("user", USER_RUNTIME, "tmpfs", 0, NULL), 0);
	tree = runtime_clone(USER, &id);
	assert_true(tree >= 0);
	close(tree);
	assert_true(id && id == mntns_runtime_id(USER));
	clone_error = ENOMEM;
	assert_int_equal(runtime_clone(USER, &id), -ENOMEM);
	assert_int_equal(id, 0);
	id = 1;
	assert_int_equal(mntns_graft_runtime(USER, -1, -1, &id), 0);
	assert_int_equal(id, 0);
	clone_error = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_configured_size_is_the_same_for_all),
	    cmocka_unit_test(test_inodes_follow_from_the_size),
	    cmocka_unit_test(test_all_users_together_leave_memory),
	    cmocka_unit_test(test_runtime_directory_that_cannot_be_cloned_has_no_id),
	};

	return cmocka_run_group_tests(tests, memory_read, NULL);
}
