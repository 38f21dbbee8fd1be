/*
 * Detached mounts and how they are attached: open_tree(2), mount_setattr(2),
 * move_mount(2) of Linux 5.12.
 *
 * All functions need CAP_SYS_ADMIN, and return a descriptor or 0, or -errno.
 */
#ifndef PAM_NETNS_MOUNTS_H
#define PAM_NETNS_MOUNTS_H

#include "base/cleanup.h"
#include "base/linux_calls.h"

/* whose is for the message: "the user's". */
int mounts_enter(int mnt, const char *whose) MUST_CHECK;
/* A detached copy of the mount at path; if path is a link, of the link itself. Not logged. */
int mount_clone(const char *path, unsigned flags) MUST_CHECK;
/*
 * Changes a detached mount according to attr, and attaches it to dir, or to path if dir is -1. Only
 * root may be able to change path.
 */
int mount_attach(int tree, int dir, const char *path, struct mount_attr attr) MUST_CHECK;
/*
 * Mounts over a file, or over a symbolic link itself; the mount then survives renames of the link's
 * target. -ENOENT, not logged: path does not exist.
 */
int mount_attach_file(int tree, const char *path) MUST_CHECK;

#endif
