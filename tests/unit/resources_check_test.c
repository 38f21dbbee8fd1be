/* A user's resources are checked and told, and those of all users are swept. */
#include "resources_world.h"

/* --- check --- */

#define CHECKS                                                                                     \
	"check record, check lease, check limits, check port, check namespaces, check "            \
	"mount_namespace, check init, "                                                            \
	"check veth, check uplink, "

static void test_check_of_a_login_stops_at_an_error(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	assert_int_equal(user_check(&user), 0);
	assert_done(CHECKS);
	assert_false(recorded()); /* there is no change */
	world.unwanted = "mount_namespace";
	assert_int_equal(user_check(&user), 0);
	assert_null(strstr(world.done, "mount_namespace"));
	world.done[0] = '\0';
	fails("check port", -EPERM);
	fails("check veth", -EIO);
	assert_int_equal(user_check(&user), -EPERM);
	assert_done("check record, check lease, check limits, check port, ");
}

/* A login takes -ENOENT for a user without a network, and makes one. */
static void test_record_and_namespaces_alone_tell_absence(void **state)
{
	static const char *const checks[] = {"check record",	 "check lease",
					     "check namespaces", "check mount_namespace",
					     "check veth",	 "check uplink"};
	struct user user;

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		memset(&world, 0, sizeof(world));
		user_new(&user);
		fails(checks[i], -ENOENT);
		assert_int_equal(user_check(&user), i % 2 == 0 && i < 4 ? -ENOENT : -EIO);
	}
}

/* gc returns the first error. */
static void test_check_of_gc_goes_on_after_an_error(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	host.thorough = true;
	fails("check port", -EIO);
	fails("check veth", -EBUSY);
	assert_int_equal(user_check(&user), -EIO);
	assert_done(CHECKS "release, ");
}

static void test_check_without_record_is_an_error(void **state)
{
	struct user user;

	(void)state;
	fails("check record", -ENOENT);
	for (int thorough = 0; thorough <= 1; thorough++) {
		host.thorough = thorough;
		user_new(&user);
		assert_int_equal(user_check(&user), -ENOENT);
		assert_done("check record, ");
	}
}

static void test_changes_are_recorded(void **state)
{
	struct user_state read;
	struct user user;

	(void)state;
	user_new(&user);
	user.changed = true;
	/* The host has no IPv6 now, but the user keeps the address. */
	assert_int_equal(address_parse("fd00::7", &user.address6), 0);
	assert_int_equal(user_check(&user), 0);
	assert_int_equal(state_read(scratch, USER, &read), 0);
	assert_true(address_equal(&read.uplink.address6, &user.address6));

	assert_int_equal(state_remove(scratch, USER), 0);
	fails("check uplink", -EIO);
	assert_int_equal(user_check(&user), -EIO);
	assert_false(recorded());
}

/* --- sweep, tell, end --- */

static void test_sweep_goes_on_after_an_error(void **state)
{
	(void)state;
	fails("sweep lease", -EIO);
	fails("sweep veth", -EBUSY);
	assert_int_equal(users_sweep(&host, NULL), -EIO);
	assert_done("sweep record, sweep lease, sweep limits, sweep port, sweep namespaces, "
		    "sweep mount_namespace, sweep init, sweep veth, sweep uplink, ");
}

static void test_resources_tell_their_words(void **state)
{
	char text[256], small[24];
	struct user user;

	(void)state;
	user_new(&user);
	user_tell(&user, text, sizeof(text));
	assert_string_equal(text,
			    "record=2001 lease=2001 limits=2001 port=2001 "
			    "namespaces=2001 mount_namespace=2001 init=2001 veth=2001 uplink=2001");
	world.unwanted = "lease";
	user_end(&user, text, sizeof(text));
	assert_string_equal(
	    text, "end_record end_limits end_port end_namespaces end_mount_namespace end_init "
		  "end_veth end_uplink");
	user_tell(&user, small, sizeof(small));
	assert_string_equal(small, "record=2001 limits=2001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_check_of_a_login_stops_at_an_error),
	    TEST(test_record_and_namespaces_alone_tell_absence),
	    TEST(test_check_of_gc_goes_on_after_an_error),
	    TEST(test_check_without_record_is_an_error),
	    TEST(test_changes_are_recorded),
	    TEST(test_sweep_goes_on_after_an_error),
	    TEST(test_resources_tell_their_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
