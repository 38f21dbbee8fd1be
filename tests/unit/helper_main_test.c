/*
 * The start of the helper: it serves root alone, and reads no byte of the caller before it has dropped all
 * privileges except those in HACKING. Each system call fails in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#include "../../helper/pam-netns-helper/helper.h"
#include "../../helper/pam-netns-helper/move.h"
#include "base/log.h"

static struct {
	uid_t uid, caller;	       /* of the helper, and of the socket's owner */
	unsigned long real, effective; /* ids that the kernel tells a new program */
	bool untold;		       /* it tells none */
	unsigned id_calls;
	bool no_socket, root;
	bool full;	  /* writes to sockets fail */
	uint64_t lacking; /* capabilities that the caller does not have */
	uint64_t permitted;
	bool moved, closed, no_new_privs, sandboxed, protected_all, deadline;
	/* Results. */
	bool received, ran, replied;
	enum outcome outcome;
	char cause[512];
	int written;
} world;

static int fake_caller(int fd, int option, void *value, const socklen_t *size)
{
	struct ucred peer = {.uid = world.caller};

	assert_int_equal(fd, STDIN_FILENO);
	assert_int_equal(option, SO_PEERCRED);
	assert_int_equal(*size, sizeof(peer));
	memcpy(value, &peer, sizeof(peer));
	errno = ENOTSOCK;
	return world.no_socket ? -1 : 0;
}

static int fake_prctl(int option, unsigned long argument)
{
	if (option == PR_SET_TIMERSLACK)
		return -1;
	if (fault_hits())
		return -1;
	assert_int_equal(option, PR_SET_NO_NEW_PRIVS);
	world.no_new_privs = argument == 1;
	return 0;
}

static int fake_ids(void)
{
	assert_false(world.closed);
	world.id_calls++;
	world.root = world.uid == 0;
	errno = EPERM;
	return world.root ? 0 : -1;
}

static long fake_capset(const struct __user_cap_data_struct *data)
{
	errno = EPERM;
	if (data[0].permitted & world.lacking)
		return -1;
	world.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	assert_int_equal(data[0].effective, data[0].permitted & ~(1U << CAP_DAC_OVERRIDE));
	assert_int_equal(data[0].inheritable | data[1].inheritable, 0);
	return 0;
}

/* Inherited state is reset with all privileges of root, and this may fail. */
static long fake_syscall(long number, ...)
{
	va_list arguments;
	long result = 0;

	va_start(arguments, number);
	if (number == SYS_setgroups || number == SYS_setresgid || number == SYS_setresuid) {
		result = fault_hits() ? -1 : fake_ids();
	} else if (number == SYS_close_range) {
		assert_int_equal(va_arg(arguments, unsigned), 3);
		world.closed = va_arg(arguments, unsigned) == ~0U;
		result = FAULT(0);
	} else if (number == SYS_capset) {
		(void)va_arg(arguments, void *);
		result =
		    FAULT(fake_capset(va_arg(arguments, const struct __user_cap_data_struct *)));
	} else {
		assert_true(world.root && world.permitted == 0);
		result = -1;
	}
	va_end(arguments);
	return result;
}

static unsigned long fake_auxv(unsigned long type)
{
	if (world.untold) {
		errno = ENOENT;
		return 0;
	}
	return type == AT_UID || type == AT_GID ? world.real : world.effective;
}

static int fake_mprotect(const void *start, size_t length, int protection)
{
	assert_int_equal((uintptr_t)start % 4096, 0);
	assert_true(length > 0);
	assert_int_equal(protection, PROT_READ);
	world.protected_all = true;
	return 0;
}

static int fake_sandbox(void)
{
	/* seccomp(2) needs it, and would forbid the earlier calls. */
	assert_true(world.no_new_privs);
	assert_true(world.permitted != 0);
	world.sandboxed = true;
	return 0;
}

static void assert_locked_down(void)
{
	const uint64_t kept = UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_SYS_CHROOT |
			      UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_SYS_PTRACE |
			      UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_CHOWN |
			      UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_FSETID |
			      UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID |
			      UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_SYS_TIME;

	assert_true(world.permitted == (kept & ~world.lacking));
	assert_true(world.closed && world.no_new_privs && world.sandboxed && world.protected_all);
}

static int fake_receive(struct request *request)
{
	assert_locked_down();
	request->who.uid = 2001;
	world.received = true;
	return 0;
}

