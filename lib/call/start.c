/*
 * The start of the helper's process.
 *
 * posix_spawn(3) runs the child in its caller's memory until it is the helper; a copy of sshd's or
 * su's page tables would be the longest part of a short call (BENCHMARKS). The child belongs in
 * another cgroup, though: su runs in one that its user may be allowed to freeze or to starve
 * (systemd delegates one to each), and the helper holds locks that others need (T10). With a C
 * library that can (glibc 2.39) it is spawned into that cgroup. With others it is spawned in its
 * caller's, and moves itself as its first step (helper/pam-netns-helper/move.c). If no cgroup takes
 * it, it stays in its caller's: there is no version 2, or a filter forbids clone3(2).
 */
#include "call/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "call/root_cgroup.h"

#define OWN_CGROUP (-1)

struct start {
	int socket;
	const char *path;
	char *arguments[4];
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

struct spawn {
	const struct start *start;
	pid_t *pid;
};

static int spawn_into(void *context, int cgroup)
{
	const struct spawn *spawn = context;

	return start_spawned(spawn->start, cgroup, spawn->pid);
}

static int start_outside(struct start *start, pid_t *pid)
{
	struct spawn spawn = {start, pid};
	int error = root_cgroup_each(spawn_into, &spawn);

	if (error == -ENOENT) /* from a cgroup namespace; the helper can leave that first */
		start->arguments[2] = (char *)"move";
	return error ? start_spawned(start, OWN_CGROUP, pid) : 0;
}

#else

/* In a user's cgroup namespace the user's group would seem to be the root. */
static bool in_cgroup_namespace(void)
{
	struct stat host, own;

	return stat(HOSTPROC "/1/ns/cgroup", &host) == 0 &&
	       stat("/proc/thread-self/ns/cgroup", &own) == 0 && host.st_ino != own.st_ino;
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
	return strstr(text, "0::/\n") != NULL && !in_cgroup_namespace();
}

static int start_outside(struct start *start, pid_t *pid)
{
	if (!in_root_cgroup())
		start->arguments[2] = (char *)"move";
	return start_spawned(start, OWN_CGROUP, pid);
}

#endif

int call_start(int socket, const char *path, const char *verb, pid_t *pid)
{
	struct start start = {socket, path, {(char *)"pam-netns-helper", (char *)verb, NULL, NULL}};

	return start_outside(&start, pid);
}
