/*
 * The control group of a user, to which the key limits of a profile applies: all of the user's
 * sessions are below it. cgroup v2 only; see cgroups(7) and
 * Documentation/admin-guide/cgroup-v2.rst.
 *
 * If systemd is PID 1, it is systemd's slice of the user, and only systemd writes to it. Else it is
 * a group of our own.
 */
#ifndef PAM_NETNS_CGROUP_H
#define PAM_NETNS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "conf/conf.h"

#define CGROUP_ROOT	   "/sys/fs/cgroup"
#define CGROUP_OWN	   "pam-netns" /* the parent of our groups, below CGROUP_ROOT */
#define CGROUP_CONTROLLERS "cgroup.controllers"
#define CGROUP_PATH_MAX	   64
#define CGROUP_VALUE_MAX   48

/* As sd_booted(3) decides it. */
bool cgroup_by_systemd(void);
/* A descriptor of CGROUP_ROOT. -ENOTSUP: it is no cgroup v2. Other errors: -errno; not logged. */
int cgroup_open(void) MUST_CHECK;
/* Relative to CGROUP_ROOT. Returns path. */
const char *cgroup_path(bool systemd, uid_t uid, char path[CGROUP_PATH_MAX]);

/* The controller that enforces a limit: "memory". */
const char *cgroup_controller(enum limit limit);
/* The first limit that is given and whose controller the kernel does not offer in root; LIMITS:
 * none; -errno: unknown. Not logged. */
int cgroup_lacks(int root, const struct limits *limits) MUST_CHECK;

/* The limit's file in a group, and what the kernel shows in it for a value: "200000 100000". */
const char *cgroup_file(enum limit limit);
void cgroup_format(enum limit limit, uint64_t value, char text[CGROUP_VALUE_MAX]);
/*
 * The first limit that is given and that the group does not have; LIMITS: it has all. path is the
 * group's, relative to root. A group or a file that cannot be read does not have the limit.
 */
enum limit cgroup_differs(int root, const char *path, const struct limits *limits);

/* How much of a limit the group uses now: bytes, microseconds of CPU time, tasks. -ENODATA: the
 * kernel does not tell it. */
int cgroup_use(int root, const char *path, enum limit limit, uint64_t *use) MUST_CHECK;

/*
 * Is the process in the group, or in one below it? proc: the host's procfs. The caller's cgroup
 * namespace must be the host's. A process that cannot be read is not.
 */
bool cgroup_has(int proc, pid_t pid, const char *path);

#endif
