/* The kinds of namespaces; see namespaces.h. */
#include "base/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

const struct namespace_row namespace_kinds[NAMESPACE_KINDS] = {
    [KIND_NET] = {"net", "network", "net", "net", CLONE_NEWNET, NAMESPACE_NET},
    [KIND_UTS] = {"uts", "host name", "uts", "uts", CLONE_NEWUTS, NAMESPACE_UTS},
    [KIND_IPC] = {"ipc", "IPC objects", "ipc", "ipc", CLONE_NEWIPC, NAMESPACE_IPC},
    [KIND_TIME] = {"time", "boot time", "time_for_children", "time", CLONE_NEWTIME, NAMESPACE_TIME},
    [KIND_CGROUP] = {"cgroup", "control groups", "cgroup", "cgroup", CLONE_NEWCGROUP,
		     NAMESPACE_CGROUP},
    [KIND_PID] = {"pid", "processes", "pid_for_children", "pid_for_children", CLONE_NEWPID,
		  NAMESPACE_PID},
    [KIND_MNT] = {"mnt", "mount namespace", "mnt", "mnt", CLONE_NEWNS, NAMESPACE_MNT},
};

enum namespace_kind namespace_find(const char *name)
{
	enum namespace_kind kind = 0;

	while (kind < NAMESPACE_KINDS && strcmp(namespace_kinds[kind].name, name) != 0)
		kind++;
	return kind;
}

const char *namespaces_text(unsigned set, char text[NAMESPACES_TEXT_MAX])
{
	char *end = text;

	*text = '\0';
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		if (set & namespace_kinds[i].bit)
			end += sprintf(end, "%s%s", end > text ? " " : "", namespace_kinds[i].name);
	return text;
}

int namespace_unshare(enum namespace_kind kind)
{
	const struct namespace_row *row = &namespace_kinds[kind];

	if (unshare(row->clone_flag) == 0)
		return 0;
	if (errno == EINVAL) {
		log_error("this kernel has no %s namespaces: remove %s from namespaces in the "
			  "profile",
			  row->name, row->name);
		return -EOPNOTSUPP;
	}
	return log_errno(errno, "make a %s namespace (limit: user.max_%s_namespaces)", row->name,
			 row->name);
}

int namespace_open_made(enum namespace_kind kind)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_kinds[kind].made);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? log_errno(errno, "open the new %s namespace", namespace_kinds[kind].name)
		      : fd;
}

int namespace_open_host(int proc, enum namespace_kind kind)
{
	const char *name = namespace_kinds[kind].name;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "1/ns/%s", name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ENOENT : log_errno(errno, "open the host's %s namespace", name);
}

int namespace_open(int proc, const char *process, enum namespace_kind kind)
{
	const char *name = namespace_kinds[kind].name;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/ns/%s", process, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? log_errno(errno, "open the %s namespace of process %s", name, process) : fd;
}

void namespaces_init(struct namespaces *namespaces)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		namespaces->fd[i] = -1;
}

void namespaces_close(struct namespaces *namespaces)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		cleanup_fd(&namespaces->fd[i]);
	namespaces_init(namespaces);
}
