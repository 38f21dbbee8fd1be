/* Address translation of one network. See ruleset.c for the way of a packet. */
#include <sys/socket.h>

#include "ruleset_internal.h"

void ruleset_write_nat(FILE *out, const struct ruleset_network *network, int family)
{
	const struct prefix *subnet = family == AF_INET ? &network->subnet : &network->subnet6;
	const struct address *source =
	    family == AF_INET ? &network->conf->nat_address : &network->conf->nat_address6;
	const char *ip = family == AF_INET ? "ip" : "ip6";
	char text[ADDRESS_TEXT_MAX];

	if (!network->conf->nat || subnet->address.family != family)
		return;
	/* Within and between our networks addresses stay what they are. */
	fprintf(out, "\t\t%s saddr %s oifname != @bridges ", ip, prefix_format(subnet, text));
	if (source->family == family)
		fprintf(out, "snat %s to %s\n", ip, address_format(source, text));
	else
		fputs("masquerade\n", out);
}
