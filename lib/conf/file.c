/*
 * Reading a file that root alone can have written; see conf/file.h.
 *
 * The path is walked one component at a time with O_PATH descriptors, which opens nothing yet and
 * so cannot block. Symbolic links are read and put in front of what is left of the path, so that
 * the folders of their targets are checked like all others. A folder that only root may write to
 * cannot change under the walk, which is why the checks hold for what is then read.
 */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/log.h"

#define LINKS_MAX 40 /* as many as the kernel follows */

struct walk {
	int fd;			 /* O_PATH, of what walked names */
	int parent;		 /* the folder it lies in */
	char name[NAME_MAX + 1]; /* of fd in parent */
	char walked[PATH_MAX];	 /* without links; "" is / */
	char left[PATH_MAX];	 /* what is still to be walked */
	unsigned links;
	struct stat status; /* of fd */
};

static int openat2_fd(int dir, const char *name, uint64_t flags)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static const char *walk_path(const struct walk *walk)
{
	return *walk->walked ? walk->walked : "/";
}

/* Only root may be able to change what fd is. */
static int owner_check(const struct walk *walk)
{
	const struct stat *status = &walk->status;
	const char *path = walk_path(walk);
	bool folder = S_ISDIR(status->st_mode);

	/* A link's own mode means nothing; who may replace it is its folder's matter. */
	if (S_ISLNK(status->st_mode)) {
		if (status->st_uid == 0)
			return 0;
		log_error("%s: the symbolic link is owned by uid %u; it must be root's: "
			  "chown -h root:root %s",
			  path, status->st_uid, path);
		return -EPERM;
	}
	if (status->st_uid == 0 && !(status->st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	/* Other programs need /tmp, or a user's home, as it is. */
	if (folder && (status->st_uid != 0 || (status->st_mode & S_IWOTH)))
		log_error("%s: the folder is owned by uid %u with mode %04o, so others than root "
			  "could replace the file in it: move the file, for example to "
			  "/etc/security",
			  path, status->st_uid, status->st_mode & 07777);
	else
		log_error("%s: owned by uid %u with mode %04o; only root may be able to change it: "
			  "chown root:root %s; chmod %s %s",
			  path, status->st_uid, status->st_mode & 07777, path,
			  folder ? "go-w" : "644", path);
	return -EPERM;
}

/* Moves on to fd, which becomes the walk's. */
static int walk_enter(struct walk *walk, int fd)
{
	if (walk->parent >= 0)
		close(walk->parent);
	walk->parent = walk->fd;
	walk->fd = fd;
	if (fstat(fd, &walk->status))
		return log_errno(errno, "examine %s", walk_path(walk));
	return owner_check(walk);
}

/* Takes the next component off what is left; false at the end. */
static bool component_take(struct walk *walk, char name[PATH_MAX])
{
	char *start = walk->left + strspn(walk->left, "/");
	size_t length = strcspn(start, "/");

	if (!length)
		return false;
	memcpy(name, start, length);
	name[length] = '\0';
	memmove(walk->left, start + length, strlen(start + length) + 1);
	return true;
}

static int walked_set(struct walk *walk, const char *name)
{
	size_t used = strlen(walk->walked);

	if (!strcmp(name, "..")) {
		*(strrchr(walk->walked, '/') ?: walk->walked) = '\0';
		return 0;
	}
	if ((size_t)snprintf(walk->walked + used, sizeof(walk->walked) - used, "/%s", name) >=
	    sizeof(walk->walked) - used)
		return log_errno(ENAMETOOLONG, "walk to %.64s...", walk->walked);
	return 0;
}

static int walk_root(struct walk *walk)
{
	int fd = openat2_fd(AT_FDCWD, "/", O_PATH | O_DIRECTORY);

	if (fd < 0)
		return log_errno(-fd, "open /");
	walk->walked[0] = '\0';
	return walk_enter(walk, fd);
}

/* walk->fd is a link: back to its folder, with its target in front of what is left. */
static int walk_link(struct walk *walk)
{
	char target[PATH_MAX], left[PATH_MAX];
	ssize_t length = readlinkat(walk->fd, "", target, sizeof(target) - 1);

	if (length < 0)
		return log_errno(errno, "read the link %s", walk_path(walk));
	target[length] = '\0';
	if (++walk->links > LINKS_MAX)
		return log_errno(ELOOP, "follow the link %s", walk_path(walk));
	strcpy(left, walk->left);
	if ((size_t)snprintf(walk->left, sizeof(walk->left), "%s/%s", target, left) >=
	    sizeof(walk->left))
		return log_errno(ENAMETOOLONG, "follow the link %s", walk_path(walk));
	if (*target == '/')
		return walk_root(walk);
	close(walk->fd);
	walk->fd = steal_fd(&walk->parent);
	*(strrchr(walk->walked, '/') ?: walk->walked) = '\0';
	if (fstat(walk->fd, &walk->status))
		return log_errno(errno, "examine %s", walk_path(walk));
	return 0;
}

/* Goes through all of the path; then walk->fd is what it names, in the folder walk->parent. */
static int walk_all(struct walk *walk)
{
	char name[PATH_MAX];
	int error = walk_root(walk);

	while (!error && component_take(walk, name)) {
		int fd;

		if (!strcmp(name, "."))
			continue;
		fd = openat2_fd(walk->fd, name, O_PATH | O_NOFOLLOW);
		if (fd < 0)
			return log_errno(-fd, "open %s/%s", walk->walked, name);
		error = walked_set(walk, name);
		if (error)
			close(fd);
		else
			error = walk_enter(walk, fd);
		strcpy(walk->name, name);
		if (!error && S_ISLNK(walk->status.st_mode))
			error = walk_link(walk);
	}
	return error;
}

static int kind_check(const struct walk *walk, size_t max)
{
	if (S_ISDIR(walk->status.st_mode)) {
		log_error("%s: is a folder; it must be a regular file", walk_path(walk));
		return -EISDIR;
	}
	if (!S_ISREG(walk->status.st_mode)) {
		log_error("%s: is a FIFO, device or socket; it must be a regular file",
			  walk_path(walk));
		return -EINVAL;
	}
	if (walk->status.st_size > (off_t)max) {
		log_error("%s: has %lld bytes; at most %zu are read", walk_path(walk),
			  (long long)walk->status.st_size, max);
		return -EFBIG;
	}
	return 0;
}

static bool status_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* All of the file that was checked, and not one byte of a file that is being written. */
static int content_read(const struct walk *walk, char **text, size_t *size)
{
	const size_t expected = (size_t)walk->status.st_size;
	CLEANUP_FD int fd =
	    openat2_fd(walk->parent, walk->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	CLEANUP_FREE char *buffer = NULL;
	struct stat after;
	size_t used = 0;
	ssize_t count;

	if (fd < 0)
		return log_errno(-fd, "open %s", walk_path(walk));
	buffer = malloc(expected + 1);
	if (!buffer)
		return log_errno(ENOMEM, "read %s", walk_path(walk));
	/* One byte more than expected, so that growth shows. */
	while ((count = read(fd, buffer + used, expected + 1 - used)) > 0)
		used += (size_t)count;
	if (count < 0)
		return log_errno(errno, "read %s", walk_path(walk));
	if (used != expected || fstat(fd, &after) || !status_same(&walk->status, &after)) {
		log_error("%s: was changed while it was read; try again", walk_path(walk));
		return -EBUSY;
	}
	buffer[used] = '\0';
	*size = used;
	*text = buffer;
	buffer = NULL;
	return 0;
}

int conf_file_read(const char *path, size_t max, char **text, size_t *size)
{
	struct walk walk = {.fd = -1, .parent = -1};
	CLEANUP_FREE char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	int length, error;

	if (!*path)
		return log_errno(ENOENT, "open the conf file '%s'", path);
	if (*path != '/' && !cwd)
		return log_errno(errno, "find the current folder of %s", path);
	length = snprintf(walk.left, sizeof(walk.left), "%s/%s", cwd ? cwd : "", path);
	if (length < 0 || (size_t)length >= sizeof(walk.left))
		return log_errno(ENAMETOOLONG, "open %.64s...", path);
	error = walk_all(&walk);
	if (!error)
		error = kind_check(&walk, max);
	if (!error)
		error = content_read(&walk, text, size);
	cleanup_fd(&walk.fd);
	cleanup_fd(&walk.parent);
	return error;
}
