/*
 * A network namespace that a user owns: the user administers it, and gains nothing on the host.
 *
 * The kernel lets the owner of a user namespace do in it, and in all that it owns, what root does
 * on the host. The user's processes need no capability for that (capabilities(7)).
 */
#ifndef PAM_NETNS_OWNED_H
#define PAM_NETNS_OWNED_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

/*
 * Makes a user namespace of this user and a network namespace that it owns; uid and gid are 0 in
 * it. Returns a descriptor of the network namespace, or -errno, logged. The caller has the
 * effective uid 0, CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID, and no other thread.
 */
int owned_make(uid_t uid, gid_t gid) MUST_CHECK;

/* Is the owner of the namespace fd a user namespace that uid made in the caller's own? */
bool owned_by(int fd, uid_t uid);

#endif
