/* The notes of leaving users: they are made, known again and forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "../../helper/pam-netns-helper/note.c"
#include "host_scratch.h"

#define FIRST 2001

static void test_note_is_made_and_forgotten(void **state)
{
	uint64_t note;

	(void)state;
	assert_int_equal(note_make(&host, FIRST), 0);
	note = note_of(FIRST);
	assert_true(note_is(&host, FIRST, note));
	assert_false(note_is(&host, FIRST, note + 1));
	assert_false(note_is(&host, FIRST + 1, note));
	assert_int_equal(note_make(&host, FIRST), 0); /* the same */
	assert_true(note_is(&host, FIRST, note));
	note_forget(&host, FIRST);
	assert_false(note_is(&host, FIRST, note));
	note_forget(&host, FIRST); /* a missing note is no error */
	assert_string_equal(log_last, "");
	assert_int_equal(unlinkat(scratch, "closing", AT_REMOVEDIR), 0);
	assert_int_equal(note_make(&host, FIRST), -ENOENT);
	assert_non_null(strstr(log_last, "closing/2001"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_note_is_made_and_forgotten, host_setup,
					    host_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
