/* The chains of one network: the destinations that its users may reach. ruleset.c describes
 * the way of a packet. */
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "rules/internal.h"

/*
 * "tcp dport 22 ", "meta l4proto udp ", or nothing if the rule concerns all packets. Ports without
 * a protocol are those of both. 0 to 0 and 0 to 65535 mean all.
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
 * The chain for packets to destinations outside, and to users of other networks. A published
 * port (a DNAT of the host's) of any user is treated as an outside destination, by its
 * address after the DNAT.
 */
static void write_egress(FILE *out, const struct network *network)
{
	fprintf(out, "\tchain egress_%s {\n", network->name);
	/* The protocols that NAT translates, see rules/nat.c. Some kernels do not track DCCP and
	 * UDP-Lite by their ports. */
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
 * Packets between users of one network. The only sets of pairs in nftables would grow with
 * the square of the users, so the mark carries the sender's gid from the map to the set. It
 * starts as a gid that no group has, because a sender in no group must not keep a mark that
 * another program set.
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

/* An element that times out has a full bucket again, but not before it would have filled anyway. */
static unsigned bucket_seconds(const struct network *network)
{
	unsigned fill = network->new_connections_burst / network->new_connections + 1;

	return fill < 60 ? 60 : fill;
}

/*
 * Limits how many connections a user has, and how many the user opens a second. "ct count" does not
 * see closed TCP connections, which stay in the table for two minutes, so the second limit is
 * needed too. The MAC identifies a user, because the guard has checked it: one limit for both
 * families. Packets above a limit are dropped, so TCP asks again a second later. A full set ends a
 * rule without a match, and that refuses. A confirmed entry has passed here before; only the first
 * packet of a one-way flow is counted.
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
