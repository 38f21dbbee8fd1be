/*
 * Reading the conf file from disk: only files that root alone can write, and none that block. Runs as root
 * on a tmpfs in a new mount namespace, so that no file is left.
 */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "conf/file.h"
#include "base/log.h"

#define GOOD "[network default]\n[profile x]\nmatch = *\n"
#define ROOT "/mnt"
#define PATH ROOT "/d/conf"

static char logged[8192];

static void sink(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s\n", text);
}

#include "text_write.h"

static int setup(void **state)
{
	(void)state;
	umask(022);
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", ROOT, "tmpfs", 0, "mode=755,size=16m")) {
		perror("conf_file_test needs root");
		return -1;
	}
	return 0;
}

static int begin(void **state)
{
	(void)state;
	if (mkdir(ROOT "/d", 0755))
		return -1;
	text_write(PATH, GOOD);
	logged[0] = '\0';
	return 0;
}

static int end(void **state)
{
	(void)state;
	return system("rm -rf " ROOT "/d " ROOT "/e") ? -1 : 0;
}

static int read_conf(const char *path)
{
	struct conf *conf = (struct conf *)1;
	int error;

	logged[0] = '\0';
	log_set_sink(sink, NULL);
	error = conf_read(path, &conf);
	log_set_sink(NULL, NULL);
	if (error) {
		assert_null(conf);
		assert_true(*logged);
	} else {
		assert_int_equal(conf->profiles_count, 1);
		assert_string_equal(logged, "");
	}
	conf_free(conf);
	return error;
}

static void assert_read_fails(const char *path, int error, const char *message)
{
	assert_int_equal(read_conf(path), -error);
	assert_string_equal(logged, message);
}

static void test_paths_to_a_good_file_are_read(void **state)
{
	(void)state;
	assert_int_equal(read_conf(PATH), 0);
	assert_int_equal(read_conf(ROOT "//d/./../d/conf"), 0);
	assert_int_equal(read_conf("/../" PATH), 0);
	assert_int_equal(chdir(ROOT "/d"), 0);
	assert_int_equal(read_conf("conf"), 0);
	assert_int_equal(read_conf("../d/conf"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(chmod(PATH, 0600), 0);
	assert_int_equal(read_conf(PATH), 0);
	text_write(PATH, "[profile x]\nmatch = root\nisolate = 1\n");
	assert_read_fails(PATH, EINVAL, PATH ":3: [profile x] isolate = 1: must be yes or no\n");
}

static void test_missing_file_is_an_error(void **state)
{
	(void)state;
	assert_read_fails(ROOT "/d/none", ENOENT,
			  "cannot open " ROOT "/d/none: No such file or directory\n");
	assert_read_fails(ROOT "/e/conf", ENOENT,
			  "cannot open " ROOT "/e: No such file or directory\n");
	assert_read_fails(PATH "/x", ENOTDIR, "cannot open " PATH "/x: Not a directory\n");
	assert_read_fails(PATH "/../conf", ENOTDIR, "cannot open " PATH "/..: Not a directory\n");
	assert_int_equal(read_conf(""), -ENOENT);
}

static void test_file_writable_for_others_is_refused(void **state)
{
	static const mode_t modes[] = {0664, 0646, 0666, 0620, 0602};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char message[256];

		assert_int_equal(chmod(PATH, modes[i]), 0);
		snprintf(
		    message, sizeof(message),
		    "%s: owned by uid 0 with mode %04o; only root may be able to change it: chown "
		    "root:root %s; chmod 644 %s\n",
		    PATH, modes[i], PATH, PATH);
		assert_read_fails(PATH, EPERM, message);
	}
	assert_int_equal(chmod(PATH, 0644), 0);
	assert_int_equal(chown(PATH, 1000, 0), 0);
	assert_read_fails(PATH, EPERM,
			  PATH
			  ": owned by uid 1000 with mode 0644; only root may be able to change it: "
			  "chown root:root " PATH "; chmod 644 " PATH "\n");
}

static void test_folder_writable_for_others_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(ROOT "/d", 01777), 0);
	assert_read_fails(
	    PATH, EPERM,
	    ROOT "/d: the folder is owned by uid 0 with mode 1777, so others than root could "
		 "replace the file in it: move the file, for example to /etc/security\n");
	assert_int_equal(chmod(ROOT "/d", 0775), 0);
	assert_read_fails(PATH, EPERM,
			  ROOT
			  "/d: owned by uid 0 with mode 0775; only root may be able to change it: "
			  "chown root:root " ROOT "/d; chmod go-w " ROOT "/d\n");
	assert_int_equal(chmod(ROOT "/d", 0755), 0);
	assert_int_equal(chown(ROOT "/d", 1000, 1000), 0);
	assert_int_equal(read_conf(PATH), -EPERM);
	assert_int_equal(chown(ROOT "/d", 0, 0), 0);
	/* The same holds for folders above, and for folders on the way. */
	assert_int_equal(mkdir(ROOT "/d/open", 0755) || chmod(ROOT "/d/open", 01777), 0);
	assert_int_equal(read_conf(ROOT "/d/open/../conf"), -EPERM);
	assert_int_equal(chmod(ROOT, 0777), 0);
	assert_int_equal(read_conf(PATH), -EPERM);
	assert_int_equal(chmod(ROOT, 0755), 0);
	assert_int_equal(read_conf(PATH), 0);
}

