/*
 * Joining a user's pinned namespaces, for root.
 *
 * The pins are those of the host, reached through HOSTPROC whatever mount namespace the caller is in, so that
 * it works with sudo from inside a session as well.
 */
#ifndef PAM_NETNS_JOIN_H
#define PAM_NETNS_JOIN_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/namespaces.h"

struct join {
	int hostproc;
	struct namespaces ns; /* -1: the profile leaves it alone */
	uid_t uid;
};

/* Opens and checks the pins. Descriptors stay open until exec. name is for messages. Logged. */
int join_open(struct join *join, uid_t uid, const char *name) MUST_CHECK;
/*
 * Joins, the mount namespace last, and verifies; then opens the pins again, since a teardown may
 * have come between. On failure the process may be half inside: it must end. Logged.
 */
int join_enter(struct join *join) MUST_CHECK;

#endif
