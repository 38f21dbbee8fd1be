/*
 * A system call fails, or the conf file is written meanwhile: the whole file is read, or an error is
 * returned, since a part could lack exemptions. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf/file.h"
#include "base/log.h"

/* Another process writes to the file, or truncates it, while it is read. */
static enum { NOTHING, LONGER, SHORTER, TOUCHED } meanwhile;

static ssize_t read_little(int fd, char *buffer, size_t size)
{
	if (meanwhile == LONGER)
		assert_int_equal(truncate("/mnt/a/real", 1000), 0);
	else if (meanwhile == SHORTER)
		assert_int_equal(truncate("/mnt/a/real", 3), 0);
	else if (meanwhile == TOUCHED)
		assert_int_equal(utimensat(AT_FDCWD, "/mnt/a/real", NULL, 0), 0);
	return read(fd, buffer, size < 7 ? size : 7);
}

#define syscall(...)	     FAULT(syscall(__VA_ARGS__))
#define fstat(fd, st)	     FAULT(fstat(fd, st))
#define lstat(path, st)	     FAULT(lstat(path, st))
#define readlink(...)	     FAULT(readlink(__VA_ARGS__))
#define read(fd, buf, size)  FAULT(read_little(fd, buf, size))
#define malloc(size)	     FAULT_NULL(malloc(size))
#define getcwd(buffer, size) FAULT_NULL(getcwd(buffer, size))

#include "../../lib/conf/file.c"

#define CONTENT "[defaults]\n[profile x]\nmatch = *\n"

static unsigned lines;

static void log_count(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
	lines++;
}

static void file_make(void)
{
	int fd = open("/mnt/a/real", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, CONTENT, strlen(CONTENT)), strlen(CONTENT));
	close(fd);
}

static int group_setup(void **state)
{
	(void)state;
	log_set_sink(log_count, NULL);
	umask(022);
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755,size=16m") || mkdir("/mnt/a", 0755) ||
	    symlink("/mnt/a", "/mnt/absolute") || symlink("../a", "/mnt/a/relative") ||
	    symlink("real", "/mnt/a/conf") || chdir("/mnt"))
		return -1;
	file_make();
	return 0;
}

/* The path has folders and links of each kind. */
static const char *path;

static void read_body(void)
{
	struct stat status = {.st_size = 7};
	char *text = NULL;
	int result;

	lines = 0;
	result = conf_file_read(path, 4096, &text, &status);
	if (fault_was_hit()) {
		/* A failing fstat(2) at the end counts as a change meanwhile. */
		assert_true(result == -fault_error || result == -EBUSY);
		assert_null(text);
		assert_int_equal(lines, 1);
		return;
	}
	assert_int_equal(result, 0);
	assert_int_equal(status.st_size, strlen(CONTENT));
	assert_string_equal(text, CONTENT);
	assert_int_equal(lines, 0);
	free(text);
}

static void each_failing_call_is_an_error(void **state)
{
	(void)state;
	path = "/mnt/absolute/relative/./relative/../a/conf";
	assert_true(fault_sweep(ENOMEM, read_body) > 25);
	path = "a/real";
	assert_true(fault_sweep(ENOMEM, read_body) > 11);
}

static void file_changed_meanwhile_is_refused(void **state)
{
	struct stat status;
	char *text = NULL;

	(void)state;
	for (meanwhile = LONGER; meanwhile <= TOUCHED; meanwhile++) {
		file_make();
		usleep(10000); /* timestamps of files are coarse */
		assert_int_equal(conf_file_read("/mnt/a/real", 4096, &text, &status), -EBUSY);
		assert_null(text);
	}
	meanwhile = NOTHING;
	file_make();
}

static void paths_that_grow_by_links_are_refused(void **state)
{
	char *text, target[PATH_MAX], *long_path = (malloc)(2 * PATH_MAX);
	int fds = fds_open();
	struct stat status;

	(void)state;
	assert_int_equal(conf_file_read("", 4096, &text, &status), -ENOENT);
	memset(long_path, '/', PATH_MAX);
	long_path[PATH_MAX] = '\0';
	assert_int_equal(conf_file_read(long_path, 4096, &text, &status), -ENAMETOOLONG);
	/* A link's target and the rest of the path are too long together. */
	memset(target, '/', sizeof(target));
	memcpy(target, "/mnt/a", 6);
	target[3000] = '\0';
	assert_int_equal(symlink(target, "/mnt/long"), 0);
	snprintf(long_path, PATH_MAX, "/mnt/long%02000d", 0);
	memset(long_path + 9, '/', 2000);
	strcpy(long_path + 2000, "real");
	assert_int_equal(conf_file_read(long_path, 4096, &text, &status), -ENAMETOOLONG);
	/* The walked path grows too: nested folders, entered by links. */
	memset(target, 'd', 250);
	target[250] = '\0';
	assert_int_equal(chdir("/mnt/a"), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(mkdir(target, 0755) | symlink(target, "n") | chdir(target), 0);
	assert_int_equal(chdir("/mnt"), 0);
	strcpy(long_path, "/mnt/a");
	for (int i = 0; i < 20; i++)
		strcat(long_path, "/n");
	assert_int_equal(conf_file_read(long_path, 4096, &text, &status), -ENAMETOOLONG);
	assert_int_equal(fds_open(), fds);
	free(long_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_failing_call_is_an_error),
	    cmocka_unit_test(file_changed_meanwhile_is_refused),
	    cmocka_unit_test(paths_that_grow_by_links_are_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
