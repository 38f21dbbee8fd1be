/* Shared by the files that write our rules. */
#ifndef PAM_NETNS_RULESET_INTERNAL_H
#define PAM_NETNS_RULESET_INTERNAL_H

#include "rules/ruleset.h"

#define REJECT "goto refuse"

/* rules/network.c: the chains to which a network's bridges lead. */
void ruleset_write_network(FILE *out, const struct network *network);
/* rules/nat.c: the network's rules in the chain nat_out, for one family. */
void ruleset_write_nat(FILE *out, const struct network_state *network,
		       const struct nat_ports *ports, int family);

#endif
