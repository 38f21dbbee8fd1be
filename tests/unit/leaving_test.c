/*
 * One leaving user: successive looks at all processes, and the signals that end processes. Records and
 * locks are real, processes and teardown are fakes. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>

#include "fault.h"
#include "scratch.h"

#include "../../helper/pam-netns-helper/members.h"
#include "../../helper/pam-netns-helper/resource.h"
#include "base/clock.h"
#include "lock_hold.h"
#include "log_kept.h"
#include "state/lock.h"

#define USER 2001

static struct {
	pid_t pids[100]; /* the user's processes in the next look */
	size_t count;
	int find_error;
	bool owned;	 /* of the last look */
	pid_t gone;	 /* another process has its number by now */
	char done[1024]; /* "TERM 7, CONT 7, teardown" */
	int teardown_error;
	char last_logout[1024];
	long now;
	nfds_t polled;
	int poll_timeout;
} world;

static void done(const char *what, int number)
{
	size_t used = strlen(world.done);

	snprintf(world.done + used, sizeof(world.done) - used, "%s%s", used ? ", " : "", what);
	used = strlen(world.done);
	if (number)
		snprintf(world.done + used, sizeof(world.done) - used, " %d", number);
}

static int fake_find(uid_t uid, bool owned, struct members *out)
{
	assert_int_equal(uid, USER);
	world.owned = owned;
	*out = (struct members){.count = world.count};
	if (world.find_error)
		return world.find_error;
	out->pids = world.count ? calloc(world.count, sizeof(pid_t)) : NULL;
	if (world.count)
		memcpy(out->pids, world.pids, world.count * sizeof(pid_t));
	return 0;
}

static void fake_free(struct members *members)
{
	free(members->pids);
}

/* A "pidfd" is a descriptor of /dev/null at 100 + pid. */
static long fake_syscall(long number, ...)
{
	va_list args;
	int first, second, null;

	va_start(args, number);
	first = va_arg(args, int);
	second = va_arg(args, int);
	va_end(args);
	if (number == SYS_pidfd_open) {
		if (first == 99) /* has ended */
			return -1;
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		first = fcntl(null, F_DUPFD_CLOEXEC, 100 + first);
		close(null);
		return first;
	}
	assert_int_equal(number, SYS_pidfd_send_signal);
	done(sigabbrev_np(second), first - 100);
	return 0;
}

static int fake_poll(const struct pollfd *fds, nfds_t count, int timeout)
{
	for (nfds_t i = 0; i < count; i++)
		assert_int_equal(fds[i].events, POLLIN);
	world.polled = count;
	world.poll_timeout = timeout;
	return 0;
}

static int fake_teardown(struct host *host, uid_t uid, const struct user_state *known)
{
	(void)host;
	assert_int_equal(uid, USER);
	assert_null(known);
	done("teardown", 0);
	return world.teardown_error;
}

/* The log line by the resources of the recorded user. */
void user_init(struct user *user, struct host *host, uid_t uid)
{
	*user = (struct user){.host = host, .uid = uid};
}

void user_close(struct user *user)
{
	assert_int_equal(user->uid, USER);
}

void user_tell(const struct user *user, char *text, size_t size)
{
	snprintf(text, size, "network=%s", user->state.network);
}

void user_end(const struct user *user, char *text, size_t size)
{
	snprintf(text, size, "since=%lld", (long long)user->state.since);
}

static void fake_syslog(int level, const char *format, ...)
{
	va_list args;

	assert_int_equal(level, LOG_INFO);
	va_start(args, format);
	vsnprintf(world.last_logout, sizeof(world.last_logout), format, args);
	va_end(args);
	done("log", 0);
}

#define members_find(host, processes, uid, owned, out)                                             \
	((void)(processes), fake_find(uid, owned, out))
