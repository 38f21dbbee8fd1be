/*
 * Files and folders that only root can have written; see conf/file.h.
 *
 * The path is walked one component at a time with lstat(2), which opens no file and so cannot
 * block. A symbolic link is read and its target put in front of the rest of the path, so the
 * folders of the target are checked like all others. A folder that only root can write cannot
 * change during the walk: a name in it is the same when it is checked and when the file is opened.
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
	char walked[PATH_MAX]; /* without links; "" is / */
	const char *left;      /* the part not walked yet: of the path, or of targets */
	char *targets;	       /* what links have put in front of the rest; NULL: none */
	unsigned links;
	struct stat status; /* of walked */
	const char *danger; /* what others than root could do, and the remedy */
};

static const char *walk_path(const struct walk *walk)
{
	return *walk->walked ? walk->walked : "/";
}

/* Only root may be able to change the walked path. */
static int owner_check(const struct walk *walk)
{
	const struct stat *status = &walk->status;
	const char *path = walk_path(walk);
	bool folder = S_ISDIR(status->st_mode);

	/* A link's own mode has no meaning; the mode of its folder decides who may replace it. */
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
			  "could %s",
			  path, status->st_uid, status->st_mode & 07777, walk->danger);
	else
		log_error("%s: owned by uid %u with mode %04o; only root may be able to change it: "
			  "chown root:root %s; chmod %s %s",
			  path, status->st_uid, status->st_mode & 07777, path,
			  folder ? "go-w" : "644", path);
	return -EPERM;
}

static int walk_look(struct walk *walk)
{
	if (lstat(walk_path(walk), &walk->status))
		return log_errno(errno, "open %s", walk_path(walk));
	return owner_check(walk);
}

static void walked_shorten(struct walk *walk)
{
	*(strrchr(walk->walked, '/') ?: walk->walked) = '\0';
}

/* Moves on by the first component of the rest; 1 at the end. */
static int walk_component(struct walk *walk)
{
	const char *start = walk->left + strspn(walk->left, "/");
	size_t length = strcspn(start, "/"), used = strlen(walk->walked);

	if (!length)
		return 1;
	if (length == 2 && !memcmp(start, "..", 2)) {
		if (!S_ISDIR(walk->status.st_mode))
			return log_errno(ENOTDIR, "open %s/..", walk_path(walk));
		walked_shorten(walk);
	} else if (length != 1 || *start != '.') {
		if (length + 2 > sizeof(walk->walked) - used)
			return log_errno(ENAMETOOLONG, "walk to %.64s...", walk->walked);
		walk->walked[used] = '/';
		memcpy(walk->walked + used + 1, start, length);
		walk->walked[used + 1 + length] = '\0';
	}
	walk->left = start + length;
	return walk_look(walk);
}

/* Puts text in front of the rest, with a slash between them. */
static int walk_prepend(struct walk *walk, const char *text)
{
	char *joined;

	if (strlen(text) + 1 + strlen(walk->left) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (asprintf(&joined, "%s/%s", text, walk->left) < 0)
		return -ENOMEM;
	free(walk->targets);
	walk->left = walk->targets = joined;
	return 0;
}

/*
 * The walked path is a link: goes back to its folder, and puts its target in front of the rest.
 * noinline: most walks meet no link and can do without this much stack.
 */
static int __attribute__((noinline)) walk_link(struct walk *walk)
{
	char target[PATH_MAX];
	ssize_t length = readlink(walk->walked, target, sizeof(target) - 1);
	int error;

	if (length < 0)
		return log_errno(errno, "read the link %s", walk->walked);
	target[length] = '\0';
	error = ++walk->links > LINKS_MAX ? -ELOOP : walk_prepend(walk, target);
	if (error)
		return log_errno(-error, "follow the link %s", walk->walked);
	if (*target == '/')
		walk->walked[0] = '\0';
	else
		walked_shorten(walk);
	return walk_look(walk);
}

static int walk_all(struct walk *walk)
{
	int result = walk_look(walk);

	while (!result)
		result = S_ISLNK(walk->status.st_mode) ? walk_link(walk) : walk_component(walk);
	return result < 0 ? result : 0;
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

/* Opens the checked file for reading, and does not follow a link in its place. */
static int content_open(const struct walk *walk)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, walk->walked, &how, sizeof(how));

	return fd < 0 ? log_errno(errno, "open %s", walk->walked) : fd;
}

/*
 * Reads all of the checked file, and nothing of a file that is being written: size
 * and times show both.
 */
static int content_read(const struct walk *walk, char **text)
{
	const size_t expected = (size_t)walk->status.st_size;
	CLEANUP_FD int fd = content_open(walk);
	CLEANUP_FREE char *buffer = NULL;
	struct stat after;
	size_t used = 0;
	ssize_t count = 1;

	if (fd < 0)
		return fd;
	buffer = malloc(expected + 1);
	if (!buffer)
		return log_errno(ENOMEM, "read %s", walk->walked);
	for (; used < expected && count > 0; used += (size_t)count) {
		count = read(fd, buffer + used, expected - used);
		if (count < 0)
			return log_errno(errno, "read %s", walk->walked);
	}
	if (used != expected || fstat(fd, &after) || !status_same(&walk->status, &after)) {
		log_error("%s: was changed while it was read; try again", walk->walked);
		return -EBUSY;
	}
	buffer[used] = '\0';
	*text = buffer;
	buffer = NULL;
	return 0;
}

/* Not cleared as a whole: that would touch all of it. */
static void walk_begin(struct walk *walk, const char *path, const char *danger)
{
	walk->walked[0] = '\0';
	walk->left = path;
	walk->targets = NULL;
	walk->links = 0;
	walk->danger = danger;
}

static int file_read(struct walk *walk, const char *path, size_t max, char **text,
		     struct stat *status)
{
	CLEANUP_FREE char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	int error = 0;

	if (!*path)
		return log_errno(ENOENT, "open the conf file '%s'", path);
	if (*path != '/' && !cwd)
		return log_errno(errno, "find the current folder of %s", path);
	if (cwd || strlen(path) >= PATH_MAX)
		error = walk_prepend(walk, cwd ?: "");
	if (error)
		return log_errno(-error, "open %.64s...", path);
	error = walk_all(walk) ?: kind_check(walk, max) ?: content_read(walk, text);
	if (!error)
		*status = walk->status;
	return error;
}

int conf_file_read(const char *path, size_t max, char **text, struct stat *status)
{
	struct walk walk;
	int error;

	walk_begin(&walk, path,
		   "replace the file in it: move the file, for example to /etc/security");
	error = file_read(&walk, path, max, text, status);
	free(walk.targets);
	return error;
}

int conf_folder_open(const char *path)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS};
	struct walk walk;
	int result;

	walk_begin(&walk, path, "change what is in it: let root own it alone, or choose another");
	result = walk_all(&walk);
	if (!result) {
		result = (int)syscall(SYS_openat2, AT_FDCWD, walk_path(&walk), &how, sizeof(how));
		if (result < 0)
			result = log_errno(errno, "open the directory %s", walk_path(&walk));
	}
	free(walk.targets);
	return result;
}
