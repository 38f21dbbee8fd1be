/* Terminal controls are found in each encoding, and letters stay (T43). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/characters.h"
#include "base/log.h"

static const struct {
	const char *text, *replaced;
} texts[] = {
    {"", ""},
    {"alice", "alice"},
    {"J\xc3\xb6rg", "J\xc3\xb6rg"}, /* U+00F6 */
    {"\xc3\x9b\xe2\x80\x9d\xf0\x9f\x92\x9b",
     "\xc3\x9b\xe2\x80\x9d\xf0\x9f\x92\x9b"}, /* letters whose bytes look like controls */
    {"a\033[2Jb\n\x7f", "a?[2Jb??"},
    {"\xc2\x9b"
     "2J",
     "?2J"}, /* U+009B: CSI */
    {"\xc2\x80\xc2\x9f", "??"},
    {"\xc2\xa0", "\xc2\xa0"}, /* U+00A0 is a space */
    {"\x9b"
     "2J",
     "?2J"}, /* CSI of a terminal with 8-bit characters */
    {"\x80\x9f", "??"},
    {"\xc3", "\xc3"}, /* cut off */
    {"\xc3"
     "a\x85",
     "\xc3"
     "a?"},
    {"\xe4\xf6\xfc", "\xe4\xf6\xfc"}, /* letters of ISO 8859-1 */
    {"\xc0\x9b", "\xc0?"},	      /* overlong */
};

static void test_controls_are_replaced_and_letters_stay(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char *text = strdup(texts[i].text);

		assert_int_equal(text_has_control(text),
				 strcmp(texts[i].text, texts[i].replaced) != 0);
		text_replace_controls(text);
		assert_string_equal(text, texts[i].replaced);
		assert_false(text_has_control(text));
		free(text);
	}
}

/* The text does not grow. */
static void test_random_bytes_leave_no_control(void **state)
{
	(void)state;
	srandom(43);
	for (int round = 0; round < 20000; round++) {
		char text[16];
		size_t length = (size_t)random() % sizeof(text);

		for (size_t i = 0; i < length; i++)
			text[i] =
			    (char)(random() % 2 ? 0x80 + random() % 0x80 : 1 + random() % 0xff);
		text[length] = '\0';
		text_replace_controls(text);
		assert_false(text_has_control(text));
		assert_true(strlen(text) <= length);
	}
}

static char logged[64];

static void keep(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	strncpy(logged, text, sizeof(logged) - 1);
}

static void test_log_lines_have_no_controls(void **state)
{
	(void)state;
	log_set_sink(keep, NULL);
	log_error("user=%s", "a\xc2\x9b"
			     "2J\x9b\033c");
	assert_string_equal(logged, "user=a?2J??c");
	(void)!log_errno(1, "open %s",
			 "\x9b"
			 "x");
	assert_string_equal(logged, "cannot open ?x: Operation not permitted");
	log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_controls_are_replaced_and_letters_stay),
	    cmocka_unit_test(test_random_bytes_leave_no_control),
	    cmocka_unit_test(test_log_lines_have_no_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
