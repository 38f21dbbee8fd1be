/*
 * Single rtnetlink requests, as verbs: uplink.c and net/bridge.c put them into their batches. Each
 * returns a message for netlink_add(), or NULL: out of memory. See rtnetlink(7).
 */
#ifndef PAM_NETNS_UPLINK_REQUEST_H
#define PAM_NETNS_UPLINK_REQUEST_H

#include "net/uplink.h"

struct netlink_message *request_link_flags(unsigned ifindex, unsigned flags, unsigned change);
/* By its name, because the index may be another link's by now. */
struct netlink_message *request_link_down(const char *name);
struct netlink_message *request_link_mtu(unsigned ifindex, unsigned mtu);
struct netlink_message *request_link_master(unsigned ifindex, unsigned master);
/*
 * Lets the kernel make no link-local address. In the message that makes the link, the kernel
 * answers EAFNOSUPPORT (the device has no inet6 part yet), so this is a request of its own, sent
 * before the link has a carrier. EAFNOSUPPORT also if the kernel has no IPv6.
 */
struct netlink_message *request_link_no_addrgen(unsigned ifindex);
struct netlink_message *request_address(unsigned ifindex, const struct address *address);
/* A permanent neighbour; replaces. mac is NULL for RTM_DELNEIGH. */
struct netlink_message *request_neighbour(int type, unsigned ifindex, const struct address *address,
					  const struct mac *mac);
struct netlink_message *request_fdb(unsigned port, const struct mac *mac);
/* The gateway is on the link, although no prefix of the link has it (RTNH_F_ONLINK). */
struct netlink_message *request_default_route(unsigned ifindex, const struct address *gateway);
struct netlink_message *request_user_route(int type, unsigned ifindex,
					   const struct address *address);
struct netlink_message *request_unreachable(int type, const struct prefix *prefix);

#endif
