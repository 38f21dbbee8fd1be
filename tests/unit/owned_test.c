/*
 * Network namespaces that users own, on the real kernel: which user they belong to, what the user can
 * do to the process that makes them (T55), and failures of each call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>
#include <sys/ptrace.h>
#include <time.h>

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER  2001
#define GROUP 2100

/* Runs in the child, after it has made the namespaces. */
static void (*inside)(void);

static int unshare_and_look(int flags)
{
	int result = unshare(flags);

	if (result == 0 && inside)
		inside();
	return result;
}

/* As a kernel with fs.suid_dumpable = 1: a change of the uid makes memory dumpable. */
static long syscall_dumpable(long number, long a, long b, long c)
{
	long result = syscall(number, a, b, c);

	if (number != SYS_capget)
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return result;
}

#define openat(...)	      FAULT(openat(__VA_ARGS__))
#define clone(...)	      FAULT(clone(__VA_ARGS__))
#define write(fd, text, size) FAULT(write(fd, text, size))
#define unshare(flags)	      FAULT(unshare_and_look(flags))
#define syscall_of(number, a, b, c, ...)                                                           \
	FAULT(syscall_dumpable(number, (long)(a), (long)(b), (long)(c)))
#define syscall(...) syscall_of(__VA_ARGS__, 0, )

#include "../../lib/ns/owned.c"

#undef openat
#undef clone
#undef write
#undef unshare
#undef syscall

static int user_namespace(int net)
{
	int fd = ioctl(net, NS_GET_USERNS);

	assert_true(fd >= 0);
	return fd;
}

/* Exit statuses of the user's process: 0, or the line that fails. */
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ & 0xff ?: 1);                                               \
	} while (0)