#define members_free			 fake_free
#define member_there(host, members, pid) ((void)(host), (pid) != world.gone)
#define syscall(...)			 fake_syscall(__VA_ARGS__)
#define poll(fds, count, timeout)	 fake_poll(fds, count, timeout)
#define user_remove(host, uid, known)	 fake_teardown(host, uid, known)
#define syslog(...)			 fake_syslog(__VA_ARGS__)
#define openlog(ident, flags, facility)	 assert_int_equal(facility, LOG_AUTHPRIV)
#define clock_ms()			 world.now

#include "../../helper/pam-netns-helper/leaving.c"
#include "../../helper/pam-netns-helper/note.c"

#undef syscall

#include "host_scratch.h"

static int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	world.now = 1000000;
	return host_setup(state);
}

static struct user_state record(void)
{
	struct user_state s = {.user = "ali ce",
			       .account = "alice",
			       .profile = "default",
			       .network = "lab",
			       .netns = "alice",
			       .uplink = {.uid = USER, .bridge = "pnbr0"},
			       .since = 1700000000};

	assert_int_equal(address_parse("10.203.4.7", &s.uplink.address), 0);
	return s;
}

static void state_file_write(void)
{
	struct user_state s = record();

	assert_int_equal(state_write(scratch, &s), 0);
}

static void session_write(bool live)
{
	struct session s = {.service = "sshd"};

	assert_int_equal(process_read(host.proc, getpid(), &s.leader, NULL), 0);
	s.leader.start += !live;
	assert_int_equal(session_add(scratch, USER, &s), 0);
}

static struct leaving leaves(bool kill)
{
	assert_int_equal(note_make(&host, USER), 0);
	return (struct leaving){
	    .uid = USER, .note = note_of(USER), .since = world.now, .kill = kill};
}

static void processes(size_t count, pid_t first)
{
	world.count = count;
	for (size_t i = 0; i < count; i++)
		world.pids[i] = first + (pid_t)i;
}

/* One look; world.done has its actions. */
static int look(struct leaving *l)
{
	int fds = fds_open(), result;

	world.done[0] = '\0';
	result = leaving_look(&host, NULL, l);
	assert_int_equal(fds_open(), fds);
	return result;
}

static void test_two_empty_looks_tear_down(void **state)
{
	struct leaving l = leaves(false);

	(void)state;
	state_file_write();
	session_write(false);
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_string_equal(world.done, "");
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "log, teardown");
	assert_false(world.owned);
	/* The next lock is a login's. */
	assert_int_equal(lock_try(host.lock, USER), 0);
}

/* A process that is seen between two empty looks begins the count anew. */
static void test_process_between_looks_begins_anew(void **state)
{
	struct leaving l = leaves(false);

	(void)state;
	assert_int_equal(look(&l), LOOKED_EMPTY);
	processes(2, 7);
	assert_int_equal(look(&l), LOOKED_IN);
	assert_int_equal(l.first, 7);
	assert_string_equal(world.done, ""); /* linger: the process may stay */
	processes(0, 0);
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(l.first, 0);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "teardown"); /* without a record there is no log line */
}

static void test_failed_look_does_not_count(void **state)
{
	struct leaving l = leaves(false);

	(void)state;
	assert_int_equal(look(&l), LOOKED_EMPTY);
	world.find_error = -EMFILE;
	assert_int_equal(look(&l), -EMFILE);
	assert_string_equal(world.done, "");
}

/* A login has removed the note, so earlier looks do not count. */
static void test_removed_note_ends_the_leaving(void **state)
{
	struct leaving l = leaves(false);

	(void)state;
	note_forget(&host, USER);
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "");
	l = leaves(false);
	l.note++; /* another note was made since */
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "");
	assert_int_not_equal(note_of(USER), 0);
}

static void test_live_session_keeps_the_user(void **state)
{
	struct leaving l = leaves(false);

	(void)state;
	state_file_write();
	session_write(true);
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "");
	assert_int_equal(note_of(USER), 0); /* the last logout makes another */
	/* kick, which has no note, waits for the user. */
	l = (struct leaving){.uid = USER, .since = world.now, .kill = true};
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), LOOKED_IN);
	assert_string_equal(world.done, "");
}

