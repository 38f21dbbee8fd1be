/*
 * Address translation: the rules of one network, and the ports that it gives.
 *
 * Users leave from a range of ports that is none of the host's. Without one they could take every
 * port to a destination, and the host's own queries there would be lost; and NFS, rsh and others
 * trust a port below 1024 in the host's name. A program of the host may still be bound to a port
 * of the range. If a user has it to the same destination, the kernel moves the host's own to
 * another one. It tries a few ranges at random, and so finds one the more surely the fewer ports
 * users have.
 *
 * What has no ports or ids is not translated: the first to send it to a destination would get all
 * answers from there, and the host's own ESP or GRE to the same peer would be lost.
 * rules/network.c rejects it.
 *
 * A port belongs to one destination address and port: others have all of the range again. One
 * socket of a user that sends to many destinations keeps its port for all of them if it is free.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "rules/internal.h"

#define PORT_FIRST 1024 /* below, ports are trusted */
#define PORT_LAST  65535
#define PORTS_MIN  4096 /* with fewer, users get some of the host's */

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

void ruleset_write_nat(FILE *out, const struct ruleset_network *network,
		       const struct nat_ports *ports, int family)
{
	const struct prefix *subnet = family == AF_INET ? &network->subnet : &network->subnet6;
	const struct address *source =
	    family == AF_INET ? &network->conf->nat_address : &network->conf->nat_address6;
	const char *ip = family == AF_INET ? "ip" : "ip6";
	/* The host's own pings have any id: of those, users get few. */
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
		/* Within and between our networks addresses stay what they are. */
		fprintf(out, "\t\t%s saddr %s oifname != @bridges %s ", ip, text, kinds[i].match);
		write_translation(out, source, family, kinds[i].ports);
	}
}

/* The next "FIRST-LAST" or "PORT" of a list; false at its end. */
static bool range_next(const char **list, unsigned *first, unsigned *last)
{
	char *end;

	*first = *last = (unsigned)strtoul(*list, &end, 10);
	if (end == *list)
		return false;
	if (*end == '-')
		*last = (unsigned)strtoul(end + 1, &end, 10);
	*list = *end == ',' ? end + 1 : end;
	return true;
}

static void range_prefer(struct nat_ports *best, unsigned first, unsigned end)
{
	if (first < end && (!best->last || end - first > best->last - best->first + 1U))
		*best = (struct nat_ports){(uint16_t)first, (uint16_t)(end - 1)};
}

static unsigned lower(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned higher(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* The largest range without reserved ports, which the kernel lists in order, and without others. */
static struct nat_ports range_largest(const char *reserved, unsigned first, unsigned last)
{
	struct nat_ports best = {0};
	unsigned from = PORT_FIRST, taken = 0, end = 0;

	while (taken <= PORT_LAST) {
		if (!range_next(&reserved, &taken, &end))
			taken = PORT_LAST + 1;
		if (taken > from) {
			range_prefer(&best, from, lower(taken, first));
			range_prefer(&best, higher(from, last + 1), taken);
		}
		from = higher(from, end + 1);
	}
	return best;
}

bool nat_ports_choose(const char *local, const char *reserved, struct nat_ports *out)
{
	unsigned first = 32768, last = 60999;

	(void)!sscanf(local, "%u %u", &first, &last);
	*out = range_largest(reserved, first, last);
	if (out->last && out->last - out->first + 1 >= PORTS_MIN)
		return true;
	*out = range_largest(reserved, PORT_LAST + 1, PORT_LAST);
	if (!out->last)
		*out = (struct nat_ports){PORT_FIRST, PORT_LAST};
	out->last = (uint16_t)(out->first + (out->last - out->first) / 4);
	return false;
}
