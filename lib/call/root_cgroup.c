/* The cgroup for the helper; see root_cgroup.h. */
#include "call/root_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/vfs.h>

#include "base/paths.h"

/*
 * The host's, because in a session /sys/fs/cgroup may be the user's own group, where users' limits
 * hold. The root of cgroup v2, or if that takes no processes (a container's) the cgroup of PID 1. Hosts
 * with both versions have the second one in "unified".
 */
static const char *const cgroups[] = {
    HOSTPROC "/1/root/sys/fs/cgroup",
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/init.scope",
    "/sys/fs/cgroup/unified",
};

static int start_at(const char *folder, int (*start)(void *context, int cgroup), void *context)
{
	CLEANUP_FD int cgroup = openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	/* Asked first: the kernel may copy the process before it says so. */
	if (cgroup < 0 || fstatfs(cgroup, &fs) < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	return fs.f_type == CGROUP2_SUPER_MAGIC ? start(context, cgroup) : -ENODEV;
}

int root_cgroup_each(int (*start)(void *context, int cgroup), void *context)
{
	int error = -ENODEV;

	for (size_t i = 0; i < sizeof(cgroups) / sizeof(cgroups[0]) && error && error != -ENOENT;
	     i++)
		error = start_at(cgroups[i], start, context);
	return error;
}
