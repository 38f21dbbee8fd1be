/* doctor's reading of PAM's stacks. Skipped lines are compared with libpam's own dispatch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/doctor/pam_stack.c"

static char folder[] = "/tmp/pam_stack_test.XXXXXX";

static int setup(void **state)
{
	(void)state;
	pam_folders[0] = mkdtemp(folder);
	pam_folders[1] = pam_folders[2] = "/nonexistent";
	return pam_folders[0] ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void file_is(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CLEANUP_FILE FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
}

static void stack_is(const char *text, struct pam_stack *stack)
{
	file_is("svc", text);
	assert_int_equal(pam_stack_read("svc", "session", stack), 0);
}

static void test_lines_are_parsed_as_by_libpam(void **state)
{
	CLEANUP_PAM_STACK struct pam_stack stack = {0};

	(void)state;
	file_is("inc", "auth required a.so\nSESSION Required inc.so # comment\n");
	stack_is("# session required no.so\n\n auth required a.so\n"
		 "-session [success=ok \\\n  Default=bad]  /lib/pam_netns.so x [y z]\n"
		 "@include inc\nsession required\nsession\nsession optional last.so",
		 &stack);
	assert_int_equal(stack.count, 3);
	assert_true(stack.lines[0].optional);
	assert_int_equal(stack.lines[0].number, 4);
	assert_string_equal(stack.lines[0].control, "success=ok    default=bad");
	assert_string_equal(pam_line_module(&stack.lines[0]), "pam_netns.so");
	assert_string_equal(stack.lines[0].arguments[0], "x");
	assert_string_equal(stack.lines[0].arguments[1], "y z");
	assert_null(stack.lines[0].arguments[2]);
	assert_string_equal(stack.lines[1].module, "inc.so");
	assert_string_equal(stack.lines[1].control, "required");
	assert_int_equal(stack.lines[1].number, 2);
	assert_non_null(strstr(stack.lines[1].file, "/inc"));
	assert_false(stack.lines[1].optional);
	assert_int_equal(stack.lines[2].number, 9);
}

static void test_service_without_lines_has_those_of_other(void **state)
{
	CLEANUP_PAM_STACK struct pam_stack stack = {0};
	struct pam_stack none;

	(void)state;
	assert_int_equal(pam_stack_read("absent", "session", &none), -ENOENT);
	file_is("other", "session required other.so\n");
	stack_is("auth required a.so\n", &stack);
	assert_int_equal(stack.count, 1);
	assert_string_equal(stack.lines[0].module, "other.so");
}

static void test_circular_includes_end(void **state)
{
	CLEANUP_PAM_STACK struct pam_stack stack = {0};

	(void)state;
	stack_is("session required a.so\nsession include svc\nsession substack svc\n@include svc\n",
		 &stack);
	assert_true(stack.count > 1);
}

/* The first line that skips "mark". */
static enum pam_skip skips(const char *text)
{
	CLEANUP_PAM_STACK struct pam_stack stack = {0};
	size_t mark = 0;

	stack_is(text, &stack);
	while (strcmp(stack.lines[mark].module, "mark") != 0)
		assert_true(++mark < stack.count);
	for (size_t i = 0; i < mark; i++)
		if (pam_line_skips(&stack, i, mark) != SKIP_NEVER)
			return pam_line_skips(&stack, i, mark);
	return SKIP_NEVER;
}

#define MARK "\nsession required mark\n"
#define END  "session required end\n"

static const struct {
	const char *text;
	enum pam_skip skip;
} stacks[] = {
    {"session required a" MARK, SKIP_NEVER},
    {"session requisite a" MARK, SKIP_NEVER},
    {"session optional a" MARK, SKIP_NEVER},
    {"session sufficient a" MARK, SKIP_SUCCESS},
    {"session SUFFICIENT a" MARK, SKIP_SUCCESS},
    {"session [success=done default=ignore] a" MARK, SKIP_SUCCESS},
    {"session [default=done] a" MARK, SKIP_SUCCESS},
    {"session [success=ok default=done] a" MARK, SKIP_NEVER},
    {"session [success=ok default=die] a" MARK, SKIP_NEVER},
    {"session [success=ok] a" MARK, SKIP_NEVER},
    {"session [success=1 default=ignore] a" MARK END, SKIP_SUCCESS},
    {"session [success=1 default=ignore] a\nsession required b" MARK END, SKIP_NEVER},
    {"session [success=2 default=ignore] a\nsession required b" MARK END, SKIP_SUCCESS},
    {"session [success=9 default=ignore] a" MARK END, SKIP_NEVER}, /* refused: no such line */
    {"session [default=1] a" MARK END, SKIP_SUCCESS},
    {"session [success=ok default=1] a" MARK END, SKIP_RESULT},
    {"session [success=ok perm_denied=1 default=bad] a" MARK END, SKIP_RESULT},
    {"session [success=ok default=1] a\nsession required b" MARK END, SKIP_NEVER},
    /* A substack is one module for a jump, and ends alone. */
    {"session [success=1 default=ignore] a\nsession substack sub" MARK END, SKIP_NEVER},
    {"session [success=2 default=ignore] a\nsession substack sub" MARK END, SKIP_SUCCESS},
    {"session substack sufficient" MARK END, SKIP_NEVER},
    {"session include sufficient" MARK END, SKIP_SUCCESS},
    {"@include sufficient" MARK END, SKIP_SUCCESS},
    {"session substack jump" MARK END, SKIP_NEVER},
    {"session include jump" MARK END, SKIP_SUCCESS},
    {"session [success=1 default=ignore] a\nsession substack marked\n" END, SKIP_SUCCESS},
    {"session [success=1 default=ignore] a\nsession include marked\n" END, SKIP_NEVER},
    {"session sufficient a\nsession substack marked\n" END, SKIP_SUCCESS},
    {"session substack sufficient\nsession substack marked\n" END, SKIP_NEVER},
};

static void test_controls_that_skip_the_line_are_found(void **state)
{
	(void)state;
	file_is("sub", "session required s\nsession required t\n");
	file_is("sufficient", "session sufficient s\n");
	file_is("jump", "session [success=1 default=ignore] s\n");
	file_is("marked", "session required s\nsession required mark\n");
	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		enum pam_skip skip = skips(stacks[i].text);

		if (skip != stacks[i].skip)
			fail_msg("%s: %d", stacks[i].text, skip);
	}
}

static void test_controls_that_refuse_are_known(void **state)
{
	static const struct {
		const char *control;
		bool required;
	} controls[] = {
	    {"required", true},
	    {"requisite", true},
	    {"sufficient", false},
	    {"optional", false},
	    {"success=ok", true},
	    {"success=ok default=ignore", false},
	    {"success=ok default=die", true},
	    {"default=ignore perm_denied=bad", true},
	    {"perm_denied=ignore default=bad", false},
	    {"default=bad perm_denied=1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++) {
		struct pam_line line = {.control = strdup(controls[i].control)};

		if (pam_line_required(&line) != controls[i].required)
			fail_msg("%s", controls[i].control);
		free(line.control);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_are_parsed_as_by_libpam),
	    cmocka_unit_test(test_service_without_lines_has_those_of_other),
	    cmocka_unit_test(test_circular_includes_end),
	    cmocka_unit_test(test_controls_that_skip_the_line_are_found),
	    cmocka_unit_test(test_controls_that_refuse_are_known),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
