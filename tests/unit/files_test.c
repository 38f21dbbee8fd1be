/* Small files and folders: bounded reads, atomic writes, safe folders, removal. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/files.h"
#include "fds.h"
#include "scratch.h"

static void file_make(const char *name, const char *content)
{
	CLEANUP_FD int fd = openat(scratch, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
}

static bool exists(const char *name)
{
	return faccessat(scratch, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_read_refuses_files_beyond_its_buffer(void **state)
{
	char buf[9];

	(void)state;
	assert_int_equal(files_read(scratch, "absent", buf, sizeof(buf)), -ENOENT);
	assert_string_equal(buf, "");
	file_make("eight", "12345678");
	assert_int_equal(files_read(scratch, "eight", buf, sizeof(buf)), 8);
	assert_string_equal(buf, "12345678");
	file_make("nine", "123456789");
	assert_int_equal(files_read(scratch, "nine", buf, sizeof(buf)), -EFBIG);
	assert_string_equal(buf, "");
	file_make("empty", "");
	assert_int_equal(files_read(scratch, "empty", buf, sizeof(buf)), 0);
	assert_int_equal(files_read(scratch, "empty", buf, 1), 0);
	assert_int_equal(files_read(scratch, "eight", buf, 1), -EFBIG);
}

static void test_read_refuses_other_kinds_of_files(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[64];

	(void)state;
	assert_int_equal(symlinkat("/etc/passwd", scratch, "link"), 0);
	assert_int_equal(files_read(scratch, "link", buf, sizeof(buf)), -ELOOP);
	assert_int_equal(mkfifoat(scratch, "fifo", 0644), 0);
	assert_int_equal(files_read(scratch, "fifo", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(mkdirat(scratch, "folder", 0755), 0);
	assert_int_equal(files_read(scratch, "folder", buf, sizeof(buf)), -EINVAL);
	snprintf(name.sun_path, sizeof(name.sun_path), "%.90s/socket", scratch_path);
	assert_int_equal(bind(s, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(files_read(scratch, "socket", buf, sizeof(buf)), -ENXIO);
	assert_int_equal(mknodat(scratch, "null", S_IFCHR | 0644, makedev(1, 3)), 0);
	assert_int_equal(files_read(scratch, "null", buf, sizeof(buf)), -EINVAL);
}

static void test_write_replaces_file_and_mode(void **state)
{
	char buf[64];
	struct stat st;
	mode_t mask = umask(022);

	(void)state;
	assert_int_equal(files_write_atomic(scratch, "w", 0644, "one", 3, true), 0);
	umask(mask);
	assert_int_equal(fstatat(scratch, "w", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(files_write_atomic(scratch, "w", 0600, "second", 6, false), 0);
	assert_int_equal(files_read(scratch, "w", buf, sizeof(buf)), 6);
	assert_string_equal(buf, "second");
	assert_false(exists(".w.new"));
}

static void test_write_follows_no_planted_link(void **state)
{
	char buf[64];

	(void)state;
	file_make("precious", "precious");
	/* A killed writer's file, and a planted link. */
	assert_int_equal(symlinkat("precious", scratch, ".v.new"), 0);
	assert_int_equal(files_write_atomic(scratch, "v", 0644, "new", 3, false), 0);
	assert_int_equal(files_read(scratch, "precious", buf, sizeof(buf)), 8);
	assert_int_equal(files_read(scratch, "v", buf, sizeof(buf)), 3);
	/* A link at the name itself is replaced, not followed. */
	assert_int_equal(symlinkat("precious", scratch, "v2"), 0);
	assert_int_equal(files_write_atomic(scratch, "v2", 0644, "new", 3, false), 0);
	assert_int_equal(files_read(scratch, "precious", buf, sizeof(buf)), 8);
	/* A folder with the name is an error, and no temporary file is left. */
	assert_int_equal(mkdirat(scratch, "taken", 0755), 0);
	assert_int_equal(files_write_atomic(scratch, "taken", 0644, "x", 1, false), -EISDIR);
	assert_false(exists(".taken.new"));
	assert_int_equal(mkdirat(scratch, ".y.new", 0755), 0);
	assert_int_equal(files_write_atomic(scratch, "y", 0644, "x", 1, false), -EISDIR);
}

static void test_write_refuses_name_beyond_limit(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[251] = '\0';
	assert_int_equal(files_write_atomic(scratch, name, 0644, "x", 1, false), -ENAMETOOLONG);
	name[250] = '\0';
	assert_int_equal(files_write_atomic(scratch, name, 0644, "x", 1, false), 0);
}

/* Makes a mount namespace, and opens scratch again, which belonged to the old one. */
static bool mounts_unshare(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	scratch = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch >= 0 && fchdir(scratch) == 0;
}

