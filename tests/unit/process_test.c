/* Processes by pid and start time. Runs as root because of hidepid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../lib/base/process.c"
#include "scratch.h"

static int proc = -1;

static int setup(void **state)
{
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return proc < 0 ? -1 : scratch_setup(state);
}

static int teardown(void **state)
{
	close(proc);
	return scratch_teardown(state);
}

#define REST "S 1 2 3 4 -1 4194560 0 0 0 0 0 0 0 0 20 -5 7 0 987654321 0 0"

static void test_stat_with_hostile_name_is_parsed(void **state)
{
	static const char *const good[] = {
	    "42 (sh) " REST, "42 (a) Z 0 0) " REST,  "42 (:-)) " REST,
	    "42 () " REST,   "42 (\n\t) (( ) " REST,
	};
	static const char *const bad[] = {
	    "",
	    "42",
	    "42 (sh",
	    "42 (sh)",
	    "42 (sh) ",
	    "42 (sh) S",
	    "42 (sh) S 1 2",
	    "42 (sh) 1 1 2 3 4 -1 4194560 0 0 0 0 0 0 0 0 20 -5 7 0 987654321 0",
	    "42 (sh) S 1 2 3 4 -1 4194560 0 0 0 0 0 0 0 0 20 -5 7 0 -1 0",
	    "42 (sh) S 1 2 3 4 -1 4194560 0 0 0 0 0 0 0 0 20 -5 x 0 1 0",
	    "42 (sh) S 1 2 3 4 -1 4194560 0 0 0 0 0 0 0 0 20 -5 7 0 987654321",
	    "42 (sh) S 1 2 3 4 -1 4194560 0 0 0 0 0 0 0 0 20 -5 7 0 99999999999999999999 0",
	};
	struct stat_fields fields;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(fields_parse(good[i], &fields));
		assert_int_equal(fields.start, 987654321);
		assert_int_equal(fields.threads, 7);
		assert_int_equal(fields.state, 'S');
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(fields_parse(bad[i], &fields));
}

/* Starts a child that waits for a byte. */
static pid_t child_start(int *go_on)
{
	int ends[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	/* The name is set before the fork, so that no other name is ever seen. */
	prctl(PR_SET_NAME, ") Z 9 (x) S");
	child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ends[0]);
	*go_on = ends[1];
	return child;
}

static void file_write(const char *path, const char *text)
{
	CLEANUP_FD int fd = openat(scratch, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* In a time namespace of a user's, another start does not tell that it is another process. */
static void test_other_start_in_a_time_namespace_is_unknown(void **state)
{
	const struct process same = {7, 987654321}, other = {7, 87654321};

	(void)state;
	assert_int_equal(mkdirat(scratch, "7", 0755) | mkdirat(scratch, "self", 0755), 0);
	file_write("7/stat", "7 (sh) " REST);
	assert_true(process_alive(scratch, &same));
	assert_true(process_gone(scratch, &other));
	file_write("self/timens_offsets", "monotonic 0 0\nboottime            0         0\n");
	assert_true(process_gone(scratch, &other));
	file_write("self/timens_offsets", "monotonic 0 0\nboottime       -38321         0\n");
	assert_true(process_alive(scratch, &same));
	assert_false(process_gone(scratch, &other));
	assert_false(process_alive(scratch, &other));
}

static void test_process_lives_until_its_end(void **state)
{
	struct process p, other;
	siginfo_t info;
	char letter;
	int go_on;
	pid_t child = child_start(&go_on);

	(void)state;
	assert_int_equal(process_read(proc, child, &p, &letter), 0);
	assert_int_equal(p.pid, child);
	assert_true(p.start > 0);
	assert_non_null(strchr("RSD", letter));
	assert_true(process_alive(proc, &p));
	assert_false(process_gone(proc, &p));
	other = p;
	other.start++;
	assert_false(process_alive(proc, &other));
	assert_true(process_gone(proc, &other));

	close(go_on);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_read(proc, child, &other, &letter), 0);
	assert_int_equal(letter, 'Z');
	assert_false(process_alive(proc, &p));
	assert_true(process_gone(proc, &p));

	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(process_read(proc, child, &other, NULL), -ESRCH);
	assert_false(process_alive(proc, &p));
	assert_true(process_gone(proc, &p));
}

static void *thread_wait(void *fd)
{
	char byte;

	_exit(read(*(int *)fd, &byte, 1) == 0 ? 0 : 1);
}

/* The first thread has ended, so the state is Z, but another thread runs. */
static void test_process_without_first_thread_lives(void **state)
{
	static int ends[2]; /* the first thread's stack goes with it */
	struct process p;
	char letter = 0;
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		pthread_t thread;

		close(ends[1]);
		if (pthread_create(&thread, NULL, thread_wait, &ends[0]))
			_exit(1);
		pthread_exit(NULL);
	}
	close(ends[0]);
	for (unsigned i = 0; i < 2000 && letter != 'Z'; i++) {
		assert_int_equal(process_read(proc, child, &p, &letter), 0);
		usleep(1000);
	}
	assert_int_equal(letter, 'Z');
	assert_true(process_alive(proc, &p));
	close(ends[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(process_gone(proc, &p));
}

/* Without a procfs a process counts neither as alive nor as gone. */
static void test_missing_procfs_is_an_error(void **state)
{
	struct process p = {.pid = 1, .start = 1};

	(void)state;
	assert_int_equal(process_read(scratch, 1, &p, NULL), -ENOTSUP);
	assert_false(process_gone(scratch, &p));
	assert_false(process_alive(scratch, &p));
	assert_int_equal(process_read(-1, 1, &p, NULL), -EBADF);
	assert_false(process_gone(-1, &p));
	assert_int_equal(mkdirat(scratch, "1", 0755), 0);
	assert_int_equal(mkfifoat(scratch, "1/stat", 0644), 0);
	assert_int_equal(process_read(scratch, 1, &p, NULL), -EBADMSG);
	assert_false(process_gone(scratch, &p));
}

static void test_pids_out_of_range_are_absent(void **state)
{
	struct process p;

	(void)state;
	assert_int_equal(process_read(proc, 0, &p, NULL), -ESRCH);
	assert_int_equal(process_read(proc, -1, &p, NULL), -ESRCH);
	assert_int_equal(process_read(proc, 2147483647, &p, NULL), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stat_with_hostile_name_is_parsed),
	    cmocka_unit_test(test_other_start_in_a_time_namespace_is_unknown),
	    cmocka_unit_test(test_process_lives_until_its_end),
	    cmocka_unit_test(test_process_without_first_thread_lives),
	    cmocka_unit_test(test_missing_procfs_is_an_error),
	    cmocka_unit_test(test_pids_out_of_range_are_absent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
