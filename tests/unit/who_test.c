/* A user's names and groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/who.h"

static void test_groups_keep_their_order(void **state)
{
	static const char *const names[] = {"users", "", "Domain Users", "users", "100"};
	CLEANUP_WHO struct who who = {0};
	const char *group = NULL;

	(void)state;
	assert_null(who_next_group(&who, NULL));
	assert_false(who_in_group(&who, ""));
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(who_add_group(&who, names[i]), 0);
	for (size_t i = 0; i < 5; i++) {
		group = who_next_group(&who, group);
		assert_string_equal(group, names[i]);
		assert_true(who_in_group(&who, names[i]));
	}
	assert_null(who_next_group(&who, group));
	assert_false(who_in_group(&who, "user"));
	assert_false(who_in_group(&who, "Users"));
	assert_false(who_in_group(&who, "Domain"));
	who_free(&who);
	assert_null(who.groups);
	assert_null(who_next_group(&who, NULL));
	who_free(&who);
}

static void test_groups_beyond_limit_are_refused(void **state)
{
	CLEANUP_WHO struct who who = {0};

	(void)state;
	for (size_t i = 0; i < WHO_GROUPS_MAX; i++)
		assert_int_equal(who_add_group(&who, "g"), 0);
	assert_int_equal(who_add_group(&who, "g"), -E2BIG);
	assert_int_equal(who.groups_count, WHO_GROUPS_MAX);
	assert_int_equal(who.groups_size, 2 * WHO_GROUPS_MAX);
}

static void test_group_names_beyond_limit_are_refused(void **state)
{
	CLEANUP_WHO struct who who = {0};
	static char name[WHO_GROUPS_SIZE];

	(void)state;
	memset(name, 'g', sizeof(name) - 1);
	assert_int_equal(who_add_group(&who, "a"), 0);
	assert_int_equal(who_add_group(&who, name), -E2BIG);
	assert_int_equal(who_add_group(&who, name + 2), 0);
	assert_int_equal(who.groups_size, WHO_GROUPS_SIZE);
	assert_int_equal(who_add_group(&who, ""), -E2BIG);
	assert_int_equal(who.groups_count, 2);
}

static void test_uid_alone_gives_one_name_for_all(void **state)
{
	CLEANUP_WHO struct who who;
	char name[WHO_NAME_MAX + 1];

	(void)state;
	assert_true(who_set(&who, 2001, "#2001"));
	assert_int_equal(who.uid, 2001);
	assert_int_equal(who.gid, 2001);
	assert_string_equal(who.user, "#2001");
	assert_string_equal(who.account, "#2001");
	assert_string_equal(who.group, "#2001");
	assert_int_equal(who.groups_count, 0);
	assert_false(who_set(&who, 1, "a\nb"));
	memset(name, 'a', sizeof(name));
	name[WHO_NAME_MAX] = '\0';
	assert_false(who_set(&who, 1, name));
	name[WHO_NAME_MAX - 1] = '\0';
	assert_true(who_set(&who, 1, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_groups_keep_their_order),
	    cmocka_unit_test(test_groups_beyond_limit_are_refused),
	    cmocka_unit_test(test_group_names_beyond_limit_are_refused),
	    cmocka_unit_test(test_uid_alone_gives_one_name_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
