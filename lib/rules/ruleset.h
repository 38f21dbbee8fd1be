/*
 * The nftables rules as text for `nft -f -`: tables "inet pam_netns" and "bridge pam_netns".
 *
 * One transaction replaces both tables whole, and changes no other table. Rules do not grow
 * with users: users are elements of hash sets. The text is a pure function of its input. A
 * bridge must be in the rules before its first port comes up, because packets from an unknown
 * bridge are not filtered.
 *
 * Sets of the bridge table, to which a login adds one element each over netlink (guard.h):
 *	guard4	type ifname . ether_addr . ipv4_addr
 *	guard6	type ifname . ether_addr . ipv6_addr
 * and, for networks with peers = group, of the inet table:
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
#define RULESET_PORT_PREFIX "pnu" /* of every bridge port's name, and of no other link's */
/*
 * Bits of a packet's mark that show a bridge that our rules saw the packet: one for packets from
 * users, one for packets to them. Without it the bridge's filter (bridge_filter.h) drops the
 * packet. There are two, because the first may still be set if only one of the tables is gone.
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
	/* Forwarding of IPv4, of IPv6 was off before us: drop other traffic. */
	bool forward_ours_alone, forward_ours_alone6;
};

/* Writes the transaction. -EIO: out failed; -ENAMETOOLONG: a bridge's name. Logs errors. */
int ruleset_write(FILE *out, const struct ruleset *ruleset) MUST_CHECK;
/* Writes the transaction that removes both tables, whether they exist or not. */
int ruleset_write_removal(FILE *out) MUST_CHECK;

/* The name of a network's bridge number i, from that of the first one. -ENAMETOOLONG, logged. */
int ruleset_bridge_name(const char *first, unsigned i, char out[IFNAMSIZ]) MUST_CHECK;
/* Do the rules compare this user's group (peers = group)? */
bool uplink_grouped(const struct uplink *uplink);

/* What another firewall does to a network's traffic, and the command that
 * repairs it; no newlines. */
typedef void ruleset_report(void *context, const char *what, const char *remedy);
/*
 * Reads the output of `nft list ruleset` (text), and reports every base chain of other programs at
 * the forward hook that would drop forwarded packets of one of the network's bridges, with the
 * command that repairs it: for Docker, ufw, firewalld, iptables-nft, or any other. If the text has
 * the repair already, nothing is reported. The commands also cover bridges that are made later.
 * Rules of iptables-legacy are not in the text. Returns the number of reports, or -ENOMEM.
 */
int ruleset_foreign(const char *text, const struct network *network, unsigned bridges,
		    ruleset_report *report, void *context);
/* The same for the input hook, if it may drop packets that the network's host_access allows. */
int ruleset_foreign_input(const char *text, const struct network *network, unsigned bridges,
			  ruleset_report *report, void *context);

/*
 * Was our table in the text of `nft list ruleset` written with forward_ours_alone (or
 * forward_ours_alone6)?
 */
bool ruleset_forwards_ours_alone(const char *text, bool ipv6);

#endif
