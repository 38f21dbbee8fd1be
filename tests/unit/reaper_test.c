/*
 * The reaper: the wait for one user (kick), and the detached process that serves all notes. Looks and notes
 * are fakes, processes and locks are real.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "fault.h"
#include "scratch.h"

#include "../../helper/pam-netns-helper/closing.h"
#include "../../helper/pam-netns-helper/leaving.h"
#include "log_kept.h"
#include "state/lock.h"

#define USER 2001

/* Results of looks at one user, and the clock. */
static struct {
	int found[8];
	unsigned looks, waits, lists;
	int list_error, sockets_error;
	bool kill, owners, held_unseen;
	long now;
} world;

/* Actions of the detached processes. */
static struct shared {
	unsigned served, sockets;
	int answers[4]; /* of successive closing_serve() */
	pid_t pid, session;
	bool patient, reaper_locked, next_free, stdin_null;
	unsigned alarm;
	long began;
	char log[512];
	volatile bool returned; /* reaper_start() has returned */
	bool waited_for;	/* it has not returned for seconds */
} * shared;

static int fake_list(const struct host *host, bool owners, struct process_list *out)
{
	(void)host;
	*out = (struct process_list){.count = 0};
	world.lists++;
	world.owners = owners;
	return world.list_error;
}

static int fake_look(struct host *host, const struct process_list *processes, struct leaving *l)
{
	(void)host;
	(void)processes;
	assert_int_equal(l->uid, USER);
	assert_int_equal(l->note, 0);
	world.kill = l->kill;
	world.now++;
	return world.found[world.looks < 7 ? world.looks++ : 7];
}

static void fake_wait(const struct leaving *leaving, size_t count, int timeout_ms)
{
	(void)leaving;
	assert_int_equal(count, 1);
	world.now += timeout_ms;
	world.waits++;
}

static bool locked(const struct host *host, uint64_t which);

static int fake_sockets(struct host *host)
{
	shared->sockets++;
	host->route.fd = world.sockets_error ? -1 : 0;
	return world.sockets_error;
}

/* In the reaper's process. */
static int fake_serve(struct host *host, bool patient)
{
	struct stat in, null;

	for (int i = 0; i < 3000 && !shared->returned; i++)
		usleep(1000);
	shared->waited_for = !shared->returned;
	shared->began = world.now;
	shared->pid = getpid();
	shared->session = getsid(0);
	shared->patient = patient;
	shared->reaper_locked = locked(host, LOCK_REAPER);
	shared->next_free = !locked(host, LOCK_REAPER_NEXT);
	shared->stdin_null = fstat(STDIN_FILENO, &in) == 0 && stat("/dev/null", &null) == 0 &&
			     in.st_rdev == null.st_rdev;
	shared->alarm = alarm(0);
	log_warning("from inside");
	return shared->answers[shared->served++];
}

static void fake_syslog(int level, const char *format, ...)
{
	size_t used = strlen(shared->log);
	va_list args;

	used += (size_t)snprintf(shared->log + used, sizeof(shared->log) - used, "%d ", level);
	va_start(args, format);
	vsnprintf(shared->log + used, sizeof(shared->log) - used, format, args);
	va_end(args);
	strcat(shared->log, "\n");
}

#define process_list_read(host, kinds, owners, out) ((void)(kinds), fake_list(host, owners, out))
#define process_list_free(list)			    (void)(list)
#undef CLEANUP_PROCESS_LIST
#define CLEANUP_PROCESS_LIST
#define host_sockets(host)	     fake_sockets(host)
#define leaving_look(host, list, l)  fake_look(host, list, l)
#define leaving_wait(l, count, ms)   fake_wait(l, count, ms)
#define now_ms()		     world.now
#define lock_held(lock, which)	     (!world.held_unseen && lock_held(lock, which))
#define closing_serve(host, patient) fake_serve(host, patient)
#define nanosleep(time, left)	     ((void)(time), world.now += 20)
#define openlog(ident, flags, facility)                                                            \
	do {                                                                                       \
	} while ((facility) != LOG_AUTHPRIV)
#define syslog(...) fake_syslog(__VA_ARGS__)
#define fork()	    FAULT(fork())

#include "../../helper/pam-netns-helper/reaper.c"

#undef fork
#undef syslog
#undef openlog

static struct host host;

