/* The conf file as a whole: syntax, relations between sections, and random bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "conf_parse.h"

/* Whole files and their exact messages. */
static const struct {
	const char *text, *messages;
} files[] = {
    /* Structure. */
    {"", "t: has no [profile NAME] section, so all logins would be refused; write one with match = "
	 "*\n"},
    {"# nothing\n\n", "t: has no [profile NAME] section, so all logins would be refused; write one "
		      "with match = *\n"},
    {"bridge = x\n" SMALL, "t:1: bridge = x: stands before any section; begin with [defaults], "
			   "[network NAME] or [profile NAME]\n"},
    {SMALL "[nets a]\nx = y\n", "t:4: [nets a]: unknown section; there are [defaults], [network "
				"NAME] and [profile NAME]\n"},
    {SMALL "[]\n", "t:4: []: unknown section; there are [defaults], [network NAME] and [profile "
		   "NAME]\n"},
    {SMALL "[defaults x]\n", "t:4: [defaults x]: unknown section; there are [defaults], [network "
			     "NAME] and [profile NAME]\n"},
    {SMALL "[network]\n", "t:4: [network]: a name is missing\n"},
    {SMALL "[network a b]\n",
     "t:4: [network a b]: a name begins with a letter, and has letters, digits, '_' and '-'\n"},
    {SMALL "[profile ../x]\n",
     "t:4: [profile ../x]: a name begins with a letter, and has letters, digits, '_' and '-'\n"},
    {SMALL "[profile aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
     "t:4: [profile aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]: the name has more than 31 characters\n"},
    {SMALL "[network b\n",
     "t:4: [network b]: the section's name has no end; write [NAME]\n"
     "t:4: [network b] bridge = pnbr0: is the bridge of [network default] "
     "already (line 1); give each network its own\n"
     "t:4: [network b] subnet = 10.203.0.0/16: overlaps 10.203.0.0/16 of "
     "[network default] (line 1); give each network its own, or write auto\n"},
    {SMALL "[defaults] deadline = 1s\n", "t:4: [defaults] deadline = 1s: stands after a section's "
					 "name; begin a new line, or a comment with ;\n"},
    {"[network default]\nnat = yes\n[profile x]\nmatch = *\n[network default]\nnat = no\n",
     "t:5: [network default]: is a second section of this name (the first is in line 1); keep "
     "one\n"},
    {SMALL "match = root\n",
     "t:4: [profile all] match = root: is given twice (first in line 3); keep one\n"},
    {SMALL "linger\n", "t:4: [profile all] linger: is neither a section nor a key; write key = "
		       "value, and indent a line that continues a value\n"},
    {SMALL "linger: no\n", "t:4: [profile all] linger: no: is neither a section nor a key; write "
			   "key = value, and indent a line that continues a value\n"},
    {SMALL "= no\n", "t:4: [profile all] no: there is no key before the =; write key = value\n"},
    {SMALL "linger =\n", "t:4: [profile all] linger = : has no value; give one, or remove the line "
			 "for the default: processes\n"},
    {SMALL "linger = ; no\n", "t:4: [profile all] linger = : has no value; give one, or remove the "
			      "line for the default: processes\n"},
    {SMALL " linger = no\n", "t:4: [profile all] linger = no: begins with a blank, so it would "
			     "continue the value above; begin a key in the first column\n"},
    {"[network default]\n  more\n[profile x]\nmatch = *\n",
     "t:2: [network default] more: begins with a blank, so it would continue the value above; "
     "begin "
     "a key in the first column\n"},
    {SMALL "Linger = no\n", "t:4: [profile all] Linger = no: unknown key; this section has: match, "
			    "isolate, nested, network, namespaces, hostname, private, "
			    "private_size, private_exec, processes, hide, read_only, bind, root, "
			    "linger, limits, low_ports, net_admin\n"},
    {SMALL "low_ports = no", "t:4: [profile all] low_ports = no: the last line has no newline: the "
			     "file may have been cut off; end it with one\n"},
    {"\xef\xbb\xbf" SMALL, "t:1: the file begins with a byte order mark; save it without one\n"
			   "t:2: [profile all] network = default: there is no [network default]; "
			   "write that section\n"},
    {SMALL "linger = \x1b[2J\n", "t:4: byte 0x1b in column 10; the file must be plain text\n"},
    {SMALL "# \x07\n", "t:4: byte 0x07 in column 3; the file must be plain text\n"},
    {SMALL "linger = a\rb\n", "t:4: byte 0x0d in column 11; the file must be plain text\n"},
    {"[network default]\nbridge = br\xc3\xa9\n[profile x]\nmatch = *\n",
     "t:2: [network default] bridge = br\\xc3\\xa9: a bridge's name has letters, digits, '.', '_' "
     "and '-', and begins with a letter or digit\n"},
    /* Relations between sections. */
    {"[profile x]\nmatch = *\n", "t:1: [profile x] network = default: there is no [network "
				 "default]; write that section\n"},
    {SMALL "[profile x]\nmatch = root\nnetwork = lab\n",
     "t:6: [profile x] network = lab: there is no [network lab]; write that section; or name one "
     "of: default\n"},
    {SMALL "[profile x]\nlinger = no\n", "t:4: [profile x] match: is missing; this section must "
					 "have it\n"},
    {SMALL "[profile x]\nmatch =\n", "t:5: [profile x] match = : has no value; give one, or remove "
				     "the line\n"},
    {SMALL "[network lab]\nbridge = pnbr1\nsubnet = 10.203.128.0/20\n",
     "t:6: [network lab] subnet = 10.203.128.0/20: overlaps 10.203.0.0/16 of [network default] "
     "(line 1); give each network its own, or write auto\n"},
    {"[network lab]\nsubnet = 10.0.0.0/16\nsubnet6 = fd00:1::/64\n[network default]\n"
     "bridge = x\nsubnet6 = fd00:1::/48\n[profile x]\nmatch = *\n",
     "t:6: [network default] subnet6 = fd00:1::/48: overlaps fd00:1::/64 of [network lab] (line "
     "3); "
     "give each network its own, or write auto\n"},
    {SMALL "[network lab]\nsubnet = auto\n",
     "t:4: [network lab] bridge = pnbr0: is the bridge of "
     "[network default] already (line 1); give each network "
     "its own\n"},
    {SMALL "[network lab]\nsubnet = auto\nbridge = pnbr0.7\n",
     "t:6: [network lab] bridge = pnbr0.7: differs from bridge pnbr0 of [network default] "
     "(line 1) only by .N, which further bridges have; choose another name\n"},
    {"[network a]\nbridge = x.12\nsubnet = auto\n[network b]\nbridge = x\n[profile x]\n"
     "match = *\nnetwork = a\n",
     "t:5: [network b] bridge = x: differs from bridge x.12 of [network a] (line 2) only "
     "by .N, which further bridges have; choose another name\n"},
    {"[network default]\nsubnet = 10.0.0.0/8\nsubnet6 = fd00::/112\n[profile x]\nmatch = *\n",
     "t:3: [network default] subnet6 = fd00::/112: has fewer addresses than subnet, and each user "
     "needs one of both; write /104 or shorter\n"},
    {"[profile x]\nmatch = *\nisolate = no\nhostname = x\nprivate = /tmp\nnet_admin = no\n",
     "t:4: [profile x] hostname = x: has no effect if isolate = no; remove the line, or write "
     "isolate = yes\n"
     "t:5: [profile x] private = /tmp: has no effect if isolate = no; remove the line, or write "
     "isolate = yes\n"
     "t:6: [profile x] net_admin = no: has no effect if isolate = no; remove the line, or write "
     "isolate = yes\n"},
    {SMALL "namespaces = net\nhostname = %u\nprivate = /tmp\nprivate_size = 1M\n"
	   "private_exec = no\n",
     "t:5: [profile all] hostname = %u: needs the uts namespace; add uts to namespaces, or "
     "remove the line\n"
     "t:6: [profile all] private = /tmp: needs the mnt namespace; add mnt to namespaces, or "
     "remove the line\n"
     "t:7: [profile all] private_size = 1M: needs the mnt namespace; add mnt to namespaces, "
     "or "
     "remove the line\n"
     "t:8: [profile all] private_exec = no: needs the mnt namespace; add mnt to namespaces, "
     "or "
     "remove the line\n"},
    {SMALL "hide = /srv/a /home/*\nread_only = /srv/a/b\nbind = /opt:/home /home:/mnt /srv:/a\n",
     "t:5: [profile all] read_only = /srv/a/b: '/srv/a/b' overlaps with /srv/a, which is hidden, "
     "and so read-only; keep one\n"
     "t:6: [profile all] bind = /opt:/home /home:/mnt /srv:/a: '/home' would be mounted over "
     "'/home', which hide or read_only names; keep one\n"
     "t:6: [profile all] bind = /opt:/home /home:/mnt /srv:/a: '/srv' would show '/srv/a', which "
     "hide names, below '/a'; name a part of it\n"},
    /* Errors are in the order of their lines. */
    {"[profile x]\nfoo = bar\nlinger = 1\nmatch = *\nnonsense\n[network n]\nmtu = 1\n",
     "t:1: [profile x] network = default: there is no [network default]; write that section; or "
     "name "
     "one of: n\n"
     "t:2: [profile x] foo = bar: unknown key; this section has: match, isolate, nested, "
     "network, namespaces, hostname, private, private_size, private_exec, processes, hide, "
     "read_only, bind, root, "
     "linger, limits, low_ports, net_admin\n"
     "t:3: [profile x] linger = 1: must be processes or no\n"
     "t:5: [profile x] nonsense: is neither a section nor a key; write key = value, and indent a "
     "line that continues a value\n"
     "t:7: [network n] mtu = 1: must be auto or a number from 1280 to 65535\n"},
};

