/* Where the helper's process belongs, whatever its caller's cgroup is. */
#ifndef PAM_NETNS_ROOT_CGROUP_H
#define PAM_NETNS_ROOT_CGROUP_H

#include "base/cleanup.h"

/*
 * Calls start(), with a descriptor, for the cgroups that may take the helper until one does: 0. They
 * are of version 2. Else the last -errno; not logged. -ENOENT of start(): the kernel lets no process of
 * this cgroup namespace out of it (the mount option nsdelegate), and no further cgroup is tried.
 */
int root_cgroup_each(int (*start)(void *context, int cgroup), void *context) MUST_CHECK;

#endif
