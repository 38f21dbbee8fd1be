/* The command line: commands, their options and operands, help, exit statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>

#include "output.h"

#include "../../cli/command.h"
#include "../../cli/keys.h"
#include "base/paths.h"
#include "conf/conf.h"

static const char *ran; /* NULL: no command */
static struct arguments got;
static int answer;
static uid_t fake_euid;

#define COMMAND(name)                                                                              \
	int command_##name(const struct arguments *arguments)                                      \
	{                                                                                          \
		ran = #name;                                                                       \
		got = *arguments;                                                                  \
		printf("it ran\n");                                                                \
		return answer;                                                                     \
	}
COMMAND(up)
COMMAND(down)
COMMAND(list)
COMMAND(status)
COMMAND(explain)
COMMAND(exec)
COMMAND(lab)
COMMAND(repair)
COMMAND(kick)
COMMAND(gc)
COMMAND(check)
COMMAND(doctor)

int keys_list(void)
{
	ran = "keys";
	return 0;
}

static bool conf_bad;

static int fake_conf_read(const char *path, struct conf **out)
{
	static const char text[] =
	    "[network default]\n[network lab]\nbridge = pnlab\nsubnet = 10.204.0.0/16\n"
	    "[profile p]\nmatch = *\n";

	assert_string_equal(path, CONF_PATH);
	return conf_bad ? -ENOENT : conf_parse(text, strlen(text), "t", out);
}

#define conf_read(path, out) fake_conf_read(path, out)
#define geteuid()	     fake_euid
#define main(argc, argv)     command_main(argc, argv)
int command_main(int argc, char **argv);

#include "../../cli/main.c"
#include "../../cli/text.c"

#undef main

#define WORDS_MAX 8

/* Runs `pam-netns WORD...`, up to the first NULL. */
static int command(const char *first, ...)
{
	static char *argv[WORDS_MAX + 2]; /* what a command is given points here */
	int argc = 1, status;
	va_list words;

	memset(argv, 0, sizeof(argv));
	argv[0] = (char *)"pam-netns";
	va_start(words, first);
	for (const char *word = first; word && argc <= WORDS_MAX; word = va_arg(words, char *))
		argv[argc++] = (char *)word;
	va_end(words);
	ran = NULL;
	got = (struct arguments){0};
	output_of(status = command_main(argc, argv));
	return status;
}

static int setup(void **state)
{
	(void)state;
	answer = 0;
	fake_euid = 0;
	return 0;
}

static size_t lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* The command line is refused: a message and the usage on standard error, and no command runs. */
static void assert_usage(int status, const char *name)
{
	char usage[64];

	snprintf(usage, sizeof(usage), "\nUsage: pam-netns %s", name);
	assert_int_equal(status, STATUS_USAGE);
	assert_null(ran);
	assert_string_equal(output, "");
	assert_non_null(strstr(output_error, name));
	assert_non_null(strstr(output_error, usage));
	assert_int_equal(lines(output_error), 2);
}

static void test_missing_command_is_refused(void **state)
{
	char *none[] = {NULL};
	int status;

	(void)state;
	assert_int_equal(command(NULL), STATUS_USAGE);
	assert_string_equal(output, "");
	assert_non_null(strstr(output_error, "--help"));
	output_of(status = command_main(0, none)); /* CVE-2021-4034 */
	assert_int_equal(status, STATUS_USAGE);
}

static void test_unknown_command_is_refused(void **state)
{
	static const char *const unknown[] = {"", "lists", "LIST", "-x", "--list", "doctor "};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		assert_int_equal(command(unknown[i], NULL), STATUS_USAGE);
		assert_null(ran);
		assert_string_equal(output, "");
		assert_non_null(strstr(output_error, unknown[i]));
		assert_int_equal(lines(output_error), 1);
		assert_int_equal(command("help", unknown[i], NULL), STATUS_USAGE);
		assert_string_equal(output, "");
	}
}

static void test_version_is_printed(void **state)
{
	(void)state;
	assert_int_equal(command("--version", NULL), 0);
	assert_string_equal(output, "pam-netns " VERSION "\n");
	assert_int_equal(command("-V", NULL), 0);
	assert_string_equal(output, "pam-netns " VERSION "\n");
}

/* Each line fits a terminal of 80 columns. */
static void assert_fits(const char *text)
{
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		assert_non_null(end); /* each line is complete */
		assert_true(end - text <= 80);
	}
}

static void test_help_has_a_line_a_command(void **state)
{
	static const char *const words[] = {"--help", "-h", "help"};
	char first[sizeof(output)];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(command(words[i], NULL), STATUS_FINE);
		assert_string_equal(output_error, "");
		if (i)
			assert_string_equal(output, first);
		strcpy(first, output);
	}
	assert_fits(output);
	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		char line[32];

		snprintf(line, sizeof(line), "\n  %-8s ", commands[i].name);
		assert_non_null(strstr(output, line));
	}
}

