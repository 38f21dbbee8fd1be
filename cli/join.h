/*
 * Joins a user's pinned namespaces, for root.
 *
 * The pins are the host's, reached through HOSTPROC from any mount namespace. So it also works with
 * sudo inside a session, except from a user's PID namespace into another user's namespaces.
 */
#ifndef PAM_NETNS_JOIN_H
#define PAM_NETNS_JOIN_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/namespaces.h"

struct join {
	int hostproc;
	struct namespaces ns; /* the host's, if the user has none of a kind */
	uid_t uid;
};

/* Opens and checks the pins. Descriptors stay open until exec. name is for messages. Logged. */
int join_open(struct join *join, uid_t uid, const char *name) MUST_CHECK;
/* Later children of this process are in the PID namespace. Logs errors. */
int join_children(struct join *join) MUST_CHECK;
/*
 * In such a child: joins the others, the mount namespace last, and verifies; then opens the pins
 * again, because a removal may have come between. After a failure the process may be half inside,
 * and must end. Logs errors.
 */
int join_enter(struct join *join) MUST_CHECK;

#endif
