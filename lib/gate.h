/*
 * The gates: what closes the host to users' traffic, and users to the host's, while the rules are
 *gone.
 *
 * `nft flush ruleset` takes our rules away until the next login or gc. Two things that nftables
 *does not know hold meanwhile:
 *
 * A bridge's gate. A classic BPF program at the bridge's ingress and egress (clsact, tc-bpf(8))
 *drops each packet without the stamp, a bit of the packet's mark. Our rules set it: the guard on
 *what it vouches for, the last chain of postrouting on what goes to users. So without the rules no
 *packet of a user reaches the host's IP stack, and none reaches a user.
 *
 * The forwarding gate. If forwarding was off before us, policy routing (ip-rule(8)) drops what is
 *forwarded and is neither from one of our bridges nor to one of our subnets: the host routes for
 *nobody else.
 *
 *	300  iif BRIDGE goto 303
 *	301  to SUBNET goto 303
 *	302  not iif lo blackhole
 *	303  nop
 *
 * "goto" skips the third and leaves the decision to all later rules, a VPN's for one. The host's
 *own traffic has lo as its input interface, and what is addressed to the host is found in table
 *local before.
 *
 * All functions need CAP_NET_ADMIN, are idempotent and add to *made what had been missing.
 */
#ifndef PAM_NETNS_GATE_H
#define PAM_NETNS_GATE_H

#include <stdbool.h>

#include "address.h"
#include "cleanup.h"
#include "netlink.h"

/* The bit of a packet's mark that is the stamp; no one else's, as far as is known (SECURITY.md). */
#define GATE_STAMP 0x2000

#define GATE_PRIORITY 300 /* of the first policy rule; the last one has 303 */
#define GATE_PROTOCOL 78  /* FRA_PROTOCOL: who made the rules; `ip rule` shows "proto 78" */

/* The gate of a bridge, which goes with the bridge. -ENOENT: the kernel lacks CONFIG_NET_CLS_BPF.
 */
int gate_bridge(struct netlink *host, unsigned ifindex, unsigned *made) MUST_CHECK;

/* What is forwarded from a bridge, or to a subnet, passes; add false: does not any more. */
int gate_pass_bridge(struct netlink *host, int family, const char *bridge, bool add,
		     unsigned *made) MUST_CHECK;
int gate_pass_subnet(struct netlink *host, const struct prefix *subnet, bool add,
		     unsigned *made) MUST_CHECK;
/* All else that is forwarded is dropped; close false: passes again. */
int gate_forwarding(struct netlink *host, int family, bool close, unsigned *made) MUST_CHECK;

#endif
