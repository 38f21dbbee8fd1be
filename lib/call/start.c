/*
 * The start of the helper's process.
 *
 * posix_spawn(3) runs the child in its caller's memory until it is the helper; a copy of sshd's or
 * su's page tables would be the longest part of a short call (BENCHMARKS). The child belongs in
 * another cgroup, though: su runs in one that its user may be allowed to freeze or to starve
 * (systemd delegates one to each), and the helper holds locks that others need (T10). So there are
 * three ways:
 *
 * 1. start_in_cgroup(), with a C library that can (glibc 2.39): spawned into the cgroup.
 * 2. start_in_cgroup(), with others: cloned into it, with a copy of the caller's memory. Only
 *    posix_spawn(3) may share the memory without machine code of ours in the caller.
 * 3. start_spawned(): spawned in the caller's own cgroup, if that is the root already, if there is
 *    no version 2, or if the other way fails (a filter may forbid clone3(2)).
 */
#include "call/start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "call/message.h"

#define OWN_CGROUP (-1)

/*
 * The root of cgroup v2, or if that takes no processes (a container's) the cgroup of PID 1. Hosts
 * with both versions have the second one in "unified".
 */
static const char *const cgroups[] = {
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/init.scope",
    "/sys/fs/cgroup/unified",
};

struct start {
	int socket;
	const char *path;
	char *arguments[3];
};

static char *const no_environment[] = {NULL};

/* The result is an errno, as those of the posix_spawn family are. */
static int actions_add(posix_spawn_file_actions_t *actions, int socket)
{
	int error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null",
						     O_RDWR | O_NOCTTY, 0);

	if (error)
		return error;
	error = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
	if (error)
		return error;
	return posix_spawn_file_actions_adddup2(actions, socket, STDIN_FILENO);
}

static int attributes_set(posix_spawnattr_t *attributes, int cgroup)
{
	short flags = POSIX_SPAWN_SETSIGDEF;
	sigset_t all;

#ifdef POSIX_SPAWN_SETCGROUP
	if (cgroup != OWN_CGROUP) {
		flags |= POSIX_SPAWN_SETCGROUP;
		(void)posix_spawnattr_setcgroup_np(attributes, cgroup);
	}
#else
	(void)cgroup;
#endif
	sigfillset(&all);
	(void)posix_spawnattr_setsigdefault(attributes, &all);
	return posix_spawnattr_setflags(attributes, flags);
}

static int start_with(const struct start *start, posix_spawn_file_actions_t *actions, int cgroup,
		      pid_t *pid)
{
	posix_spawnattr_t attributes;
	int error = actions_add(actions, start->socket);

	if (error)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error)
		return error;
	error = attributes_set(&attributes, cgroup);
	if (!error)
		error = posix_spawn(pid, start->path, actions, &attributes, start->arguments,
				    no_environment);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static int start_spawned(const struct start *start, int cgroup, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = start_with(start, &actions, cgroup, pid);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

#ifdef POSIX_SPAWN_SETCGROUP

static int start_in_cgroup(const struct start *start, int cgroup, pid_t *pid)
{
	return start_spawned(start, cgroup, pid);
}

static bool in_root_cgroup(void)
{
	return false; /* no need to know */
}

#else

static int arrange_fds(int socket)
{
	int null = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);

	/* If null is 1 or 2, dup2(2) leaves that one close-on-exec. */
	if (null >= 0 && null <= STDERR_FILENO)
		null = fcntl(null, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
	    dup2(socket, STDIN_FILENO) < 0)
		return -errno;
	return 0;
}

/* Async-signal-safe: the caller may have other threads. */
static void child_run(const struct start *start)
{
	/* All bytes zero is the default action in every architecture's struct. */
	static const unsigned long standard[8];
	int error = arrange_fds(start->socket);

	for (int signal = 1; signal < NSIG; signal++)
		(void)syscall(SYS_rt_sigaction, signal, standard, NULL, (NSIG - 1) / CHAR_BIT);
	if (!error) {
		/* gcov(1) puts something of its own, which allocates, in execve(3)'s place. */
		(void)syscall(SYS_execve, start->path, start->arguments, no_environment);
		error = -errno;
	}
	(void)message_send_failure(start->socket, -error);
	_exit(127);
}

static int start_in_cgroup(const struct start *start, int cgroup, pid_t *pid)
{
	struct clone_args arguments = {
	    .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)cgroup};
	long result = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (result < 0)
		return -errno;
	if (result == 0)
		child_run(start);
	*pid = (pid_t)result;
	return 0;
}

/* The calling thread's. No cgroup has a line feed in its name. */
static bool in_root_cgroup(void)
{
	CLEANUP_FD int fd = open("/proc/thread-self/cgroup", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (size < 0)
		return false;
	text[size] = '\0';
	return strstr(text, "0::/\n") != NULL;
}

#endif

static int start_at(const struct start *start, const char *folder, pid_t *pid)
{
	CLEANUP_FD int cgroup = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	/* Asked first: the kernel may copy the process before it says so. */
	if (cgroup < 0 || fstatfs(cgroup, &fs) < 0)
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -ENODEV;
	return start_in_cgroup(start, cgroup, pid);
}

int call_start(int socket, const char *path, const char *verb, pid_t *pid)
{
	struct start start = {socket, path, {(char *)"pam-netns-helper", (char *)verb, NULL}};

	if (!in_root_cgroup())
		for (size_t i = 0; i < sizeof(cgroups) / sizeof(cgroups[0]); i++)
			if (start_at(&start, cgroups[i], pid) == 0)
				return 0;
	return start_spawned(&start, OWN_CGROUP, pid);
}
