/*
 * Address translation: the rules of one network.
 *
 * Users leave from a range of ports that has none of the host's (nat_ports.h). Without a range of
 * their own, users could take every port to a destination, and the host's own queries there would
 * be lost. Also, NFS, rsh and others trust a port below 1024 as the host's. A program of the host
 * may still be bound to a port of the range. If a user has that port to the same destination, the
 * kernel moves the host's own connection to another port. It tries a few ranges at random, so the
 * fewer ports users have, the more surely it finds one.
 *
 * Protocols without ports or ids are not translated. The first user to send to a destination would
 * get all answers from there, and the host's own ESP or GRE to the same peer would be lost.
 * rules/network.c rejects them.
 *
 * A connection takes a port only for one destination address and port; for other destinations the
 * whole range is free. A user's socket that sends to many destinations keeps its port for all of
 * them if it is free.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "rules/internal.h"

static void write_translation(FILE *out, const struct address *source, int family,
			      const struct nat_ports *ports)
{
	char text[ADDRESS_TEXT_MAX];

	if (source->family != family)
		fputs("masquerade to ", out);
	else if (family == AF_INET6)
		fprintf(out, "snat ip6 to [%s]", address_format(source, text));
	else
		fprintf(out, "snat %s to %s", family == AF_INET ? "ip" : "ip6",
			address_format(source, text));
	fprintf(out, ":%u-%u\n", ports->first, ports->last);
}

void ruleset_write_nat(FILE *out, const struct network_state *network,
		       const struct nat_ports *ports, int family)
{
	const struct prefix *subnet = family == AF_INET ? &network->subnet : &network->subnet6;
	const struct address *source =
	    family == AF_INET ? &network->conf->nat_address : &network->conf->nat_address6;
	const char *ip = family == AF_INET ? "ip" : "ip6";
	/* The host's own pings may have any id, so users get few. */
	const struct nat_ports ids = {ports->first,
				      (uint16_t)(ports->first + (ports->last - ports->first) / 4)};
	const struct {
		const char *match;
		const struct nat_ports *ports;
	} kinds[] = {
	    {"meta l4proto { tcp, udp, sctp }", ports},
	    {family == AF_INET ? "meta l4proto icmp" : "meta l4proto icmpv6", &ids},
	};
	char text[ADDRESS_TEXT_MAX];

	if (!network->conf->nat || subnet->address.family != family)
		return;
	prefix_format(subnet, text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		/* Within and between our networks, addresses are not translated. */
		fprintf(out, "\t\t%s saddr %s oifname != @bridges %s ", ip, text, kinds[i].match);
		write_translation(out, source, family, kinds[i].ports);
	}
}
