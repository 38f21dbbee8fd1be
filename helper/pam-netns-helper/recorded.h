/* Asks the records before an object is removed as a leftover. */
#ifndef PAM_NETNS_RECORDED_H
#define PAM_NETNS_RECORDED_H

#include "helper.h"

/* In doubt true, with an empty state: an object that cannot be checked is not removed. */
bool recorded_user(const struct host *host, uid_t uid, struct user_state *state);

/* Is it the port of a user who is active? In doubt it is. */
bool recorded_port(const struct host *host, const char *name);
/*
 * Removes what belongs to a port that has no record. A login makes it before its record, under the
 * user's lock; so the record is looked for once more, under that lock. The caller holds no lock.
 */
int unrecorded_remove(struct host *host, const char *port,
		      int (*remove)(struct host *host, const void *object),
		      const void *object) MUST_CHECK;
/* Is it the address of an active user? In doubt it is. */
bool recorded_address(const struct host *host, const struct address *address);

#endif
