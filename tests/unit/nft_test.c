/* Running nft(8): its output, its exit status, and failures of each system call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "base/linux_calls.h"
#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../helper/pam-netns-helper/helper.h"
#include "log_kept.h"

static char script[300]; /* runs in place of nft; "": nft is not installed */

#define access(path, mode)	((void)(path), access(script, mode))
#define execve(path, argv, env) ((void)(path), execve(script, argv, env))
#define fork()			FAULT(fork())
#define memfd_create(...)	FAULT(memfd_create(__VA_ARGS__))
#define openat(...)		FAULT(openat(__VA_ARGS__))
#define write(...)		FAULT(write(__VA_ARGS__))
#define pread(...)		FAULT(pread(__VA_ARGS__))
#define lseek(...)		FAULT(lseek(__VA_ARGS__))
#define calloc(...)		FAULT_NULL(calloc(__VA_ARGS__))
#define waitpid(...)		FAULT(waitpid(__VA_ARGS__))

#include "../../helper/pam-netns-helper/program.c"
#include "../../helper/pam-netns-helper/nft.c"
#include "../../lib/rules/nft_path.c"

#define RULES "table inet x {\n}\n"

static int setup(void **state)
{
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	return scratch_setup(state);
}

/* This script runs in place of nft. */
static void nft_is(const char *text)
{
	FILE *file;

	snprintf(script, sizeof(script), "%s/nft", scratch_path);
	file = fopen(script, "we");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(script, 0755), 0);
}

static int run(void)
{
	int result = nft_run(RULES, strlen(RULES));

	assert_int_equal((waitpid)(-1, NULL, WNOHANG), -1);
	return result;
}

static void rules_are_given_to_nft(void **state)
{
	(void)state;
	nft_is("[ \"$*\" = '-f -' ] && [ \"$(cat)\" = 'table inet x {\n}' ] && [ -z \"$HOME\" ]");
	assert_int_equal(run(), 0);
	assert_string_equal(log_last, "");
}

static void refusal_of_nft_is_logged(void **state)
{
	(void)state;
	nft_is("echo 'line 3: no such set' >&2; echo more >&2; exit 1");
	assert_int_equal(run(), -EINVAL);
	assert_string_equal(log_last, "nft refused our rules: line 3: no such set: more");
	/* As nft tells of an expression that this kernel lacks. */
	nft_is("printf '4:3-8: Error: Operation not supported\\n\\t\\tfib saddr\\n\\t\\t^^^^\\n'; "
	       "exit 1");
	assert_int_equal(run(), -EINVAL);
	assert_string_equal(
	    log_last, "nft refused our rules: 4:3-8: Error: Operation not supported: fib saddr");
	nft_is("printf 'one line'; exit 1");
	assert_int_equal(run(), -EINVAL);
	assert_string_equal(log_last, "nft refused our rules: one line");
	nft_is("exit 3");
	assert_int_equal(run(), -EINVAL);
	assert_string_equal(log_last, "nft refused our rules: no reason given");
	nft_is("kill -KILL $$");
	assert_int_equal(run(), -EINVAL);
}

static void missing_nft_is_an_error(void **state)
{
	(void)state;
	script[0] = '\0';
	assert_int_equal(run(), -ENOENT);
	assert_non_null(strstr(log_last, "install nftables"));
	assert_null(nft_list());
	/* nft exists, but cannot be executed. */
	nft_is("");
	assert_int_equal(truncate(script, 0), 0);
	assert_int_equal(run(), -EINVAL);
}

/* A long output blocks neither nft nor its caller. */
static void long_list_is_read_whole(void **state)
{
	char *text;

	(void)state;
	nft_is("[ \"$*\" = 'list ruleset' ] && head -c 300000 /dev/zero | tr '\\0' x");
	text = nft_list();
	assert_non_null(text);
	assert_int_equal(strlen(text), 300000);
	free(text);
	nft_is("exit 1");
	assert_null(nft_list());
}

/* An nft that still runs may change rules, so each failure waits for its end. */
static int successes;

static void run_body(void)
{
	int result = nft_run(RULES, strlen(RULES));

	successes += result == 0;
	if (!fault_was_hit())
		assert_int_equal(result, 0);
	if (fault_error == EINTR && result == 0)
		assert_int_equal((waitpid)(-1, NULL, WNOHANG), -1);
	else if (fault_was_hit())
		assert_int_equal(result, -fault_error);
	while ((waitpid)(-1, NULL, 0) > 0)
		;
}

static void list_body(void)
{
	char *text = nft_list();

	assert_true(!text == fault_was_hit());
	if (text)
		assert_string_equal(text, "table ip y\n");
	free(text);
	while ((waitpid)(-1, NULL, 0) > 0)
		;
}

static void each_failing_call_leaves_no_nft(void **state)
{
	(void)state;
	nft_is("echo table ip y");
	assert_true(fault_sweep(ENOMEM, run_body) >= 6);
	successes = 0;
	assert_true(fault_sweep(EINTR, run_body) >= 6);
	assert_int_equal(successes, 3); /* a signal while it waits is no failure */
	assert_true(fault_sweep(ENOMEM, list_body) >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(rules_are_given_to_nft, setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(refusal_of_nft_is_logged, setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(missing_nft_is_an_error, setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(long_list_is_read_whole, setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(each_failing_call_leaves_no_nft, setup,
					    scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
