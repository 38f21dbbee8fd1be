/* Joining a user's pinned namespaces; see join.h. */
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/paths.h"
#include "ns/pins.h"

/* -ENOENT: the user has none of this kind. */
static int pin_find(int hostproc, uid_t uid, enum namespace_kind kind)
{
	const char *name = namespace_kinds[kind].name;
	char folder[sizeof("1/root" PINS_DIR "/4294967295")],
	    path[sizeof(folder) + NAMESPACE_NAME_MAX];

	snprintf(folder, sizeof(folder), "1/root" PINS_DIR "/%u", uid);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CLEANUP_FD int fd = openat(hostproc, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT
				       : log_errno(errno, "open " PINS_DIR "/%u/%s", uid, name);
	if (!pin_valid(fd, kind, hostproc, folder)) {
		log_error(PINS_DIR "/%u/%s is not a namespace of the host's; 'pam-netns "
				   "kick' removes what is left of the user",
			  uid, name);
		return -EINVAL;
	}
	return steal_fd(&fd);
}

/* For a kind that the user does not have, the host's. -ENOENT: the user has no network. */
static int namespaces_find(int hostproc, uid_t uid, struct namespaces *out)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		out->fd[i] = pin_find(hostproc, uid, i);
		if (out->fd[i] == -ENOENT && i != KIND_NET)
			out->fd[i] = namespace_open_host(hostproc, i);
		if (out->fd[i] < 0 && (out->fd[i] != -ENOENT || i == KIND_NET))
			return out->fd[i];
	}
	return 0;
}

int join_open(struct join *join, uid_t uid, const char *name)
{
	int error;

	join->uid = uid;
	namespaces_init(&join->ns);
	join->hostproc = open(HOSTPROC, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (join->hostproc < 0 || faccessat(join->hostproc, "1/root", F_OK, 0)) {
		log_error("this host is not set up; run 'pam-netns up'");
		return -ENOENT;
	}
	error = namespaces_find(join->hostproc, uid, &join->ns);
	if (error == -ENOENT)
		log_error("%s has no network at present: not logged in, or exempt (see 'pam-netns "
			  "explain')",
			  name);
	return error;
}

static bool is_inside(int hostproc, const struct namespaces *ns)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		char path[sizeof("self/ns/") + NAMESPACE_NAME_MAX];
		struct stat promised, now;

		if (ns->fd[i] < 0)
			continue; /* this kernel has no such kind */
		snprintf(path, sizeof(path), "self/ns/%s", namespace_kinds[i].name);
		if (fstat(ns->fd[i], &promised) || fstatat(hostproc, path, &now, 0) ||
		    promised.st_dev != now.st_dev || promised.st_ino != now.st_ino)
			return false;
	}
	return true;
}

static int kind_join(const struct join *join, enum namespace_kind kind)
{
	const struct namespace_row *row = &namespace_kinds[kind];

	if (setns(join->ns.fd[kind], row->clone_flag))
		return log_errno(errno, "join the %s namespace of uid %u", row->name, join->uid);
	return 0;
}

int join_children(struct join *join)
{
	if (setns(join->ns.fd[KIND_PID], CLONE_NEWPID) == 0)
		return 0;
	if (errno != EINVAL)
		return log_errno(errno, "join the pid namespace of uid %u", join->uid);
	log_error("this session is in a PID namespace, from which no process enters that of "
		  "uid %u: run it outside of this session",
		  join->uid);
	return -EINVAL;
}

int join_enter(struct join *join)
{
	struct namespaces again;

	namespaces_init(&again);
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		int error = i == KIND_PID || join->ns.fd[i] < 0 ? 0 : kind_join(join, i);

		if (error)
			return error;
	}
	if (!is_inside(join->hostproc, &join->ns)) {
		log_error("the kernel did not join the namespaces of uid %u", join->uid);
		return -EPERM;
	}
	if (namespaces_find(join->hostproc, join->uid, &again) ||
	    !is_inside(join->hostproc, &again)) {
		log_error("the network of uid %u went away meanwhile", join->uid);
		return -ESTALE;
	}
	return 0;
}
