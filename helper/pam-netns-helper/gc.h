/* What the parts of gc share. */
#ifndef PAM_NETNS_GC_H
#define PAM_NETNS_GC_H

#include "helper.h"
#include "recorded.h"

/* gc_leases.c: removes torn leases, frees those of uids that no user has any more. */
int gc_leases(struct host *host, const struct conf *conf) MUST_CHECK;
/* Bridge ports, guard elements, routes and neighbours of users who are not in. */
int gc_ports(struct host *host) MUST_CHECK;
int gc_guard(struct host *host) MUST_CHECK;
int gc_routes(struct host *host, const struct conf *conf) MUST_CHECK;
/* Users who are in: guard element, bridge port, routes and neighbours as they have to be. */
int gc_uplinks(struct host *host, const struct conf *conf) MUST_CHECK;
/* How many ports each bridge has, where crashes left the count wrong. */
int gc_port_counts(struct host *host, const struct conf *conf) MUST_CHECK;

#endif
