/* The active users, from state files, live processes and interface counters. */
#ifndef PAM_NETNS_USERS_H
#define PAM_NETNS_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "state/state.h"

/* The reason why a user without a session is active. */
enum left {
	LEFT_UNKNOWN,	/* only root can tell */
	LEFT_ENDING,	/* the last logout is under way and waits for processes to end */
	LEFT_PROCESSES, /* processes stay (linger), or gc has not yet removed what a crash left */
};

struct user_in {
	struct user_state state;
	struct session *sessions; /* those with a live leader, oldest first */
	size_t sessions_count;
	enum left left; /* if there is no session */
	bool counted;	/* received and sent are known */
	uint64_t received, sent;
};

struct users {
	struct user_in *list; /* by uid */
	size_t count;
};

/* Reads one user, or all. The list is empty if no user is active, or if nothing was ever set up.
 * Returns 0 or -errno, logged. */
int users_read(struct users *out, const uid_t *only) MUST_CHECK;
void users_free(struct users *users);
#define CLEANUP_USERS __attribute__((cleanup(users_free)))

/*
 * The uid of a name, or of "#UID". Unlike identity_resolve(), it accepts a uid that NSS does not
 * know. Returns 0, -ENOENT, or the error of a name service; logged.
 */
int users_uid(const char *name, uid_t *uid) MUST_CHECK;

/* One JSON object as described in pam-netns(8). processes < 0: without that key. */
void user_json(FILE *out, const struct user_in *user, int processes);

#endif
