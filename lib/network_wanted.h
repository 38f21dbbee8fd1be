/*
 * What the conf file wants of a network, and what that changes of one that is set up. Reads alone;
 * the helper's set-up and the command use the same answer.
 */
#ifndef PAM_NETNS_NETWORK_WANTED_H
#define PAM_NETNS_NETWORK_WANTED_H

#include "network_state.h"

#define NETWORK_CHANGE_MAX 512

/*
 * Fills in name, bridge and subnets. A subnet of "auto" is the one that was chosen at an earlier
 * set-up (LEASES_DIR); none was: its address has the family 0. subnet6 has the family 0 if the conf
 * file wants none, or if IPv6 is disabled on this host (ipv6.h). -errno, logged: /etc/machine-id,
 * which subnet6 = auto is derived from, cannot be read.
 */
int network_wanted(const struct network *conf, struct network_state *out) MUST_CHECK;

/*
 * Has the conf file another bridge or other subnets for a network that is up? Its active users
 * cannot follow, so the set-up refuses that while there are any. text, where it has: "subnet from
 * 10.203.0.0/16 to 10.9.0.0/16". IPv6 that comes or goes is no such change: it comes with the next
 * first login.
 */
bool network_changed(const struct network_state *up, const struct network *conf,
		     const struct network_state *wanted, char text[NETWORK_CHANGE_MAX]) MUST_CHECK;

/* The users of a network who are active; -errno if that cannot be told. */
int network_users(int run, const char *network) MUST_CHECK;

/* The folder below LEASES_DIR of a network remembers which subnet "auto" became. */
int network_subnet_remember(int leases, const struct prefix *subnet) MUST_CHECK;

#endif
