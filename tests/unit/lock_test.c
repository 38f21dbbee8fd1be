/* Locks between processes: waiting, and stopped or frozen holders (T10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "scratch.h"

#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "state/lock.h"
#include "log_kept.h"
#include "base/paths.h"
#include "base/process.h"

#undef LOCK_PATH
#define LOCK_PATH "lock"

/* Text of the holder's cgroup file and of cgroup.events; NULL: the kernel's. */
static const char *cgroup_text, *events_text;
static ssize_t cgroup_length, events_length;

static ssize_t fake_read(int dir, const char *name, char *buf, size_t size)
{
	bool events = strstr(name, "cgroup.events");
	const char *text = events ? events_text : cgroup_text;

	if (!strstr(name, "cgroup") || !cgroup_text)
		return files_read(dir, name, buf, size);
	if (events)
		assert_int_equal(strncmp(name, "/sys/fs/cgroup", 14), 0);
	snprintf(buf, size, "%s", text);
	return events ? events_length : cgroup_length;
}

static int deadlock(void)
{
	errno = EDEADLK;
	return -1;
}
static bool wait_fails;

/* This stopped holder goes on as soon as it has been seen stopped. */
static pid_t goes_on;

static int look(int dir, pid_t pid, struct process *process, char *letter)
{
	int result = process_read(dir, pid, process, letter);

	if (goes_on) {
		assert_int_equal(pid, goes_on);
		assert_int_equal(*letter, 'T');
		assert_int_equal(kill(pid, SIGCONT), 0);
		goes_on = 0;
	}
	return result;
}

#define openat(...)	     FAULT(openat(__VA_ARGS__))
#define process_read(...)    look(__VA_ARGS__)
#define timer_create(...)    FAULT(timer_create(__VA_ARGS__))
#define files_read(...)	     fake_read(__VA_ARGS__)
#define fcntl(fd, call, arg) (wait_fails && (call) == F_SETLKW ? deadlock() : fcntl(fd, call, arg))

#include "../../lib/state/lock.c"

#define USER 2001

static int lock = -1, proc = -1;

static int group_setup(void **state)
{
	log_set_sink(log_keep, NULL);
	if (scratch_setup(state) || chdir(scratch_path))
		return -1;
	lock = lock_open();
	proc = (open)("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return lock < 0 || proc < 0;
}

static int setup(void **state)
{
	(void)state;
	cgroup_text = NULL;
	log_last[0] = '\0';
	return 0;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Starts a process that holds the lock for ms, or until it is killed, or that stops then. */
static pid_t holder_start(uint64_t which, bool shared, int ms, bool stop)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
		int own = lock_open();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = (shared ? lock_share(own, proc, which) : lock_take(own, proc, which)) == 0;
		(void)!write(ready[1], &byte, 1);
		if (stop)
			raise(SIGSTOP);
		nanosleep(&time, NULL);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	close(ready[0]);
	close(ready[1]);
	if (stop)
		assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	return pid;
}

/* Returns 0, or the signal that ended it. */
static int holder_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void holder_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(holder_end(pid), SIGKILL);
}

static void held_lock_is_seen_and_refused(void **state)
{
	pid_t pid = holder_start(USER, false, 30000, false);

	(void)state;
	assert_int_equal(lock_try(lock, USER), -EAGAIN);
	assert_true(lock_held(lock, USER));
	assert_false(lock_held(lock, USER + 1));
	assert_false(lock_users_idle(lock));
	assert_int_equal(lock_try(lock, USER + 1), 0);
	lock_release(lock, USER + 1);
	holder_kill(pid);
	/* The lock ends with its holder. */
	assert_false(lock_held(lock, USER));
	assert_true(lock_users_idle(lock));
	pid = holder_start(LOCK_HOST, false, 30000, false);
	assert_true(lock_users_idle(lock));
	holder_kill(pid);
}

static void shared_lock_is_held_by_many(void **state)
{
	pid_t a = holder_start(LOCK_HOST, true, 30000, false),
	      b = holder_start(LOCK_HOST, true, 30000, false);

	(void)state;
	assert_int_equal(lock_share(lock, proc, LOCK_HOST), 0);
	lock_release(lock, LOCK_HOST);
	assert_int_equal(lock_try(lock, LOCK_HOST), -EAGAIN);
	holder_kill(a);
	holder_kill(b);
	assert_int_equal(lock_try(lock, LOCK_HOST), 0);
	lock_release(lock, LOCK_HOST);
}

