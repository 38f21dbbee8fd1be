/* A system call fails: small files and folders are complete or unchanged, and nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "base/linux_calls.h"
#include "scratch.h"

#include <limits.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* The number of bytes of one read(2) or write(2). */
static size_t step = SIZE_MAX;
/* The name of a file that cannot be removed. */
static const char *stubborn = "";

static int refused(int error)
{
	errno = error;
	return -1;
}

static size_t smaller(size_t size)
{
	return size < step ? size : step;
}

#define openat(...)	     FAULT(openat(__VA_ARGS__))
#define fstat(fd, st)	     FAULT(fstat(fd, st))
#define read(fd, buf, size)  FAULT(read(fd, buf, smaller(size)))
#define write(fd, buf, size) FAULT(write(fd, buf, smaller(size)))
#define fsync(fd)	     FAULT(fsync(fd))
#define fchmod(fd, mode)     FAULT(fchmod(fd, mode))
#define mkdirat(...)	     FAULT(mkdirat(__VA_ARGS__))
#define renameat(...)	     FAULT(renameat(__VA_ARGS__))
#define unlinkat(dir, name, flags)                                                                 \
	(strcmp(name, stubborn) == 0 ? refused(EACCES) : FAULT(unlinkat(dir, name, flags)))
#define syscall(...)  FAULT(syscall(__VA_ARGS__))
#define fdopendir(fd) FAULT_NULL(fdopendir(fd))
#define readdir(dir)  FAULT_NULL(readdir(dir))

#include "../../lib/base/files.c"

#define OLD "the old content\n"
#define NEW "another, longer content\n"

static int result;

static ssize_t content(const char *name, char *text, size_t size)
{
	ssize_t length = -1;

	fault_pause(length = files_read(scratch, name, text, size));
	return length;
}

static void read_body(void)
{
	char text[64] = "?";
	ssize_t length = files_read(scratch, "file", text, sizeof(text));

	if (fault_was_hit() && fault_error != EINTR) {
		assert_int_equal(length, -fault_error);
		assert_string_equal(text, "");
	} else if (length >= 0) {
		assert_string_equal(text, OLD);
	}
	result += length >= 0;
}

static void test_read_fails_with_each_call(void **state)
{
	(void)state;
	assert_int_equal(files_write_atomic(scratch, "file", 0600, OLD, strlen(OLD), false), 0);
	step = 3;
	result = 0;
	assert_true(fault_sweep(EIO, read_body) > 7);
	assert_int_equal(result, 2); /* without a fault, and after the last call */
	/* A signal is no failure of read(2); openat(2) and fstat(2) do not restart. */
	result = 0;
	assert_int_equal(fault_sweep(EINTR, read_body) + 2 - result, 2);
	step = SIZE_MAX;
}

static void write_body(void)
{
	char text[64];

	fault_pause(result = files_write_atomic(scratch, "file", 0600, OLD, strlen(OLD), false));
	assert_int_equal(result, 0);
	result = files_write_atomic(scratch, "file", 0644, NEW, strlen(NEW), true);
	assert_true(content("file", text, sizeof(text)) > 0);
	if (result == 0)
		assert_string_equal(text, NEW);
	else
		assert_true(strcmp(text, OLD) == 0 || strcmp(text, NEW) == 0);
	if (!fault_was_hit())
		assert_int_equal(result, 0);
	else if (fault_error != EINTR)
		assert_int_equal(result, -fault_error);
	assert_int_equal(faccessat(scratch, ".file.new", F_OK, 0), -1);
}

static void test_write_fails_whole_or_not_at_all(void **state)
{
	(void)state;
	step = 5;
	assert_true(fault_sweep(ENOSPC, write_body) >= 10);
	assert_true(fault_sweep(EINTR, write_body) >= 10);
	step = SIZE_MAX;
}

/* The file of a killed writer is removed first. */
static void leftover_body(void)
{
	CLEANUP_FD int fd = -1;

	fault_pause(fd = openat(scratch, ".file.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	result = files_write_atomic(scratch, "file", 0644, NEW, strlen(NEW), false);
	assert_int_equal(result, fault_was_hit() ? -EIO : 0);
	fault_pause(result = files_write_atomic(scratch, "file", 0644, NEW, strlen(NEW), false));
	assert_int_equal(result, 0);
	assert_int_equal(faccessat(scratch, ".file.new", F_OK, 0), -1);
}

static void test_write_over_leftover_fails_cleanly(void **state)
{
	(void)state;
	assert_true(fault_sweep(EIO, leftover_body) >= 5);
}

static void make_dir_body(void)
{
	CLEANUP_FD int fd = -1;
	struct stat st;

	fd = files_make_dir(scratch, "folder", 01777);
	if (fault_was_hit()) {
		assert_int_equal(fd, -EMFILE);
		fault_pause(fd = files_make_dir(scratch, "folder", 01777));
	}
	assert_true(fd >= 0);
	assert_int_equal((fstat)(fd, &st), 0);
	/* The mode is never wider than asked. */
	assert_int_equal(st.st_mode & 07777 & ~01777, 0);
	if (!fault_was_hit())
		assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal((unlinkat)(scratch, "folder", AT_REMOVEDIR), 0);
}

static void test_make_dir_fails_without_wider_mode(void **state)
{
	mode_t before = umask(077);

	(void)state;
	assert_true(fault_sweep(EMFILE, make_dir_body) >= 6);
	umask(before);
}

static void tree_make(int depth)
{
	int at = (openat)(scratch, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)(mkdirat)(at, "tree", 0700);
	for (int i = 0; i < depth; i++) {
		int next = (openat)(at, i ? "d" : "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(next >= 0);
		close(at);
		at = next;
		(void)(mkdirat)(at, "d", 0700);
		close((openat)(at, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		close((openat)(at, "g", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	close(at);
}

static void remove_body(void)
{
	tree_make(3);
	result = files_remove_tree(scratch, "tree");
	if (!fault_was_hit())
		assert_int_equal(result, 0);
	/* The next attempt does the rest. */
	fault_pause(result = files_remove_tree(scratch, "tree"));
	assert_int_equal(result, 0);
	assert_int_equal(faccessat(scratch, "tree", F_OK, 0), -1);
}

static void test_failed_removal_is_finished_by_the_next(void **state)
{
	(void)state;
	assert_true(fault_sweep(EIO, remove_body) > 40);
	assert_true(fault_sweep(ENOENT, remove_body) > 40);
}

/* The first error is returned, and the rest is removed. */
static void test_removal_goes_on_after_an_error(void **state)
{
	(void)state;
	tree_make(3);
	stubborn = "f";
	assert_int_equal(files_remove_tree(scratch, "tree"), -EACCES);
	stubborn = "";
	assert_int_equal(faccessat(scratch, "tree/d/d/f", F_OK, 0), 0);
	assert_int_equal(faccessat(scratch, "tree/g", F_OK, 0), -1);
	assert_int_equal(faccessat(scratch, "tree/d/d/d", F_OK, 0), -1);
	assert_int_equal(files_remove_tree(scratch, "tree"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read_fails_with_each_call),
	    cmocka_unit_test(test_write_fails_whole_or_not_at_all),
	    cmocka_unit_test(test_write_over_leftover_fails_cleanly),
	    cmocka_unit_test(test_make_dir_fails_without_wider_mode),
	    cmocka_unit_test(test_failed_removal_is_finished_by_the_next),
	    cmocka_unit_test(test_removal_goes_on_after_an_error),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