static int fake_reply(const struct reply *reply)
{
	world.replied = true;
	world.outcome = reply->outcome;
	snprintf(world.cause, sizeof(world.cause), "%s", reply->cause);
	return 0;
}

static int fake_enter(struct host *host, pid_t caller)
{
	(void)caller;
	assert_true(world.deadline);
	*host = (struct host){.lock = -1};
	return 0;
}

static int fake_timer(const struct itimerval *timer)
{
	world.deadline = timer->it_value.tv_sec > 0 && timer->it_interval.tv_sec == 0;
	return 0;
}

static int fake_mask(const sigset_t *set)
{
	assert_true(sigisemptyset(set));
	return 0;
}

static int fake_limit(const struct rlimit *limit)
{
	assert_int_equal(limit->rlim_cur | limit->rlim_max, 0);
	return 0;
}

static int fake_log(int level, const char *text)
{
	assert_in_range(level, LOG_ERR, LOG_DEBUG);
	assert_non_null(text);
	return 0;
}

static int fake_write(int fd, const char *text)
{
	assert_int_equal(fd, STDERR_FILENO);
	assert_non_null(strstr(text, "not by hand"));
	world.written++;
	return 0;
}

static int verb_fails(void)
{
	log_error("cannot make the %s", "uplink");
	return -ENOSPC;
}

/* Their results tell them apart. */
#define VERB(name, answer)                                                                         \
	int verb_##name(struct host *host, const struct request *request, struct reply *reply)     \
	{                                                                                          \
		(void)host;                                                                        \
		assert_int_equal(request->who.uid, 2001);                                          \
		world.ran = true;                                                                  \
		reply->outcome = OUTCOME_DONE;                                                     \
		return answer;                                                                     \
	}
VERB(open, verb_fails())
VERB(close, 0)
VERB(host, 0)
VERB(up, 0)
VERB(down, 0)
VERB(kick, 0)
VERB(gc, 0)

static void fake_move(void)
{
	assert_true(world.root);
	assert_false(world.closed);
	world.moved = true;
}

#define helper_move()			     fake_move()
#define getsockopt(fd, level, option, v, s)  FAULT(fake_caller(fd, option, v, s))
#define getauxval(type)			     fake_auxv(type)
#define openat(folder, path, flags)	     ((void)(path), (void)(flags), -1)
#define personality(which)		     -1
#define getrlimit(which, limit)		     ((void)(which), *(limit) = (struct rlimit){0, 0}, -1)
#define prctl(option, a, ...)		     fake_prctl(option, a)
#define syscall(...)			     fake_syscall(__VA_ARGS__)
#define mprotect(...)			     FAULT(fake_mprotect(__VA_ARGS__))
#define setsid()			     0
#define sigprocmask(how, set, o)	     fake_mask(set)
#define umask(mode)			     assert_int_equal(mode, 022)
#define setrlimit(which, limit)		     ((void)(which), fake_limit(limit))
#define setitimer(w, t, o)		     fake_timer(t)
#define write(fd, text, size)		     fake_write(fd, text)
#define sandbox_enter()			     FAULT(fake_sandbox())
#define host_enter(host, caller, namespaces) FAULT(fake_enter(host, caller))
#define host_pid_namespace(host)	     FAULT(0)
#define host_sockets(host)		     FAULT(0)
#define message_receive_request(fd, request) FAULT(fake_receive(request))
#define message_send_reply(fd, reply)	     FAULT(fake_reply(reply))
#define message_send_log(fd, level, text)    FAULT(fake_log(level, text))
#define main(argc, argv)		     helper_main(argc, argv)
int helper_main(int argc, char **argv);

#include "../../helper/pam-netns-helper/inherited.c"
#include "../../helper/pam-netns-helper/main.c"

#undef main

static void world_make(void)
{
	memset(&world, 0, sizeof(world));
	world.real = 2001; /* as in su */
}

static int helper(const char *verb)
{
	char name[] = "pam-netns-helper", argument[32];
	char *argv[] = {name, argument, NULL};

	snprintf(argument, sizeof(argument), "%s", verb);
	return helper_main(2, argv);
}

static int helper_at(const char *verb, const char *place)
{
	char name[] = "pam-netns-helper";
	char *argv[] = {name, (char *)verb, (char *)place, NULL};

	return helper_main(3, argv);
}

