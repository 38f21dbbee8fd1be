/* [network NAME] of the conf file. */
#ifndef PAM_NETNS_CONF_NETWORK_H
#define PAM_NETNS_CONF_NETWORK_H

#include "conf/conf.h"
#include "conf/kind.h"

/* A bridge's name leaves room for ".NN", a further bridge of the network. */
#define CONF_BRIDGE_MAX 11

conf_parser conf_bridge_parse, conf_nat_parse, conf_host_access_parse, conf_dns_parse,
    conf_rate_parse;

/* out is zero except for its name. Errors go to report. Returns 0 or -ENOMEM. */
int conf_network_read(const struct conf_section *section, struct network *out,
		      struct conf_report *report) MUST_CHECK;
/* Reports conflicts between networks: sections[i] is the section of networks[i]. */
void conf_networks_compare(const struct network *networks,
			   const struct conf_section *const *sections, size_t count,
			   struct conf_report *report);
void conf_network_free(struct network *network);

#endif
