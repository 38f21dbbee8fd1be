/*
 * The verified join: the only place where the module changes its caller.
 *
 * One setns(2) a namespace, the mount namespace last. Then /proc/self/ns must show the inodes that
 * were promised; anything short of it takes the caller back to where it was.
 */
#ifndef PAM_NETNS_JOIN_H
#define PAM_NETNS_JOIN_H

#include "base/cleanup.h"
#include "call/message.h"

/*
 * Joins every namespace that reply hands over. The working directory stays the same directory where
 * it is there too, else it is "/" (setns of a mount namespace resets it). 0: verified to be in all
 * of them. Negative: back in the old ones, verified; -ENOTRECOVERABLE: between the two, so the
 * caller must not let anybody in whatever the conf says. Logged. CAP_SYS_ADMIN, CAP_SYS_CHROOT.
 */
int join_namespaces(const struct reply *reply) MUST_CHECK;

#endif