static void assert_usage(int status)
{
	assert_int_equal(status, 2);
	assert_int_equal(world.written, 1);
	assert_false(world.closed || world.received || world.ran || world.replied);
}

static void helper_serves_only_root(void **state)
{
	static const char *const verbs_unknown[] = {"", "opens", "OPEN", "--help", "../open"};

	(void)state;
	for (size_t i = 0; i < sizeof(verbs_unknown) / sizeof(verbs_unknown[0]); i++) {
		world_make();
		assert_usage(helper(verbs_unknown[i]));
	}
	world_make();
	world.caller = 2001; /* setuid by mistake */
	assert_usage(helper("open"));
	world_make();
	world.uid = 2001;
	assert_usage(helper("open"));
	world_make();
	world.no_socket = true;
	assert_usage(helper("open"));
	world_make();
	fault_error = EBADF;
	for (fault_at = 1; fault_at <= 4; fault_at++) {
		world_make();
		fault_calls = 0;
		assert_usage(helper("open"));
	}
	fault_at = 0;
	/* CVE-2021-4034 */
	for (int argc = 0; argc < 4; argc++) {
		char *argv[] = {NULL, NULL, NULL, NULL};

		world_make();
		assert_usage(helper_main(argc, argv));
	}
}

/* It moves as root, before it closes or reads anything, and only if it is told so. */
static void helper_moves_first(void **state)
{
	(void)state;
	world_make();
	assert_int_equal(helper_at("close", "move"), 0);
	assert_true(world.moved && world.ran);
	world_make();
	assert_int_equal(helper("close"), 0);
	assert_false(world.moved);
	world_make();
	assert_usage(helper_at("open", "moves"));
	world_make();
	world.uid = 2001;
	assert_usage(helper_at("open", "move"));
	assert_false(world.moved);
}

/* No call is left out unless the kernel has told that both ids are root's. */
static void ids_are_set_unless_they_are_roots(void **state)
{
	static const struct {
		unsigned long real, effective;
		bool untold;
		unsigned calls; /* setgroups, setresgid, setresuid */
	} cases[] = {{0, 0, false, 1}, {2001, 0, false, 3}, {0, 2001, false, 3}, {0, 0, true, 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_make();
		world.real = cases[i].real;
		world.effective = cases[i].effective;
		world.untold = cases[i].untold;
		assert_int_equal(helper("close"), 0);
		assert_int_equal(world.id_calls, cases[i].calls);
	}
}

static void each_verb_runs_its_function(void **state)
{
	static const char *const names[] = {"close", "host", "up", "down", "kick", "gc"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		world_make();
		/* Only logins with a time namespace need the one, and those with image: the other. */
		world.lacking = (uint64_t)(i & 1) << CAP_SYS_TIME | (uint64_t)(i >> 1 & 1)
									<< CAP_DAC_OVERRIDE;
		assert_int_equal(helper(names[i]), 0);
		assert_true(world.ran && world.replied);
		assert_int_equal(world.outcome, OUTCOME_DONE);
		assert_string_equal(world.cause, "");
	}
}

/* The caller gets the last logged error. */
static void failure_has_the_last_logged_error(void **state)
{
	(void)state;
	world_make();
	assert_int_equal(helper("open"), 1);
	assert_true(world.replied);
	assert_int_equal(world.outcome, OUTCOME_REFUSED);
	assert_string_equal(world.cause, "cannot make the uplink");
}

/* fake_receive() checks the state at that point. */
static void body(void)
{
	int status;

	world_make();
	status = helper("close");
	if (!fault_was_hit()) {
		assert_int_equal(status, 0);
		return;
	}
	assert_int_not_equal(status, 0);
	assert_true(!world.ran || world.received);
	if (world.replied && !world.ran)
		assert_int_equal(world.outcome, OUTCOME_REFUSED);
}

static void each_failing_call_refuses(void **state)
{
	(void)state;
	assert_true(fault_sweep(EIO, body) > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(helper_serves_only_root),
	    cmocka_unit_test(helper_moves_first),
	    cmocka_unit_test(ids_are_set_unless_they_are_roots),
	    cmocka_unit_test(each_verb_runs_its_function),
	    cmocka_unit_test(failure_has_the_last_logged_error),
	    cmocka_unit_test(each_failing_call_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
