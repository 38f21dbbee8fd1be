/* The last use of leases, their number, and absent uids. */
#include "lease_take.h"

#include "state/lease_use.h"

static void age(const char *path, time_t seconds)
{
	struct timespec times[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};

	assert_int_equal(utimensat(scratch, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_longest_unused_lease_is_first(void **state)
{
	struct lease_use *uses;
	size_t count;

	(void)state;
	assert_int_equal(lease_uses(scratch, NETWORK, &uses, &count), 0);
	assert_int_equal(count, 0);
	free(uses);
	take(7);
	take(8);
	take(9);
	age("default/uid/8", 5000);
	age("default/uid/9", 300);
	/* A file whose name is no uid is no lease. */
	link_put("10.203.4.99", "default/uid/x");
	assert_int_equal(lease_uses(scratch, NETWORK, &uses, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(uses[0].uid, 8);
	assert_int_equal(uses[1].uid, 9);
	assert_int_equal(uses[2].uid, 7);
	assert_in_range(time(NULL) - uses[0].time, 5000, 5060);
	free(uses);
}

static void test_many_leases_are_sorted(void **state)
{
	struct lease_use *uses;
	struct prefix large;
	size_t count;
	uint32_t offset, leased, all;

	(void)state;
	assert_int_equal(prefix_parse("10.203.0.0/16", &large), 0);
	for (uid_t uid = 1000; uid < 1600; uid++)
		assert_int_equal(lease_take(scratch, NETWORK, &large, uid, &offset), 0);
	assert_int_equal(lease_uses(scratch, NETWORK, &uses, &count), 0);
	assert_int_equal(count, 600);
	free(uses);
	assert_int_equal(lease_count(scratch, NETWORK, &large, &leased, &all), 0);
	assert_int_equal(leased, 600);
	assert_int_equal(all, 65533);
}

static void test_count_has_leases_of_the_subnet(void **state)
{
	struct prefix other, tiny;
	uint32_t leased, all;

	(void)state;
	assert_int_equal(lease_count(scratch, NETWORK, &subnet, &leased, &all), 0);
	assert_int_equal(leased, 0);
	assert_int_equal(all, 253);
	take(7);
	take(8);
	assert_int_equal(lease_count(scratch, NETWORK, &subnet, &leased, &all), 0);
	assert_int_equal(leased, 2);
	assert_int_equal(prefix_parse("10.204.0.0/28", &other), 0);
	assert_int_equal(lease_count(scratch, NETWORK, &other, &leased, &all), 0);
	assert_int_equal(leased, 0);
	assert_int_equal(all, 13);
	assert_int_equal(prefix_parse("10.204.0.0/31", &tiny), 0);
	assert_int_equal(lease_count(scratch, NETWORK, &tiny, &leased, &all), 0);
	assert_int_equal(all, 0);
}

static void test_absent_uid_keeps_its_first_date(void **state)
{
	struct lease_use *absent;
	size_t count;

	(void)state;
	assert_int_equal(lease_looked(scratch), 0);
	assert_int_equal(lease_absent(scratch, &absent, &count), 0);
	assert_int_equal(count, 0);
	free(absent);
	assert_int_equal(lease_absent_set(scratch, 7, false), 0);
	assert_int_equal(lease_absent_set(scratch, 7, true), 0);
	age(".absent/7", 900);
	/* The date of the first look without the uid counts. */
	assert_int_equal(lease_absent_set(scratch, 7, true), 0);
	assert_int_equal(lease_absent_set(scratch, 8, true), 0);
	assert_int_equal(lease_looked_set(scratch), 0);
	assert_in_range(time(NULL) - lease_looked(scratch), 0, 60);
	assert_int_equal(lease_absent(scratch, &absent, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(absent[0].uid, 7);
	assert_in_range(time(NULL) - absent[0].time, 900, 960);
	free(absent);
	age(".absent/looked", 900);
	assert_int_equal(lease_looked_set(scratch), 0);
	assert_in_range(time(NULL) - lease_looked(scratch), 0, 60);
	assert_int_equal(lease_absent_set(scratch, 7, false), 0);
	assert_int_equal(lease_absent(scratch, &absent, &count), 0);
	assert_int_equal(count, 1);
	free(absent);
	assert_int_equal(lease_absent_forget(scratch), 0);
	assert_int_equal(lease_looked(scratch), 0);
	assert_int_equal(lease_absent_forget(scratch), 0);
}

/* Folders of other users, links and other files with these names are refused. */
static void test_planted_folders_are_refused(void **state)
{
	struct lease_use *list;
	size_t count;

	(void)state;
	assert_int_equal(symlinkat("/etc", scratch, ".absent"), 0);
	assert_true(lease_absent(scratch, &list, &count) < 0);
	free(list);
	assert_true(lease_absent_set(scratch, 7, true) < 0);
	assert_true(lease_looked_set(scratch) < 0);
	assert_int_equal(symlinkat("/etc", scratch, "default"), 0);
	assert_int_equal(lease_uses(scratch, NETWORK, &list, &count),
			 0); /* /etc/uid is not there */
	assert_int_equal(count, 0);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LEASE_TEST(test_longest_unused_lease_is_first),
	    LEASE_TEST(test_many_leases_are_sorted),
	    LEASE_TEST(test_count_has_leases_of_the_subnet),
	    LEASE_TEST(test_absent_uid_keeps_its_first_date),
	    LEASE_TEST(test_planted_folders_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
