/*
 * Detached mounts and where they go: open_tree(2), mount_setattr(2), move_mount(2). Linux 5.12.
 *
 * All need CAP_SYS_ADMIN. Each returns a descriptor or 0, or -errno.
 */
#ifndef PAM_NETNS_MOUNTS_H
#define PAM_NETNS_MOUNTS_H

#include "base/cleanup.h"
#include "base/linux_calls.h"

/* whose stands in the message: "the user's". */
int mounts_enter(int mnt, const char *whose) MUST_CHECK;
/* A detached copy of the mount at path, the link itself if path is one. Unlogged. */
int mount_clone(const char *path, unsigned flags) MUST_CHECK;
/*
 * Changes a detached mount as attr says and attaches it to dir, or to path if dir is -1; only root
 * may change path then.
 */
int mount_attach(int tree, int dir, const char *path, struct mount_attr attr) MUST_CHECK;
/*
 * Over a file, or over the symbolic link itself: it then survives renames of the link's target.
 * -ENOENT, unlogged: there is none.
 */
int mount_attach_file(int tree, const char *path) MUST_CHECK;

#endif
