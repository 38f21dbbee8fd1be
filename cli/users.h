/* The users who are in, as state files, live processes and interface counters tell. */
#ifndef PAM_NETNS_USERS_H
#define PAM_NETNS_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "state/state.h"

/* What keeps a user active who has no session. */
enum left {
	LEFT_UNKNOWN,	/* only root may know */
	LEFT_ENDING,	/* the last logout is under way: it waits for processes to end */
	LEFT_PROCESSES, /* processes that stay (linger), or a crash that gc has not looked at yet */
};

struct user_in {
	struct user_state state;
	struct session *sessions; /* those whose leader lives, oldest first */
	size_t sessions_count;
	enum left left; /* if there is no session */
	bool counted;	/* received and sent are known */
	uint64_t received, sent;
};

struct users {
	struct user_in *list; /* by uid */
	size_t count;
};

/* Reads one user, or all. A host without users, or never set up, has none: 0. Logged. */
int users_read(struct users *out, const uid_t *only) MUST_CHECK;
void users_free(struct users *users);
#define CLEANUP_USERS __attribute__((cleanup(users_free)))

/*
 * The uid of a name, or of "#UID". Unlike identity_resolve() it takes what NSS no longer knows.
 * -ENOENT, logged.
 */
int users_uid(const char *name, uid_t *uid) MUST_CHECK;

/* One JSON object as pam-netns(8) tells; processes < 0: without that key. */
void user_json(FILE *out, const struct user_in *user, int processes);

#endif