/* Three ways give the same help, for each user. */
static void test_help_of_each_command_runs_nothing(void **state)
{
	(void)state;
	fake_euid = 2001;
	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		const struct command *c = &commands[i];
		char first[sizeof(output)], usage[64];

		assert_int_equal(command("help", c->name, NULL), STATUS_FINE);
		strcpy(first, output);
		assert_int_equal(command(c->name, "--help", NULL), STATUS_FINE);
		assert_string_equal(output, first);
		assert_int_equal(command(c->name, "-h", NULL), STATUS_FINE);
		assert_string_equal(output, first);
		assert_string_equal(output_error, "");
		assert_null(ran);

		snprintf(usage, sizeof(usage), "Usage: pam-netns %s", c->name);
		assert_memory_equal(output, usage, strlen(usage));
		assert_fits(output);
		assert_non_null(strstr(output, "\nExit status: "));
		assert_non_null(strstr(output, "\nExamples:\n  "));
		assert_int_equal(strstr(output, "needs root") != NULL, c->root);
		assert_int_equal(strstr(output, "-- COMMAND") != NULL, c->tail);
		for (size_t o = 0; o < OPTIONS_COUNT; o++) {
			char use[32], help[32];

			snprintf(use, sizeof(use), "[%s]", options[o].text);
			snprintf(help, sizeof(help), "\n  %s ", options[o].text);
			assert_int_equal(strstr(output, use) != NULL,
					 (c->options & options[o].option) != 0);
			assert_int_equal(strstr(output, help) != NULL,
					 (c->options & options[o].option) != 0);
		}
		if (c->operand == OPERAND_OPTIONAL) {
			snprintf(usage, sizeof(usage), " [%s]", c->operand_name);
			assert_non_null(strstr(output, usage));
		} else if (c->operand == OPERAND_NEEDED) {
			snprintf(usage, sizeof(usage), "%s %s", c->name, c->operand_name);
			assert_non_null(strstr(output, usage));
		}
	}
}

/* Each command has its own function, and its status is the program's. */
static void test_each_command_gets_its_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		const struct command *c = &commands[i];

		answer = (int)i + 3;
		assert_int_equal(
		    command(c->name, c->operand == OPERAND_NEEDED ? "alice" : NULL, NULL), answer);
		assert_string_equal(ran, c->name);
		assert_string_equal(output, "it ran\n");
		assert_string_equal(output_error, "");
		assert_false(got.drop || got.json || got.force || got.root || got.wide || got.tail);
		for (size_t o = 0; o < OPTIONS_COUNT; o++) {
			int status = command(c->name, options[o].text, "alice", NULL);

			if (!(c->options & options[o].option) || c->operand == OPERAND_NONE) {
				assert_usage(status, c->name);
				continue;
			}
			assert_int_equal(status, answer);
			assert_string_equal(got.operand, "alice");
			assert_int_equal(got.json, options[o].option == OPTION_JSON);
			assert_int_equal(got.force, options[o].option == OPTION_FORCE);
			assert_int_equal(got.root, options[o].option == OPTION_ROOT);
			assert_int_equal(got.drop, options[o].option == OPTION_DROP);
			assert_int_equal(got.wide, options[o].option == OPTION_WIDE);
		}
	}
}

static void test_operands_are_counted(void **state)
{
	(void)state;
	assert_int_equal(command("list", NULL), 0);
	assert_null(got.operand);
	assert_usage(command("list", "alice", NULL), "list");
	assert_int_equal(command("status", NULL), 0);
	assert_null(got.operand);
	assert_int_equal(command("status", "alice", "--json", NULL), 0);
	assert_string_equal(got.operand, "alice");
	assert_true(got.json);
	assert_usage(command("status", "alice", "bob", NULL), "status");
	assert_non_null(strstr(output_error, "'bob'"));
	assert_usage(command("status", "", NULL), "status");
	assert_usage(command("kick", NULL), "kick");
	assert_non_null(strstr(output_error, "USER"));
	assert_usage(command("kick", "", NULL), "kick");
	assert_int_equal(command("kick", "#2001", NULL), 0);
	assert_string_equal(got.operand, "#2001");
	/* An option may follow the operand; help comes first. */
	assert_int_equal(command("list", "--wide", "--json", NULL), 0);
	assert_true(got.wide && got.json);
	assert_usage(command("list", "--wide", "--help", NULL), "list");
}

/* Words after "--" are the command's, with options and further "--". */
static void test_words_after_dashes_are_the_commands(void **state)
{
	(void)state;
	assert_int_equal(command("exec", "alice", "--", "ls", "--json", "--", "-l", NULL), 0);
	assert_string_equal(got.operand, "alice");
	assert_string_equal(got.tail[0], "ls");
	assert_string_equal(got.tail[1], "--json");
	assert_string_equal(got.tail[2], "--");
	assert_string_equal(got.tail[3], "-l");
	assert_null(got.tail[4]);
	assert_false(got.json);
	assert_int_equal(command("exec", "--", NULL), 0);
	assert_null(got.operand);
	assert_non_null(got.tail);
	assert_null(got.tail[0]);
	assert_int_equal(command("exec", "--root", "alice", NULL), 0);
	assert_null(got.tail);
	assert_true(got.root);
	assert_usage(command("kick", "alice", "--", NULL), "kick");
}