static void test_erroneous_files_have_exact_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++)
		assert_refused(files[i].text, files[i].messages);
}

static void test_file_with_nul_is_refused(void **state)
{
	static const char text[] = SMALL "linger = no\0\nlow_ports = yes\n";
	struct conf *conf;

	(void)state;
	assert_int_equal(parse_size(text, sizeof(text) - 1, &conf), -EINVAL);
	assert_null(conf);
	assert_string_equal(logged, "t:4: byte 0x00 in column 12; the file must be plain text\n");
}

/* A value has a limit, on one line or on several; comments have none. */
static void test_line_beyond_limit_is_refused(void **state)
{
	CLEANUP_FREE char *text = calloc(1, CONF_SIZE_MAX);
	struct conf *conf;

	(void)state;
	for (int length = 16370; length < 16400; length++) {
		sprintf(text, SMALL "linger = no\nlow_ports = %0*d\n", length, 1);
		assert_int_equal(parse_size(text, strlen(text), &conf), -EINVAL);
		assert_non_null(strstr(logged, "t:5: [profile all] low_ports = 000"));
		assert_int_equal(strstr(logged, "the value is longer than 16384 bytes") != NULL,
				 length >= 16384);
	}
	sprintf(text, SMALL "linger = no ; %020000d\n# %020000d\nlow_ports%4000s=%4000s yes\n", 1,
		1, "", "");
	conf = parse_good(text);
	assert_true(conf->profiles[0].low_ports);
	conf_free(conf);
}

