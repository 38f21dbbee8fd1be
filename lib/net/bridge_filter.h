/*
 * The filter of a bridge: it passes only packets that our rules have stamped
 * (RULESET_STAMP_FROM, _TO).
 *
 * While the rules are gone (nft flush ruleset, a restart of nftables.service), no packet gets a
 * stamp. The filter then stops all packets from users to the host and from the host to users. It
 * needs no process, and ends with its bridge.
 *
 * It is a clsact qdisc with a classic BPF program at each end (tc-bpf(8)). The program decides
 * alone, and leaves a stamped packet to filters of other programs.
 */
#ifndef PAM_NETNS_BRIDGE_FILTER_H
#define PAM_NETNS_BRIDGE_FILTER_H

#include "base/cleanup.h"
#include "net/netlink.h"

/* Sets or replaces the filter. -ENOENT, not logged: this kernel lacks it
 * (NET_SCH_INGRESS, NET_CLS_BPF). */
int bridge_filter_set(struct netlink *host, unsigned ifindex) MUST_CHECK;
/* 1 if the filter is as bridge_filter_set() leaves it, 0 if not, or -errno. */
int bridge_filter_intact(struct netlink *host, unsigned ifindex) MUST_CHECK;

#endif
