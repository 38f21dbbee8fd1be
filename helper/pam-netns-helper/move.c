/*
 * The helper's move into the root cgroup, if the caller's C library could not start it there
 * (lib/call/start.c).
 *
 * A process that moves waits for RCU, up to 10 ms, so a copy of it is made there, as another child of
 * the caller. This process is small by now, unlike its caller. It ends, and the copy tells the
 * caller its pid before it reads or does anything. So a user who has stopped, frozen or starved this
 * process has stopped their own login: the copy is beyond their reach, and without it nothing is
 * made.
 */
#include "move.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "call/message.h"
#include "call/root_cgroup.h"

static int copy_make(int cgroup)
{
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP | CLONE_PARENT,
				       .cgroup = (uint64_t)cgroup};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid > 0)
		_exit(0);
	return pid < 0 ? -errno : 0;
}

/* -ENOENT: the caller is in a user's cgroup namespace, from which nsdelegate lets no process out. */
static int copy_start(void *context, int cgroup)
{
	int error = copy_make(cgroup);

	(void)context;
	if (error != -ENOENT)
		return error;
	CLEANUP_FD int host = open(HOSTPROC "/1/ns/cgroup", O_RDONLY | O_CLOEXEC);

	return host >= 0 && setns(host, CLONE_NEWCGROUP) == 0 ? copy_make(cgroup) : error;
}

void helper_move(void)
{
	if (root_cgroup_each(copy_start, NULL) < 0)
		return;
	/* The caller must wait for this process, so it must know it. Memory may be short for a moment. */
	for (int i = 0; message_send_moved(STDIN_FILENO, getpid()) < 0; i++)
		if (i == 2)
			_exit(1);
}