/* A value may be continued over several lines, up to a limit. */
static void test_continued_value_beyond_limit_is_refused(void **state)
{
	char *text = calloc(1, CONF_SIZE_MAX);
	struct conf *conf;

	(void)state;
	strcpy(text, "[profile x]\nmatch = *\n[network default]\negress = deny tcp/25");
	for (int i = 0; i < 500; i++)
		sprintf(text + strlen(text), ",\n deny 10.0.%d.0/24", i / 2);
	strcat(text, "\n");
	conf = parse_good(text);
	assert_int_equal(conf->networks[0].egress_count, 501);
	conf_free(conf);
	for (int i = 0; i < 500; i++)
		sprintf(text + strlen(text), " , deny 10.0.%d.0/24\n", i / 2);
	assert_int_equal(parse_size(text, strlen(text), &conf), -EINVAL);
	assert_null(conf);
	assert_non_null(strstr(logged, "the value is longer than 16384 bytes; shorten it"));
	free(text);
}

/* The log has a limited number of lines, and the count of the others. */
static void test_random_bytes_log_few_lines(void **state)
{
	const size_t size = 10 << 20;
	char *noise = malloc(size);
	unsigned seed = 1;
	size_t lines = 0;
	struct conf *conf;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		noise[i] = (char)(seed >> 16);
	}
	assert_int_equal(parse_size(noise, size, &conf), -EFBIG);
	assert_null(conf);
	assert_string_equal(logged, "t: has 10485760 bytes; at most 262144 are read\n");
	assert_int_equal(parse_size(noise, CONF_SIZE_MAX, &conf), -EINVAL);
	assert_null(conf);
	for (const char *c = logged; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 101);
	assert_non_null(strstr(logged, " more errors\n"));
	free(noise);
}

/* The time must not grow with the square of the number of sections. */
static void test_many_sections_are_parsed_fast(void **state)
{
	char *text = calloc(1, CONF_SIZE_MAX);
	size_t used = (size_t)sprintf(text, SMALL);
	struct conf *conf;

	(void)state;
	for (int i = 0; used < CONF_SIZE_MAX - 64; i++)
		used += (size_t)sprintf(text + used, "[network n%d]\n", i);
	assert_int_equal(parse_size(text, used, &conf), -EINVAL);
	assert_null(conf);
	used = (size_t)sprintf(text, SMALL);
	while (used < CONF_SIZE_MAX - 64)
		used += (size_t)sprintf(text + used, "a=\n");
	assert_int_equal(parse_size(text, used, &conf), -EINVAL);
	assert_null(conf);
	used = (size_t)sprintf(text, SMALL "private =\n");
	while (used < CONF_SIZE_MAX - 64)
		used += (size_t)sprintf(text + used, " /a%zu\n", used);
	assert_int_equal(parse_size(text, used, &conf), -EINVAL);
	assert_null(conf);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_erroneous_files_have_exact_messages),
	    cmocka_unit_test(test_file_with_nul_is_refused),
	    cmocka_unit_test(test_line_beyond_limit_is_refused),
	    cmocka_unit_test(test_continued_value_beyond_limit_is_refused),
	    cmocka_unit_test(test_random_bytes_log_few_lines),
	    cmocka_unit_test(test_many_sections_are_parsed_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
