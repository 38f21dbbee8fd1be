/* A user's identity by this machine's NSS, for accounts of every system. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "call/identity.h"
#include "call/message.h"
#include "base/log.h"

static unsigned errors;

static void count_errors(void *context, int level, const char *text)
{
	(void)context;
	assert_non_null(text);
	errors += level == LOG_ERR;
}

static int setup(void **state)
{
	(void)state;
	errors = 0;
	log_set_sink(count_errors, NULL);
	return 0;
}

static void root_is_found(void **state)
{
	struct who who = {.uid = 7};

	(void)state;
	assert_int_equal(identity_resolve("root", &who), 0);
	assert_string_equal(who.user, "root");
	assert_string_equal(who.account, "root");
	assert_int_equal(who.uid, 0);
	assert_int_equal(who.gid, 0);
	assert_string_equal(who.group, "root");
	assert_true(who.groups_count >= 1);
	assert_string_equal(who_next_group(&who, NULL), "root");
	who_free(&who);
	assert_int_equal(errors, 0);
}

/* Every account of the machine gets each of its groups by name, and can be sent. */
static void all_accounts_resolve(void **state)
{
	struct request request = {0};
	struct who *who = &request.who;
	char *packet = malloc(MESSAGE_MAX);
	char names[64][WHO_NAME_MAX];
	size_t count = 0;
	struct passwd *entry;

	(void)state;
	setpwent();
	while (count < 64 && (entry = getpwent()))
		snprintf(names[count++], WHO_NAME_MAX, "%s", entry->pw_name);
	endpwent();
	for (size_t i = 0; i < count; i++) {
		struct passwd *account = getpwnam(names[i]);
		struct group *group;

		assert_int_equal(identity_resolve(names[i], who), 0);
		assert_string_equal(who->user, names[i]);
		assert_int_equal(who->uid, account->pw_uid);
		assert_int_equal(who->gid, account->pw_gid);
		setgrent();
		while ((group = getgrent()))
			for (char **member = group->gr_mem; *member; member++)
				if (strcmp(*member, names[i]) == 0)
					assert_true(who_in_group(who, group->gr_name));
		endgrent();
		assert_true(request_encode(&request, packet) > 0);
	}
	who_free(who);
	free(packet);
}

static void strange_names_are_refused(void **state)
{
	static const char *const names[] = {
	    "",	    ".",      "..",   "-root",	     "../a",  "a/b",   "/root",	 "a b",
	    "a\nb", "root\n", "a\tb", "\x1b[2Jroot", "a\x7f", " root", "root\r", "\v"};
	struct who who = {.uid = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		errors = 0;
		assert_int_equal(identity_resolve(names[i], &who), -EINVAL);
		assert_int_equal(errors, 1);
	}
	assert_string_equal(who.user, "");
	assert_null(who.groups);
}

static void long_names_are_refused(void **state)
{
	struct who who = {.uid = 7};
	char name[WHO_NAME_MAX + 1];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[WHO_NAME_MAX] = '\0';
	assert_int_equal(identity_resolve(name, &who), -EINVAL);
	name[WHO_NAME_MAX - 1] = '\0';
	assert_int_equal(identity_resolve(name, &who), -ENOENT);
}

/* CVE-2019-14287: digits are a name, not a uid. */
static void unknown_users_are_not_found(void **state)
{
	static const char *const names[] = {"no-such-user-here", "4294967295", "#-1", "0", "%s%n"};
	struct who who = {.uid = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		errors = 0;
		assert_int_equal(identity_resolve(names[i], &who), -ENOENT);
		assert_int_equal(errors, 1);
	}
}

static void freed_identity_can_be_used_again(void **state)
{
	struct who who = {.uid = 7};

	(void)state;
	assert_int_equal(identity_resolve("root", &who), 0);
	assert_int_equal(identity_resolve("daemon", &who), 0);
	assert_string_equal(who.user, "daemon");
	assert_string_equal(who_next_group(&who, NULL), who.group);
	assert_int_equal(identity_resolve("no-such-user-here", &who), -ENOENT);
	assert_null(who.groups);
	assert_int_equal(who.groups_count, 0);
}

/* They do not log: their callers know what the group or the home is for. */
static void groups_and_homes_are_found(void **state)
{
	char *home = NULL, *shell = NULL;
	gid_t gid = 7;

	(void)state;
	assert_int_equal(identity_group("no-such-group-here", &gid), -ENOENT);
	assert_int_equal(identity_group("0", &gid), -ENOENT);
	assert_int_equal(gid, 7);
	assert_int_equal(identity_group("root", &gid), 0);
	assert_int_equal(gid, 0);
	assert_int_equal(identity_home("no-such-user-here", &home, &shell), -ENOENT);
	assert_null(home);
	assert_int_equal(identity_home("root", &home, &shell), 0);
	assert_int_equal(*home, '/');
	assert_int_equal(*shell, '/');
	free(home);
	free(shell);
	assert_int_equal(errors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(root_is_found, setup),
	    cmocka_unit_test_setup(all_accounts_resolve, setup),
	    cmocka_unit_test_setup(strange_names_are_refused, setup),
	    cmocka_unit_test_setup(long_names_are_refused, setup),
	    cmocka_unit_test_setup(unknown_users_are_not_found, setup),
	    cmocka_unit_test_setup(groups_and_homes_are_found, setup),
	    cmocka_unit_test_setup(freed_identity_can_be_used_again, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
