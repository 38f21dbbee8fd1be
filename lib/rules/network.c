/* The chains of one network: what its users may reach. See ruleset.c for the way of a packet. */
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "rules/internal.h"

/*
 * "tcp dport 22 ", "meta l4proto udp ", or nothing where the rule speaks of everything. Ports
 * without a protocol are those of both; 0 to 0 and 0 to 65535 are all.
 */
static void write_port_match(FILE *out, const struct port_rule *port)
{
	bool all = port->first == 0 && (port->last == 0 || port->last == UINT16_MAX);
	const char *protocol = port->protocol == IPPROTO_TCP ? "tcp" : "udp";

	if (port->protocol && all) {
		fprintf(out, "meta l4proto %s ", protocol);
		return;
	}
	if (all)
		return;
	if (port->protocol)
		fprintf(out, "%s dport %u", protocol, port->first);
	else
		fprintf(out, "meta l4proto { tcp, udp } th dport %u", port->first);
	if (port->last > port->first)
		fprintf(out, "-%u", port->last);
	fputc(' ', out);
}

static void write_destination_match(FILE *out, const struct prefix *destination)
{
	char text[ADDRESS_TEXT_MAX];

	if (!destination->address.family)
		return;
	if (!destination->length)
		fprintf(out, "meta nfproto %s ",
			destination->address.family == AF_INET ? "ipv4" : "ipv6");
	else
		fprintf(out, "%s daddr %s ", destination->address.family == AF_INET ? "ip" : "ip6",
			prefix_format(destination, text));
}

/*
 * Where a packet to somebody else's network goes through. A published port (a DNAT of the host's)
 * of whichever user is judged here as any destination outside is, by its address behind the DNAT.
 */
static void write_egress(FILE *out, const struct network *network)
{
	fprintf(out, "\tchain egress_%s {\n", network->name);
	/* What NAT translates, see rules/nat.c. Not DCCP and UDP-Lite: of some kernels they are
	 * not tracked by their ports. */
	if (network->nat)
		fputs("\t\tmeta nfproto ipv4 meta l4proto != { tcp, udp, sctp, icmp } " REJECT "\n"
		      "\t\tmeta nfproto ipv6 meta l4proto != { tcp, udp, sctp, icmpv6 } " REJECT
		      "\n",
		      out);
	for (size_t i = 0; i < network->egress_count; i++) {
		const struct egress_rule *rule = &network->egress[i];

		fputs("\t\t", out);
		write_destination_match(out, &rule->destination);
		write_port_match(out, &rule->port);
		if (rule->allow)
			fprintf(out, "goto leave_%s\n", network->name);
		else
			fputs(REJECT "\n", out);
	}
	fprintf(out,
		"\t\t" REJECT "\n\t}\n"
		"\tchain leave_%s {\n"
		"\t\tjump neighbours\n"
		"\t\tgoto admit_%s\n\t}\n",
		network->name, network->name);
}

/*
 * Users of one network among each other. nftables has no set of pairs that does not grow with the
 * square of users, so the mark carries the sender's gid from the map to the set. It starts as the
 * gid that nobody has, since a sender in no group must not keep a mark that somebody else set.
 */
static void write_peers(FILE *out, const struct network *network)
{
	const char *name = network->name;

	fprintf(out, "\tchain peers_%s {\n", name);
	if (network->peers == PEERS_YES)
		fprintf(out, "\t\tgoto admit_%s\n\t}\n", name);
	else if (network->peers == PEERS_NO)
		fputs("\t\t" REJECT "\n\t}\n", out);
	if (network->peers != PEERS_GROUP)
		return;
	fprintf(out,
		"\t\tmeta mark set 4294967295\n"
		"\t\tmeta mark set ip saddr map @group4\n"
		"\t\tmeta mark set ip6 saddr map @group6\n"
		"\t\tip daddr . meta mark @member4 goto grouped_%s\n"
		"\t\tip6 daddr . meta mark @member6 goto grouped_%s\n"
		"\t\tmeta mark set 0\n"
		"\t\t" REJECT "\n"
		"\t}\n"
		"\tchain grouped_%s {\n"
		"\t\tmeta mark set 0\n"
		"\t\tgoto admit_%s\n"
		"\t}\n",
		name, name, name, name);
}

static void write_host_access(FILE *out, const struct network *network)
{
	const char *name = network->name;

	fprintf(out,
		"\tchain host_%s {\n"
		"\t\tct state established accept\n"
		"\t\tct state related meta l4proto { icmp, icmpv6 } goto icmp_error\n"
		"\t\tct state invalid drop\n",
		name);
	if (network->host_all)
		fprintf(out, "\t\tgoto admit_%s\n", name);
	if (network->host_icmp)
		fprintf(out,
			"\t\ticmp type echo-request goto admit_%s\n"
			"\t\ticmpv6 type echo-request goto admit_%s\n",
			name, name);
	if (network->host_dns)
		fprintf(out, "\t\tmeta l4proto { tcp, udp } th dport 53 goto admit_%s\n", name);
	for (size_t i = 0; i < network->host_ports_count; i++) {
		fputs("\t\t", out);
		write_port_match(out, &network->host_ports[i]);
		fprintf(out, "goto admit_%s\n", name);
	}
	fputs("\t\t" REJECT "\n\t}\n", out);
}

/* An element that is forgotten has a full bucket again: not before it would have filled anyway. */
static unsigned bucket_seconds(const struct network *network)
{
	unsigned fill = network->new_connections_burst / network->new_connections + 1;

	return fill < 60 ? 60 : fill;
}

/*
 * What may be sent, as often as may be. "ct count" does not see closed TCP connections, which stay
 * in the table for two minutes, so there is a limit of new ones as well. A user is known by their
 * MAC, which the guard has compared: one limit for both families. Beyond it packets are dropped, so
 * that TCP asks again a second later. A set that is full ends a rule without a match: that refuses.
 * A confirmed entry has passed here already; only the first packet of a one-way flow is counted.
 */
static void write_admit(FILE *out, const struct network *network)
{
	const char *name = network->name;

	fprintf(out, "\tchain admit_%s {\n\t\tct status confirmed accept\n", name);
	if (network->new_connections)
		fprintf(out,
			"\t\tupdate @new_connections { ether saddr timeout %us limit rate "
			"%u/second burst %u packets } goto count_%s\n"
			"\t\tdrop\n"
			"\t}\n"
			"\tchain count_%s {\n",
			bucket_seconds(network), network->new_connections,
			network->new_connections_burst, name, name);
	if (network->max_connections)
		fprintf(out,
			"\t\tadd @conn4 { ip saddr ct count %u } accept\n"
			"\t\tadd @conn6 { ip6 saddr ct count %u } accept\n"
			"\t\t" REJECT "\n",
			network->max_connections, network->max_connections);
	else
		fputs("\t\taccept\n", out);
	fputs("\t}\n", out);
}

void ruleset_write_network(FILE *out, const struct network *network)
{
	const char *name = network->name;

	write_admit(out, network);
	write_egress(out, network);
	write_peers(out, network);
	fprintf(out,
		"\tchain from_%s {\n"
		"\t\tct state related meta l4proto { icmp, icmpv6 } goto icmp_error\n"
		"\t\tct state invalid,untracked drop\n"
		"\t\tct status dnat goto egress_%s\n"
		"\t\toifname @bridges_%s goto peers_%s\n"
		"\t\toifname @bridges " REJECT "\n"
		"\t\tgoto egress_%s\n"
		"\t}\n",
		name, name, name, name, name);
	write_host_access(out, network);
}
