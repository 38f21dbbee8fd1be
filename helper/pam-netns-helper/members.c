/*
 * Processes in a user's namespaces: looked up in the host's procfs, never remembered.
 *
 * A process that forks while this looks may be missed; whoever acts on "none" looks twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "gc.h"
#include "log.h"
#include "pins.h"

void members_free(struct members *members)
{
	free(members->pids);
	*members = (struct members){0};
}

/* 1: the process is in one of the pinned namespaces; 0: not, or it is gone; or -errno. */
static int member_is(int proc, const char *pid, const struct stat pinned[PIN_KINDS])
{
	char path[64];
	struct stat st;

	for (int i = 0; i < PIN_KINDS; i++) {
		if (!pinned[i].st_ino)
			continue;
		snprintf(path, sizeof(path), "%.20s/ns/%s", pid, pin_kinds[i].name);
		if (fstatat(proc, path, &st, 0) < 0) {
			if (errno != ENOENT && errno != ESRCH && errno != EACCES && errno != EPERM)
				return log_errno(errno, "look at process %s", pid);
			continue;
		}
		if (st.st_ino == pinned[i].st_ino && st.st_dev == pinned[i].st_dev)
			return 1;
	}
	return 0;
}

static int member_add(struct members *members, pid_t pid)
{
	pid_t *more = reallocarray(members->pids, members->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	members->pids = more;
	more[members->count++] = pid;
	return 0;
}

static int pins_stat(uid_t uid, struct stat pinned[PIN_KINDS])
{
	bool any = false;

	for (int i = 0; i < PIN_KINDS; i++) {
		CLEANUP_PINS struct pins pins;

		pinned[i] = (struct stat){0};
		int result = pins_open(uid, pin_kinds[i].bit, &pins);

		if (result == -ENOENT)
			continue;
		if (result < 0)
			return result;
		if (fstat(pins.fd[i], &pinned[i]) < 0)
			return log_errno(errno, "look at a pin");
		any = true;
	}
	return any ? 0 : -ENOENT;
}

int members_find(const struct host *host, uid_t uid, struct members *out)
{
	struct stat pinned[PIN_KINDS];
	struct dirent *entry;
	int result;

	*out = (struct members){0};
	result = pins_stat(uid, pinned);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	CLEANUP_FD int fd = openat(host->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return log_errno(errno, "list the host's processes");
	(void)steal_fd(&fd);
	while (result >= 0 && (errno = 0, entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid <= 0 || *end || pid == getpid())
			continue;
		result = member_is(host->proc, entry->d_name, pinned);
		if (result > 0)
			result = member_add(out, (pid_t)pid);
	}
	if (result == 0 && errno)
		result = log_errno(errno, "list the host's processes");
	if (result < 0)
		members_free(out);
	return result;
}

void in_use_free(struct in_use *in_use)
{
	free(in_use->inodes);
	*in_use = (struct in_use){0};
}

static int inode_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int in_use_add(struct in_use *in_use, size_t *size, uint64_t inode)
{
	if (in_use->count == *size) {
		uint64_t *more = reallocarray(in_use->inodes, *size * 2 + 64, sizeof(*more));

		if (!more)
			return -ENOMEM;
		in_use->inodes = more;
		*size = *size * 2 + 64;
	}
	in_use->inodes[in_use->count++] = inode;
	return 0;
}

int in_use_find(const struct host *host, struct in_use *out)
{
	CLEANUP_FD int fd = openat(host->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t size = 0;
	int result = 0;

	if (!dir)
		return log_errno(errno, "list the host's processes");
	(void)steal_fd(&fd);
	while (result == 0 && (errno = 0, entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		for (int i = 0; i < PIN_KINDS && result == 0; i++) {
			char path[64];
			struct stat st;

			snprintf(path, sizeof(path), "%.20s/ns/%s", entry->d_name,
				 pin_kinds[i].name);
			if (fstatat(host->proc, path, &st, 0) == 0)
				result = in_use_add(out, &size, st.st_ino);
		}
	}
	if (result == 0 && errno)
		result = log_errno(errno, "list the host's processes");
	qsort(out->inodes, out->count, sizeof(*out->inodes), inode_compare);
	return result;
}

bool in_use_user(const struct in_use *in_use, uid_t uid)
{
	struct stat pinned[PIN_KINDS];

	if (pins_stat(uid, pinned) < 0)
		return false;
	for (int i = 0; i < PIN_KINDS; i++) {
		uint64_t inode = pinned[i].st_ino;

		if (inode &&
		    bsearch(&inode, in_use->inodes, in_use->count, sizeof(inode), inode_compare))
			return true;
	}
	return false;
}
