/* Paths with links that root made; see resolve.h. */
#include "base/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as many as the kernel follows */

static int path_open(const char *path, unsigned flags)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The target of the link at path, if root owns it; "" until it was read. -EINVAL: it is no link. */
static int link_read(const char *path, char target[PATH_MAX])
{
	CLEANUP_FD int fd = path_open(path, O_NOFOLLOW);
	struct stat st;
	ssize_t length;

	*target = '\0';
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return -EINVAL;
	if (st.st_uid != 0)
		return -EPERM;
	length = readlinkat(fd, "", target, PATH_MAX);
	if (length <= 0 || length == PATH_MAX)
		return length < 0 ? -errno : -ENAMETOOLONG;
	target[length] = '\0';
	return 0;
}

/*
 * Finds the first link of the path; *end is where its name ends, target what it says. -EAGAIN:
 * there is none, because it was replaced meanwhile.
 */
static int link_find(const char *path, size_t *end, char target[PATH_MAX])
{
	char part[PATH_MAX];

	for (*end = 0; path[*end];) {
		int error;

		*end += 1 + strcspn(path + *end + 1, "/");
		snprintf(part, sizeof(part), "%.*s", (int)*end, path);
		error = link_read(part, target);
		if (error != -EINVAL)
			return error;
	}
	return -EAGAIN;
}

/* Adds the names of text to path. ".." only if no name of the same text precedes it: behind a
 * name that is a link, it would mean another folder. */
static int names_add(char path[PATH_MAX], const char *text, bool up_allowed)
{
	size_t used = strlen(path);

	while (*(text += strspn(text, "/"))) {
		size_t length = strcspn(text, "/");

		if (length == 2 && !strncmp(text, "..", 2)) {
			if (!up_allowed)
				return -ELOOP;
			while (used && path[--used] != '/')
				;
			path[used] = '\0';
		} else if (length != 1 || *text != '.') {
			up_allowed = false;
			if (used + 1 + length >= PATH_MAX)
				return -ENAMETOOLONG;
			path[used++] = '/';
			memcpy(path + used, text, length);
			used += length;
			path[used] = '\0';
		}
		text += length;
	}
	return 0;
}

/* Replaces the link that ends at end by its target. */
static int link_follow(char path[PATH_MAX], size_t end, const char *target)
{
	char rest[PATH_MAX];
	size_t folder = end;
	int error;

	strcpy(rest, path + end);
	while (folder && path[--folder] != '/')
		;
	path[*target == '/' ? 0 : folder] = '\0';
	error = names_add(path, target, true);
	return error ?: names_add(path, rest, false);
}

int path_resolve(const char *path, unsigned flags, resolve_link *link, void *context,
		 struct resolved *out)
{
	out->fd = -1;
	if (snprintf(out->path, sizeof(out->path), "%s", path) >= (int)sizeof(out->path))
		return -ENAMETOOLONG;
	for (int links = 0; links < LINKS_MAX; links++) {
		char target[PATH_MAX], at[PATH_MAX];
		size_t end;
		int error = path_open(*out->path ? out->path : "/", flags);

		if (error >= 0)
			out->fd = error;
		if (error != -ELOOP)
			return error < 0 ? error : 0;
		error = link_find(out->path, &end, target);
		if (error == -EAGAIN)
			continue;
		snprintf(at, sizeof(at), "%.*s", (int)end, out->path);
		if (!error && link)
			error = link(context, at, target);
		error = error ?: link_follow(out->path, end, target);
		if (error)
			return error;
	}
	return -ELOOP;
}

const char *path_below(const char *path, const char *dir)
{
	size_t length = strcmp(dir, "/") ? strlen(dir) : 0;

	if (strncmp(path, dir, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length + (path[length] == '/');
}

bool path_is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

const char *path_resolve_remedy(int error)
{
	if (path_is_missing(error))
		return "correct the path, or write ? before it if it may be missing";
	return error == -EACCES ? "let root enter the folders above it"
				: "write the path without such links";
}

const char *path_resolve_error(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return "does not exist";
	case -EPERM:
		return "leads over a symbolic link that is not root's";
	case -ELOOP:
		return "has too many symbolic links, or one with '..' in the middle";
	default:
		return strerror(-error);
	}
}
