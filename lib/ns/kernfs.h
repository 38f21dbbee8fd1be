/*
 * A user's own procfs and sysfs, over the host's. A new one hides the mounts below the host's, so
 * these are listed when a network's template is made, and attached again in each user's mount
 * namespace: /sys/fs/cgroup, for example, without which a systemd user manager dies.
 *
 * All functions need CAP_SYS_ADMIN, and return a descriptor or 0, or -errno.
 */
#ifndef PAM_NETNS_KERNFS_H
#define PAM_NETNS_KERNFS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* Lists the mounts directly below /proc and /sys, in the caller's mount namespace. */
int kernfs_list_write(const char *network) MUST_CHECK;

/*
 * A detached procfs of the caller's PID namespace. hide: it shows to each user their own processes
 * only (hidepid=invisible), and all processes to root and to group watchers. It is a superblock of
 * its own: no option of another procfs changes it, and its options change no other one.
 */
int proc_open(bool hide, gid_t watchers) MUST_CHECK;

/*
 * Attaches tree, which is detached, to root, "/proc" or "/sys", and the listed mounts below it. -1:
 * a new sysfs, of the caller's network namespace.
 */
int kernfs_attach(const char *network, const char *root, int tree) MUST_CHECK;

#endif
