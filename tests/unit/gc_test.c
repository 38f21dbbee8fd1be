/* gc: the order in which it collects, mends and sweeps, and the errors after which it goes on. Runs as root. */
#include "gc_world.h"

static void test_host_without_users_is_swept(void **state)
{
	(void)state;
	assert_int_equal(gc(EMPTY), 0);
	assert_true(world.patient);
	assert_true(lock_is_free((uid_t)-2));
	assert_string_equal(log_last, "");
	assert_non_null(world.conf_swept);
}

static void test_second_gc_ends_at_once(void **state)
{
	pid_t pid = lock_hold(LOCK_GC);

	(void)state;
	assert_int_equal(gc(""), 0);
	lock_holder_end(pid);
	assert_int_equal(gc(EMPTY), 0);
	assert_true(lock_is_free(LOCK_GC));
}

/* Unused things are removed, and active users' things stay. */
static void test_erroneous_conf_still_sweeps(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	world.conf = NULL;
	assert_int_equal(gc("pins, list, members 2001, serve, sweep"), 0);
	assert_null(world.conf_swept);
	assert_non_null(strstr(log_last, "conf"));
}

static void test_network_without_set_up_is_left_so(void **state)
{
	(void)state;
	world.conf = "[network default]\n[network down]\nbridge = pndown\nsubnet = 10.204.0.0/16\n"
		     "[network lab]\nbridge = pnlab\nsubnet = 10.205.0.0/16\n"
		     "[profile p]\nmatch = *\n";
	assert_int_equal(gc("pins, serve, setup default, ipv6 default, setup lab, ipv6 lab, "
			    "resolver, template default, mend default, template down, mend down, "
			    "template lab, mend lab, pins, sweep"),
			 0);
}

/* The first error is returned. */
static void test_failed_step_does_not_stop_the_others(void **state)
{
	static const char *const steps[] = {
	    "list",	"members 2001", "serve",      "setup default", "ipv6 default",
	    "resolver", "ports",	"check 2001", "check 2002",    "sweep"};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char expected[512] = "pins, list, members 2001, members 2002, serve, " MEND
				     ", pins, ports, check 2001, check 2002, sweep";

		record(FIRST, LINGER_PROCESSES);
		record(FIRST + 1, LINGER_PROCESSES);
		memset(world.fails, 0, sizeof(world.fails));
		fails(steps[i], -100 - (int)i);
		fails("sweep", i == 9 ? -109 : -EIO);
		if (i == 0)
			strcpy(expected, "pins, list, serve, " MEND
					 ", pins, ports, check 2001, check 2002, sweep");
		if (i == 3) /* IPv6 is not queried */
			strcpy(expected, "pins, list, members 2001, members 2002, serve, setup "
					 "default, resolver, template default, mend default, pins, "
					 "ports, check 2001, check 2002, sweep");
		if (i == 6)
			strcpy(expected, "pins, list, members 2001, members 2002, serve, " MEND
					 ", pins, ports, sweep");
		if (i == 7)
			strcpy(expected, "pins, list, members 2001, members 2002, serve, " MEND
					 ", pins, ports, check 2001, return, check 2002, sweep");
		if (i == 8)
			strcpy(expected, "pins, list, members 2001, members 2002, serve, " MEND
					 ", pins, ports, check 2001, check 2002, return, sweep");
		assert_int_equal(gc(expected), -100 - (int)i);
	}
}

/* From a user's mount namespace, other users' things would seem to be missing. */
static void test_gc_outside_the_host_removes_nothing(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	record(FIRST + 1, LINGER_PROCESSES);
	fails("check 2001", -EIO);
	fails("return", -EPERM);
	assert_true(gc("pins, list, members 2001, members 2002, serve, " MEND
		       ", pins, ports, check 2001, return") < 0);
	fails("setup default", -EIO); /* also after an earlier failure */
	assert_int_equal(gc("pins, list, members 2001, members 2002, serve, setup default, "
			    "resolver, template default, mend default, pins, ports, check 2001, "
			    "return"),
			 -ENOTRECOVERABLE);
	memset(world.fails, 0, sizeof(world.fails));
	fails("mend default", -EIO);
	fails("return", -EPERM);
	assert_true(gc("pins, list, members 2001, members 2002, serve, " MEND ", return") < 0);
}

/* The user, or their record, is removed meanwhile. */
static void test_user_who_ends_meanwhile_is_no_failure(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	fails("check 2001", -ENOENT);
	assert_int_equal(
	    gc("pins, list, members 2001, serve, " MEND ", pins, ports, check 2001, sweep"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_host_without_users_is_swept),
	    TEST(test_second_gc_ends_at_once),
	    TEST(test_erroneous_conf_still_sweeps),
	    TEST(test_network_without_set_up_is_left_so),
	    TEST(test_failed_step_does_not_stop_the_others),
	    TEST(test_gc_outside_the_host_removes_nothing),
	    TEST(test_user_who_ends_meanwhile_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
