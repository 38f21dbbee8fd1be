/*
 * Each key of the table by its kind: defaults, words and bounds are accepted, values beyond them are
 * refused, and a printed value is read as the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "conf_parse.h"

#include "conf/kind.h"

/* Parses a conf with this further line in a section of the key's kind. */
struct parsed {
	struct conf *conf;
	const void *target;
};

static const char *const sections[] = {
    [CONF_DEFAULTS] = "defaults", [CONF_NETWORK] = "network default", [CONF_PROFILE] = "profile x"};

static void text_write(const struct conf_key *key, const char *value, char *out, size_t size)
{
	const bool is_match = !strcmp(key->name, "match");
	const bool is_isolate = !strcmp(key->name, "isolate");

	snprintf(out, size, "%s%s%s%s[%s]\n%s%s%s = %s\n",
		 key->section == CONF_NETWORK ? "" : "[network default]\n",
		 key->section == CONF_PROFILE ? "" : "[profile x]\n",
		 key->section == CONF_PROFILE ? "" : "match = *\n", "", sections[key->section],
		 key->section == CONF_PROFILE && !is_match ? "match = *\n" : "",
		 key->only == CONF_ON_HOST && !is_isolate ? "isolate = no\n" : "", key->name,
		 value);
}

static struct parsed parse(const struct conf_key *key, const char *value)
{
	struct parsed parsed;
	char text[4096];

	text_write(key, value, text, sizeof(text));
	parsed.conf = parse_good(text);
	parsed.target = key->section == CONF_DEFAULTS  ? (const void *)parsed.conf
			: key->section == CONF_NETWORK ? (const void *)parsed.conf->networks
						       : (const void *)parsed.conf->profiles;
	return parsed;
}

/* A printed value is read as the same value, and printed as the same text. */
static void assert_prints(const struct conf_key *key, const char *value, const char *printed)
{
	struct parsed parsed = parse(key, value);
	char *text = conf_key_print(key, parsed.target);

	assert_string_equal(text, printed);
	conf_free(parsed.conf);
	free(text);
	parsed = parse(key, printed);
	text = conf_key_print(key, parsed.target);
	assert_string_equal(text, printed);
	conf_free(parsed.conf);
	free(text);
}

static void assert_wrong(const struct conf_key *key, const char *value)
{
	struct conf *conf;
	char text[4096], place[128];

	text_write(key, value, text, sizeof(text));
	assert_int_equal(parse_size(text, strlen(text), &conf), -EINVAL);
	snprintf(place, sizeof(place), "[%s] %s = %s: ", sections[key->section], key->name, value);
	assert_non_null(strstr(logged, place));
}

static void test_each_key_accepts_its_default(void **state)
{
	static const size_t sizes[] = {sizeof(struct conf), sizeof(struct network),
				       sizeof(struct profile)};

	(void)state;
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		const struct conf_key *key = &conf_keys[i];

		assert_true(strlen(key->name) < sizeof(key->name));
		assert_true(key->section < COUNT(sizes));
		assert_true(key->kind < VALUE_KINDS);
		assert_true(key->offset + key->size <= sizes[key->section]);
		assert_true(key->also < sizes[key->section]);
		assert_true(*key->fallback || !strcmp(key->name, "match"));
		for (size_t j = 0; j < i; j++) /* the keys of a section are together */
			assert_true(conf_keys[j].section <= key->section);
	}
}

#define SAYS(...)					    .says = {__VA_ARGS__}
#define TOLD(function)					    .told = true
#define KEY(section, name, otherwise, text, explained, ...) [KEY_##name] = {(text), explained},

static const struct {
	const char *sentence;
	const char *says[4];
	bool told;
} texts[CONF_KEYS_COUNT] = {
#include "conf/keys.def"
};

static void test_each_key_has_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		const char *sentence = texts[i].sentence;
		unsigned words = 0;
		size_t length;

		assert_true(*sentence >= 'A' && *sentence <= 'Z');
		assert_true(sentence[strlen(sentence) - 1] == '.');
		while (conf_word(&conf_keys[i], words, &length))
			words++;
		/* explain has a text for each word. */
		for (unsigned w = 0; w < COUNT(texts[i].says); w++)
			assert_int_equal(texts[i].says[w] != NULL, w < words && !texts[i].told);
	}
}

static void test_default_is_printed_and_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		const char *fallback = conf_keys[i].fallback;

		if (*fallback)
			assert_prints(&conf_keys[i], fallback,
				      i == KEY_namespaces ? "net uts mnt" : fallback);
	}
}

static void test_words_of_a_key_are_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		const struct conf_key *key = &conf_keys[i];
		size_t length;
		const char *word;

		for (unsigned w = 0; (word = conf_word(key, w, &length)); w++) {
			char value[32];

			snprintf(value, sizeof(value), "%.*s", (int)length, word);
			assert_int_equal(conf_word_index(key, value), w);
			assert_prints(key, value, value);
			if (key->kind != VALUE_BOOL && key->kind != VALUE_WORD)
				continue;
			value[length - 1] = '\0';
			assert_wrong(key, value);
			strcat(value, word + length - 1);
			strcat(value, "x");
			assert_wrong(key, value);
		}
		if (*key->words && key->kind != VALUE_SERVICES)
			assert_wrong(key, "no-such-word");
	}
}