static void test_file_in_shared_tmp_is_refused(void **state)
{
	(void)state;
	if (mkdir("/tmp", 01777) && errno != EEXIST)
		fail();
	assert_int_equal(mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777"), 0);
	text_write("/tmp/conf", GOOD);
	assert_read_fails("/tmp/conf", EPERM,
			  "/tmp: the folder is owned by uid 0 with mode 1777, so others than root "
			  "could replace the file "
			  "in it: move the file, for example to /etc/security\n");
	assert_int_equal(umount2("/tmp", MNT_DETACH), 0);
}

static void test_links_of_root_are_followed(void **state)
{
	(void)state;
	assert_int_equal(symlink("conf", ROOT "/d/relative"), 0);
	assert_int_equal(symlink(PATH, ROOT "/d/absolute"), 0);
	assert_int_equal(symlink("../d", ROOT "/d/folder"), 0);
	assert_int_equal(symlink("folder/absolute", ROOT "/d/chain"), 0);
	assert_int_equal(symlink("loop", ROOT "/d/loop"), 0);
	assert_int_equal(symlink("gone", ROOT "/d/dangling"), 0);
	assert_int_equal(read_conf(ROOT "/d/relative"), 0);
	assert_int_equal(read_conf(ROOT "/d/absolute"), 0);
	assert_int_equal(read_conf(ROOT "/d/folder/folder/conf"), 0);
	assert_int_equal(read_conf(ROOT "/d/chain"), 0);
	assert_int_equal(read_conf(ROOT "/d/dangling"), -ENOENT);
	assert_read_fails(ROOT "/d/loop", ELOOP,
			  "cannot follow the link " ROOT
			  "/d/loop: Too many levels of symbolic links\n");
	/* A link of another user, and a link in or to a folder that others can write to. */
	assert_int_equal(lchown(ROOT "/d/relative", 1000, 1000), 0);
	assert_read_fails(ROOT "/d/relative", EPERM,
			  ROOT
			  "/d/relative: the symbolic link is owned by uid 1000; it must be root's: "
			  "chown -h root:root " ROOT "/d/relative\n");
	assert_int_equal(mkdir(ROOT "/e", 0755) || chmod(ROOT "/e", 01777), 0);
	text_write(ROOT "/e/conf", GOOD);
	assert_int_equal(symlink("../e/conf", ROOT "/d/out"), 0);
	assert_int_equal(symlink(PATH, ROOT "/e/in"), 0);
	assert_int_equal(read_conf(ROOT "/d/out"), -EPERM);
	assert_int_equal(read_conf(ROOT "/e/in"), -EPERM);
}

/* Links of /proc lead to places without a path. */
static void test_magic_links_of_proc_are_refused(void **state)
{
	CLEANUP_FD int fd = open(PATH, O_RDONLY | O_CLOEXEC);
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(unlink(PATH), 0);
	assert_int_not_equal(read_conf(path), 0);
}

static void test_other_kinds_of_files_are_refused(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = ROOT "/d/socket"};
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(mkfifo(ROOT "/d/fifo", 0644), 0);
	assert_read_fails(ROOT "/d/fifo", EINVAL,
			  ROOT "/d/fifo: is a FIFO, device or socket; it must be a regular file\n");
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(read_conf(ROOT "/d/socket"), -EINVAL);
	assert_int_equal(read_conf("/dev/null") == 0, false);
	assert_read_fails(ROOT "/d", EISDIR, ROOT "/d: is a folder; it must be a regular file\n");
	assert_read_fails("/", EISDIR, "/: is a folder; it must be a regular file\n");
}

