/*
 * What rules and netlink messages are about: networks as they are set up on this host, and uplinks.
 *
 * Facts alone, each in one place: records hold them (state/), rules name them (rules/), netlink
 * messages make them (net/). Pointers are borrowed.
 */
#ifndef PAM_NETNS_RULES_TYPES_H
#define PAM_NETNS_RULES_TYPES_H

#include <net/if.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "conf/conf.h"

#define NETWORK_BRIDGES_MAX 64

/* A network as it is set up: each "auto" of the conf file is decided. */
struct network_state {
	const struct network *conf; /* NULL: not looked up, or the conf file does not have it */
	char name[CONF_NAME_MAX];
	char bridge[IFNAMSIZ];	       /* the first one's name */
	unsigned bridges;	       /* BRIDGE, BRIDGE.1, …: how many exist, or are about to */
	struct prefix subnet, subnet6; /* subnet6.address.family 0: no IPv6 */
	unsigned mtu;		       /* bytes */
	uint64_t policy;	       /* network_policy() of the rules in force; 0: not known */
};

/*
 * A user's link to a network: eth0 in the user's network namespace, a bridge port on the host.
 * peers = group compares the gid.
 */
struct uplink {
	uid_t uid;
	gid_t gid;
	const struct network_state *network; /* NULL: not looked up */
	struct address address, address6;    /* address6.family 0: none */
	struct mac mac;
	char bridge[IFNAMSIZ];
	unsigned bridge_ifindex; /* 0: not looked up */
	char port[IFNAMSIZ];	 /* the host's end of the veth pair */
	unsigned ifindex;	 /* of port */
};

#endif
