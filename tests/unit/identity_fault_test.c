/* A user's identity by name services that are slow, broken, odd or hostile (T5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/identity.h"
#include "base/log.h"

/* Answers and failures of the name services. */
static struct {
	const char *name, *account; /* of the uid, by name and by number */
	uid_t uid;
	gid_t gid;
	int groups; /* beyond the primary one */
	const char *group_name;
	int name_error, uid_error, group_error;
	size_t needs;	 /* bytes of buffer */
	int interrupted; /* times */
	int allocations; /* that succeed; -1: all */
	char log[256];
} nss;

static int nss_answer(int error, size_t size)
{
	if (nss.interrupted > 0) {
		nss.interrupted--;
		return EINTR;
	}
	return size < nss.needs ? ERANGE : error;
}

static int passwd_answer(const char *name, int error, struct passwd *entry, size_t size,
			 struct passwd **found)
{
	error = nss_answer(error, size);
	*found = NULL;
	if (error || !name)
		return error;
	*entry = (struct passwd){.pw_name = (char *)name, .pw_uid = nss.uid, .pw_gid = nss.gid};
	*found = entry;
	return 0;
}

static int fake_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
			   struct passwd **found)
{
	assert_string_equal(name, "typed");
	memset(buffer, 0, size);
	return passwd_answer(nss.name, nss.name_error, entry, size, found);
}

static int fake_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size,
			   struct passwd **found)
{
	assert_int_equal(uid, nss.uid);
	memset(buffer, 0, size);
	return passwd_answer(nss.account, nss.uid_error, entry, size, found);
}

static int fake_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size,
			   struct group **found)
{
	int error = nss_answer(nss.group_error, size);

	*found = NULL;
	if (error || !nss.group_name)
		return error;
	if (*nss.group_name)
		snprintf(buffer, size, "%s%u", nss.group_name, gid);
	else
		buffer[0] = '\0';
	*entry = (struct group){.gr_name = buffer, .gr_gid = gid};
	*found = entry;
	return 0;
}

static int fake_getgrouplist(const char *user, gid_t primary, gid_t *gids, int *count)
{
	int room = *count;

	assert_string_equal(user, nss.name);
	*count = 1 + nss.groups;
	for (int i = 0; i < *count && i < room; i++)
		gids[i] = primary + (gid_t)i;
	return room < *count ? -1 : *count;
}

static bool allocation_fails(void)
{
	return nss.allocations >= 0 && nss.allocations-- == 0;
}

#define getpwnam_r(...)	     fake_getpwnam_r(__VA_ARGS__)
#define getpwuid_r(...)	     fake_getpwuid_r(__VA_ARGS__)
#define getgrgid_r(...)	     fake_getgrgid_r(__VA_ARGS__)
#define getgrouplist(...)    fake_getgrouplist(__VA_ARGS__)
#define malloc(size)	     (allocation_fails() ? NULL : malloc(size))
#define realloc(old, size)   (allocation_fails() ? NULL : realloc(old, size))
#define reallocarray(o, ...) (allocation_fails() ? NULL : reallocarray(o, __VA_ARGS__))

#include "../../lib/base/who.c"
#include "../../lib/call/identity.c"

static struct who who;

static const char *group_at(int index)
{
	const char *group = who_next_group(&who, NULL);

	while (index--)
		group = who_next_group(&who, group);
	return group;
}

static void log_keep(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	snprintf(nss.log, sizeof(nss.log), "%s", text);
}

static int setup(void **state)
{
	(void)state;
	memset(&nss, 0, sizeof(nss));
	nss.name = nss.account = "alice";
	nss.uid = 2001;
	nss.gid = 2100;
	nss.group_name = "group";
	nss.groups = 2;
	nss.allocations = -1;
	log_set_sink(log_keep, NULL);
	return 0;
}

/* Refused for this reason, with an empty who. */
static void assert_refused(int error, const char *reason)
{
	assert_int_equal(identity_resolve("typed", &who), error);
	assert_non_null(strstr(nss.log, reason));
	assert_null(who.groups);
	assert_int_equal(who.groups_count, 0);
}

static void assert_found(void)
{
	assert_int_equal(identity_resolve("typed", &who), 0);
	assert_string_equal(who.user, "alice");
	assert_int_equal(who.uid, 2001);
	assert_int_equal(who.gid, 2100);
	assert_string_equal(who.group, "group2100");
	who_free(&who);
}

