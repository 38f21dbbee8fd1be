/*
 * What the conf file wants of a network, and what that changes of one that is set up. Reads alone;
 * the helper's set-up and the command use the same answer.
 */
#ifndef PAM_NETNS_NETWORK_WANTED_H
#define PAM_NETNS_NETWORK_WANTED_H

#include "state/network.h"

#define NETWORK_CHANGE_MAX 512
#define NETWORK_TEXT_MAX   1024

/*
 * The subnet of one family; that of "auto" is the one that an earlier set-up chose (LEASES_DIR).
 * Its address has the family 0 if none was chosen yet, or if the conf file wants none.
 */
struct prefix network_subnet(const struct network *conf, sa_family_t family);
/*
 * The same for what chooses one: 0; -ENOENT: "auto", and none was chosen yet; or another -errno,
 * logged, if that cannot be told. Then none may be chosen: users have addresses of the one there
 * is.
 */
int network_subnet_find(const struct network *conf, sa_family_t family,
			struct prefix *out) MUST_CHECK;

/* Remembers below LEASES_DIR which subnet "auto" became. */
int network_subnet_remember(const char *network, const struct prefix *subnet) MUST_CHECK;

/* Fills in name, bridge and subnets; no subnet6 if IPv6 is disabled on this host (ipv6.h). */
void network_wanted(const struct network *conf, struct network_state *out);
/* The same with these subnets. */
void network_wanted_with(const struct network *conf, const struct prefix *subnet,
			 const struct prefix *subnet6, struct network_state *out);

/*
 * Has the conf file another bridge or other subnets for a network that is up? Its active users
 * cannot follow, so the set-up refuses that while there are any. text, where it has: "subnet from
 * 10.203.0.0/16 to 10.9.0.0/16". IPv6 that comes or goes is no such change: it comes with the next
 * first login.
 */
bool network_changed(const struct network_state *up, const struct network *conf,
		     const struct network_state *wanted, char text[NETWORK_CHANGE_MAX]) MUST_CHECK;

/*
 * How many users of a network are active; -errno if that cannot be told. kick, unless it is NULL:
 * the commands that end all their sessions, "pam-netns kick alice && ", or of many what to do.
 */
int network_users(int run, const char *network, char kick[NETWORK_CHANGE_MAX]) MUST_CHECK;

/*
 * Does the conf file change a network that has active users, so that every login to it is refused?
 * How many there are (1 if the caller may not know), 0 if not; what and remedy are texts for people
 * then. run: RUN_DIR, or -1.
 */
int network_refuses(int run, const struct network *conf, char what[NETWORK_TEXT_MAX],
		    char remedy[NETWORK_TEXT_MAX]);

#endif
