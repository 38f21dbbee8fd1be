/* Shared by the parts of gc, and by `down`. */
#ifndef PAM_NETNS_GC_H
#define PAM_NETNS_GC_H

#include "helper.h"
#include "recorded.h"

/* Removes users without a session and a process. If another gc is at work, leaves them to it. */
int gc_users(struct host *host) MUST_CHECK;
/* Removes torn leases, frees those of uids that no user has any more. conf: NULL if in error. */
int gc_leases(struct host *host, const struct conf *conf) MUST_CHECK;
/*
 * If no address is free, uid gets the one that has been unused for the longest time by a user who
 * is not active. The caller holds the lock of uid, and of no other user. -EBUSY: all are active.
 */
int lease_take_over(struct host *host, const struct network *network, uid_t uid,
		    uint32_t *offset) MUST_CHECK;
/* Makes lost leases of the network's active users again. */
int leases_lost(struct host *host, const struct network *network, int leases) MUST_CHECK;

#endif
