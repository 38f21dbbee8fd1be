/* A user's records are readable for the user and root alone. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "scratch.h"

static int xattr_error; /* of setxattr(2); 0: it succeeds */

static int xattr_set(const char *path, const char *name, const void *value, size_t size, int flags)
{
	errno = xattr_error;
	return xattr_error ? -1 : setxattr(path, name, value, size, flags);
}
#define setxattr xattr_set
#include "../../lib/state/folder.c"
#undef setxattr

#define USER	 7
#define OTHER	 8
#define GROUP_ID 100

static void log_drop(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

static int setup(void **state)
{
	log_set_sink(log_drop, NULL);
	xattr_error = 0;
	return scratch_setup(state);
}

/* True: a program of the user can list the folder, or (write) change it. */
static bool may(uid_t uid, bool write)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd;

		if (setgroups(0, NULL) || setgid(GROUP_ID) || setuid(uid))
			_exit(2);
		fd = write ? openat(scratch, "users/7/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)
			   : openat(scratch, "users/7", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		_exit(fd >= 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status);
}

static void folder_make(void)
{
	int fd = state_folder_make(scratch, USER);

	assert_true(fd >= 0);
	close(fd);
}

static void folder_share(void)
{
	int fd = state_folder_make(scratch, USER);

	assert_true(fd >= 0);
	state_folder_share(fd, USER);
	close(fd);
}

static void test_folder_is_readable_for_its_user_only(void **state)
{
	(void)state;
	folder_make();
	assert_false(may(USER, false));
	assert_false(may(OTHER, false));
	folder_share();
	assert_true(may(USER, false));
	assert_false(may(OTHER, false));
	assert_false(may(USER, true));
	assert_false(may(OTHER, true));
	/* A second call changes nothing. */
	folder_share();
	assert_true(may(USER, false));
	assert_false(may(OTHER, false));
}

/* Without access control lists, the folder is closed to the user too. */
static void test_file_system_without_lists_closes_folder(void **state)
{
	(void)state;
	xattr_error = EOPNOTSUPP;
	folder_share();
	assert_false(may(USER, false));
	assert_false(may(OTHER, false));
}

/* The folder of an older version is open to all until the next login or gc. */
static void test_open_folder_of_older_version_is_closed(void **state)
{
	(void)state;
	for (int by_login = 0; by_login < 2; by_login++) {
		folder_make();
		assert_int_equal(fchmodat(scratch, "users/7", 0755, 0), 0);
		assert_true(may(OTHER, false));
		if (by_login)
			folder_make();
		else
			assert_int_equal(state_folder_close(scratch, USER), 0);
		assert_false(may(OTHER, false));
		assert_true(may(USER, false));
		assert_int_equal(files_remove_tree(scratch, "users"), 0);
	}
	assert_int_equal(state_folder_close(scratch, USER), 0);
}

/* A folder that users own or can write to is not used, and its mode is not changed. */
static void test_planted_folder_is_not_taken(void **state)
{
	struct stat st;

	(void)state;
	folder_make();
	assert_int_equal(fchmodat(scratch, "users/7", 0777, 0), 0);
	assert_int_equal(state_folder_make(scratch, USER), -EPERM);
	assert_int_equal(state_folder_close(scratch, USER), 0);
	assert_int_equal(fstatat(scratch, "users/7", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0777);
	assert_int_equal(fchmodat(scratch, "users/7", 0755, 0), 0);
	assert_int_equal(fchownat(scratch, "users/7", USER, 0, 0), 0);
	assert_int_equal(state_folder_make(scratch, USER), -EPERM);
	assert_int_equal(state_folder_close(scratch, USER), 0);
	assert_int_equal(unlinkat(scratch, "users/7", AT_REMOVEDIR), 0);
	/* A link is replaced, and its target stays. */
	assert_int_equal(mkdirat(scratch, "elsewhere", 0755), 0);
	assert_int_equal(symlinkat("../elsewhere", scratch, "users/7"), 0);
	assert_int_equal(state_folder_close(scratch, USER), 0);
	folder_make();
	assert_int_equal(fstatat(scratch, "elsewhere", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_folder_is_readable_for_its_user_only, setup,
					    scratch_teardown),
	    cmocka_unit_test_setup_teardown(test_file_system_without_lists_closes_folder, setup,
					    scratch_teardown),
	    cmocka_unit_test_setup_teardown(test_open_folder_of_older_version_is_closed, setup,
					    scratch_teardown),
	    cmocka_unit_test_setup_teardown(test_planted_folder_is_not_taken, setup,
					    scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
