/* Running nft(8): its input, and the use of its output. A script runs in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "scratch.h"

#include "log_kept.h"
#include "rules/nft_path.h"

static char script[sizeof(scratch_path) + 8]; /* "": there is no nft */

#define nft_path()	      (script[0] ? script : NULL)
#define memfd_create(n, f)    FAULT(memfd_create(n, f))
#define fork()		      FAULT(fork())
#define waitpid(pid, s, o)    FAULT(waitpid(pid, s, o))
#define write(fd, text, size) FAULT(write(fd, text, size))
#define lseek(fd, at, from)   FAULT(lseek(fd, at, from))
#define pread(fd, t, size, o) FAULT(pread(fd, t, size, o))
#define openat(...)	      FAULT(openat(__VA_ARGS__))
#define calloc(n, size)	      FAULT_NULL(calloc(n, size))

#include "../../helper/pam-netns-helper/program.c"
#include "../../helper/pam-netns-helper/nft.c"

#undef memfd_create
#undef fork
#undef waitpid
#undef write
#undef lseek
#undef pread
#undef openat
#undef calloc

static int fds;

static int setup(void **state)
{
	if (scratch_setup(state))
		return -1;
	snprintf(script, sizeof(script), "%s/nft", scratch_path);
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	fds = fds_open();
	return 0;
}

static int end(void **state)
{
	int left = fds_open();

	while (waitpid(-1, NULL, WNOHANG) > 0)
		left++; /* a child that was not waited for */
	return scratch_teardown(state) || left != fds;
}

/* Runs in the scratch folder, with a limit of time. */
static void nft_is(const char *commands)
{
	FILE *file = fopen(script, "we");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\ncd '%s'\n%s\n", scratch_path, commands) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(script, 0755), 0);
}

static const char *said(const char *name)
{
	static char text[4096];
	ssize_t size = files_read(scratch, name, text, sizeof(text) - 1);

	assert_true(size >= 0);
	text[size] = '\0';
	return text;
}

static unsigned count(const char *text, const char *word)
{
	unsigned found = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		found++;
	return found;
}

static int run(const char *text)
{
	return nft_run(text, strlen(text));
}

static void test_nft_gets_fixed_environment_and_descriptors(void **state)
{
	(void)state;
	/* sh sets PWD itself, and some set _ or SHLVL. */
	nft_is("cat >input; echo \"$*\" >arguments; env | grep -cv -e PWD= -e ^_= -e ^SHLVL= "
	       ">environment; ls -l /proc/self/fd >descriptors; echo a warning");
	assert_int_equal(run("add table x\nadd table y\n"), 0);
	assert_string_equal(said("input"), "add table x\nadd table y\n");
	assert_string_equal(said("arguments"), "-f -\n");
	assert_string_equal(said("environment"), "0\n");
	/* Only as standard input and standard error. */
	assert_int_equal(count(said("descriptors"), "memfd:nft-input"), 1);
	assert_int_equal(count(said("descriptors"), "memfd:nft-output"), 1);
	assert_string_equal(log_last, "");
	assert_int_equal(run(""), 0);
}

static void test_refusal_logs_error_and_rule(void **state)
{
	(void)state;
	nft_is("echo 'line 1: \033[31mno such chain' >&2; echo rule; echo more; exit 1");
	assert_int_equal(run("x"), -EINVAL);
	assert_non_null(strstr(log_last, ": line 1: ?[31mno such chain: rule"));
	assert_null(strstr(log_last, "more"));
	nft_is("exit 3");
	assert_int_equal(run("x"), -EINVAL);
	assert_non_null(strstr(log_last, "nft"));
	assert_int_not_equal(log_last[strlen(log_last) - 1],
			     ' '); /* the message says that nft gave no reason */
	nft_is("echo");
	assert_int_equal(run("x"), 0);
	nft_is("echo killed; kill -9 $$");
	assert_int_equal(run("x"), -EINVAL);
	assert_non_null(strstr(log_last, "killed"));
}

static void test_missing_nft_is_an_error(void **state)
{
	(void)state;
	script[0] = '\0';
	assert_int_equal(run("x"), -ENOENT);
	assert_non_null(strstr(log_last, "nftables"));
	assert_null(nft_list());
}

/* The file exists, but is no program. */
static void test_nft_that_cannot_run_is_an_error(void **state)
{
	(void)state;
	nft_is("true");
	assert_int_equal(chmod(script, 0644), 0);
	assert_int_equal(run("x"), -EINVAL);
	assert_null(nft_list());
}

static void test_list_is_whole_or_an_error(void **state)
{
	char *text;

	(void)state;
	nft_is("echo \"$*\" >arguments; cat >input; echo 'table ip x {'; echo '}'");
	text = nft_list();
	assert_string_equal(text, "table ip x {\n}\n");
	free(text);
	assert_string_equal(said("arguments"), "list ruleset\n");
	assert_string_equal(said("input"), "");
	nft_is("echo 'table ip x {'; exit 1"); /* half a list is worse than none */
	assert_null(nft_list());
	nft_is("");
	text = nft_list();
	assert_string_equal(text, "");
	free(text);
}

/* There is no pipe that could fill up. The output has a limit, for the helper's memory. */
static void test_long_output_does_not_block(void **state)
{
	char *text;

	(void)state;
	nft_is("head -c 8000000 /dev/zero | tr '\\0' x");
	text = nft_list();
	assert_non_null(text);
	assert_int_equal(strlen(text), 8000000);
	free(text);
	nft_is("head -c 16777217 /dev/zero | tr '\\0' x");
	assert_null(nft_list());
	nft_is("head -c 16777217 /dev/zero | tr '\\0' x; exit 1");
	assert_int_equal(run("x"), -EINVAL);
	assert_non_null(strstr(log_last, "nft"));
}

static void run_body(void)
{
	int result = run("x");

	/* waitpid(2) failed for this child. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_true(fault_was_hit() ? result < 0 : result == 0);
}

static void list_body(void)
{
	char *text = nft_list();

	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_true(fault_was_hit() == !text);
	free(text);
}

static void test_each_failing_call_leaves_no_child(void **state)
{
	(void)state;
	nft_is("cat >input; echo out");
	assert_int_equal(fault_sweep(EIO, run_body), 6);
	assert_int_equal(fault_sweep(EIO, list_body), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nft_gets_fixed_environment_and_descriptors),
	    TEST(test_refusal_logs_error_and_rule),
	    TEST(test_missing_nft_is_an_error),
	    TEST(test_nft_that_cannot_run_is_an_error),
	    TEST(test_list_is_whole_or_an_error),
	    TEST(test_long_output_does_not_block),
	    TEST(test_each_failing_call_leaves_no_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
