/*
 * What the conf file wants of a network, and how that differs from a network that is set up. Only
 * reads. The helper's set-up and the command use the same answer.
 */
#ifndef PAM_NETNS_NETWORK_WANTED_H
#define PAM_NETNS_NETWORK_WANTED_H

#include "state/network.h"

#define NETWORK_CHANGE_MAX 512
#define NETWORK_TEXT_MAX   1024

/*
 * The subnet of one family. With "auto" it is the one that an earlier set-up chose (LEASES_DIR).
 * Its address has family 0 if none was chosen yet, or if the conf file wants none.
 */
struct prefix network_subnet(const struct network *conf, sa_family_t family);
/*
 * The same for the set-up, which chooses a subnet. 0; -ENOENT: "auto", and none was chosen yet;
 * another -errno, logged: unknown. If it is unknown, none may be chosen, because users have
 * addresses in the existing one.
 */
int network_subnet_find(const struct network *conf, sa_family_t family,
			struct prefix *out) MUST_CHECK;

/* Remembers in LEASES_DIR which subnet "auto" became. */
int network_subnet_remember(const char *network, const struct prefix *subnet) MUST_CHECK;

/* Fills in name, bridge and subnets; no subnet6 if IPv6 is disabled on this host (ipv6.h). */
void network_wanted(const struct network *conf, struct network_state *out);
/* The same with these subnets. */
void network_wanted_with(const struct network *conf, const struct prefix *subnet,
			 const struct prefix *subnet6, struct network_state *out);

/*
 * Does the conf file want another bridge or other subnets for a network that is up? Its active
 * users cannot follow, so the set-up refuses that while users are active. text becomes the change,
 * such as "subnet from 10.203.0.0/16 to 10.9.0.0/16". New or removed IPv6 is no such change: the
 * next first login gets it.
 */
bool network_changed(const struct network_state *up, const struct network *conf,
		     const struct network_state *wanted, char text[NETWORK_CHANGE_MAX]) MUST_CHECK;

/*
 * The number of active users of a network; -errno: unknown. kick, if it is not NULL, becomes the
 * commands that end all their sessions ("pam-netns kick alice && "), or advice if they are many.
 */
int network_users(int run, const char *network, char kick[NETWORK_CHANGE_MAX]) MUST_CHECK;

/*
 * Does the conf file change a network that has active users, so that every login to it is refused?
 * Returns their number (1 if the caller may not read it), or 0. If not 0, what and remedy are set
 * to texts for people. run: RUN_DIR, or -1.
 */
int network_refuses(int run, const struct network *conf, char what[NETWORK_TEXT_MAX],
		    char remedy[NETWORK_TEXT_MAX]);

#endif
