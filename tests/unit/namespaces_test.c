/* The table of namespaces agrees with itself and with the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/namespaces.h"

static void test_kernel_has_each_kind_of_the_table(void **state)
{
	(void)state;
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		CLEANUP_FD int fd = namespace_open(AT_FDCWD, "/proc/self", i);

		assert_true(fd >= 0);
		assert_int_equal(ioctl(fd, NS_GET_NSTYPE), namespace_kinds[i].clone_flag);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
}

static void test_names_flags_and_bits_are_unique(void **state)
{
	unsigned bits = 0;

	(void)state;
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		const struct namespace_row *row = &namespace_kinds[i];

		assert_int_equal(namespace_find(row->name), i);
		assert_true(strlen(row->name) < NAMESPACE_NAME_MAX);
		assert_int_equal(bits & row->bit, 0);
		assert_int_equal(__builtin_popcount(row->bit), 1);
		bits |= row->bit;
		for (int k = 0; k < i; k++) {
			assert_int_not_equal(row->clone_flag, namespace_kinds[k].clone_flag);
			assert_string_not_equal(row->title, namespace_kinds[k].title);
		}
	}
	assert_int_equal(bits, NAMESPACES_ALL);
}

/* Records of older versions have these numbers. */
static void test_bits_of_records_never_change(void **state)
{
	(void)state;
	assert_int_equal(namespace_kinds[KIND_NET].bit, 1);
	assert_int_equal(namespace_kinds[KIND_UTS].bit, 2);
	assert_int_equal(namespace_kinds[KIND_MNT].bit, 4);
	assert_int_equal(namespace_kinds[KIND_IPC].bit, 8);
	assert_int_equal(namespace_kinds[KIND_PID].bit, 16);
	assert_int_equal(namespace_kinds[KIND_TIME].bit, 32);
	assert_int_equal(namespace_kinds[KIND_CGROUP].bit, 64);
}

static void test_mount_namespace_is_last(void **state)
{
	(void)state;
	assert_string_equal(namespace_kinds[NAMESPACE_KINDS - 1].name, "mnt");
	assert_int_equal(KIND_MNT, NAMESPACE_KINDS - 1);
}

static void test_unknown_names_are_refused(void **state)
{
	static const char *const names[] = {
	    "", "ne", "nett", "NET", "user", "pid_for_children", "time_for_children"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(namespace_find(names[i]), NAMESPACE_KINDS);
}

static void test_ended_process_has_no_namespaces(void **state)
{
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	log_set_sink(NULL, NULL);
	assert_int_equal(namespace_open(proc, "4194304", KIND_NET), -ENOENT);
}

static void test_unshare_makes_each_kind(void **state)
{
	(void)state;
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		struct stat before, after;

		if (i == KIND_PID)
			continue; /* only children get a new one: init.h */
		CLEANUP_FD int old = namespace_open(AT_FDCWD, "/proc/self", i);

		assert_int_equal(namespace_unshare(i), 0);
		CLEANUP_FD int new = namespace_open_made(i);

		assert_int_equal(fstat(old, &before) | fstat(new, &after), 0);
		assert_int_not_equal(before.st_ino, after.st_ino);
		assert_int_equal(setns(old, namespace_kinds[i].clone_flag), 0);
	}
}

static void test_close_closes_all_once(void **state)
{
	struct namespaces ns;
	int fd;

	(void)state;
	namespaces_init(&ns);
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		assert_int_equal(ns.fd[i], -1);
	fd = ns.fd[KIND_UTS] = namespace_open(AT_FDCWD, "/proc/self", KIND_UTS);
	assert_true(fd >= 0);
	namespaces_close(&ns);
	assert_int_equal(ns.fd[KIND_UTS], -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	namespaces_close(&ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kernel_has_each_kind_of_the_table),
	    cmocka_unit_test(test_names_flags_and_bits_are_unique),
	    cmocka_unit_test(test_bits_of_records_never_change),
	    cmocka_unit_test(test_mount_namespace_is_last),
	    cmocka_unit_test(test_unknown_names_are_refused),
	    cmocka_unit_test(test_ended_process_has_no_namespaces),
	    cmocka_unit_test(test_unshare_makes_each_kind),
	    cmocka_unit_test(test_close_closes_all_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