/* A working holder is never killed, and the signal handler is restored. */
static void working_holder_is_waited_for(void **state)
{
	long start = now_ms();
	pid_t pid = holder_start(USER, false, 700, false);
	struct sigaction action;

	(void)state;
	assert_int_equal(lock_take(lock, proc, USER), 0);
	assert_in_range(now_ms() - start, 700, 15000);
	assert_int_equal(holder_end(pid), 0);
	assert_string_equal(log_last, "");
	sigaction(SIGUSR1, NULL, &action);
	assert_ptr_equal(action.sa_handler, SIG_DFL);
	lock_release(lock, USER);
}

static void stopped_holder_is_killed(void **state)
{
	pid_t pid = holder_start(USER, false, 0, true),
	      other = holder_start(USER + 1, false, 0, true);
	long start = now_ms();

	(void)state;
	assert_int_equal(lock_take(lock, proc, USER), 0);
	assert_in_range(now_ms() - start, 250, 10000);
	assert_int_equal(holder_end(pid), SIGKILL);
	assert_non_null(strstr(log_last, "it was stopped while holding a lock"));
	lock_release(lock, USER);
	/* The holder of another lock stays alive. */
	assert_int_equal(kill(other, 0), 0);
	holder_kill(other);
}

/* Stopped for less than 300 ms. */
static void holder_that_goes_on_is_not_killed(void **state)
{
	pid_t pid = holder_start(USER, false, 0, true);

	(void)state;
	goes_on = pid;
	assert_int_equal(lock_take(lock, proc, USER), 0);
	assert_int_equal(goes_on, 0);
	assert_int_equal(holder_end(pid), 0);
	lock_release(lock, USER);
}

static void frozen_try(const char *cgroup, ssize_t length, const char *events, ssize_t events_read,
		       int expected)
{
	pid_t pid = holder_start(USER, false, expected ? 30000 : 450, false);

	cgroup_text = cgroup;
	cgroup_length = length;
	events_text = events;
	events_length = events_read;
	assert_int_equal(lock_take(lock, proc, USER), 0);
	assert_int_equal(holder_end(pid), expected);
	lock_release(lock, USER);
}

/* The cgroup is frozen, or its path is too long to be read. */
static void frozen_holder_is_killed(void **state)
{
	(void)state;
	frozen_try("1:cpu:/x\n0::/user.slice/x\n", 26, "populated 1\nfrozen 1\n", 21, SIGKILL);
	frozen_try("0::/x\n", 6, "", -ENAMETOOLONG, SIGKILL);
	frozen_try("", -ENAMETOOLONG, "", 0, SIGKILL);
}

static void holder_in_running_cgroup_is_not_killed(void **state)
{
	(void)state;
	frozen_try("1:cpu:/x\n0::/user.slice/x\n", 26, "populated 1\nfrozen 0\n", 21, 0);
	frozen_try("0::/x\n", 6, "", -ENOENT, 0);
	frozen_try("1:cpu:/x\n", 9, "frozen 1\n", 9, 0);
	frozen_try("", -ENOENT, "frozen 1\n", 9, 0);
}

static void failures_are_logged(void **state)
{
	pid_t pid = holder_start(USER, false, 30000, false);

	(void)state;
	fault_error = ENOMEM;
	fault_calls = 0;
	fault_at = 1;
	assert_int_equal(lock_take(lock, proc, USER), -ENOMEM);
	assert_string_equal(log_last, "cannot make a timer: Cannot allocate memory");
	fault_calls = 0;
	assert_int_equal(lock_open(), -ENOMEM);
	fault_at = 0;
	wait_fails = true;
	assert_int_equal(lock_take(lock, proc, USER), -EDEADLK);
	wait_fails = false;
	assert_int_equal(lock_take(-1, proc, USER), -EBADF);
	assert_false(lock_held(-1, USER));
	/* In doubt the lock counts as held. */
	assert_false(lock_users_idle(-1));
	holder_kill(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(held_lock_is_seen_and_refused, setup),
	    cmocka_unit_test_setup(shared_lock_is_held_by_many, setup),
	    cmocka_unit_test_setup(working_holder_is_waited_for, setup),
	    cmocka_unit_test_setup(stopped_holder_is_killed, setup),
	    cmocka_unit_test_setup(holder_that_goes_on_is_not_killed, setup),
	    cmocka_unit_test_setup(frozen_holder_is_killed, setup),
	    cmocka_unit_test_setup(holder_in_running_cgroup_is_not_killed, setup),
	    cmocka_unit_test_setup(failures_are_logged, setup),
	};

	return cmocka_run_group_tests(tests, group_setup, scratch_teardown);
}
