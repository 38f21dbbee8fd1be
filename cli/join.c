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

/* -ENOENT: the user has none. */
static int pins_find(int hostproc, uid_t uid, int fds[PIN_KINDS])
{
	char path[sizeof("1/root" PINS_DIR "/4294967295/net")];

	for (int i = 0; i < PIN_KINDS; i++) {
		snprintf(path, sizeof(path), "1/root" PINS_DIR "/%u/%s", uid, pin_kinds[i].name);
		fds[i] = openat(hostproc, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fds[i] < 0 && errno != ENOENT)
			return log_errno(errno, "open " PINS_DIR "/%u/%s", uid, pin_kinds[i].name);
		if (fds[i] >= 0 && !pin_valid(fds[i], pin_kinds[i].clone_flag)) {
			log_error(PINS_DIR "/%u/%s is not a namespace of the host's; 'pam-netns "
					   "kick' removes what is left of the user",
				  uid, pin_kinds[i].name);
			return -EINVAL;
		}
	}
	return fds[0] < 0 ? -ENOENT : 0;
}

int join_open(struct join *join, uid_t uid, const char *name)
{
	int error;

	join->uid = uid;
	join->hostproc = open(HOSTPROC, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (join->hostproc < 0 || faccessat(join->hostproc, "1/root", F_OK, 0)) {
		log_error("this host is not set up; run 'pam-netns up'");
		return -ENOENT;
	}
	error = pins_find(join->hostproc, uid, join->fd);
	if (error == -ENOENT)
		log_error("%s has no network at present: not logged in, or exempt (see 'pam-netns "
			  "explain')",
			  name);
	return error;
}

static bool is_inside(int hostproc, const int fds[PIN_KINDS])
{
	for (int i = 0; i < PIN_KINDS; i++) {
		char path[sizeof("self/ns/net")];
		struct stat promised, now;

		snprintf(path, sizeof(path), "self/ns/%s", pin_kinds[i].name);
		if (fds[i] < 0)
			continue;
		if (fstat(fds[i], &promised) || fstatat(hostproc, path, &now, 0) ||
		    promised.st_dev != now.st_dev || promised.st_ino != now.st_ino)
			return false;
	}
	return true;
}

int join_enter(struct join *join)
{
	int again[PIN_KINDS] = {-1, -1, -1};

	for (int i = 0; i < PIN_KINDS; i++) {
		if (join->fd[i] >= 0 && setns(join->fd[i], pin_kinds[i].clone_flag))
			return log_errno(errno, "join the %s namespace of uid %u",
					 pin_kinds[i].name, join->uid);
	}
	if (!is_inside(join->hostproc, join->fd)) {
		log_error("the kernel did not join the namespaces of uid %u", join->uid);
		return -EPERM;
	}
	if (pins_find(join->hostproc, join->uid, again) || !is_inside(join->hostproc, again)) {
		log_error("the network of uid %u went away meanwhile", join->uid);
		return -ESTALE;
	}
	return 0;
}