static void test_kick_without_a_note_tears_down(void **state)
{
	struct leaving l = {.uid = USER, .since = world.now, .kill = true};

	(void)state;
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_true(world.owned);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "teardown");
}

static void test_lock_of_a_login_delays_teardown(void **state)
{
	struct leaving l = leaves(false);
	pid_t pid = lock_hold(USER);

	(void)state;
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), LOOKED_IN);
	assert_string_equal(world.done, "");
	lock_holder_end(pid);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "teardown");
	assert_true(lock_is_free(USER));
}

static void test_failed_teardown_keeps_the_note(void **state)
{
	struct leaving l = leaves(false);

	(void)state;
	world.teardown_error = -EBUSY;
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), -EBUSY);
	assert_int_equal(note_of(USER), l.note);
}

/* SIGTERM to all, SIGCONT once for stopped ones, and SIGKILL after 2 s. */
static void test_processes_get_sigterm_then_sigkill(void **state)
{
	struct leaving l = leaves(true);

	(void)state;
	processes(2, 7);
	assert_int_equal(look(&l), LOOKED_IN);
	assert_string_equal(world.done, "TERM 7, TERM 8, CONT 7, CONT 8");
	world.now += 1999;
	assert_int_equal(look(&l), LOOKED_IN);
	assert_string_equal(world.done, "TERM 7, TERM 8");
	world.now += 1;
	assert_int_equal(look(&l), LOOKED_IN);
	assert_string_equal(world.done, "KILL 7, KILL 8");
	processes(0, 0);
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.done, "teardown");
}

/* A pid that now belongs to another user's process, or to none, gets no signal. */
static void test_processes_of_others_get_no_signal(void **state)
{
	struct leaving l = leaves(true);

	(void)state;
	processes(3, 98);
	world.gone = 98;
	assert_int_equal(look(&l), LOOKED_IN);
	assert_string_equal(world.done, "TERM 100, CONT 100");
}

static void test_last_logout_is_logged_with_its_time(void **state)
{
	struct user_state s = record();
	struct leaving l = leaves(false);

	(void)state;
	world.last_logout[0] = '\0';
	assert_int_equal(state_write(scratch, &s), 0);
	assert_int_equal(look(&l), LOOKED_EMPTY);
	assert_int_equal(look(&l), LOOKED_DONE);
	assert_string_equal(world.last_logout,
			    "last logout: user=ali ce uid=2001 network=lab since=1700000000");
}

static void test_wait_polls_known_processes(void **state)
{
	struct leaving l[80];
	int fds = fds_open();

	(void)state;
	memset(l, 0, sizeof(l));
	leaving_wait(l, 80, 500);
	assert_int_equal(world.polled, 0); /* no process is known */
	assert_int_equal(world.poll_timeout, 500);
	l[3].first = 7;
	l[5].first = 99; /* has ended */
	l[7].first = 8;
	leaving_wait(l, 80, 5);
	assert_int_equal(world.polled, 2);
	assert_int_equal(world.poll_timeout, 5);
	for (size_t i = 0; i < 80; i++)
		l[i].first = 1 + (pid_t)i;
	leaving_wait(l, 80, 5);
	assert_int_equal(world.polled, 64);
	assert_int_equal(fds_open(), fds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, host_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_two_empty_looks_tear_down),
	    TEST(test_process_between_looks_begins_anew),
	    TEST(test_failed_look_does_not_count),
	    TEST(test_removed_note_ends_the_leaving),
	    TEST(test_live_session_keeps_the_user),
	    TEST(test_kick_without_a_note_tears_down),
	    TEST(test_lock_of_a_login_delays_teardown),
	    TEST(test_failed_teardown_keeps_the_note),
	    TEST(test_processes_get_sigterm_then_sigkill),
	    TEST(test_processes_of_others_get_no_signal),
	    TEST(test_last_logout_is_logged_with_its_time),
	    TEST(test_wait_polls_known_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
