/*
 * What of this host is in the way of the conf file's networks: firewalls of others that drop their
 * traffic, addresses and routes that overlap their subnets. `up` warns of them, the command's
 * checks list them. Each is reported as what it is and what to do about it. Nothing is changed.
 */
#ifndef PAM_NETNS_OBSTACLE_H
#define PAM_NETNS_OBSTACLE_H

#include "conf/conf.h"
#include "net/netlink.h"
#include "rules/ruleset.h"

/*
 * Firewalls, from the text of `nft list ruleset`: all bridges of all networks, at the forward hook
 * and, for what host_access allows, at the input hook. run: RUN_DIR, or -1. How many, or -errno.
 */
int obstacle_firewalls(int run, const struct conf *conf, const char *rules, ruleset_report *report,
		       void *context) MUST_CHECK;

/*
 * Addresses and routes of the host's other links that lie in a network's subnet, or hold it, one
 * report for each link; and addresses in it of the host's name servers and of clouds' metadata
 * services. route: a socket in the host's network namespace. How many, or -errno.
 */
int obstacle_overlaps(int run, struct netlink *route, const struct conf *conf,
		      ruleset_report *report, void *context) MUST_CHECK;

#endif
