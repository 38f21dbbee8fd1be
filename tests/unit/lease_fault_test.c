/* A system call fails: a lease is given or refused, and no address has two users. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "scratch.h"

#include <sys/stat.h>

#include "conf/conf.h"
#include "state/lease.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/uid.h"

#undef LIB_DIR
#undef LEASES_DIR
#define LIB_DIR	   "lib"
#define LEASES_DIR "lib/leases"

/* A missing folder is made. */
#define files_open_listable(path, mode) (-ENOENT)
#define openat(...)			FAULT(openat(__VA_ARGS__))
#define mkdir(...)			FAULT(mkdir(__VA_ARGS__))
#define fsync(fd)			FAULT(fsync(fd))
#define symlinkat(...)			FAULT(symlinkat(__VA_ARGS__))
#define readlinkat(...)			FAULT(readlinkat(__VA_ARGS__))
#define fstatat(...)			FAULT(fstatat(__VA_ARGS__))
#define unlinkat(...)			FAULT(unlinkat(__VA_ARGS__))
#define fdopendir(fd)			FAULT_NULL(fdopendir(fd))
#define readdir(dir)			FAULT_NULL(readdir(dir))
#define files_make_dir(...)		(fault_hits() ? -fault_error : files_make_dir(__VA_ARGS__))
#define files_remove_tree(...)		(fault_hits() ? -fault_error : files_remove_tree(__VA_ARGS__))

#include "../../lib/state/lease.c"

#define NETWORK "default"
#define USER	5

static struct prefix subnet;
static int leases = -1;
static uid_t other = USER + 1; /* prefers the same address */
static struct link_path claim; /* of this uid */