static void test_commands_of_root_are_refused_for_users(void **state)
{
	(void)state;
	fake_euid = 2001;
	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		const struct command *c = &commands[i];
		int status = command(c->name, c->operand == OPERAND_NEEDED ? "alice" : NULL, NULL);

		if (!c->root) {
			assert_int_equal(status, 0);
			assert_string_equal(ran, c->name);
			continue;
		}
		assert_int_equal(status, STATUS_FAILED);
		assert_null(ran);
		assert_string_equal(output, "");
		assert_non_null(strstr(output_error, c->name));
		assert_non_null(strstr(output_error, "root"));
		assert_int_equal(lines(output_error), 1);
	}
	/* A wrong command line is reported first. */
	assert_usage(command("kick", NULL), "kick");
}

static void test_t43_words_are_printed_without_controls(void **state)
{
	static const char hostile[] = "a\033[31m\n\xc2\x9b\xff";

	(void)state;
	assert_int_equal(command(hostile, NULL), STATUS_USAGE);
	assert_non_null(strstr(output_error, "a?[31m???"));
	assert_int_equal(command("help", hostile, NULL), STATUS_USAGE);
	assert_non_null(strstr(output_error, "a?[31m???"));
	assert_usage(command("list", hostile, NULL), "list");
	assert_non_null(strstr(output_error, "'a?[31m???"
					     "'"));
	assert_usage(command("list", "--\033x", NULL), "list");
	assert_non_null(strstr(output_error, "'--?x'"));
}

/* A write error must not look like an empty list. */
static void test_full_output_is_an_error(void **state)
{
	char *argv[] = {(char *)"pam-netns", (char *)"list", NULL};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), before = -1, status = -1;

	(void)state;
	assert_true(full >= 0);
	output_of({
		before = dup(STDOUT_FILENO);
		dup2(full, STDOUT_FILENO);
		status = command_main(2, argv);
		dup2(before, STDOUT_FILENO);
		close(before);
	});
	close(full);
	assert_string_equal(ran, "list");
	assert_int_equal(status, STATUS_FAILED);
	assert_non_null(strstr(output_error, strerror(ENOSPC)));
}

/* Completion, the manual and tests read these lists. */
static void test_hidden_options_print_lists(void **state)
{
	char line[128];

	(void)state;
	assert_int_equal(command("--commands", NULL), 0);
	assert_int_equal(lines(output), COMMANDS_COUNT);
	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		snprintf(line, sizeof(line), "%s\t%s\t", commands[i].name,
			 commands[i].operand == OPERAND_NONE ? "-" : commands[i].operand_name);
		assert_non_null(strstr(output, line));
	}
	assert_non_null(strstr(output, "exec\tUSER\t--root -- --help\trun a command in "));
	assert_null(strstr(output, "\t\t")); /* a shell's read would skip an empty field */
	assert_int_equal(command("--options", NULL), 0);
	assert_int_equal(lines(output), OPTIONS_COUNT + 2);
	assert_non_null(strstr(output, "--json\tprint JSON\n"));
	assert_int_equal(command("--networks", NULL), 0);
	assert_string_equal(output, "default\nlab\n");
	conf_bad = true;
	assert_int_equal(command("--networks", NULL), STATUS_FAILED);
	assert_string_equal(output, "");
	conf_bad = false;
	assert_int_equal(command("--keys", NULL), 0);
	assert_string_equal(ran, "keys");
}

static void test_log_lines_have_the_programs_name(void **state)
{
	(void)state;
	assert_int_equal(command("--version", NULL), 0); /* sets the sink */
	output_of({
		log_error("no\tuser");
		log_warning("old");
		log_account("new");
		log_debug("not shown");
	});
	assert_string_equal(output, "");
	assert_string_equal(output_error,
			    "pam-netns: no?user\npam-netns: warning: old\npam-netns: new\n");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_missing_command_is_refused),
	    TEST(test_unknown_command_is_refused),
	    TEST(test_version_is_printed),
	    TEST(test_help_has_a_line_a_command),
	    TEST(test_help_of_each_command_runs_nothing),
	    TEST(test_each_command_gets_its_options),
	    TEST(test_operands_are_counted),
	    TEST(test_words_after_dashes_are_the_commands),
	    TEST(test_commands_of_root_are_refused_for_users),
	    TEST(test_t43_words_are_printed_without_controls),
	    TEST(test_full_output_is_an_error),
	    TEST(test_hidden_options_print_lists),
	    TEST(test_log_lines_have_the_programs_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
