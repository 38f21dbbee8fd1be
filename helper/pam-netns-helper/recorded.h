/* Asks the records before an object is removed as a leftover. */
#ifndef PAM_NETNS_RECORDED_H
#define PAM_NETNS_RECORDED_H

#include "helper.h"

/* In doubt true, with an empty state: an object that cannot be checked is not removed. */
bool recorded_user(const struct host *host, uid_t uid, struct user_state *state);

/* Is it the port of an active user? In doubt it is. */
bool recorded_port(const struct host *host, const char *name);
/*
 * Removes the objects of a port that has no record. A login makes them before its record, under the
 * user's lock. So the record is read once more, under that lock. The caller holds no lock.
 */
int unrecorded_remove(struct host *host, const char *port,
		      int (*remove)(struct host *host, const void *object),
		      const void *object) MUST_CHECK;
/* Is it the address of an active user? In doubt it is. */
bool recorded_address(const struct host *host, const struct address *address);

#endif
