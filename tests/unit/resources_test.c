/* A user's resources are made, and removed. */
#include "resources_world.h"

#define MAKES                                                                                      \
	"make record, make lease, make limits, make port, make namespaces, make mount_namespace, " \
	"make init, "                                                                              \
	"make veth, "                                                                              \
	"make guard, make uplink, "
#define UNDOS                                                                                      \
	"undo uplink, undo veth, undo init, undo mount_namespace, undo namespaces, undo name, "    \
	"undo port, "                                                                              \
	"undo limits, "                                                                            \
	"undo lease, undo record, "
#define REMOVES "share, withdraw, " UNDOS "release, "

/* --- make --- */

static void test_all_resources_are_made_then_published(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	assert_int_equal(user_make(&user), 0);
	assert_done(MAKES "publish, ");
	assert_true(user.recorded);
	assert_true(recorded());
	assert_string_equal(log_last, "");
}

static void test_unwanted_resource_is_not_made(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	world.unwanted = "mount_namespace";
	assert_int_equal(user_make(&user), 0);
	assert_null(strstr(world.done, "mount_namespace"));
}

/* Resources before it are undone in reverse, none after it is made, and the first error is returned. */
static void test_failed_resource_undoes_those_before(void **state)
{
	static const char *const steps[] = {
	    "make record",     "make lease",	       "make limits", "make port",
	    "make namespaces", "make mount_namespace", "make init",   "make veth",
	    "make guard",      "make uplink",	       "publish"};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char expected[2048] = MAKES "publish, ";
		struct user user;

		memset(&world, 0, sizeof(world));
		user_new(&user);
		fails(steps[i], -100 - (int)i);
		assert_int_equal(user_make(&user), -100 - (int)i);
		*(strstr(expected, steps[i]) + strlen(steps[i])) = '\0';
		strcat(expected, ", release, return, " REMOVES);
		assert_done(expected);
		assert_string_equal(world.network, "lab"); /* undo gets the made values */
		assert_true(world.recorded);
	}
}

static void test_failed_record_publishes_nothing(void **state)
{
	struct user user;

	(void)state;
	host.run = -1;
	user_new(&user);
	assert_true(user_make(&user) < 0);
	assert_done(MAKES "release, return, " REMOVES);
}

/* Open descriptors would keep the namespaces. */
static void test_failed_resource_leaves_no_descriptor(void **state)
{
	int fds = fds_open();
	struct user user;

	(void)state;
	user_new(&user);
	user.pins.fd[KIND_NET] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	user.inside.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fails("make uplink", -EIO);
	assert_int_equal(user_make(&user), -EIO);
	assert_int_equal(fds_open(), fds);
	assert_int_equal(user.pins.fd[KIND_NET], -1);
}

/* The rest is undone, the message names gc, and the login returns the first error. */
static void test_failed_undo_goes_on_and_names_gc(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	fails("make guard", -EIO);
	fails("undo veth", -EBUSY);
	assert_int_equal(user_make(&user), -EIO);
	assert_non_null(strstr(world.done, REMOVES));
	assert_non_null(strstr(log_last, "gc"));
	assert_non_null(strstr(log_last, "2001"));
}

/* Outside the host's namespaces, nothing is removed. */
static void test_undo_needs_the_hosts_namespaces(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	fails("make lease", -EIO);
	fails("return", -EPERM);
	assert_int_equal(user_make(&user), -EIO);
	assert_done("make record, make lease, release, return, ");
	assert_non_null(strstr(log_last, "gc"));
}

/* --- remove --- */

static void test_removal_of_absent_user_removes_the_note(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(scratch, "closing/2001", 0700), 0);
	assert_int_equal(unlinkat(scratch, "closing/2001", AT_REMOVEDIR), 0);
	close(openat(scratch, "closing/2001", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(user_remove(&host, USER, NULL), 0);
	assert_done("");
	assert_true(faccessat(scratch, "closing/2001", F_OK, 0) < 0); /* the note is removed */
}

/* With pins alone, without a record, or with a torn one, only the uid is known. */
static void test_user_without_record_is_removed_by_uid(void **state)
{
	(void)state;
	world.pinned = true;
	assert_int_equal(user_remove(&host, USER, NULL), 0);
	assert_done(REMOVES);
	assert_false(world.recorded);
	world.pinned = false;
	assert_int_equal(mkdirat(scratch, "users/2001", 0755), 0);
	assert_int_equal(user_remove(&host, USER, NULL), 0);
	assert_done(REMOVES);
	assert_false(world.recorded);
	close(openat(scratch, "users/2001/state", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	assert_int_equal(user_remove(&host, USER, NULL), 0);
	assert_done(REMOVES);
	assert_false(world.recorded);
	assert_string_equal(world.network, "");
}

static void test_record_gives_values_for_undo(void **state)
{
	struct user_state s = {.uplink = {.uid = USER}, .network = "blue"};

	(void)state;
	assert_int_equal(state_write(scratch, &s), 0);
	assert_int_equal(user_remove(&host, USER, NULL), 0);
	assert_done(REMOVES);
	assert_true(world.recorded);
	assert_string_equal(world.network, "blue");
	/* A login's own values are not read. */
	strcpy(s.network, "green");
	assert_int_equal(user_remove(&host, USER, &s), 0);
	assert_string_equal(world.network, "green");
	assert_true(world.recorded);
}

/* An older profile may have made it. */
static void test_unwanted_resource_is_undone(void **state)
{
	(void)state;
	world.pinned = true;
	world.unwanted = "mount_namespace";
	assert_int_equal(user_remove(&host, USER, NULL), 0);
	assert_done(REMOVES);
}

static void test_undo_goes_on_after_an_error(void **state)
{
	(void)state;
	world.pinned = true;
	fails("undo veth", -EIO);
	fails("undo name", -EBUSY);
	fails("undo record", -ENOSPC);
	assert_int_equal(user_remove(&host, USER, NULL), -EIO);
	assert_done(REMOVES);
}

/* It does not release a lock that it does not have. */
static void test_undo_goes_on_without_the_hosts_lock(void **state)
{
	(void)state;
	world.pinned = true;
	fails("share", -ENOLCK);
	assert_int_equal(user_remove(&host, USER, NULL), 0);
	assert_done("share, withdraw, " UNDOS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_all_resources_are_made_then_published),
	    TEST(test_unwanted_resource_is_not_made),
	    TEST(test_failed_resource_undoes_those_before),
	    TEST(test_failed_record_publishes_nothing),
	    TEST(test_failed_resource_leaves_no_descriptor),
	    TEST(test_failed_undo_goes_on_and_names_gc),
	    TEST(test_undo_needs_the_hosts_namespaces),
	    TEST(test_removal_of_absent_user_removes_the_note),
	    TEST(test_user_without_record_is_removed_by_uid),
	    TEST(test_record_gives_values_for_undo),
	    TEST(test_unwanted_resource_is_undone),
	    TEST(test_undo_goes_on_after_an_error),
	    TEST(test_undo_goes_on_without_the_hosts_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