static void log_drop(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

static int group_setup(void **state)
{
	char text[ADDRESS_TEXT_MAX];
	struct address preferred;

	log_set_sink(log_drop, NULL);
	if (scratch_setup(state) || chdir(scratch_path))
		return -1;
	leases = lease_folder_open();
	if (leases < 0 || prefix_parse("10.203.4.0/24", &subnet))
		return -1;
	while (prefix_preferred_offset(&subnet, other) != prefix_preferred_offset(&subnet, USER))
		other++;
	preferred = prefix_address(&subnet, prefix_preferred_offset(&subnet, USER));
	claim = claim_path(NETWORK, address_format(&preferred, text));
	return 0;
}

static uint32_t found(uid_t uid)
{
	uint32_t offset = 0;

	fault_pause((void)!lease_find(leases, NETWORK, &subnet, uid, &offset));
	return offset;
}

static int taken(uid_t uid)
{
	uint32_t offset;
	int result = -1;

	fault_pause(result = lease_take(leases, NETWORK, &subnet, uid, &offset));
	return result;
}

static bool is_link(const char *path)
{
	char target[8];

	return (readlinkat)(leases, path, target, sizeof(target)) > 0;
}

static void released(uid_t uid)
{
	int result = -1;

	fault_pause(result = lease_release(leases, NETWORK, &subnet, uid));
	assert_int_equal(result, 0);
	assert_int_equal(found(uid), 0);
}

static void folder_body(void)
{
	CLEANUP_FD int fd = lease_folder_open();

	assert_int_equal(fd, fault_was_hit() ? -EROFS : fd < 0 ? 0 : fd);
}

static void test_folder_fails_with_each_call(void **state)
{
	(void)state;
	assert_int_equal(fault_sweep(EROFS, folder_body), 4);
}

/* The next attempt gives the same address as before. */
static void take_body(void)
{
	uint32_t offset;
	int result = lease_take(leases, NETWORK, &subnet, USER, &offset);

	if (!fault_was_hit())
		assert_int_equal(result, 0);
	if (result == 0)
		assert_int_equal(offset, found(USER));
	assert_int_equal(is_link(claim.text), result == 0);
	assert_int_equal(taken(USER), 0);
	assert_int_equal(found(USER), prefix_preferred_offset(&subnet, USER));
	released(USER);
}

static void test_take_fails_and_later_gives_same_address(void **state)
{
	(void)state;
	assert_true(fault_sweep(ENOSPC, take_body) >= 6);
}

/* Another user keeps the preferred address, and the address that is given is on the disk. */
static void collision_body(void)
{
	uint32_t offset, others = found(other);
	int result;

	assert_int_equal(others, prefix_preferred_offset(&subnet, other));
	result = lease_take(leases, NETWORK, &subnet, USER, &offset);
	if (!fault_was_hit())
		assert_int_equal(result, 0);
	assert_int_not_equal(found(USER), others);
	assert_int_equal(taken(USER), 0);
	assert_int_equal(found(USER), others + 1);
	assert_int_equal(found(other), others);
	released(USER);
}

static void test_collision_fails_without_two_owners(void **state)
{
	(void)state;
	assert_int_equal(taken(other), 0);
	assert_true(fault_sweep(EIO, collision_body) >= 15);
	released(other);
}

/* A link is torn, and the call that mends it fails. */
static void torn_body(void)
{
	uint32_t offset;
	int result;

	assert_int_equal(taken(USER), 0);
	assert_int_equal((unlinkat)(leases, "default/uid/5", 0), 0);
	assert_int_equal((mkdirat)(leases, "default/uid/5", 0755), 0);
	assert_int_equal((unlinkat)(leases, claim.text, 0), 0);
	assert_int_equal((symlinkat)("noise", leases, claim.text), 0);
	result = lease_take(leases, NETWORK, &subnet, USER, &offset);
	if (!fault_was_hit())
		assert_int_equal(result, 0);
	if (result == 0)
		assert_int_equal(offset, found(USER));
	assert_int_equal(taken(USER), 0);
	assert_int_not_equal(found(USER), 0);
	released(USER);
}

static void test_torn_lease_fails_without_two_owners(void **state)
{
	(void)state;
	assert_true(fault_sweep(EIO, torn_body) >= 8);
}

/* A lease that cannot be read is not absent: it is neither given away nor removed. */
static void find_body(void)
{
	uint32_t offset;
	int result = lease_find(leases, NETWORK, &subnet, USER, &offset);

	assert_int_equal(result, fault_was_hit() ? -ENOMEM : 0);
	assert_int_equal(offset != 0, result == 0);
}

static void release_body(void)
{
	int result = lease_release(leases, NETWORK, &subnet, USER);

	if (!fault_was_hit())
		assert_int_equal(result, 0);
	/* A uid's link without the address's link would let another user take the address. */
	if (is_link("default/uid/5"))
		assert_true(is_link(claim.text));
	released(USER);
	assert_int_equal(taken(USER), 0);
}

static void repair_body(void)
{
	int result;

	assert_int_equal((symlinkat)("6", leases, "default/address/10.203.4.254"), 0);
	result = lease_repair(leases, NETWORK, &subnet);
	assert_true(result <= 1);
	if (!fault_was_hit())
		assert_int_equal(result, 1);
	assert_int_equal(found(USER), prefix_preferred_offset(&subnet, USER));
	fault_pause(result = lease_repair(leases, NETWORK, &subnet));
	assert_in_range(result, 0, 1);
	assert_int_equal(
	    (faccessat)(leases, "default/address/10.203.4.254", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

/* An address goes to another user (gc_leases.c). It is the old user's, the new user's, or free. */
static void hand_over_body(void)
{
	uint32_t offset = 0, first, second;
	int result = -1;

	released(USER);
	assert_int_equal(taken(other), 0);
	result = lease_release(leases, NETWORK, &subnet, other);
	if (result == 0)
		result = lease_take(leases, NETWORK, &subnet, USER, &offset);
	if (!fault_was_hit())
		assert_int_equal(result, 0);
	first = found(other);
	second = found(USER);
	assert_true(!first || !second || first != second);
	assert_int_equal(second != 0, result == 0);
	/* Both users get different addresses again. */
	assert_int_equal(taken(other), 0);
	assert_int_equal(taken(USER), 0);
	assert_int_not_equal(found(other), found(USER));
	released(other);
}

static void test_hand_over_fails_without_two_owners(void **state)
{
	(void)state;
	assert_true(fault_sweep(EIO, hand_over_body) >= 10);
	released(USER);
}

static void test_find_release_and_repair_fail_without_loss(void **state)
{
	(void)state;
	assert_int_equal(taken(USER), 0);
	assert_int_equal(fault_sweep(ENOMEM, find_body), 2);
	assert_true(fault_sweep(EIO, release_body) >= 4);
	assert_true(fault_sweep(ENOMEM, repair_body) >= 12);
	released(USER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_folder_fails_with_each_call),
	    cmocka_unit_test(test_take_fails_and_later_gives_same_address),
	    cmocka_unit_test(test_collision_fails_without_two_owners),
	    cmocka_unit_test(test_torn_lease_fails_without_two_owners),
	    cmocka_unit_test(test_find_release_and_repair_fail_without_loss),
	    cmocka_unit_test(test_hand_over_fails_without_two_owners),
	};

	return cmocka_run_group_tests(tests, group_setup, scratch_teardown);
}
