/* The users of a profile. */
#include "conf/conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char logged[4096];

static void sink(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s\n", text);
}

static struct conf *parse(const char *text)
{
	struct conf *conf;
	int error;

	logged[0] = '\0';
	log_set_sink(sink, NULL);
	error = conf_parse(text, strlen(text), "t", &conf);
	log_set_sink(NULL, NULL);
	assert_true(error ? !conf : !!conf);
	return conf;
}

static struct conf *parse_match(const char *match)
{
	char text[1024];

	snprintf(text, sizeof(text), "[profile x]\nisolate = no\nmatch = %s\n", match);
	return parse(text);
}

/* The user is in the groups users, wheel and 100, or in none. The caller frees it. */
static struct who user_make(const char *name, uid_t uid, bool in_groups)
{
	struct who who;

	assert_true(who_set(&who, uid, name));
	if (in_groups) {
		assert_int_equal(who_add_group(&who, "users"), 0);
		assert_int_equal(who_add_group(&who, "wheel"), 0);
		assert_int_equal(who_add_group(&who, "100"), 0);
	}
	return who;
}

static const struct {
	const char *match, *user;
	uid_t uid;
	bool matches;
} cases[] = {
    {"*", "alice", 1000, true},
    {"alice", "alice", 1000, true},
    {"alice", "alic", 1000, false},
    {"alice", "Alice", 1000, false},
    {"bob,alice", "alice", 1000, true},
    {"bob, @nobodys, carol", "alice", 1000, false},
    {"@wheel", "alice", 1000, true},
    {"wheel", "alice", 1000, false},
    {"@alice", "alice", 1000, false},
    {"@100", "alice", 1000, true},
    {"1000", "alice", 1000, true},
    /* A word of digits is a uid, even if a user has this name. */
    {"1000", "1000", 1001, false},
    {"1-999", "alice", 1000, false},
    {"1-1000", "alice", 1000, true},
    {"1000-1000", "alice", 1000, true},
    {"1001-4294967294", "alice", 1000, false},
    {"0-4294967294", "alice", 4294967294, true},
    {"0", "root", 0, true},
    {"root", "root", 0, true},
    {"1-999", "root", 0, false},
    {"00001000", "alice", 1000, true},
    {"a-1,1-a", "1-a", 1000, true},
    {"DOM\\alice , alice@dom.example", "alice@dom.example", 7, true},
    {"j\xc3\xbcrgen", "j\xc3\xbcrgen", 1000, true},
    {"host$", "host$", 1000, true},
};

static void test_match_covers_names_groups_and_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP_WHO struct who who = user_make(cases[i].user, cases[i].uid, true);
		struct conf *conf = parse_match(cases[i].match);

		assert_string_equal(logged, "");
		assert_ptr_equal(conf_match(conf, &who),
				 cases[i].matches ? &conf->profiles[0] : NULL);
		conf_free(conf);
	}
}

#define FORMS "is not a user, @group, uid, range such as 1-999, or *; put commas between them"
#define EMPTY_ITEM                                                                                 \
	"an item between commas is empty; write users, @groups, uids, ranges such as 1-999, or *"

static const struct {
	const char *match, *message;
} wrongs[] = {
    {"alice bob", "'alice bob' " FORMS},
    {"@a b", "'@a b' " FORMS},
    {"@", "'@' " FORMS},
    {"@@a", "'@@a' " FORMS},
    {"a*", "'a*' " FORMS},
    {"-a", "'-a' " FORMS},
    {"a/b", "'a/b' " FORMS},
    {"a:b", "'a:b' " FORMS},
    {"..", "'..' " FORMS},
    {"\"root\"", "'\"root\"' " FORMS},
    {"uid=5", "'uid=5' " FORMS},
    {"a,,b", EMPTY_ITEM},
    {"a,", EMPTY_ITEM},
    {",", EMPTY_ITEM},
    {"999-1", "'999-1' is a range that ends before it begins; write 1-999"},
    {"4294967295", "'4294967295' is not a uid or a range of uids from 0 to 4294967294"},
    {"1-99999999999999999999",
     "'1-99999999999999999999' is not a uid or a range of uids from 0 to 4294967294"},
    {"99999999999999999999",
     "'99999999999999999999' is not a uid or a range of uids from 0 to 4294967294"},
    {"1-", "'1-' is not a uid or a range of uids from 0 to 4294967294"},
};

static void test_wrong_match_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		char message[512];

		assert_null(parse_match(wrongs[i].match));
		snprintf(message, sizeof(message), "t:3: [profile x] match = %s: %s\n",
			 wrongs[i].match, wrongs[i].message);
		assert_string_equal(logged, message);
	}
}

static void test_first_matching_profile_counts(void **state)
{
	struct conf *conf = parse("[profile a]\nisolate = no\nmatch = @gone, alice\n"
				  "[profile b]\nisolate = no\nmatch = @wheel\n"
				  "[profile c]\nisolate = no\nmatch = 1-999\n");
	CLEANUP_WHO struct who alice = user_make("alice", 1000, true);
	CLEANUP_WHO struct who bob = user_make("bob", 5, true);
	CLEANUP_WHO struct who carol = user_make("carol", 5, false);
	CLEANUP_WHO struct who dave = user_make("dave", 1005, false);

	(void)state;
	assert_non_null(conf);
	assert_ptr_equal(conf_match(conf, &alice), &conf->profiles[0]);
	assert_ptr_equal(conf_match(conf, &bob), &conf->profiles[1]);
	assert_ptr_equal(conf_match(conf, &carol), &conf->profiles[2]);
	assert_null(conf_match(conf, &dave));
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_match_covers_names_groups_and_ranges),
	    cmocka_unit_test(test_wrong_match_is_refused),
	    cmocka_unit_test(test_first_matching_profile_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
