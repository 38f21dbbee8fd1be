/* The command's tables and JSON: hostile names of users and remote hosts have no effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/table.c"
#include "../../cli/text.c"

static const struct {
	const char *text, *printed, *json;
	size_t width;
} names[] = {
    {"", "", "\"\"", 0},
    {"alice", "alice", "\"alice\"", 5},
    {"a\"b\\c", "a\"b\\c", "\"a\\\"b\\\\c\"", 5},
    {"\033[31m\n\t\x7f", "?[31m???", "\"\\u001b[31m\\u000a\\u0009\\u007f\"", 8},
    {"J\xc3\xb6rg", "J\xc3\xb6rg", "\"J\xc3\xb6rg\"", 4},
    {"\xe2\x82\xac\xf0\x9f\x90\xa7", "\xe2\x82\xac\xf0\x9f\x90\xa7",
     "\"\xe2\x82\xac\xf0\x9f\x90\xa7\"", 2},
    {"\xc2\x9b", "?", "\"\\u009b\"", 1},				 /* C1: a terminal's CSI */
    {"\xff\xfe", "??", "\"\\ufffd\\ufffd\"", 2},			 /* never in UTF-8 */
    {"\xc3", "?", "\"\\ufffd\"", 1},					 /* cut off by the end */
    {"\xe2\x82", "??", "\"\\ufffd\\ufffd\"", 2},			 /* likewise */
    {"\xc0\xaf", "??", "\"\\ufffd\\ufffd\"", 2},			 /* overlong */
    {"\xed\xa0\x80", "???", "\"\\ufffd\\ufffd\\ufffd\"", 3},		 /* surrogate */
    {"\xf4\x90\x80\x80", "????", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", 4}, /* past U+10FFFF */
    {"\x80x", "?x", "\"\\ufffdx\"", 2},
};

static char *written(void (*write)(FILE *out, const char *text), const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	write(file, text);
	fclose(file);
	return out;
}

static void test_hostile_names_are_printed_without_controls(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *printed = written(text_print, names[i].text);
		char *json = written(json_string, names[i].text);

		assert_string_equal(printed, names[i].printed);
		assert_string_equal(json, names[i].json);
		assert_int_equal(text_width(names[i].text), names[i].width);
		free(printed);
		free(json);
	}
}

static void test_every_byte_pair_is_valid_json(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 0x10000; i++) {
		char text[3] = {(char)(i & 0xff), (char)(i >> 8), 0};
		char *json;

		json = written(json_string, text);
		for (const char *c = json; *c; c += character_length(c))
			assert_true(character_length(c) > 0 && (unsigned char)*c >= 0x20);
		free(json);
	}
}

static void test_times_beyond_range_are_question_marks(void **state)
{
	char text[TEXT_TIME_MAX];

	(void)state;
	assert_string_equal(time_utc(0, text), "1970-01-01T00:00:00Z");
	assert_string_equal(time_utc(4102444799, text), "2099-12-31T23:59:59Z");
	assert_string_equal(time_utc(INT64_MAX, text), "?");
	assert_string_equal(time_local(INT64_MAX, text), "?");
	setenv("TZ", "UTC-2", 1);
	tzset();
	assert_string_equal(time_local(0, text), "1970-01-01 02:00");
}

static void test_sizes_have_two_digits_and_a_unit(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
	    {0, "0"},
	    {999, "999"},
	    {1023, "1023"},
	    {1024, "1.0K"},
	    {1536, "1.5K"},
	    {10239, "10K"},
	    {1024 * 1024 - 1, "1.0M"},
	    {5368709120, "5.0G"},
	    {UINT64_MAX, "16E"},
	};
	char text[TEXT_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		assert_string_equal(size_text(sizes[i].bytes, text), sizes[i].text);
}

static void test_table_aligns_its_columns(void **state)
{
	static const char *const headings[] = {"USER", "UID", "FROM"};
	static const char *const cells[] = {"al\033", "7", "", "J\xc3\xb6rgen", "100000", "x"};
	struct table table;
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	(void)state;
	table_init(&table, headings, "lrl");
	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
		table_cell(&table, cells[i]);
	assert_int_equal(table_print(&table, file, "> "), 0);
	fclose(file);
	assert_string_equal(out, "> USER       UID  FROM\n"
				 "> al?          7  -\n"
				 "> J\xc3\xb6rgen  100000  x\n");
	free(out);
	table_free(&table);
}

static void test_table_without_rows_has_its_heading(void **state)
{
	static const char *const headings[] = {"USER", "UID"};
	struct table table;
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	(void)state;
	table_init(&table, headings, "lr");
	assert_int_equal(table_print(&table, file, ""), 0);
	fclose(file);
	assert_string_equal(out, "USER  UID\n");
	free(out);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hostile_names_are_printed_without_controls),
	    cmocka_unit_test(test_every_byte_pair_is_valid_json),
	    cmocka_unit_test(test_times_beyond_range_are_question_marks),
	    cmocka_unit_test(test_sizes_have_two_digits_and_a_unit),
	    cmocka_unit_test(test_table_aligns_its_columns),
	    cmocka_unit_test(test_table_without_rows_has_its_heading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
