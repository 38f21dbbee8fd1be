/* A system call fails: the call is refused, and does not change its caller's state (T8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"

#include <limits.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

#include "fake_helper.h"

static bool no_cgroup; /* no cgroup for a helper that the C library could spawn into it */
static bool own_root;  /* the caller's cgroup is the root already */
static bool immortal;  /* no helper ever ends */
static bool late;      /* the caller is slow: the helper has moved before */

static int poll_never(void)
{
	return 0;
}

#define socketpair(...)		FAULT(socketpair(__VA_ARGS__))
#define fstatfs(fd, fs)		(no_cgroup ? (errno = ENOENT, -1) : FAULT(fstatfs(fd, fs)))
#define strstr(text, what)	(own_root ? text : NULL)
#define posix_spawn(...)	(fault_hits() ? fault_error : posix_spawn(__VA_ARGS__))
#define posix_spawnattr_init(a) (fault_hits() ? fault_error : posix_spawnattr_init(a))
#define posix_spawn_file_actions_init(a)                                                           \
	(fault_hits() ? fault_error : posix_spawn_file_actions_init(a))
#define posix_spawn_file_actions_addopen(...)                                                      \
	(fault_hits() ? fault_error : posix_spawn_file_actions_addopen(__VA_ARGS__))
#define posix_spawn_file_actions_adddup2(...)                                                      \
	(fault_hits() ? fault_error : posix_spawn_file_actions_adddup2(__VA_ARGS__))
#define syscall(...)		  ((void)(late && usleep(50000)), FAULT(syscall(__VA_ARGS__)))
#define poll(fds, count, ms)	  (immortal ? poll_never() : poll(fds, count, ms))
#define message_send_request(...) (fault_hits() ? -fault_error : message_send_request(__VA_ARGS__))

#include "../../lib/call/call.c"
#include "../../lib/call/root_cgroup.c"
#include "../../lib/call/start.c"

#undef strstr

static const struct request request = {.who = {.user = "alice", .uid = 1000}};

static void fake_report(struct reply *reply)
{
	(void)reply;
}

static void on_child(int signal)
{
	(void)signal;
}

static void assert_caller_unchanged(void)
{
	struct sigaction action;
	sigset_t mask;

	sigaction(SIGCHLD, NULL, &action);
	assert_ptr_equal(action.sa_handler, on_child);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < 32; i++)
		assert_false(sigismember(&mask, i));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static int successes;

static void call_body(void)
{
	struct reply reply = {.outcome = OUTCOME_REFUSED};
	int error;

	log_lines = 0;
	error = helper_call("report", &request, 20000, &reply);
	assert_caller_unchanged();
	if (!fault_was_hit())
		assert_int_equal(error, 0);
	successes += error == 0;
	if (error == 0) {
		assert_int_equal(reply.outcome, OUTCOME_ISOLATED);
		assert_non_null(strstr(reply.line, "user=alice"));
	} else {
		assert_true(error == -EAGAIN || error == -ENOEXEC);
		assert_int_equal(reply.handed_count, 0);
		assert_int_equal(log_last_level, LOG_ERR);
	}
	reply_close(&reply);
}

static void each_failing_call_restores_the_caller(void **state)
{
	int calls;

	(void)state;
	/*
	 * A C library that spawns into a cgroup has another way if that fails. With others the
	 * helper moves: two more calls, one for the pidfd and one that ends what it was.
	 */
	late = true;
	(void)fault_sweep(EAGAIN, call_body);
	late = false;
	successes = 0;
	calls = fault_sweep(EAGAIN, call_body);
#ifdef POSIX_SPAWN_SETCGROUP
	assert_true(calls >= 3 && successes >= 2);
#else
	assert_int_equal(calls, 11);
	assert_int_equal(successes, 3);
#endif
	/* Spawned in the caller's cgroup, and it stays there: 9 calls have no other way. */
	no_cgroup = own_root = true;
	successes = 0;
	assert_int_equal(fault_sweep(EAGAIN, call_body), 9);
	assert_int_equal(successes, 2);
	no_cgroup = own_root = false;
}

/* The caller has no descriptors 0 to 2, and its output must not go to the helper. */
static void missing_descriptors_refuse(void **state)
{
	struct reply reply;
	int saved = dup(STDIN_FILENO), status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		struct rlimit files = {4, 4};
		int error;

		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		(void)setrlimit(RLIMIT_NOFILE, &files);
		error = helper_call("report", &request, 20000, &reply);
		_exit(error == -EMFILE && fcntl(0, F_GETFD) < 0 && fcntl(3, F_GETFD) < 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(saved);
}

/* A hanging login would be worse than a zombie. */
static void helper_that_cannot_be_killed_is_not_awaited(void **state)
{
	struct reply reply;

	(void)state;
	immortal = true;
	assert_int_equal(helper_call("silent", &request, 20000, &reply), -EBUSY);
	immortal = false;
	/* If it has moved: what it was, too. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_caller_unchanged();
}

/* The caller gets another SIGCHLD for its own child that ended during the call. */
static volatile sig_atomic_t told;
static void count_child(int signal)
{
	(void)signal;
	told++;
}

static void ended_child_of_the_caller_is_reported_again(void **state)
{
	struct sigaction action = {.sa_handler = count_child};
	struct reply reply;

	(void)state;
	sigaction(SIGCHLD, &action, NULL);
	assert_true(own_child_start());
	assert_int_equal(helper_call("open", &request, 20000, &reply), 0);
	assert_int_equal(told, 1);
	assert_int_equal(waitpid(own_child, NULL, 0), own_child);
	reply_close(&reply);
	signal(SIGCHLD, on_child);
}

static void log_levels_are_kept(void **state)
{
	static const int levels[][2] = {{LOG_CRIT, LOG_ERR},	    {LOG_ERR, LOG_ERR},
					{LOG_WARNING, LOG_WARNING}, {LOG_NOTICE, LOG_INFO},
					{LOG_INFO, LOG_INFO},	    {LOG_DEBUG, LOG_DEBUG}};

	(void)state;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct log_line line = {.level = levels[i][0], .text = "100 %s"};

		pass_log(&line);
		assert_int_equal(log_last_level, levels[i][1]);
		assert_string_equal(log_last, "100 %s");
	}
}

static int setup(void **state)
{
	signal(SIGCHLD, on_child);
	return fake_setup(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(each_failing_call_restores_the_caller, setup),
	    cmocka_unit_test_setup(missing_descriptors_refuse, setup),
	    cmocka_unit_test_setup(helper_that_cannot_be_killed_is_not_awaited, setup),
	    cmocka_unit_test_setup(ended_child_of_the_caller_is_reported_again, setup),
	    cmocka_unit_test_setup(log_levels_are_kept, setup),
	};

	if (is_fake_helper(argc, argv))
		return fake_helper(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
