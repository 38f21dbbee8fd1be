/*
 * The verified join: the only place where the module changes its caller.
 *
 * 1. One setns(2) for each namespace, the mount namespace last.
 * 2. /proc/self/ns must show the inodes that the helper promised.
 * 3. After any failure the caller goes back to its old namespaces.
 */
#ifndef PAM_NETNS_JOIN_H
#define PAM_NETNS_JOIN_H

#include "base/cleanup.h"
#include "call/message.h"

/*
 * Joins all namespaces that the reply hands over. setns(2) of a mount namespace resets the working
 * directory; the join goes back to it, or to "/" if it does not exist there. Returns 0: in all of
 * them, verified; negative: back in the old ones, verified; -ENOTRECOVERABLE: between the two, so
 * the caller must refuse the login, whatever the conf says. Logs errors. Needs CAP_SYS_ADMIN and
 * CAP_SYS_CHROOT.
 */
int join_namespaces(const struct reply *reply) MUST_CHECK;
/* Later children are in this process's own PID namespace again. Logs errors. */
int join_pid_leave(void) MUST_CHECK;

#endif
