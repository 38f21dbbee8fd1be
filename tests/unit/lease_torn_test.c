/* Leases that are torn, incomplete or another user's, and their repair. */
#include "lease_take.h"

#include <string.h>

/* Makes a folder that is not empty. */
static void folder_put(const char *path)
{
	char below[64];

	snprintf(below, sizeof(below), "%s/x", path);
	unlinkat(scratch, path, 0);
	assert_int_equal(mkdirat(scratch, path, 0755), 0);
	assert_int_equal(mkdirat(scratch, below, 0755), 0);
}

static void test_torn_links_of_a_uid_are_mended(void **state)
{
	static const char *const torn[] = {
	    "garbage",	  "10.203.4",	"010.203.4.7", "10.203.4.7 ", "10.203.4.0", "10.203.4.255",
	    "10.203.4.1", "10.203.5.7", "fd00::7",     "/etc/passwd", "10.203.4.9",
	};
	char long_target[4000];

	(void)state;
	take(7);
	for (size_t i = 0; i < sizeof(torn) / sizeof(*torn); i++) {
		link_put(torn[i], "default/uid/7");
		assert_no_lease(7);
		assert_int_equal(take(7), 7);
	}
	memset(long_target, '1', sizeof(long_target));
	long_target[sizeof(long_target) - 1] = '\0';
	link_put(long_target, "default/uid/7");
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	/* Files of other kinds in place of the link. */
	unlinkat(scratch, "default/uid/7", 0);
	assert_int_equal(mkfifoat(scratch, "default/uid/7", 0644), 0);
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	unlinkat(scratch, "default/uid/7", 0);
	assert_int_equal(mkdirat(scratch, "default/uid/7", 0755), 0);
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	folder_put("default/uid/7");
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
}

static void test_torn_links_of_an_address_are_mended(void **state)
{
	static const char *const torn[] = {"garbage",	 "07",	       "-7",	  "7 ",
					   "4294967295", "4294967303", "../uid/7"};
	char long_target[4000];

	(void)state;
	take(7);
	memset(long_target, '7', sizeof(long_target));
	long_target[sizeof(long_target) - 1] = '\0';
	for (size_t i = 0; i < sizeof(torn) / sizeof(*torn); i++) {
		link_put(torn[i], "default/address/10.203.4.7");
		assert_no_lease(7);
		assert_int_equal(take(7), 7);
	}
	link_put(long_target, "default/address/10.203.4.7");
	assert_int_equal(take(7), 7);
	unlinkat(scratch, "default/address/10.203.4.7", 0);
	assert_int_equal(mkfifoat(scratch, "default/address/10.203.4.7", 0644), 0);
	assert_int_equal(take(7), 7);
	folder_put("default/address/10.203.4.7");
	assert_int_equal(take(7), 7);
}

/* No uid gets another's address, and one repair mends all. */
static void torn_check(uid_t uid, uid_t other)
{
	uint32_t mine = take(uid), others = take(other);

	assert_int_not_equal(mine, others);
	assert_in_range(lease_repair(scratch, NETWORK, &subnet), 0, 2);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	assert_int_equal(take(uid), mine);
	assert_int_equal(take(other), others);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, uid), 0);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, other), 0);
}

/*
 * A target that is cut off may name another lease: 10.203.4.253 another user's address, 200253 another
 * uid.
 */
static void test_link_torn_at_every_byte_gives_no_foreign_address(void **state)
{
	static const uid_t others[] = {2, 25, 200, 2002, 20025};
	static const char address[] = "10.203.4.253", uid[] = "200253";

	(void)state;
	assert_int_equal(prefix_preferred_offset(&subnet, 253), 253);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		for (size_t cut = 1; cut <= sizeof(address); cut++) {
			char torn[sizeof(address)];

			snprintf(torn, cut, "%s", address);
			take(others[i]);
			take(253);
			link_put(cut > 1 ? torn : "/", "default/uid/253");
			torn_check(253, others[i]);
		}
		for (size_t cut = 1; cut <= sizeof(uid); cut++) {
			uid_t whole = 200253;
			char torn[sizeof(uid)], path[64];

			snprintf(torn, cut, "%s", uid);
			take(others[i]);
			snprintf(path, sizeof(path), "default/address/10.203.4.%u", take(whole));
			link_put(cut > 1 ? torn : "/", path);
			torn_check(whole, others[i]);
		}
	}
}

/* A kill between the two links leaves the address's link alone. */
static void test_half_lease_is_completed(void **state)
{
	(void)state;
	take(8);
	link_put("7", "default/address/10.203.4.7");
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
}

static void test_foreign_claim_gives_another_address(void **state)
{
	(void)state;
	take(7);
	link_put("9", "default/address/10.203.4.7");
	assert_no_lease(7);
	assert_int_equal(take(7), 8);
	assert_link("default/address/10.203.4.7", "9");
	assert_no_lease(9); /* a uid looks at its preferred address only */
	assert_int_equal(take(9), 9);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 1);
	assert_int_equal(take(7), 8);
	assert_int_equal(take(9), 9);
}

static void test_repair_removes_unsound_leases(void **state)
{
	(void)state;
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	take(7);
	take(8);
	link_put("9", "default/address/10.203.4.9");	/* no link of the uid */
	link_put("10.203.4.10", "default/uid/10");	/* no link of the address */
	link_put("10.203.4.8", "default/uid/11");	/* another user's */
	link_put("12", "default/address/10.203.4.012"); /* not in our format */
	link_put("garbage", "default/uid/13");
	link_put("10.203.4.14", "default/uid/014");
	link_put("10.203.4.1", "default/uid/15"); /* the gateway's: both links */
	link_put("15", "default/address/10.203.4.1");
	link_put("x", "default/address/x");
	assert_int_equal(mkdirat(scratch, "default/uid/16", 0700), 0);
	assert_int_equal(mkdirat(scratch, "default/uid/16/sub", 0700), 0);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 10);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	assert_int_equal(take(7), 7);
	assert_int_equal(take(8), 8);
	assert_int_equal(take(9), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LEASE_TEST(test_torn_links_of_a_uid_are_mended),
	    LEASE_TEST(test_torn_links_of_an_address_are_mended),
	    LEASE_TEST(test_link_torn_at_every_byte_gives_no_foreign_address),
	    LEASE_TEST(test_half_lease_is_completed),
	    LEASE_TEST(test_foreign_claim_gives_another_address),
	    LEASE_TEST(test_repair_removes_unsound_leases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
