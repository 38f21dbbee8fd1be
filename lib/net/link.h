/*
 * Links of a network namespace: questions about any link, and the names of our bridge ports.
 *
 * The socket decides the namespace. Questions need no privilege, link_remove() needs CAP_NET_ADMIN.
 */
#ifndef PAM_NETNS_LINK_H
#define PAM_NETNS_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "net/netlink.h"

/* "pnu", the uid in base 36, the generation as one more digit. */
void port_name(uid_t uid, unsigned generation, char out[IFNAMSIZ]);
/* The uid of a port name; false if the name is none of ours. */
bool port_uid(const char *name, uid_t *uid);

/* 1 if a link with this index (0: any) and name exists and is up, 0 if not, or -errno. */
int link_up(struct netlink *host, unsigned ifindex, const char *name) MUST_CHECK;
/* Bytes of a port, in and out from the user's side; 0 if it is gone. */
struct link_counters {
	uint64_t in, out;
};
struct link_counters link_count(struct netlink *host, unsigned ifindex);
/* Bytes; 0 if there is no such link. */
unsigned link_mtu(struct netlink *host, unsigned ifindex);
/* Index of a veth's other end, in whatever namespace it is; 0 if there is none. */
unsigned link_peer(struct netlink *host, unsigned ifindex);
/* Index of the link, 0 if there is none. */
unsigned link_find(struct netlink *host, const char *name);
/* The same if the caller acts on absence: *ifindex 0 says that there is no such link, -errno that
 * it is unknown. */
int link_index(struct netlink *host, const char *name, unsigned *ifindex) MUST_CHECK;
/* Calls visit for each of our ports; master is the index of its bridge, or 0. */
int link_each_port(struct netlink *host,
		   int (*visit)(void *context, const char *name, unsigned ifindex, unsigned master),
		   void *context) MUST_CHECK;
int link_remove(struct netlink *host, unsigned ifindex) MUST_CHECK;

#endif
