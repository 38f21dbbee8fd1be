/* Host names made of a profile's template. */
#include "conf/conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static const struct {
	const char *template, *user, *group, *host;
	const char *expected; /* NULL: refused */
} cases[] = {
    {"%h", "alice", "users", "lab", "lab"},
    {"%h", "alice", "users", "lab.example.org", "lab.example.org"},
    {"%h", "alice", "users", "my_host", "my_host"},
    {"%h", "alice", "users", "(none)", "none"},
    {"%h", "alice", "users", "", NULL},
    {"%h", "alice", "users", "a\nb", "a-b"},
    {"%u", "alice", "users", "lab", "alice"},
    {"%u-%h", "alice", "users", "lab.example.org", "alice-lab"},
    {"%u.%h", "alice", "users", "lab.example.org", "alice.lab"},
    {"%h-%U", "alice", "users", "lab", "lab-4294967294"},
    {"%g", "alice", "users", "lab", "users"},
    {"pc%U", "alice", "users", "lab", "pc4294967294"},
    {"%u", "al.ice", "users", "lab", "al-ice"},
    {"%u", "DOM\\alice", "users", "lab", "DOM-alice"},
    {"%u", "alice@dom.example", "users", "lab", "alice-dom-example"},
    {"%u", "-alice_", "users", "lab", "alice"},
    {"%u", "___", "users", "lab", NULL},
    {"%u-%h", "___", "users", "lab", "lab"},
    {"%u", "", "users", "lab", NULL},
    {"%u", "j\xc3\xbcrgen", "users", "lab", "j--rgen"},
    {"%u", "a b\n127.0.0.1 x", "users", "lab", "a-b-127-0-0-1-x"},
    {"a..b.", "alice", "users", "lab", "a.b"},
    {".-.x", "alice", "users", "lab", "x"},
    {"%%", "alice", "users", "lab", NULL},
    {"a%%b", "alice", "users", "lab", "a-b"},
    {"%x", "alice", "users", "lab", NULL},
    {"a%", "alice", "users", "lab", NULL},
    {"", "alice", "users", "lab", NULL},
    /* Labels have at most 63 characters, and so has the name. */
    {"%u", A60 A10, "users", "lab", A60 "aaa"},
    {"%h", "alice", "users", A60 A10, A60 "aaa"},
    {"%u.%h", A60, "users", "lab", A60},
    {"%u.%h", A60, "users", "la", A60 ".la"},
    {"%u%u%u%u", A60, "users", "lab", A60 "aaa"},
    {"%u-%h", A60 "aa", "users", "lab", A60 "aa"},
};

static void test_templates_give_host_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct profile profile = {0};
		char out[CONF_HOSTNAME_MAX];
		int error;

		strcpy(profile.hostname, cases[i].template);
		error = conf_hostname(&profile, cases[i].user, 4294967294, cases[i].group,
				      cases[i].host, out);
		if (cases[i].expected) {
			assert_int_equal(error, 0);
			assert_string_equal(out, cases[i].expected);
		} else {
			assert_int_equal(error, -EINVAL);
		}
	}
}

static void test_random_names_give_host_names_or_refusal(void **state)
{
	static const char pieces[] = "%%%%uUgh-.ab\x80_/ ";
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		struct profile profile = {0};
		char out[CONF_HOSTNAME_MAX], names[3][80] = {0};

		for (int n = 0; n < 4; n++) {
			char *text = n < 3 ? names[n] : profile.hostname;
			int length = (int)((seed = seed * 1103515245 + 12345) >> 16) % 79;

			for (int i = 0; i < length; i++) {
				seed = seed * 1103515245 + 12345;
				text[i] = pieces[(seed >> 16) % (sizeof(pieces) - 1)];
			}
		}
		if (conf_hostname(&profile, names[0], seed, names[1], names[2], out))
			continue;
		assert_in_range(strlen(out), 1, CONF_HOSTNAME_MAX - 1);
		assert_null(strpbrk(out, "%/ \x80"));
		if (!strcmp(profile.hostname, "%h"))
			continue;
		assert_null(strstr(out, ".."));
		assert_null(strchr(out, '_'));
		assert_null(strstr(out, "-."));
		assert_null(strstr(out, ".-"));
		assert_null(strchr("-.", out[0]));
		assert_null(strchr("-.", out[strlen(out) - 1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_templates_give_host_names),
	    cmocka_unit_test(test_random_names_give_host_names_or_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