static void __attribute__((noreturn)) user_joins(int net)
{
	int user = user_namespace(net);
	gid_t groups[1] = {GROUP};

	NEED(setgroups(1, groups) == 0 && setresgid(GROUP, GROUP, GROUP) == 0);
	NEED(setresuid(USER, USER, USER) == 0);
	NEED(setns(net, CLONE_NEWNET) < 0 && errno == EPERM);
	NEED(setns(user, CLONE_NEWUSER) == 0);
	NEED(getuid() == 0 && getgid() == 0);
	NEED(setgroups(0, NULL) < 0 && errno == EPERM);
	NEED(setns(net, CLONE_NEWNET) == 0);
	_exit(0);
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void network_belongs_to_its_user(void **state)
{
	int net = owned_make(USER, GROUP), own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	(void)state;
	assert_true(net >= 0);
	assert_true(owned_by(net, USER));
	assert_false(owned_by(net, USER + 1));
	assert_false(owned_by(own, USER));
	assert_false(owned_by(own, 0));
	/* The caller is as it was. */
	assert_int_equal(geteuid(), 0);
	pid = fork();
	if (pid == 0)
		user_joins(net);
	assert_int_equal(exit_status(pid), 0);
	close(net);
	close(own);
}

/* A network of a namespace inside the user's is no network of ours. */
static void network_of_a_nested_namespace_is_not_the_users(void **state)
{
	int net = owned_make(USER, GROUP), user = user_namespace(net), pipes[2];
	char path[64], byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		NEED(setresgid(GROUP, GROUP, GROUP) == 0 && setresuid(USER, USER, USER) == 0);
		NEED(setns(user, CLONE_NEWUSER) == 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
		NEED(write(pipes[1], "x", 1) == 1);
		pause();
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	int nested = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(nested >= 0);
	assert_false(owned_by(nested, USER));
	assert_false(owned_by(nested, 0));
	kill(pid, SIGKILL);
	(void)exit_status(pid);
	close(nested);
	close(pipes[0]);
	close(pipes[1]);
	close(user);
	close(net);
}

static void stop(void)
{
	kill(getpid(), SIGSTOP);
}

static void end(void)
{
	kill(getpid(), SIGKILL);
}

/* T55: the user may stop or kill the child, and waits for themselves alone. */
static void stopped_child_is_not_waited_for(void **state)
{
	int64_t start = time(NULL);

	(void)state;
	inside = stop;
	assert_int_equal(owned_make(USER, GROUP), -ETIMEDOUT);
	assert_true(time(NULL) - start < 10);
	while (waitpid(-1, NULL, 0) > 0) /* none, if the child has ended at once */
		;
	assert_int_equal(errno, ECHILD);
	inside = end;
	assert_int_equal(owned_make(USER, GROUP), -EINTR);
	inside = NULL;
}

/* The parent of a vfork(2) waits in the kernel, as for a lock. */
static void wait_in_kernel(void)
{
	const struct timespec longer = {.tv_sec = CHILD_WAIT_MS / 1000 + 1, .tv_nsec = 200000000};

	if ((syscall)(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0) {
		(void)nanosleep(&longer, NULL);
		(void)(syscall)(SYS_exit_group, 0);
	}
}

static void child_in_the_kernel_is_waited_for(void **state)
{
	int net;

	(void)state;
	inside = wait_in_kernel;
	net = owned_make(USER, GROUP);
	inside = NULL;
	assert_true(net >= 0 && owned_by(net, USER));
	close(net);
}

static int to_attacker[2], from_attacker[2];

static void attacked(void)
{
	pid_t pid = getpid();
	char byte;

	if (write(to_attacker[1], &pid, sizeof(pid)) == sizeof(pid))
		(void)!read(from_attacker[0], &byte, 1);
}

/* The control is a process that the user may trace: its own child. */
static void __attribute__((noreturn)) attack(void)
{
	char path[64];
	pid_t pid, own;
	int pidfd;

	NEED(setresgid(GROUP, GROUP, GROUP) == 0 && setresuid(USER, USER, USER) == 0);
	NEED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	own = fork();
	if (own == 0) {
		pause();
		_exit(0);
	}
	NEED(ptrace(PTRACE_SEIZE, own, 0, 0) == 0);
	kill(own, SIGKILL);
	NEED(read(to_attacker[0], &pid, sizeof(pid)) == sizeof(pid));
	NEED(kill(pid, 0) == 0);
	NEED(ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 && errno == EPERM);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	NEED(open(path, O_RDWR) < 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	NEED(open(path, O_RDONLY) < 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	NEED(open(path, O_RDONLY) < 0);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	NEED(pidfd >= 0 && syscall(SYS_pidfd_getfd, pidfd, to_attacker[0], 0) < 0 &&
	     errno == EPERM);
	_exit(0);
}

/* T55: the user has all capabilities over the child, which has the helper's memory and files. */
static void user_cannot_take_over_the_child(void **state)
{
	pid_t pid;
	int net;

	(void)state;
	assert_int_equal(pipe(to_attacker), 0);
	assert_int_equal(pipe(from_attacker), 0);
	pid = fork();
	if (pid == 0)
		attack();
	inside = attacked;
	/* The attacker's end ends the child's wait. */
	close(from_attacker[1]);
	net = owned_make(USER, GROUP);
	inside = NULL;
	assert_int_equal(exit_status(pid), 0);
	assert_true(net >= 0);
	close(net);
	close(to_attacker[0]);
	close(to_attacker[1]);
	close(from_attacker[0]);
}

static void body(void)
{
	int net = owned_make(USER, GROUP);

	if (fault_was_hit()) {
		assert_int_equal(net, -ENOSPC);
	} else {
		assert_true(net >= 0);
		close(net);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void each_failing_call_is_reported(void **state)
{
	(void)state;
	assert_true(fault_sweep(ENOSPC, body) > 10);
}

static int root_only(void **state)
{
	(void)state;
	return geteuid() == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(network_belongs_to_its_user),
	    cmocka_unit_test(network_of_a_nested_namespace_is_not_the_users),
	    cmocka_unit_test(stopped_child_is_not_waited_for),
	    cmocka_unit_test(child_in_the_kernel_is_waited_for),
	    cmocka_unit_test(user_cannot_take_over_the_child),
	    cmocka_unit_test(each_failing_call_is_reported),
	};

	return cmocka_run_group_tests(tests, root_only, NULL);
}
