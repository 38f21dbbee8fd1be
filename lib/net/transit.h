/*
 * Routing rules (ip-rule(8)) for a host that did not forward before us. With them it forwards only
 * for our networks, even if the nftables rules that say the same are gone.
 *
 *	1301	from lo (packets of the host itself)	go on at 1305
 *	1302	from a bridge of ours			go on at 1305
 *	1303	to a subnet of ours			go on at 1305
 *	1304	with no mark				drop
 *	1305						go on
 *
 * They come after the host's own addresses (rule 0) and VRFs (1000), so packets for the host
 * arrive, and before other programs' rules. A marked packet is left to the program that marked it;
 * a transparent proxy marks the packets that it takes in. Our rules have the protocol number
 * "kernel", because systemd-networkd removes rules of all others when it starts.
 */
#ifndef PAM_NETNS_TRANSIT_H
#define PAM_NETNS_TRANSIT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "net/netlink.h"

/* The rules of one family. The caller frees list. */
struct transit {
	int family;
	struct transit_rule {
		uint32_t priority;
		uint8_t action;
		bool unmarked;		/* only packets without a mark */
		char link[IFNAMSIZ];	/* the link that the packet comes from; "": any */
		struct prefix from, to; /* length 0: any */
	} * list;
	size_t count, room;
};

/* Begins with no bridge and no subnet. After they were added, transit_end() completes it. */
void transit_init(struct transit *transit, int family);
int transit_add_bridge(struct transit *transit, const char *name) MUST_CHECK;
int transit_add_subnet(struct transit *transit, const struct prefix *subnet) MUST_CHECK;
int transit_end(struct transit *transit) MUST_CHECK;

/* 1 if exactly these rules of ours exist, 0 if not, or -errno. */
int transit_intact(struct netlink *host, const struct transit *transit) MUST_CHECK;
/* 1 if any rule of ours exists, 0 if not, or -errno. */
int transit_present(struct netlink *host, int family) MUST_CHECK;
/* Replaces our rules; with an empty list it removes them. -EOPNOTSUPP, logged: the kernel has no
 * routing rules. */
int transit_set(struct netlink *host, const struct transit *transit) MUST_CHECK;

#endif
