/* What view.c and view_template.c share. Each returns a descriptor or 0, or -errno. */
#ifndef PAM_NETNS_VIEW_INTERNAL_H
#define PAM_NETNS_VIEW_INTERNAL_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/linux_calls.h"

#define SYS_LIST_MAX   4096 /* bytes of the list of mounts below /sys */
#define SYS_MOUNTS_MAX 64

/* whose stands in the message: "the user's". */
int view_switch(int mnt, const char *whose) MUST_CHECK;
/* A detached copy of the mount at path, the link itself if path is one. Unlogged. */
int view_clone(const char *path, unsigned flags) MUST_CHECK;
/*
 * Changes a detached mount as attr says and attaches it to dir, or to path if dir is -1; only root
 * may change path then.
 */
int view_attach(int tree, int dir, const char *path, struct mount_attr attr) MUST_CHECK;
/*
 * Over a file, or over the symbolic link itself: it then survives renames of the link's target.
 * -ENOENT, unlogged: there is none.
 */
int view_attach_file(int tree, const char *path) MUST_CHECK;
/* In a view: the network's resolv.conf again, where a rename on the host took the template's away.
 */
int view_mend_resolv(const char *network) MUST_CHECK;
/* The paths mounted directly below /sys when the template was made, one a line. */
int view_sys_list(const char *network, char list[SYS_LIST_MAX]) MUST_CHECK;

#endif
