/* Detached mounts and how they are attached; see mounts.h. */
#include "ns/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/log.h"

/* Tries of a few microseconds each: longer than the replacement of a file takes. */
#define REPLACED_TRIES 200

int mounts_enter(int mnt, const char *whose)
{
	return setns(mnt, CLONE_NEWNS) < 0 ? log_errno(errno, "enter %s mount namespace", whose)
					   : 0;
}

int mount_clone(const char *path, unsigned flags)
{
	int tree = open_tree(AT_FDCWD, path,
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | flags);

	return tree < 0 ? -errno : tree;
}

int mount_attach(int tree, int dir, const char *path, struct mount_attr attr)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (dir < 0 ? 0 : MOVE_MOUNT_T_EMPTY_PATH);

	if (((attr.attr_set || attr.attr_clr || attr.propagation) &&
	     mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0) ||
	    move_mount(tree, "", dir < 0 ? AT_FDCWD : dir, dir < 0 ? path : "", flags) < 0)
		return log_errno(errno, "mount on %s", path);
	return 0;
}

int mount_attach_file(int tree, const char *path)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};

	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return log_errno(errno, "mount over %s", path);
	/*
	 * Without MOVE_MOUNT_T_SYMLINKS the mount covers the link itself, not its target. ENOENT:
	 * the file was replaced between the lookup and the mount, or it does not exist.
	 */
	for (int tries = 1; move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0;
	     tries++) {
		if (errno != ENOENT)
			return log_errno(errno, "mount over %s", path);
		if (tries == REPLACED_TRIES)
			return -ENOENT;
	}
	return 0;
}
