/* The control group of a user: its place, its limits and its processes, read from ordinary files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "host/cgroup.h"
#include "scratch.h"

#define GROUP "user.slice/user-1001.slice"

static const struct limits all = {.values = {4ULL << 30, 250, 512, 50}};

static void put(const char *name, const char *text)
{
	CLEANUP_FD int fd = openat(scratch, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int setup(void **state)
{
	return scratch_setup(state) || mkdirat(scratch, "user.slice", 0755) ||
	       mkdirat(scratch, GROUP, 0755) || mkdirat(scratch, "7", 0755);
}

static void test_group_is_systemds_slice_or_ours(void **state)
{
	char path[CGROUP_PATH_MAX];

	(void)state;
	assert_string_equal(cgroup_path(true, 1001, path), GROUP);
	assert_string_equal(cgroup_path(false, 4294967294U, path), "pam-netns/4294967294");
}

static void test_first_missing_controller_is_named(void **state)
{
	struct limits limits = all;

	(void)state;
	assert_int_equal(cgroup_lacks(scratch, &limits), -ENOENT);
	put("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
	assert_int_equal(cgroup_lacks(scratch, &limits), LIMITS);
	put("cgroup.controllers", "cpuset iocost memory hugetlb pids\n");
	assert_int_equal(cgroup_lacks(scratch, &limits), LIMIT_CPU); /* cpuset is not cpu */
	limits.values[LIMIT_CPU] = 0;
	assert_int_equal(cgroup_lacks(scratch, &limits), LIMIT_IO);
	limits.values[LIMIT_IO] = 0;
	assert_int_equal(cgroup_lacks(scratch, &limits), LIMITS);
	put("cgroup.controllers", "");
	assert_int_equal(cgroup_lacks(scratch, &all), LIMIT_MEMORY);
	assert_int_equal(cgroup_lacks(scratch, &(struct limits){0}), LIMITS);
}

/* As the kernel shows them: each, if it has another value or cannot be read, is found. */
static void test_limit_with_another_value_is_found(void **state)
{
	static const char *const files[LIMITS] = {GROUP "/memory.max", GROUP "/cpu.max",
						  GROUP "/pids.max", GROUP "/io.weight"};
	static const char *const right[LIMITS] = {"4294967296\n", "250000 100000\n", "512\n",
						  "default 50\n8:0 70\n"};
	static const char *const wrong[LIMITS] = {"max\n", "250000 50000\n", "5120\n",
						  "default 500\n"};

	(void)state;
	assert_int_equal(cgroup_differs(scratch, GROUP, &all), LIMIT_MEMORY);
	for (int i = 0; i < LIMITS; i++)
		put(files[i], right[i]);
	assert_int_equal(cgroup_differs(scratch, GROUP, &all), LIMITS);
	for (int i = 0; i < LIMITS; i++) {
		struct limits others = all;

		put(files[i], wrong[i]);
		assert_int_equal(cgroup_differs(scratch, GROUP, &all), i);
		others.values[i] = 0; /* it may have any value */
		assert_int_equal(cgroup_differs(scratch, GROUP, &others), LIMITS);
		assert_int_equal(unlinkat(scratch, files[i], 0), 0);
		assert_int_equal(cgroup_differs(scratch, GROUP, &all), i);
		put(files[i], right[i]);
	}
}

/* The kernel rounds down to whole pages. */
static void test_memory_of_half_a_page_more_is_in_force(void **state)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct limits half = {.values = {[LIMIT_MEMORY] = 5000 * page + page / 2}};
	char text[32];

	(void)state;
	snprintf(text, sizeof(text), "%llu\n", 5000ULL * page);
	put(GROUP "/memory.max", text);
	assert_int_equal(cgroup_differs(scratch, GROUP, &half), LIMITS);
	snprintf(text, sizeof(text), "%llu\n", 4999ULL * page);
	put(GROUP "/memory.max", text);
	assert_int_equal(cgroup_differs(scratch, GROUP, &half), LIMIT_MEMORY);
}

static void test_use_is_read(void **state)
{
	uint64_t use = 0;

	(void)state;
	assert_int_equal(cgroup_use(scratch, GROUP, LIMIT_MEMORY, &use), -ENODATA);
	put(GROUP "/memory.current", "12345678\n");
	put(GROUP "/cpu.stat", "usage_usec 2500000\nuser_usec 1\n");
	put(GROUP "/pids.current", "7\n");
	assert_int_equal(cgroup_use(scratch, GROUP, LIMIT_MEMORY, &use), 0);
	assert_int_equal(use, 12345678);
	assert_int_equal(cgroup_use(scratch, GROUP, LIMIT_CPU, &use), 0);
	assert_int_equal(use, 2500000);
	assert_int_equal(cgroup_use(scratch, GROUP, LIMIT_TASKS, &use), 0);
	assert_int_equal(use, 7);
	assert_int_equal(cgroup_use(scratch, GROUP, LIMIT_IO, &use), -ENODATA);
	put(GROUP "/pids.current", "many\n");
	assert_int_equal(cgroup_use(scratch, GROUP, LIMIT_TASKS, &use), -ENODATA);
}

static void test_process_is_in_its_group_or_below(void **state)
{
	static const struct {
		const char *text;
		bool in;
	} table[] = {
	    {"0::/" GROUP "/session-3.scope\n", true},
	    {"0::/" GROUP "\n", true},
	    {"4:memory:/x\n1:name=systemd:/\n0::/" GROUP "/a/b\n", true},
	    {"0::/" GROUP "x\n", false},
	    {"0::/user.slice/user-100.slice/session-3.scope\n", false},
	    {"0::/x/" GROUP "\n", false},
	    {"0::/../" GROUP "\n", false}, /* outside a cgroup namespace */
	    {"1:name=systemd:/" GROUP "\n", false},
	    {"", false},
	};

	(void)state;
	assert_false(cgroup_has(scratch, 7, GROUP));
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		put("7/cgroup", table[i].text);
		assert_int_equal(cgroup_has(scratch, 7, GROUP), table[i].in);
	}
	assert_false(cgroup_has(scratch, 8, GROUP));
}

int main(void)
{
#define CGROUP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
	    CGROUP_TEST(test_group_is_systemds_slice_or_ours),
	    CGROUP_TEST(test_first_missing_controller_is_named),
	    CGROUP_TEST(test_limit_with_another_value_is_found),
	    CGROUP_TEST(test_memory_of_half_a_page_more_is_in_force),
	    CGROUP_TEST(test_use_is_read),
	    CGROUP_TEST(test_process_is_in_its_group_or_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
