/*
 * The connections that the kernel tracks, of all who send: found by address and removed, over
 * ctnetlink.
 *
 * What is removed here ends only as far as the rules forbid it: the next packet makes a new entry,
 * even in the middle of a TCP connection (nf_conntrack_tcp_loose), and that meets the policy.
 */
#ifndef PAM_NETNS_CONNTRACK_H
#define PAM_NETNS_CONNTRACK_H

#include "base/address.h"
#include "base/cleanup.h"
#include "net/netlink.h"

/*
 * Removes each connection one end of which lies in one of the prefixes, in either direction, as it
 * is before or after NAT. Returns how many, or -errno, logged. netfilter is a NETLINK_NETFILTER
 * socket, and says in which network namespace. CAP_NET_ADMIN.
 */
int conntrack_drop(struct netlink *netfilter, const struct prefix *prefixes,
		   size_t count) MUST_CHECK;

#endif
