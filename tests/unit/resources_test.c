/*
 * The table of resources: make, undo, check, sweep and tell, with fake resources, pins and locks, which
 * record their calls. Records are real.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "scratch.h"

#include "../../helper/pam-netns-helper/resource.h"
#include "log_kept.h"
#include "state/lock.h"

#define USER 2001

static struct {
	char done[2048];      /* "make record, make lease, " */
	const char *fails[4]; /* "make guard": it returns ... */
	int errors[4];
	const char *unwanted; /* a resource's name */
	bool pinned;
	bool recorded;		     /* of the last undo */
	char network[CONF_NAME_MAX]; /* of the last undo */
} world;

/* Records the call, and returns the test's result. */
static int done(const char *verb, const char *what)
{
	size_t used = strlen(world.done);
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", verb, *what ? " " : "", what);
	snprintf(world.done + used, sizeof(world.done) - used, "%s, ", name);
	for (size_t i = 0; i < 4; i++)
		if (world.fails[i] && strcmp(world.fails[i], name) == 0)
			return world.errors[i];
	return 0;
}

/* --- the resources --- */

#define FAKE(id)                                                                                   \
	static bool id##_wanted(const struct user *user)                                           \
	{                                                                                          \
		(void)user;                                                                        \
		return !world.unwanted || strcmp(world.unwanted, #id) != 0;                        \
	}                                                                                          \
	static int id##_make(struct user *user)                                                    \
	{                                                                                          \
		assert_int_equal(user->uid, USER);                                                 \
		return done("make", #id);                                                          \
	}                                                                                          \
	static int id##_undo(struct user *user)                                                    \
	{                                                                                          \
		assert_int_equal(user->uid, USER);                                                 \
		world.recorded = user->recorded;                                                   \
		memcpy(world.network, user->state.network, sizeof(world.network));                 \
		return done("undo", #id);                                                          \
	}                                                                                          \
	static int id##_check(struct user *user)                                                   \
	{                                                                                          \
		(void)user;                                                                        \
		return done("check", #id);                                                         \
	}                                                                                          \
	static int id##_sweep(struct host *host, const struct conf *conf)                          \
	{                                                                                          \
		(void)host;                                                                        \
		(void)conf;                                                                        \
		return done("sweep", #id);                                                         \
	}                                                                                          \
	static void id##_tell(const struct user *user, FILE *out)                                  \
	{                                                                                          \
		fprintf(out, " " #id "=%u", user->uid);                                            \
	}                                                                                          \
	static void id##_end(const struct user *user, FILE *out)                                   \
	{                                                                                          \
		(void)user;                                                                        \
		fprintf(out, " end_" #id);                                                         \
	}                                                                                          \
	const struct resource resource_##id = {#id,	   id##_wanted, id##_make, id##_undo,      \
					       id##_check, id##_sweep,	id##_tell, id##_end}

FAKE(record);
FAKE(lease);
FAKE(port);
FAKE(namespaces);
FAKE(mount_namespace);
FAKE(veth);
FAKE(uplink);
/* Two lack verbs: one can only be made, the other only undone. */
static int guard_make(struct user *user)
{
	(void)user;
	return done("make", "guard");
}
const struct resource resource_guard = {.name = "guard", .make = guard_make};

static int name_undo(struct user *user)
{
	(void)user;
	return done("undo", "name");
}
const struct resource resource_name = {.name = "name", .undo = name_undo};

/* --- pins and locks --- */

static int fake_publish(uid_t uid)
{
	assert_int_equal(uid, USER);
	return done("publish", "");
}

static int fake_return(void)
{
	return done("return", "");
}

#define pins_publish(uid)	   fake_publish(uid)
#define pins_withdraw(uid)	   (void)done("withdraw", "")
#define pins_exist(uid)		   world.pinned
#define host_return(host)	   fake_return()
#define lock_share(lock, proc, id) (assert_true((id) == LOCK_HOST), done("share", ""))
#define lock_release(lock, id)	   (assert_true((id) == LOCK_HOST), (void)done("release", ""))

#include "../../helper/pam-netns-helper/resources.c"

static struct host host;

static int setup(void **state)
{
	if (scratch_setup(state) || mkdirat(scratch, "closing", 0700) ||
	    mkdirat(scratch, "users", 0755))
		return -1;
	memset(&world, 0, sizeof(world));
	host = (struct host){.run = scratch};
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	return 0;
}

static void fails(const char *what, int error)
{
	for (size_t i = 0; i < 4; i++)
		if (!world.fails[i]) {
			world.fails[i] = what;
			world.errors[i] = error;
			return;
		}
}

/* Compares the recorded calls, and clears them. */
#define assert_done(expected)                                                                      \
	do {                                                                                       \
		assert_string_equal(world.done, expected);                                         \
		world.done[0] = '\0';                                                              \
	} while (0)

#define MAKES                                                                                      \
	"make record, make lease, make port, make namespaces, make mount_namespace, make veth, "   \
	"make guard, make uplink, "
#define UNDOS                                                                                      \
	"undo uplink, undo veth, undo mount_namespace, undo namespaces, undo name, undo port, "    \
	"undo lease, undo record, "
#define REMOVES "share, withdraw, " UNDOS "release, "

static void user_new(struct user *user)
{
	user_init(user, &host, USER);
	user->state.uplink.uid = USER;
	strcpy(user->state.network, "lab");
}

static bool recorded(void)
{
	struct user_state state;

	return state_read(scratch, USER, &state) == 0;
}

/* --- make --- */

static void test_all_resources_are_made_then_published(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	assert_int_equal(user_make(&user), 0);
	assert_done(MAKES "publish, release, ");
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
	static const char *const steps[] = {"make record",     "make lease",	       "make port",
					    "make namespaces", "make mount_namespace", "make veth",
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

/* --- check --- */

#define CHECKS                                                                                     \
	"check record, check lease, check port, check namespaces, check mount_namespace, "         \
	"check veth, check uplink, "

static void test_check_of_a_login_stops_at_an_error(void **state)
{
	struct user user;

	(void)state;
	user_new(&user);
	assert_int_equal(user_check(&user), 0);
	assert_done(CHECKS "release, ");
	assert_false(recorded()); /* there is no change */
	world.unwanted = "mount_namespace";
	assert_int_equal(user_check(&user), 0);
	assert_null(strstr(world.done, "mount_namespace"));
	world.done[0] = '\0';
	fails("check port", -EPERM);
	fails("check veth", -EIO);
	assert_int_equal(user_check(&user), -EPERM);
	assert_done("check record, check lease, check port, release, ");
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

/* --- sweep, tell, end --- */

static void test_sweep_goes_on_after_an_error(void **state)
{
	(void)state;
	fails("sweep lease", -EIO);
	fails("sweep veth", -EBUSY);
	assert_int_equal(users_sweep(&host, NULL), -EIO);
	assert_done("sweep record, sweep lease, sweep port, sweep namespaces, "
		    "sweep mount_namespace, sweep veth, sweep uplink, ");
}

static void test_resources_tell_their_words(void **state)
{
	char text[256], small[24];
	struct user user;

	(void)state;
	user_new(&user);
	user_tell(&user, text, sizeof(text));
	assert_string_equal(text, "record=2001 lease=2001 port=2001 namespaces=2001 "
				  "mount_namespace=2001 veth=2001 uplink=2001");
	world.unwanted = "lease";
	user_end(&user, text, sizeof(text));
	assert_string_equal(text, "end_record end_port end_namespaces end_mount_namespace "
				  "end_veth end_uplink");
	user_tell(&user, small, sizeof(small));
	assert_string_equal(small, "record=2001 port=2001 n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

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
	    TEST(test_check_of_a_login_stops_at_an_error),
	    TEST(test_record_and_namespaces_alone_tell_absence),
	    TEST(test_check_of_gc_goes_on_after_an_error),
	    TEST(test_check_without_record_is_an_error),
	    TEST(test_changes_are_recorded),
	    TEST(test_removal_of_absent_user_removes_the_note),
	    TEST(test_user_without_record_is_removed_by_uid),
	    TEST(test_record_gives_values_for_undo),
	    TEST(test_unwanted_resource_is_undone),
	    TEST(test_undo_goes_on_after_an_error),
	    TEST(test_undo_goes_on_without_the_hosts_lock),
	    TEST(test_sweep_goes_on_after_an_error),
	    TEST(test_resources_tell_their_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
