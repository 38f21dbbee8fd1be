/*
 * Single rtnetlink requests, as verbs: what uplink.c and net/bridge.c put into their batches.
 * Each returns a message for netlink_add(), NULL out of memory. See rtnetlink(7).
 */
#ifndef PAM_NETNS_UPLINK_REQUEST_H
#define PAM_NETNS_UPLINK_REQUEST_H

#include "net/uplink.h"

struct netlink_message *request_link_flags(unsigned ifindex, unsigned flags, unsigned change);
/* By its name, for when the index may be another link's by now. */
struct netlink_message *request_link_down(const char *name);
struct netlink_message *request_link_mtu(unsigned ifindex, unsigned mtu);
struct netlink_message *request_link_master(unsigned ifindex, unsigned master);
/*
 * No link-local address by itself. In the creating message the kernel answers EAFNOSUPPORT (there
 * is no inet6 part of the device yet), so it is a request of its own, sent before the link has
 * a carrier. EAFNOSUPPORT also where the kernel has no IPv6.
 */
struct netlink_message *request_link_no_addrgen(unsigned ifindex);
struct netlink_message *request_address(unsigned ifindex, const struct address *address);
/* Permanent; replaces. mac NULL for RTM_DELNEIGH. */
struct netlink_message *request_neighbour(int type, unsigned ifindex, const struct address *address,
					  const struct mac *mac);
struct netlink_message *request_fdb(unsigned port, const struct mac *mac);
/* The gateway is on the link, though it is in no prefix of it (RTNH_F_ONLINK). */
struct netlink_message *request_default_route(unsigned ifindex, const struct address *gateway);
struct netlink_message *request_user_route(int type, unsigned ifindex,
					   const struct address *address);
struct netlink_message *request_unreachable(int type, const struct prefix *prefix);

#endif
