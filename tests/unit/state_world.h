/* What the tests of records and leases share: files in the scratch folder, and the number of logged lines. */
#ifndef PAM_NETNS_STATE_WORLD_H
#define PAM_NETNS_STATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"
#include "scratch.h"
#include "state/state.h"

static unsigned lines_logged;

static inline void sink(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
	lines_logged++;
}

static inline int setup(void **state)
{
	log_set_sink(sink, NULL);
	lines_logged = 0;
	return scratch_setup(state);
}

static inline void file_put(const char *path, const char *content, size_t size)
{
	CLEANUP_FD int fd = openat(scratch, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), size);
}

static inline size_t file_get(const char *path, char *buf, size_t size)
{
	CLEANUP_FD int fd = openat(scratch, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, size);

	assert_true(n > 0);
	return (size_t)n;
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

#endif