static void test_write_without_space_keeps_old_file(void **state)
{
	char *big = calloc(1, 1 << 20), buf[64];
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		if (!mounts_unshare() || mkdirat(scratch, "small", 0755) ||
		    mount("none", "small", "tmpfs", 0, "size=64k"))
			_exit(77);
		int small = open("small", O_PATH | O_DIRECTORY);
		bool good = files_write_atomic(small, "f", 0644, "old", 3, false) == 0 &&
			    files_write_atomic(small, "f", 0644, big, 1 << 20, false) == -ENOSPC &&
			    files_read(small, "f", buf, sizeof(buf)) == 3 &&
			    faccessat(small, ".f.new", F_OK, 0) < 0;

		_exit(good ? 0 : 1);
	}
	free(big);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void make_dir_check(const char *name, mode_t mode, mode_t expected)
{
	CLEANUP_FD int fd = files_make_dir(scratch, name, mode);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | expected);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void test_make_dir_sets_mode(void **state)
{
	mode_t mask = umask(0777);

	(void)state;
	make_dir_check("d1", 0755, 0755);
	make_dir_check("d2", 01777, 01777);
	umask(mask);
	make_dir_check("d1", 0755, 0755);
	make_dir_check("d3", 0700, 0700);
	/* An administrator may have chosen a stricter mode. */
	make_dir_check("d3", 0755, 0700);
}

static void test_make_dir_refuses_unsafe_folders(void **state)
{
	(void)state;
	assert_int_equal(files_make_dir(scratch, "absent/d", 0755), -ENOENT);
	assert_int_equal(mkdirat(scratch, "m", 0755), 0);
	assert_int_equal(files_make_dir(scratch, "m", 0700), -EPERM);
	assert_int_equal(fchmodat(scratch, "m", 0777, 0), 0);
	assert_int_equal(files_make_dir(scratch, "m", 0755), -EPERM);
	/* A folder without the sticky bit allows more than one with it. */
	assert_int_equal(files_make_dir(scratch, "m", 01777), -EPERM);
	assert_int_equal(mkdirat(scratch, "theirs", 0700), 0);
	assert_int_equal(fchownat(scratch, "theirs", 1000, 1000, 0), 0);
	assert_int_equal(files_make_dir(scratch, "theirs", 0755), -EPERM);
	assert_int_equal(symlinkat("/etc", scratch, "etc"), 0);
	assert_int_equal(files_make_dir(scratch, "etc", 0755), -ENOTDIR);
	file_make("plain", "");
	assert_int_equal(files_make_dir(scratch, "plain", 0755), -ENOTDIR);
}

static void below_check(const char *path, mode_t mode, int expected)
{
	CLEANUP_FD int fd = files_open_below(scratch, path, mode);
	CLEANUP_FD int any = files_directory_below(scratch, path, O_RDONLY);

	assert_int_equal(fd < 0 ? fd : 0, expected);
	/* The one without a look of its own opens folders of any owner and mode. */
	assert_int_equal(any < 0 ? any : 0, expected == -EPERM ? 0 : expected);
	assert_int_equal(files_is_folder(scratch, path, mode), expected == 0);
}

static void test_paths_lead_to_safe_folders_only(void **state)
{
	char path[sizeof(scratch_path) + 16];
	int fd;

	(void)state;
	assert_int_equal(mkdirat(scratch, "above", 0755), 0);
	assert_int_equal(mkdirat(scratch, "above/below", 0750), 0);
	below_check("above/below", 0750, 0);
	below_check("above/below", 0755, 0);
	below_check("above/below", 0700, -EPERM);
	below_check("above/absent", 0755, -ENOENT);
	assert_int_equal(fchownat(scratch, "above/below", 1000, 0, 0), 0);
	below_check("above/below", 0755, -EPERM);
	file_make("above/file", "");
	below_check("above/file", 0755, -ENOTDIR);
	assert_int_equal(symlinkat("below", scratch, "above/link"), 0);
	below_check("above/link", 0755, -ELOOP);
	assert_int_equal(files_directory_below(scratch, "above/../..", O_PATH), -EXDEV);
	snprintf(path, sizeof(path), "%s/above", scratch_path);
	fd = files_open_listable(path, 0755);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(files_open_listable(path, 0700), -EPERM);
	snprintf(path, sizeof(path), "%s/above/link", scratch_path);
	assert_int_equal(files_open_listable(path, 0755), -ELOOP);
}

