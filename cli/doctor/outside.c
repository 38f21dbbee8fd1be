/*
 * pam-netns doctor: processes of active users that are outside, on the host's network (T7).
 *
 * They were started by a service that has no line of ours in its PAM stack, or does not use
 * PAM: a user manager, a container engine, a service with User=. This is not forbidden, but
 * an admin should know.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "doctor.h"
#include "base/paths.h"
#include "state/state.h"

/* The name of a process, without its newline. A user chooses it, so it must
 * not look like a remedy. */
static void process_name(int proc, const char *pid, char *name, size_t size)
{
	char path[64];
	ssize_t length = -1;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	CLEANUP_FD int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		length = read(fd, name, size - 1);
	name[length > 0 ? length - 1 : 0] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '>')
			*c = '?';
}

/* Is this process on the host's network? */
static bool process_outside(int proc, const char *pid, ino_t host)
{
	char path[64];
	struct stat net;

	snprintf(path, sizeof(path), "%.20s/ns/net", pid);
	return fstatat(proc, path, &net, 0) == 0 && net.st_ino == host;
}

/* Reports the first process of each user, and then removes the uid from the list. */
static void process_check(struct doctor *doctor, int proc, const char *pid, ino_t host, uid_t *uids,
			  size_t count)
{
	char name[32];
	struct stat owner;
	size_t i = 0;

	if (fstatat(proc, pid, &owner, 0) < 0)
		return;
	while (i < count && uids[i] != owner.st_uid)
		i++;
	if (i == count || !process_outside(proc, pid, host))
		return;
	process_name(proc, pid, name, sizeof(name));
	doctor_warning(
	    doctor,
	    "process %s (%s) of uid %u is on the host's network, but the user has a network of "
	    "their own: it is older than that, as a user's systemd manager may be, or its service "
	    "has no pam_netns.so in its PAM stack -> "
	    "systemctl status %s # names the service",
	    pid, name, uids[i], pid);
	uids[i] = (uid_t)-1;
}

static void processes_check(struct doctor *doctor, int run, DIR *proc, ino_t host)
{
	CLEANUP_FREE uid_t *uids = NULL;
	struct dirent *entry;
	size_t count = 0;

	if (state_list(run, &uids, &count) < 0) {
		doctor_warning(doctor, "cannot list the active users -> look at " USERS_DIR
				       ", which must be a folder of root's");
		return;
	}
	while (count && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			process_check(doctor, dirfd(proc), entry->d_name, host, uids, count);
}

void doctor_outside(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *proc = opendir(HOSTPROC);
	struct stat host;

	/* Without these nothing was ever set up, and no user is active. */
	if (run >= 0 && proc && fstatat(dirfd(proc), "1/ns/net", &host, 0) == 0)
		processes_check(doctor, run, proc, host.st_ino);
}