/* Another process asks, since a process does not see its own locks. */
static bool locked(const struct host *asked, uint64_t which)
{
	int status;
	pid_t pid;

	(void)asked;
	pid = fork();
	if (pid == 0) {
		int lock = openat(scratch, "lock", O_RDWR | O_CLOEXEC);

		_exit(lock_try(lock, which) == 0 ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && status != 0;
}

static int group_setup(void **state)
{
	(void)state;
	/* Detached processes become this process's children when their parent ends. */
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int group_end(void **state)
{
	(void)state;
	return munmap(shared, sizeof(*shared));
}

static int setup(void **state)
{
	if (scratch_setup(state))
		return -1;
	memset(&world, 0, sizeof(world));
	memset(shared, 0, sizeof(*shared));
	world.now = 1000000;
	host.route.fd = -1;
	host.lock = openat(scratch, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	return host.lock < 0;
}

static int end(void **state)
{
	close(host.lock);
	return scratch_teardown(state);
}

/* --- one user --- */

static void look_finds(const int *found, size_t count, int then)
{
	for (size_t i = 0; i < 8; i++)
		world.found[i] = i < count ? found[i] : then;
}

static void test_two_empty_looks_end_the_wait(void **state)
{
	static const int found[] = {LOOKED_EMPTY, LOOKED_DONE};

	(void)state;
	look_finds(found, 2, LOOKED_DONE);
	assert_int_equal(reap(&host, USER, 0, false), 0);
	assert_int_equal(world.looks, 2);
	assert_int_equal(world.lists, 2); /* each look has its own list */
	assert_int_equal(world.waits, 0);
	assert_false(world.kill || world.owners);
}

static void test_wait_lasts_until_processes_have_ended(void **state)
{
	static const int found[] = {LOOKED_IN, LOOKED_IN, LOOKED_IN, LOOKED_EMPTY};

	(void)state;
	look_finds(found, 4, LOOKED_DONE);
	assert_int_equal(reap(&host, USER, 8000, true), 0);
	assert_int_equal(world.looks, 5);
	assert_int_equal(world.waits, 3);
	assert_true(world.kill && world.owners);
}

static void test_wait_ends_after_its_time(void **state)
{
	long began = world.now;

	(void)state;
	look_finds(NULL, 0, LOOKED_IN);
	assert_int_equal(reap(&host, USER, 8000, true), -EBUSY);
	assert_true(world.now - began >= 8000 && world.now - began < 8200);
	world.looks = 0;
	assert_int_equal(reap(&host, USER, 0, false), -EBUSY); /* one look */
	assert_int_equal(world.looks, 1);
}

static void test_errors_end_the_wait(void **state)
{
	static const int found[] = {LOOKED_EMPTY, -EIO};

	(void)state;
	look_finds(found, 2, LOOKED_DONE);
	assert_int_equal(reap(&host, USER, 8000, true), -EIO);
	world.list_error = -EMFILE;
	world.looks = 0;
	assert_int_equal(reap(&host, USER, 8000, true), -EMFILE);
	assert_int_equal(world.looks, 0);
}

/* --- all leaving users --- */

/* Starts the reaper, and waits until the last detached process has ended. */
static int start(void)
{
	int result = reaper_start(&host), status;

	shared->returned = true;
	while (waitpid(-1, &status, 0) > 0 || errno == EINTR)
		;
	return result;
}

static void test_reaper_is_detached_from_its_caller(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	assert_int_equal(shared->served, 1);
	assert_int_not_equal(shared->pid, getpid());
	assert_int_equal(shared->session,
			 shared->pid); /* it is in a new session, without the caller's terminal */
	assert_false(shared->waited_for);
	assert_true(shared->patient);
	assert_true(shared->reaper_locked && shared->next_free);
	assert_true(shared->stdin_null);
	assert_true(shared->alarm > 0 && shared->alarm <= 60);
	assert_string_equal(shared->log, "4 from inside\n");
	assert_string_equal(log_last, "");
	assert_false(locked(&host, LOCK_REAPER));
}

static void test_reaper_starts_the_next_after_its_time(void **state)
{
	(void)state;
	shared->answers[0] = shared->answers[1] = 1;
	assert_int_equal(start(), 0);
	assert_int_equal(shared->served, 3);
	assert_int_equal(shared->sockets, 1); /* of the first reaper */
	/* After an error there is no next one: gc does the rest. */
	memset(shared, 0, sizeof(*shared));
	shared->answers[0] = -EIO;
	assert_int_equal(start(), 0);
	assert_int_equal(shared->served, 1);
}

#include "lock_hold.h"

/* One reaper works and another waits, which will read this note too. */
static void test_third_reaper_leaves_the_note_to_the_second(void **state)
{
	pid_t pid = lock_hold(LOCK_REAPER_NEXT);

	(void)state;
	assert_int_not_equal(pid, 0);
	shared->returned = true;
	assert_int_equal(reaper_start(&host), 0);
	/* Nor does a reaper start that saw the lock free just before. */
	world.held_unseen = true;
	assert_int_equal(reaper_start(&host), 0);
	for (int i = 0; i < 10; i++)
		usleep(waitpid(-1, NULL, WNOHANG) > 0 ? 0 : 10000);
	assert_int_equal(shared->served, 0);
	lock_holder_end(pid);
}

/* The first reaper holds its lock for longer than its time, so the next goes on without the lock. */
static void test_stuck_reaper_is_not_awaited(void **state)
{
	pid_t pid = lock_hold(LOCK_REAPER);

	(void)state;
	assert_int_not_equal(pid, 0);
	assert_int_equal(reaper_start(&host), 0);
	shared->returned = true;
	while (waitpid(-1, NULL, WNOHANG) == 0 && !shared->served)
		usleep(1000);
	assert_int_equal(shared->served, 1);
	assert_true(shared->began >= 1020000 && shared->began < 1020100);
	assert_true(shared->next_free);
	kill(pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void test_reaper_without_sockets_leaves_notes_to_gc(void **state)
{
	(void)state;
	world.sockets_error = -EMFILE;
	assert_int_equal(start(), 0);
	assert_int_equal(shared->served, 0);
}

static void test_failed_fork_is_an_error(void **state)
{
	(void)state;
	fault_error = EAGAIN;
	fault_calls = 0;
	fault_at = 1;
	assert_int_equal(reaper_start(&host), -EAGAIN);
	fault_at = 0;
	assert_non_null(strstr(log_last, strerror(EAGAIN)));
	assert_int_equal(shared->served, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_two_empty_looks_end_the_wait),
	    TEST(test_wait_lasts_until_processes_have_ended),
	    TEST(test_wait_ends_after_its_time),
	    TEST(test_errors_end_the_wait),
	    TEST(test_reaper_is_detached_from_its_caller),
	    TEST(test_reaper_starts_the_next_after_its_time),
	    TEST(test_third_reaper_leaves_the_note_to_the_second),
	    TEST(test_stuck_reaper_is_not_awaited),
	    TEST(test_reaper_without_sockets_leaves_notes_to_gc),
	    TEST(test_failed_fork_is_an_error),
	};

	return cmocka_run_group_tests(tests, group_setup, group_end);
}
