/*
 * The connections that the kernel tracks, from all senders: found by address and
 * removed, over ctnetlink.
 *
 * A removed connection ends only if the rules forbid it. Otherwise the next packet makes a
 * new entry, even in the middle of a TCP connection (nf_conntrack_tcp_loose), and that
 * entry meets the policy.
 */
#ifndef PAM_NETNS_CONNTRACK_H
#define PAM_NETNS_CONNTRACK_H

#include "base/address.h"
#include "base/cleanup.h"
#include "net/netlink.h"

/*
 * Removes each connection that has an end in one of the prefixes, in either direction, before or
 * after NAT. Returns the number, or -errno, logged. netfilter is a NETLINK_NETFILTER socket, which
 * decides the network namespace. Needs CAP_NET_ADMIN.
 */
int conntrack_drop(struct netlink *netfilter, const struct prefix *prefixes,
		   size_t count) MUST_CHECK;

#endif
