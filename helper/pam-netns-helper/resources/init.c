/*
 * The user's PID namespace and its process 1 (../init.h).
 *
 * init_begin() starts the process in the network, UTS and IPC namespaces that have just been made.
 * It makes the /proc of the mount namespace, which comes next, and then enters that. If it has
 * ended, the kernel has ended all processes in the namespace and lets no new ones in, so the user
 * has no network, and a login makes all anew.
 */
#include "../resource.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../init.h"
#include "base/log.h"
#include "base/paths.h"

static bool init_wanted(const struct user *user)
{
	return user->state.namespaces & NAMESPACE_PID;
}

static int init_pin(struct user *user, pid_t pid)
{
	struct process init;
	char name[16];
	int error = process_read(user->host->proc, pid, &init, NULL);

	if (error)
		return log_errno(-error, "look at process %d", (int)pid);
	error = pins_init_write(user->uid, &init);
	if (error)
		return error;
	snprintf(name, sizeof(name), "%d", (int)pid);
	user->pins.fd[KIND_PID] = namespace_open(user->host->proc, name, KIND_PID);
	error = user->pins.fd[KIND_PID];
	error = error < 0 ? error : pin_add(user->uid, KIND_PID, user->pins.fd[KIND_PID]);
	return error ? log_errno(-error, "pin a pid namespace") : 0;
}

/* In the PID namespace itself it has another number; login.c refuses all others but the host's. */
static int init_open(struct user *user, pid_t pid)
{
	if (user->host->pid_namespace)
		pid = 1;
	user->init_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return user->init_pidfd < 0 ? log_errno(errno, "open process %d", (int)pid) : 0;
}

int init_begin(struct user *user)
{
	const struct profile *profile = user->profile;
	pid_t pid =
	    init_start(profile->processes != PROCESSES_ALL, user->request->watchers, &user->init);

	if (pid < 0)
		return pid;
	return init_open(user, pid) ?: init_pin(user, pid);
}

static int init_make(struct user *user)
{
	char path[128];

	snprintf(path, sizeof(path), PINS_DIR "/.%u/mnt", user->uid);
	return init_settle(user->init, path);
}

static int init_check(struct user *user)
{
	struct process init;
	int error = host_pid_namespace(user->host);

	if (error)
		return error;
	error = pins_init_read(user->uid, &init);
	error = error ?: init_open(user, init.pid);
	if (!error && process_alive(user->host->proc, &init))
		return 0;
	/* In doubt the user may have processes, which must not get a second network. */
	if (error && error != -ENOENT && error != -ESRCH)
		return error;
	if (!error && !process_gone(user->host->proc, &init))
		return log_errno(EIO, "look at process %d, which is process 1 of uid %u",
				 (int)init.pid, user->uid);
	log_warning("process 1 of the PID namespace of uid %u has ended, and all processes in it: "
		    "a login makes the namespaces again",
		    user->uid);
	return -ENOENT;
}

const struct resource resource_init = {
    .name = "process 1",
    .wanted = init_wanted,
    .make = init_make,
    .check = init_check,
};
