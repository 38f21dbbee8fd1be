/*
 * The nftables rules as text for `nft -f -`: tables "inet pam_netns" and "bridge pam_netns".
 *
 * One transaction replaces both tables whole and touches nobody else's. Rules do not grow with
 * users: users are elements of hash sets. The text is a pure function of its input.
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
#include <stdio.h>

#include "address.h"
#include "conf.h"

#define RULESET_TABLE	    "pam_netns"
#define RULESET_PORT_PREFIX "pnu" /* every bridge port's name begins so, nothing else's may */

/* A network as it is set up: what was "auto" in the conf is decided. */
struct ruleset_network {
	const struct network *conf;
	struct prefix subnet, subnet6; /* subnet6.address.family 0: no IPv6 */
	unsigned bridges;	       /* how many exist: BRIDGE, BRIDGE.1, … */
};

struct ruleset_member {
	char port[IFNAMSIZ];
	struct mac mac;
	struct address address, address6;
	gid_t gid;
	bool grouped; /* the member's network has peers = group */
};

struct ruleset {
	const struct ruleset_network *networks;
	size_t networks_count;
	const struct ruleset_member *members; /* users in */
	size_t members_count;
	bool forward_ours_alone; /* forwarding was off before us: drop what is not ours */
};

/* Writes the transaction. -EIO where out fails. */
int ruleset_write(FILE *out, const struct ruleset *ruleset) MUST_CHECK;
/* Writes the transaction that removes both tables, whether they exist or not. */
int ruleset_write_removal(FILE *out) MUST_CHECK;

/* The name of a network's bridge number i (0: conf->bridge); -ENAMETOOLONG. */
int ruleset_bridge_name(const struct network *network, unsigned i, char out[IFNAMSIZ]) MUST_CHECK;

/*
 * Reads the output of `nft list ruleset` (text) and reports, as one line each through report(),
 * every table of others that would drop our forwarded traffic, and the command that mends it:
 * Docker, ufw, firewalld, any other base chain at the forward hook with policy drop. Returns how
 * many. bridge is the name to show in the commands.
 */
int ruleset_foreign(const char *text, const char *bridge,
		    void (*report)(void *context, const char *line), void *context);

#endif
