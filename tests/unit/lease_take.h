/* For tests of leases: one network, in a scratch folder. */
#ifndef PAM_NETNS_LEASE_TAKE_H
#define PAM_NETNS_LEASE_TAKE_H

#include <stdbool.h>

#include "state/lease.h"
#include "state_world.h"

#define NETWORK "default"

static struct prefix subnet; /* a /24: offsets 2 to 254 */

static inline int lease_setup(void **state)
{
	return prefix_parse("10.203.4.0/24", &subnet) ?: setup(state);
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

#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, lease_setup, scratch_teardown)

#endif
