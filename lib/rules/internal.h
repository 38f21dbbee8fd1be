/* What the files of the rules' text share. */
#ifndef PAM_NETNS_RULESET_INTERNAL_H
#define PAM_NETNS_RULESET_INTERNAL_H

#include "rules/ruleset.h"

#define REJECT "goto refuse"

/* rules/network.c: the chains that a network's bridges lead to. */
void ruleset_write_network(FILE *out, const struct network *network);
/* rules/nat.c: the network's rules of the chain nat_out, of one family. */
void ruleset_write_nat(FILE *out, const struct ruleset_network *network,
		       const struct nat_ports *ports, int family);

#endif
