/*
 * What on this host blocks the conf file's networks: firewalls of other programs that drop their
 * traffic, and addresses and routes that overlap their subnets. `up` warns of these, and the
 * command's checks list them. Each report has a cause and a remedy. Nothing on the host is changed.
 */
#ifndef PAM_NETNS_OBSTACLE_H
#define PAM_NETNS_OBSTACLE_H

#include "conf/conf.h"
#include "net/netlink.h"
#include "rules/ruleset.h"

/*
 * Checks firewalls, in the text of `nft list ruleset`: all bridges of all networks at the
 * forward hook and, for host_access, at the input hook. run: RUN_DIR, or -1. Returns the number
 * of reports, or -errno.
 */
int obstacle_firewalls(int run, const struct conf *conf, const char *rules, ruleset_report *report,
		       void *context) MUST_CHECK;

/*
 * Checks addresses and routes of the host's other links that overlap a network's subnet (one report
 * for each link), and the host's name servers and clouds' metadata services with an address in it.
 * route: a socket in the host's network namespace. Returns the number of reports, or -errno.
 */
int obstacle_overlaps(int run, struct netlink *route, const struct conf *conf,
		      ruleset_report *report, void *context) MUST_CHECK;

#endif