static void test_numbers_beyond_bounds_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		const struct conf_key *key = &conf_keys[i];
		const char *unit = key->kind == VALUE_TIME ? "ms" : "";
		char value[32], printed[32];

		if (key->kind != VALUE_NUMBER && key->kind != VALUE_TIME)
			continue;
		for (unsigned n = key->min; n; n = n == key->min ? key->max : 0) {
			snprintf(value, sizeof(value), "%u%s", n, unit);
			snprintf(printed, sizeof(printed), "%u%s", *unit ? n / 1000 : n,
				 *unit ? "s" : "");
			assert_prints(key, value, printed);
			snprintf(value, sizeof(value), "%u%s", n == key->min ? n - 1 : n + 1, unit);
			assert_wrong(key, value);
		}
		assert_wrong(key, "99999999999999999999");
		assert_wrong(key, "-1");
	}
}

static void test_values_are_printed_and_read(void **state)
{
	static const struct {
		enum conf_key_id id;
		const char *value, *printed;
	} table[] = {
	    {KEY_deadline, "1500ms", "1500ms"},
	    {KEY_deadline, "3000ms", "3s"},
	    {KEY_services_exempt, "a, b  c", "a b c"},
	    {KEY_bridge, "lab.x-1", "lab.x-1"},
	    {KEY_subnet, "10.0.0.0/8", "10.0.0.0/8"},
	    {KEY_subnet, "192.168.7.0/28", "192.168.7.0/28"},
	    {KEY_subnet6, "fd00:1:2::/48", "fd00:1:2::/48"},
	    {KEY_subnet6, "fd00::/112", "fd00::/112"},
	    {KEY_nat, "192.0.2.1", "192.0.2.1"},
	    {KEY_nat, "2001:db8::1, 192.0.2.1", "192.0.2.1 2001:db8::1"},
	    {KEY_nat, "2001:db8::1", "2001:db8::1"},
	    {KEY_host_access, "udp/5-7 dns tcp/22 icmp", "icmp dns udp/5-7 tcp/22"},
	    {KEY_host_access, "tcp/22", "tcp/22"},
	    {KEY_egress, "allow any", "any"},
	    {KEY_egress, "deny any", "deny any"},
	    {KEY_egress, "deny tcp/25, allow udp/1-2 10.0.0.0/8, deny fd00::1",
	     "deny tcp/25 any, allow udp/1-2 10.0.0.0/8, deny fd00::1/128"},
	    {KEY_dns, "192.0.2.1,2001:db8::1", "192.0.2.1 2001:db8::1"},
	    {KEY_new_connections, "1/second  burst 1000000", "1/second burst 1000000"},
	    {KEY_match, "alice,@lab, 7, 1-999, *", "alice, @lab, 7, 1-999, *"},
	    {KEY_network, "default", "default"},
	    {KEY_namespaces, "uts, net", "net uts"},
	    {KEY_namespaces, "net", "net"},
	    {KEY_hostname, "%u-%h", "%u-%h"},
	    {KEY_private, "/tmp /srv/x", "/tmp /srv/x"},
	    {KEY_private_size, "100%", "100%"},
	    {KEY_private_size, "1K", "1K"},
	    {KEY_private_size, "1536K", "1536K"},
	    {KEY_private_size, "2048K", "2M"},
	    {KEY_private_size, "4096G", "4096G"},
	    {KEY_limits, "tasks=512, memory=4096M", "memory=4G tasks=512"},
	    {KEY_limits, "io=50 cpu=250% memory=2T", "memory=2T cpu=250% io=50"},
	    {KEY_limits, "memory=16384K", "memory=16M"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_prints(&conf_keys[table[i].id], table[i].value, table[i].printed);
}

static void test_lists_beyond_limit_are_refused(void **state)
{
	char value[1024] = "";

	(void)state;
	for (unsigned i = 0; i < conf_keys[KEY_private].max; i++)
		snprintf(value + strlen(value), sizeof(value) - strlen(value), "%s/d%u",
			 i ? " " : "", i);
	assert_prints(&conf_keys[KEY_private], value, value);
	strcat(value, " /one-more");
	assert_wrong(&conf_keys[KEY_private], value);
	assert_wrong(&conf_keys[KEY_private], ",");
	assert_wrong(&conf_keys[KEY_services_exempt], ",");
	assert_wrong(&conf_keys[KEY_services_exempt], "a /b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_key_accepts_its_default),
	    cmocka_unit_test(test_each_key_has_a_sentence),
	    cmocka_unit_test(test_default_is_printed_and_read),
	    cmocka_unit_test(test_words_of_a_key_are_accepted),
	    cmocka_unit_test(test_numbers_beyond_bounds_are_refused),
	    cmocka_unit_test(test_values_are_printed_and_read),
	    cmocka_unit_test(test_lists_beyond_limit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