static void test_file_beyond_limit_is_refused(void **state)
{
	struct stat status;
	char *text;

	(void)state;
	assert_int_equal(truncate(PATH, 10 << 20), 0);
	assert_read_fails(PATH, EFBIG, PATH ": has 10485760 bytes; at most 262144 are read\n");
	assert_int_equal(truncate(PATH, CONF_SIZE_MAX + 1), 0);
	assert_int_equal(read_conf(PATH), -EFBIG);
	assert_int_equal(truncate(PATH, CONF_SIZE_MAX), 0);
	assert_int_equal(read_conf(PATH), -EINVAL);
	assert_int_equal(truncate(PATH, 0), 0);
	assert_int_equal(read_conf(PATH), -EINVAL);
	text_write(PATH, "abc");
	assert_int_equal(conf_file_read(PATH, 3, &text, &status), 0);
	assert_int_equal(status.st_size, 3);
	assert_string_equal(text, "abc");
	free(text);
}

static void test_paths_beyond_limit_are_refused(void **state)
{
	char path[6000] = ROOT "/d/";

	(void)state;
	memset(path + strlen(path), 'x', 300);
	assert_int_equal(read_conf(path), -ENAMETOOLONG);
	while (strlen(path) < 5000)
		strcat(path, "/x");
	assert_int_equal(read_conf(path), -ENAMETOOLONG);
	strcpy(path, ROOT "/d");
	while (strlen(path) < 4000)
		strcat(path, "/../d");
	strcat(path, "/conf");
	assert_int_equal(read_conf(path), 0);
}

static void test_reading_leaves_no_descriptor(void **state)
{
	int before = dup(0), after;

	(void)state;
	close(before);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(read_conf(PATH), 0);
		assert_int_equal(read_conf(ROOT "/d"), -EISDIR);
		assert_int_equal(read_conf(ROOT "/d/none"), -ENOENT);
	}
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void test_folder_must_be_roots_alone(void **state)
{
	struct stat opened, there;
	int fd = conf_folder_open(ROOT "/d");

	(void)state;
	log_set_sink(sink, NULL);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &opened) | stat(ROOT "/d", &there), 0);
	assert_true(opened.st_ino == there.st_ino);
	close(fd);
	assert_int_equal(symlink("d", ROOT "/link"), 0);
	fd = conf_folder_open(ROOT "/link");
	assert_true(fd >= 0);
	close(fd);
	assert_string_equal(logged, "");
	assert_int_equal(lchown(ROOT "/link", 7, 7), 0);
	assert_int_equal(conf_folder_open(ROOT "/link"), -EPERM);
	assert_int_equal(unlink(ROOT "/link"), 0);
	assert_int_equal(conf_folder_open(PATH), -ENOTDIR);
	assert_int_equal(conf_folder_open(ROOT "/absent"), -ENOENT);
	assert_int_equal(chmod(ROOT "/d", 0777), 0);
	assert_int_equal(conf_folder_open(ROOT "/d"), -EPERM);
	assert_non_null(strstr(logged, ROOT "/d: the folder is owned by uid 0 with mode 0777, so "
					    "others than root could change what is in it"));
	assert_int_equal(chmod(ROOT "/d", 0755) | chown(ROOT "/d", 7, 7), 0);
	assert_int_equal(conf_folder_open(ROOT "/d"), -EPERM);
	assert_int_equal(chown(ROOT "/d", 0, 0), 0);
	log_set_sink(NULL, NULL);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FILE_TEST(test_folder_must_be_roots_alone),
	    FILE_TEST(test_paths_to_a_good_file_are_read),
	    FILE_TEST(test_missing_file_is_an_error),
	    FILE_TEST(test_file_writable_for_others_is_refused),
	    FILE_TEST(test_folder_writable_for_others_is_refused),
	    FILE_TEST(test_file_in_shared_tmp_is_refused),
	    FILE_TEST(test_links_of_root_are_followed),
	    FILE_TEST(test_magic_links_of_proc_are_refused),
	    FILE_TEST(test_other_kinds_of_files_are_refused),
	    FILE_TEST(test_file_beyond_limit_is_refused),
	    FILE_TEST(test_paths_beyond_limit_are_refused),
	    FILE_TEST(test_reading_leaves_no_descriptor),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
