/*
 * The uplink: it connects a user's network namespace to the outside.
 *
 * A veth pair has its host end as a port of a bridge that the network's users share. Every port is
 * isolated, locked to its MAC by a static FDB entry, learns and floods nothing, and forwards
 * link-local group frames to the bridge, where the guard checks them (group_fwd_mask; without it
 * 01:80:c2:00:00:03 and :0e would reach the host past lock and guard). Addresses are /32 and /128
 * with permanent neighbours on both sides: no ARP or ND, no DAD wait. If the kernel has no
 * lock (before Linux 5.18), the guard alone stops frames with another MAC. All functions need
 * CAP_NET_ADMIN in the sockets' namespaces.
 */
#ifndef PAM_NETNS_UPLINK_H
#define PAM_NETNS_UPLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "net/link.h"
#include "net/netlink.h"
#include "rules/types.h"

#define UPLINK_GENERATIONS 32 /* an old port outlives its namespace by 33 ms */
/* Interface index of eth0 in the user's namespace. The kernel counts up from 2, for sit0 and others
 * that it makes in each namespace, and for links of a user with net_admin. */
#define UPLINK_USER_INDEX 1000
#define UPLINK_BRIDGE_MAC                                                                          \
	{                                                                                          \
		{                                                                                  \
			0x02, 0x70, 0x6e, 0x00, 0x00, 0x01                                         \
		}                                                                                  \
	} /* of every bridge */

/* Fills in uid, network, and the addresses and MAC at the lease's offset. */
void uplink_init(struct uplink *uplink, const struct network_state *network, uid_t uid,
		 uint32_t offset);

/*
 * Makes the veth pair: the peer in the namespace netns as eth0, the port in its bridge but down.
 * Chooses a free port name and index. -EXFULL: the bridge has no port left.
 */
int uplink_create(struct netlink *host, int netns, struct uplink *uplink) MUST_CHECK;
/*
 * The same for a namespace in which a user has worked: name and index may be taken, so the peer is
 * the first free of eth0, eth1, ..., and *index tells its index.
 */
int uplink_create_again(struct netlink *host, int netns, struct uplink *uplink,
			unsigned *index) MUST_CHECK;
/* Configures lo and the peer of that index with addresses, neighbours and default routes. */
int uplink_configure_user(struct netlink *user, const struct uplink *uplink,
			  unsigned index) MUST_CHECK;
/*
 * Sets port flags, FDB entry, routes and neighbours, and then brings the port up. The guard element
 * must exist before. Every request replaces what exists, so the same call repairs a port whose
 * bridge was made anew.
 */
int uplink_connect(struct netlink *host, const struct uplink *uplink) MUST_CHECK;
/* The same for a port that is safe: only FDB entry, routes and neighbours. */
int uplink_refresh(struct netlink *host, const struct uplink *uplink) MUST_CHECK;

/*
 * Lists the ports in bridges that are up and as uplink_connect() leaves them, for callers that
 * check all users: any request about a port that is up, even if it changes nothing, makes the
 * kernel walk through the IPv6 routes of all users. The caller frees out->list, after an error too.
 */
struct uplink_ports {
	struct uplink_port {
		unsigned ifindex, bridge;
	} * list;
	size_t count, room;
};
int uplink_ports_safe(struct netlink *host, struct uplink_ports *out) MUST_CHECK;
/* Is this one in the list, and in its bridge? */
bool uplink_port_safe(const struct uplink_ports *ports, const struct uplink *uplink);
/*
 * Does this kernel have all that an uplink needs? Makes one in two new network namespaces, and
 * leaves this process in one of them. proc: a procfs. *locked: the kernel locks ports. If anything
 * else is missing, -EOPNOTSUPP or the error of the request that failed, logged. CAP_SYS_ADMIN.
 */
int uplink_probe(int proc, bool *locked) MUST_CHECK;
/* Takes the port down, so that the guard and the bridge may change. */
int uplink_disconnect(struct netlink *host, const struct uplink *uplink) MUST_CHECK;
/*
 * Takes the port down, and removes routes and neighbours; what is gone already is not an error.
 * The veth pair ends with the user's namespace; deleting it here would wait 33 ms for RCU. If
 * another user's process got a socket of the namespace, the namespace stays, but no packet may
 * pass any more (T37).
 */
int uplink_detach(struct netlink *host, const struct uplink *uplink) MUST_CHECK;

/* Makes the network's bridges, gateway addresses and unreachable routes. All idempotent. */
int uplink_bridge_make(struct netlink *host, const struct network_state *network, const char *name,
		       unsigned *ifindex) MUST_CHECK;
int uplink_bridge_remove(struct netlink *host, const char *name) MUST_CHECK;
int uplink_network_routes(struct netlink *host, const struct network_state *network,
			  bool add) MUST_CHECK;

/*
 * Calls visit for each host route (/32, /128) over any link; those over our bridges are users'.
 * visit must not use host.
 */
int uplink_each_host_route(struct netlink *host,
			   int (*visit)(void *context, unsigned link,
					const struct address *address),
			   void *context) MUST_CHECK;
/* The MTU of the link that the IPv4 (else IPv6) default route uses; 1500 without one. */
unsigned uplink_default_mtu(struct netlink *host);
/* Is an IPv4 address or route of the host in the prefix, apart from our own network's? */
bool uplink_prefix_taken(struct netlink *host, const struct prefix *prefix);

#endif
