/*
 * What the tests of resources share: fake resources, pins and locks, which record their calls. Records are
 * real.
 */
#ifndef PAM_NETNS_RESOURCES_WORLD_H
#define PAM_NETNS_RESOURCES_WORLD_H

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
static inline int done(const char *verb, const char *what)
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
FAKE(limits);
FAKE(port);
FAKE(namespaces);
FAKE(mount_namespace);
FAKE(init);
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
const struct resource resource_cgroup_namespace = {.name = "cgroup namespace"};
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
#define host_return(host, set)	   ((void)(set), fake_return())
#define lock_share(lock, proc, id) (assert_true((id) == LOCK_HOST), done("share", ""))
#define lock_release(lock, id)	   (assert_true((id) == LOCK_HOST), (void)done("release", ""))

#include "../../helper/pam-netns-helper/resources.c"

#include "host_scratch.h"

static inline int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	return host_setup(state);
}

static inline void fails(const char *what, int error)
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

static inline void user_new(struct user *user)
{
	user_init(user, &host, USER);
	user->state.uplink.uid = USER;
	strcpy(user->state.network, "lab");
}

static inline bool recorded(void)
{
	struct user_state state;

	return state_read(scratch, USER, &state) == 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, host_teardown)

#endif
