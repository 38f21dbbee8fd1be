/*
 * The nftables rules as text for `nft -f -`: tables "inet pam_netns" and "bridge pam_netns".
 *
 * One transaction replaces both tables whole and touches nobody else's. Rules do not grow with
 * users: users are elements of hash sets. The text is a pure function of its input. A bridge must
 * be in the rules before its first port comes up: what comes from an unknown one is not filtered.
 *
 * Sets of the bridge table, into which a login adds one element each over netlink (guard.h):
 *	guard4	type ifname . ether_addr . ipv4_addr
 *	guard6	type ifname . ether_addr . ipv6_addr
 * and, where a network has peers = group, of the inet table:
 *	group4, group6		maps address : mark (the gid)
 *	member4, member6	sets address . mark
 */
#ifndef PAM_NETNS_RULESET_H
#define PAM_NETNS_RULESET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "conf/conf.h"
#include "rules/nat_ports.h"
#include "rules/types.h"

#define RULESET_TABLE	    "pam_netns"
#define RULESET_PORT_PREFIX "pnu" /* every bridge port's name begins so, nothing else's may */
/*
 * The bits of a packet's mark by which a bridge knows that our rules saw the packet: one for what
 * comes from users, one for what goes to them. Without it the bridge's filter (bridge_filter.h)
 * drops the packet. Two, as the first may still be set if only one of the tables is gone.
 */
#define RULESET_STAMP_FROM 0x10000000U
#define RULESET_STAMP_TO   0x20000000U

/* The conf of each network must be looked up, and the network of each uplink. */
struct ruleset {
	const struct network_state *const *networks;
	size_t networks_count;
	const struct uplink *const *uplinks; /* of active users */
	size_t uplinks_count;
	struct nat_ports nat_ports;
	/* Forwarding of IPv4, IPv6 was off before us: drop what is not ours. */
	bool forward_ours_alone, forward_ours_alone6;
};

/* Writes the transaction. -EIO where out fails, -ENAMETOOLONG for a bridge's name; logged. */
int ruleset_write(FILE *out, const struct ruleset *ruleset) MUST_CHECK;
/* Writes the transaction that removes both tables, whether they exist or not. */
int ruleset_write_removal(FILE *out) MUST_CHECK;

/* The name of a network's bridge number i, of which the first one's is known. -ENAMETOOLONG, logged. */
int ruleset_bridge_name(const char *first, unsigned i, char out[IFNAMSIZ]) MUST_CHECK;
/* Do the rules compare this user's group (peers = group)? */
bool uplink_grouped(const struct uplink *uplink);

/* What another firewall does to a network's traffic, and the command that mends it; no newlines. */
typedef void ruleset_report(void *context, const char *what, const char *remedy);
/*
 * Reads the output of `nft list ruleset` (text) and reports every base chain of others at the
 * forward hook that would drop what is forwarded for one of the network's bridges (so many), and
 * the command that mends it: Docker, ufw, firewalld, iptables-nft, any other. What mends it is in
 * the text already: nothing is reported. The commands cover bridges that are made later. Rules of
 * iptables-legacy are not in the text. Returns how many, or -ENOMEM.
 */
int ruleset_foreign(const char *text, const struct network *network, unsigned bridges,
		    ruleset_report *report, void *context);
/* The same for the input hook, where it may drop what the network's host_access allows. */
int ruleset_foreign_input(const char *text, const struct network *network, unsigned bridges,
			  ruleset_report *report, void *context);

/*
 * Whether our table in the text of `nft list ruleset` was written with forward_ours_alone (or
 * forward_ours_alone6).
 */
bool ruleset_forwards_ours_alone(const char *text, bool ipv6);

#endif