static void test_records_are_read_through_no_link(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(mkdirat(scratch, "user", 0755), 0);
	file_make("user/state", "record");
	assert_int_equal(files_read_below(scratch, "user/state", buf, sizeof(buf)), 6);
	assert_string_equal(buf, "record");
	assert_int_equal(files_read_below(scratch, "user/state", buf, 6), -EFBIG);
	assert_string_equal(buf, "");
	assert_int_equal(files_read_below(scratch, "user/absent", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(files_read_below(scratch, "user", buf, sizeof(buf)), -EISDIR);
	assert_int_equal(symlinkat("state", scratch, "user/link"), 0);
	assert_int_equal(files_read_below(scratch, "user/link", buf, sizeof(buf)), -ELOOP);
	assert_int_equal(symlinkat("user", scratch, "other"), 0);
	assert_int_equal(files_read_below(scratch, "other/state", buf, sizeof(buf)), -ELOOP);
	assert_int_equal(files_read_below(scratch, "../state", buf, sizeof(buf)), -EXDEV);
	/* Not even a pipe makes it wait. */
	assert_int_equal(mkfifoat(scratch, "user/pipe", 0600), 0);
	assert_int_equal(files_read_below(scratch, "user/pipe", buf, sizeof(buf)), 0);
}

static void test_remove_tree_follows_no_link(void **state)
{
	(void)state;
	assert_int_equal(files_remove_tree(scratch, "nothing"), 0);
	assert_int_equal(mkdirat(scratch, "outside", 0755), 0);
	file_make("outside/kept", "kept");
	assert_int_equal(mkdirat(scratch, "tree", 0700), 0);
	assert_int_equal(mkdirat(scratch, "tree/sub", 0), 0);
	file_make("tree/sub/file", "x");
	assert_int_equal(symlinkat("../outside", scratch, "tree/link"), 0);
	assert_int_equal(symlinkat("/", scratch, "tree/sub/root"), 0);
	assert_int_equal(mkfifoat(scratch, "tree/fifo", 0), 0);
	assert_int_equal(files_remove_tree(scratch, "tree"), 0);
	assert_false(exists("tree"));
	assert_true(exists("outside/kept"));
	/* The path itself may be a link or a file. */
	assert_int_equal(symlinkat("outside", scratch, "tree"), 0);
	assert_int_equal(files_remove_tree(scratch, "tree"), 0);
	assert_true(exists("outside/kept"));
	assert_false(exists("tree"));
}

/* No tree of root is that deep. A user's tree must not use up stack or descriptors. */
static void test_remove_tree_refuses_deep_trees(void **state)
{
	CLEANUP_FD int at = openat(scratch, ".", O_RDONLY | O_DIRECTORY);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		int below;

		assert_int_equal(mkdirat(at, "deep", 0700), 0);
		below = openat(at, "deep", O_RDONLY | O_DIRECTORY);
		assert_true(below >= 0);
		close(at);
		at = below;
	}
	assert_int_equal(files_remove_tree(scratch, "deep"), -ENOTEMPTY);
	assert_true(exists("deep"));
	assert_int_equal(renameat(scratch,
				  "deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/"
				  "deep/deep/deep/deep",
				  scratch, "rest"),
			 0);
	assert_int_equal(files_remove_tree(scratch, "deep"), 0);
	assert_false(exists("deep"));
	assert_int_equal(files_remove_tree(scratch, "rest"), 0);
}

static void test_remove_tree_stays_in_its_mount(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		if (!mounts_unshare() || mkdirat(scratch, "source", 0755) ||
		    mkdirat(scratch, "source/kept", 0755) || mkdirat(scratch, "t", 0755) ||
		    mkdirat(scratch, "t/a", 0755) || mkdirat(scratch, "t/bound", 0755) ||
		    mkdirat(scratch, "t/z", 0755) ||
		    mount("source", "t/bound", NULL, MS_BIND, NULL))
			_exit(77);
		bool good = files_remove_tree(scratch, "t") == -EXDEV && exists("source/kept") &&
			    exists("t/bound") && !exists("t/a") && !exists("t/z") &&
			    files_remove_tree(scratch, "t/bound") == -EXDEV &&
			    umount("t/bound") == 0 && files_remove_tree(scratch, "t") == 0 &&
			    exists("source/kept") && !exists("t");

		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int fds_before;

static int fds_remember(void **state)
{
	(void)state;
	fds_before = fds_open();
	return 0;
}

static void test_failures_leave_no_descriptor(void **state)
{
	test_remove_tree_refuses_deep_trees(state);
	assert_int_equal(files_make_dir(scratch, "theirs", 0755), -EPERM);
	assert_int_equal(fds_open(), fds_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read_refuses_files_beyond_its_buffer),
	    cmocka_unit_test(test_read_refuses_other_kinds_of_files),
	    cmocka_unit_test(test_write_replaces_file_and_mode),
	    cmocka_unit_test(test_write_follows_no_planted_link),
	    cmocka_unit_test(test_write_refuses_name_beyond_limit),
	    cmocka_unit_test(test_write_without_space_keeps_old_file),
	    cmocka_unit_test(test_make_dir_sets_mode),
	    cmocka_unit_test(test_make_dir_refuses_unsafe_folders),
	    cmocka_unit_test(test_paths_lead_to_safe_folders_only),
	    cmocka_unit_test(test_records_are_read_through_no_link),
	    cmocka_unit_test(test_remove_tree_follows_no_link),
	    cmocka_unit_test(test_remove_tree_refuses_deep_trees),
	    cmocka_unit_test(test_remove_tree_stays_in_its_mount),
	    cmocka_unit_test_setup(test_failures_leave_no_descriptor, fds_remember),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