static void slow_services_are_waited_for(void **state)
{
	(void)state;
	nss.interrupted = 5;
	assert_found();
	assert_int_equal(nss.interrupted, 0);
	nss.needs = 300000;
	assert_found();
	nss.needs = ENTRY_MAX + 1;
	assert_refused(-ERANGE, "find user typed");
}

static void failing_services_refuse(void **state)
{
	static const int absent[] = {0, ESRCH, EBADF, EPERM};

	(void)state;
	nss.name_error = EIO;
	assert_refused(-EIO, "find user typed");
	nss.name_error = 0;
	nss.uid_error = ENETDOWN;
	assert_refused(-ENETDOWN, "find the name of uid 2001");
	nss.uid_error = 0;
	nss.group_error = ECONNREFUSED;
	assert_refused(-ECONNREFUSED, "find the name of group 2100");
	nss.group_error = 0;
	nss.name = NULL;
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		nss.name_error = absent[i];
		assert_refused(-ENOENT, "find user typed");
	}
}

/* A directory's answer must fit the typed name. */
static void accounts_with_wrong_answers_are_refused(void **state)
{
	static const char *const names[] = {"", "..", "a/b", "-a", "a b", "a\nb", "\x1b[2J"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		nss.name = names[i];
		assert_refused(-EINVAL, "is not usable");
		nss.name = "alice";
		nss.account = names[i];
		assert_refused(-EINVAL, "uid 2001: the name of the account is not usable");
		nss.account = "alice";
	}
	nss.uid = (uid_t)-1;
	assert_refused(-EINVAL, "is not usable");
	nss.uid = 2001;
	nss.gid = (gid_t)-1;
	assert_refused(-EINVAL, "is not usable");
}

/* Two names of one uid are one account. If the directory spells the name otherwise, its spelling counts. */
static void account_name_is_that_of_the_directory(void **state)
{
	(void)state;
	nss.account = "first";
	assert_int_equal(identity_resolve("typed", &who), 0);
	assert_string_equal(who.user, "alice");
	assert_string_equal(who.account, "first");
	who_free(&who);
}

static void nameless_groups_are_numbers(void **state)
{
	static char long_name[WHO_NAME_MAX + 1];

	(void)state;
	memset(long_name, 'g', WHO_NAME_MAX);
	for (int i = 0; i < 3; i++) {
		nss.group_name = i == 0 ? NULL : i == 1 ? "" : long_name;
		assert_int_equal(identity_resolve("typed", &who), 0);
		assert_int_equal(who.groups_count, 3);
		assert_string_equal(who.group, "2100");
		assert_string_equal(group_at(2), "2102");
		who_free(&who);
	}
}

static void groups_beyond_limit_are_cut_or_refused(void **state)
{
	(void)state;
	nss.groups = 200; /* more than the first buffer */
	assert_int_equal(identity_resolve("typed", &who), 0);
	assert_int_equal(who.groups_count, 201);
	assert_string_equal(group_at(200), "group2300");
	who_free(&who);
	nss.groups = GROUPS_MAX;
	assert_refused(-E2BIG, "list the groups of alice");
	/* A message has room for the first groups only, which is logged. */
	nss.groups = WHO_GROUPS_MAX;
	assert_int_equal(identity_resolve("typed", &who), 0);
	assert_int_equal(who.groups_count, WHO_GROUPS_MAX);
	assert_non_null(strstr(nss.log, "profiles are matched by the first"));
	who_free(&who);
}

static void missing_memory_refuses(void **state)
{
	int refused = 0;

	(void)state;
	for (int successes = 0;; successes++) {
		nss.allocations = successes;
		if (identity_resolve("typed", &who) == 0)
			break;
		refused++;
		assert_null(who.groups);
	}
	who_free(&who);
	assert_true(refused >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(slow_services_are_waited_for, setup),
	    cmocka_unit_test_setup(failing_services_refuse, setup),
	    cmocka_unit_test_setup(accounts_with_wrong_answers_are_refused, setup),
	    cmocka_unit_test_setup(account_name_is_that_of_the_directory, setup),
	    cmocka_unit_test_setup(nameless_groups_are_numbers, setup),
	    cmocka_unit_test_setup(groups_beyond_limit_are_cut_or_refused, setup),
	    cmocka_unit_test_setup(missing_memory_refuses, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
