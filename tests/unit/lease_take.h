/* For tests of leases: one network, in a scratch folder. */
#ifndef PAM_NETNS_LEASE_TAKE_H
#define PAM_NETNS_LEASE_TAKE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/lease.h"
#include "base/log.h"
#include "scratch.h"

#define NETWORK "default"

static struct prefix subnet; /* a /24: offsets 2 to 254 */
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
	if (prefix_parse("10.203.4.0/24", &subnet))
		return -1;
	return scratch_setup(state);
}

static inline uint32_t take(uid_t uid)
{
	uint32_t offset, found;

	assert_int_equal(lease_take(scratch, NETWORK, &subnet, uid, &offset), 0);
	assert_int_equal(lease_find(scratch, NETWORK, &subnet, uid, &found), 0);
	assert_int_equal(offset, found);
	return offset;
}

static inline void assert_no_lease(uid_t uid)
{
	uint32_t offset = 7;

	assert_int_equal(lease_find(scratch, NETWORK, &subnet, uid, &offset), -ENOENT);
	assert_int_equal(offset, 0);
}

static inline void assert_link(const char *path, const char *expected)
{
	char target[64];
	ssize_t n = readlinkat(scratch, path, target, sizeof(target) - 1);

	assert_true(n > 0);
	target[n] = '\0';
	assert_string_equal(target, expected);
}

static inline void link_put(const char *target, const char *path)
{
	unlinkat(scratch, path, 0);
	assert_int_equal(symlinkat(target, scratch, path), 0);
}

#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

#endif
