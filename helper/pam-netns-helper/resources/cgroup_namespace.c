/*
 * The user's cgroup namespace: its root is the user's control group, which the limits have made
 * (limits.c).
 *
 * The kernel takes as root the group of the process that makes the namespace. A process that moves
 * waits for RCU, some milliseconds, so a child is made in the group. It shares this process's descriptors,
 * and leaves the namespace in the place of the group's.
 */
#include "../resource.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "host/cgroup.h"

static bool cgroup_namespace_wanted(const struct user *user)
{
	return user->state.namespaces & NAMESPACE_CGROUP;
}

int cgroup_namespace_refuse(const struct user *user)
{
	log_error(
	    "no cgroup namespace for uid %u: systemd is PID 1, and each session has a control "
	    "group of its own; remove cgroup from namespaces in the profile %s",
	    user->uid, user->state.profile);
	return -EOPNOTSUPP;
}

/* The user's group. Not logged. */
static int group_open(const struct user *user)
{
	CLEANUP_FD int root = cgroup_open();
	char path[CGROUP_PATH_MAX];
	int group;

	if (root < 0)
		return root;
	group = openat(root, cgroup_path(false, user->uid, path),
		       O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return group < 0 ? -errno : group;
}

static void __attribute__((noreturn)) child_run(int proc, int group)
{
	int error = namespace_unshare(KIND_CGROUP);
	int fd = error ? error : namespace_open(proc, "self", KIND_CGROUP);

	if (fd >= 0 && dup3(fd, group, O_CLOEXEC) < 0)
		fd = log_errno(errno, "hand over a cgroup namespace");
	_exit(fd < 0);
}

/* group becomes the namespace. */
static int namespace_take(int proc, int group)
{
	struct clone_args how = {.flags = CLONE_INTO_CGROUP | CLONE_FILES,
				 .exit_signal = SIGCHLD,
				 .cgroup = (uint64_t)group};
	pid_t pid = (pid_t)syscall(SYS_clone3, &how, sizeof(how)), ended;
	int status = 0;

	if (pid == 0)
		child_run(proc, group);
	if (pid < 0)
		return log_errno(errno, "start a process in the user's control group");
	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return log_errno(errno, "wait for the process in the user's control group");
	/* It has logged why. */
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int cgroup_namespace_make(struct user *user)
{
	CLEANUP_FD int group = group_open(user);
	int error = group < 0 ? log_errno(-group, "open the control group of uid %u", user->uid)
			      : namespace_take(user->host->proc, group);

	if (error)
		return error;
	error = pin_add(user->uid, KIND_CGROUP, group);
	if (error)
		return log_errno(-error, "pin a cgroup namespace");
	user->pins.fd[KIND_CGROUP] = steal_fd(&group);
	return 0;
}

/* The kernel removes only a group without processes, so no session is left in it. */
static int cgroup_namespace_check(struct user *user)
{
	CLEANUP_FD int group = group_open(user);

	if (group >= 0)
		return 0;
	if (group == -ENOENT)
		log_warning("the control group of uid %u was removed: a login makes the namespaces "
			    "again",
			    user->uid);
	return group == -ENOENT ? group
				: log_errno(-group, "look at the group of uid %u", user->uid);
}

const struct resource resource_cgroup_namespace = {
    .name = "cgroup namespace",
    .wanted = cgroup_namespace_wanted,
    .make = cgroup_namespace_make,
    .check = cgroup_namespace_check,
};
