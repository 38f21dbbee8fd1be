/*
 * The nftables rules as text. The way of a packet:
 *
 * 1. Bridge table, from_port: port, MAC and IP source must be those of an active user (guard4,
 *    guard6). All that is not IPv4 or IPv6 ends there too: neighbours are permanent, so ARP and the
 *    like are not needed, and no VLAN tags are in use. A network without IPv6 has no element in
 *    guard6, so its users cannot send IPv6.
 * 2. Inet table, raw, before connection tracking and any DNAT: no link-local IPv4, and no source
 *    address of a user from another interface.
 * 3. Inet table, input, for every address of the host: host_NETWORK. Or forward, for all other
 *    addresses: from_NETWORK, which leads to peers_NETWORK or egress_NETWORK.
 * 4. admit_NETWORK, last, for packets that may open a connection: limits how many connections, and
 *    how many a second. So a rejected attempt costs a user nothing, and replies, accepted earlier,
 *    are never counted.
 *
 * Stamps. The bridge's filter (bridge_filter.h) drops packets without a stamp, so no packet passes
 * if the rules are gone. The chains "stamp" set it: the bridge table's on packets that the guard
 * accepted and the host's IP stack gets next, the inet table's on packets that leave for a user,
 * last of all. In between it is cleared: in raw, before a routing rule reads the mark, and in input
 * and forward, because with br_netfilter raw comes before the packet is stamped.
 *
 * "ct state invalid" from a user is dropped. NAT does not change such a packet, so it would leave
 * with its inner source address, and no limit counts it. No valid packet is lost: both directions
 * of a user's connections pass this host, because there is one port only, and a connection whose
 * entry is lost is picked up as new (nf_conntrack_tcp_loose).
 *
 * "ct state related" from a user is no permission: connection tracking believes whatever an ICMP
 * error claims to be about. An error passes if it is about a connection of the sender (icmp_error).
 * Other related packets meet the policy, as new ones do.
 *
 * A TCP connection that is opened toward a user in reply to the user's own was meant for a service
 * of the host: the user guessed its source port (nat_ports.h).
 *
 * Sets of bridges are constant, and jumps by bridge are anonymous maps: they change only with the
 * rules, so a hash of the rules covers them. No set of rules keeps counters.
 */
#include "rules/ruleset.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/log.h"
#include "rules/internal.h"

#define STAMP_FROM  "meta mark set meta mark or 0x10000000"
#define STAMP_CLEAR "meta mark set meta mark and 0xefffffff"
#define STAMP_TO    "meta mark set meta mark or 0x20000000"
_Static_assert(RULESET_STAMP_FROM == 0x10000000 && RULESET_STAMP_TO == 0x20000000,
	       "the stamps in the rules' text");

/* A list in braces. nft refuses an empty one, so nothing is written before the first item. */
struct list {
	FILE *out;
	const char *opening;
	bool open;
};

#define ELEMENTS(stream)                                                                           \
	{                                                                                          \
		.out = (stream), .opening = "\t\telements = {"                                     \
	}

static FILE *list_next(struct list *list)
{
	fprintf(list->out, "%s\n\t\t\t", list->open ? "," : list->opening);
	list->open = true;
	return list->out;
}

static void list_end(struct list *list)
{
	if (list->open)
		fputs("\n\t\t}\n", list->out);
}

int ruleset_bridge_name(const char *first, unsigned i, char out[IFNAMSIZ])
{
	int length =
	    i ? snprintf(out, IFNAMSIZ, "%s.%u", first, i) : snprintf(out, IFNAMSIZ, "%s", first);

	if (length >= IFNAMSIZ)
		return log_errno(ENAMETOOLONG, "name bridge %u after %s", i, first);
	return 0;
}

bool uplink_grouped(const struct uplink *uplink)
{
	const struct network_state *network = uplink->network;

	return network && network->conf && network->conf->peers == PEERS_GROUP;
}

/* A network's bridges; with a prefix, as keys of a map to the network's chain with that prefix. */
static int write_bridges(struct list *list, const struct network_state *network, const char *prefix)
{
	char name[IFNAMSIZ];
	int err;

	for (unsigned i = 0; i < network->bridges; i++) {
		err = ruleset_bridge_name(network->bridge, i, name);
		if (err)
			return err;
		fprintf(list_next(list), "\"%s\"", name);
		if (prefix)
			fprintf(list->out, " : jump %s_%s", prefix, network->name);
	}
	return 0;
}

static int write_bridge_sets(FILE *out, const struct ruleset *ruleset)
{
	struct list all = ELEMENTS(out);
	int err = 0;

	fputs("\tset bridges {\n\t\ttype ifname; flags constant\n", out);
	for (size_t i = 0; i < ruleset->networks_count && !err; i++)
		err = write_bridges(&all, ruleset->networks[i], NULL);
	list_end(&all);
	fputs("\t}\n", out);
	for (size_t i = 0; i < ruleset->networks_count && !err; i++) {
		struct list own = ELEMENTS(out);

		fprintf(out, "\tset bridges_%s {\n\t\ttype ifname; flags constant\n",
			ruleset->networks[i]->name);
		err = write_bridges(&own, ruleset->networks[i], NULL);
		list_end(&own);
		fputs("\t}\n", out);
	}
	return err;
}

/* Sends packets from a bridge to the chain PREFIX_NETWORK. */
static int write_bridge_jumps(FILE *out, const struct ruleset *ruleset, const char *prefix)
{
	struct list map = {.out = out, .opening = "\t\tiifname vmap {"};
	int err = 0;

	for (size_t i = 0; i < ruleset->networks_count && !err; i++)
		err = write_bridges(&map, ruleset->networks[i], prefix);
	list_end(&map);
	return err;
}

static const struct address *uplink_address(const struct uplink *uplink, int family)
{
	const struct address *a = family == AF_INET ? &uplink->address : &uplink->address6;

	return a->family == family ? a : NULL;
}

/* Users as elements of the group map (address : gid) or set (address . gid) of one family. */
static void write_grouped(FILE *out, const struct ruleset *ruleset, int family, char separator)
{
	char text[ADDRESS_TEXT_MAX];
	struct list list = ELEMENTS(out);

	for (size_t i = 0; i < ruleset->uplinks_count; i++) {
		const struct uplink *uplink = ruleset->uplinks[i];
		const struct address *address = uplink_address(uplink, family);

		if (address && uplink_grouped(uplink))
			fprintf(list_next(&list), "%s %c %u", address_format(address, text),
				separator, uplink->gid);
	}
	list_end(&list);
}

static bool ruleset_has_groups(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->networks_count; i++)
		if (ruleset->networks[i]->conf->peers == PEERS_GROUP)
			return true;
	return false;
}

static void write_group_sets(FILE *out, const struct ruleset *ruleset)
{
	if (!ruleset_has_groups(ruleset))
		return;
	fputs("\tmap group4 {\n\t\ttype ipv4_addr : mark\n", out);
	write_grouped(out, ruleset, AF_INET, ':');
	fputs("\t}\n\tmap group6 {\n\t\ttype ipv6_addr : mark\n", out);
	write_grouped(out, ruleset, AF_INET6, ':');
	fputs("\t}\n\tset member4 {\n\t\ttype ipv4_addr . mark\n", out);
	write_grouped(out, ruleset, AF_INET, '.');
	fputs("\t}\n\tset member6 {\n\t\ttype ipv6_addr . mark\n", out);
	write_grouped(out, ruleset, AF_INET6, '.');
	fputs("\t}\n", out);
}

/*
 * A user's source address can only come from a bridge of ours or over lo. From elsewhere it is
 * forged, and the host's services would take it for that user. rp_filter may be off.
 */
static void write_forged(FILE *out, const struct network_state *network)
{
	char text[ADDRESS_TEXT_MAX];

	fprintf(out, "\t\tiifname != \"lo\" ip saddr %s drop\n",
		prefix_format(&network->subnet, text));
	if (network->subnet6.address.family)
		fprintf(out, "\t\tiifname != \"lo\" ip6 saddr %s drop\n",
			prefix_format(&network->subnet6, text));
}

/*
 * ICMP errors from a user, about an entry of the connection table. The source address, which the
 * guard has checked, identifies the user. The connection belongs to the user if the user began it
 * or it went to the user. Only a set of pairs can compare two addresses of a packet, so the packet
 * itself first adds {source, source}: a pair with its source that is found there has the same
 * address twice. If the set is full, no pair is found, and the error is dropped. Redirects are
 * dropped, because no user is a router.
 */
static void write_icmp_error(FILE *out)
{
	fputs("\tchain icmp_error {\n"
	      "\t\ticmp type redirect drop\n"
	      "\t\tupdate @self4 { ip saddr . ip saddr }\n"
	      "\t\tupdate @self6 { ip6 saddr . ip6 saddr }\n"
	      "\t\tip saddr . ct original ip saddr @self4 accept\n"
	      "\t\tip saddr . ct reply ip saddr @self4 accept\n"
	      "\t\tip6 saddr . ct original ip6 saddr @self6 accept\n"
	      "\t\tip6 saddr . ct reply ip6 saddr @self6 accept\n"
	      "\t\tdrop\n"
	      "\t}\n",
	      out);
}

/* Packets that leave the host: addresses are translated, and the stamp comes last. */
static void write_postrouting(FILE *out, const struct ruleset *ruleset)
{
	fputs("\tchain nat_out {\n"
	      "\t\ttype nat hook postrouting priority srcnat; policy accept;\n",
	      out);
	for (size_t i = 0; i < ruleset->networks_count; i++) {
		ruleset_write_nat(out, ruleset->networks[i], &ruleset->nat_ports, AF_INET);
		ruleset_write_nat(out, ruleset->networks[i], &ruleset->nat_ports, AF_INET6);
	}
	fputs("\t}\n"
	      "\tchain stamp {\n"
	      "\t\ttype filter hook postrouting priority 300; policy accept;\n"
	      "\t\toifname @bridges " STAMP_TO "\n"
	      "\t}\n",
	      out);
}

/*
 * Each next hop of a packet that leaves makes an entry in the kernel's neighbour table. That table
 * has room for 1,024 (gc_thresh3), and if it is full the host reaches no new neighbour. So users
 * together have 512 next hops in half a minute, and one user few new ones. Most packets leave by
 * one router, which is one next hop.
 */
static void write_neighbours(FILE *out)
{
	fputs("\tset neighbours4 {\n\t\ttype ipv4_addr; size 512; flags dynamic,timeout; timeout "
	      "30s\n\t}\n"
	      "\tset neighbours6 {\n\t\ttype ipv6_addr; size 512; flags dynamic,timeout; timeout "
	      "30s\n\t}\n"
	      "\tset new_neighbours {\n\t\ttype ether_addr; size 65535; flags "
	      "dynamic,timeout\n\t}\n"
	      "\tchain new_neighbour {\n"
	      "\t\tadd @neighbours4 { rt ip nexthop } return\n"
	      "\t\tadd @neighbours6 { rt ip6 nexthop } return\n"
	      "\t\tdrop\n"
	      "\t}\n"
	      "\tchain neighbours {\n"
	      "\t\tct status confirmed return\n"
	      "\t\trt ip nexthop @neighbours4 return\n"
	      "\t\trt ip6 nexthop @neighbours6 return\n"
	      "\t\tupdate @new_neighbours { ether saddr timeout 60s limit rate 5/second burst 64 "
	      "packets } goto new_neighbour\n"
	      "\t\tdrop\n"
	      "\t}\n",
	      out);
}

/* The chains that the hooks call, except those of one network. */
static int write_base_chains(FILE *out, const struct ruleset *ruleset)
{
	int err;

	/*
	 * A reset ends connect(2) of TCP at once. ICMP errors are limited in number, and one
	 * may come while connect(2) has the socket locked: the user would then wait a
	 * second, or for ever.
	 */
	fputs("\tchain refuse {\n"
	      "\t\tmeta l4proto tcp reject with tcp reset\n"
	      "\t\treject with icmpx type admin-prohibited\n"
	      "\t}\n"
	      "\tchain raw {\n"
	      "\t\ttype filter hook prerouting priority -310; policy accept;\n"
	      "\t\tiifname \"" RULESET_PORT_PREFIX "*\" drop\n"
	      "\t\tiifname @bridges " STAMP_CLEAR "\n"
	      "\t\tiifname @bridges ip daddr 169.254.0.0/16 " REJECT "\n"
	      "\t\tiifname @bridges accept\n",
	      out);
	for (size_t i = 0; i < ruleset->networks_count; i++)
		write_forged(out, ruleset->networks[i]);
	fputs("\t}\n"
	      "\tchain input {\n"
	      "\t\ttype filter hook input priority filter; policy accept;\n"
	      "\t\tiifname @bridges " STAMP_CLEAR "\n",
	      out);
	err = write_bridge_jumps(out, ruleset, "host");
	if (err)
		return err;
	fputs("\t}\n"
	      "\tchain forward {\n"
	      "\t\ttype filter hook forward priority filter; policy accept;\n"
	      "\t\tiifname @bridges " STAMP_CLEAR "\n"
	      "\t\ttcp flags & (fin | syn | rst | ack) == syn ct direction reply ct status snat "
	      "drop\n"
	      "\t\tct state established accept\n"
	      "\t\tct state related iifname != @bridges accept\n",
	      out);
	err = write_bridge_jumps(out, ruleset, "from");
	if (err)
		return err;
	fputs("\t\toifname @bridges ct status dnat accept\n"
	      "\t\toifname @bridges drop\n",
	      out);
	if (ruleset->forward_ours_alone)
		fputs("\t\tmeta nfproto ipv4 drop\n", out);
	if (ruleset->forward_ours_alone6)
		fputs("\t\tmeta nfproto ipv6 drop\n", out);
	fputs("\t}\n"
	      "\tchain output {\n"
	      "\t\ttype filter hook output priority filter; policy accept;\n"
	      "\t\toifname @bridges icmp type redirect drop\n"
	      "\t\toifname @bridges icmpv6 type nd-redirect drop\n"
	      "\t}\n",
	      out);
	return 0;
}

static void write_guard_set(FILE *out, const struct ruleset *ruleset, int family)
{
	char text[ADDRESS_TEXT_MAX], mac[MAC_TEXT_MAX];
	struct list list = ELEMENTS(out);

	fprintf(out, "\tset guard%c {\n\t\ttype ifname . ether_addr . ipv%c_addr\n",
		family == AF_INET ? '4' : '6', family == AF_INET ? '4' : '6');
	for (size_t i = 0; i < ruleset->uplinks_count; i++) {
		const struct uplink *uplink = ruleset->uplinks[i];
		const struct address *address = uplink_address(uplink, family);

		if (address)
			fprintf(list_next(&list), "\"%s\" . %s . %s", uplink->port,
				mac_format(&uplink->mac, mac), address_format(address, text));
	}
	list_end(&list);
	fputs("\t}\n", out);
}

static void write_bridge_table(FILE *out, const struct ruleset *ruleset)
{
	fputs("table bridge " RULESET_TABLE " {\n", out);
	write_guard_set(out, ruleset, AF_INET);
	write_guard_set(out, ruleset, AF_INET6);
	fputs("\tchain prerouting {\n"
	      "\t\ttype filter hook prerouting priority -300; policy accept;\n"
	      "\t\tiifname \"" RULESET_PORT_PREFIX "*\" jump from_port\n"
	      "\t}\n"
	      "\tchain from_port {\n"
	      "\t\tether type ip iifname . ether saddr . ip saddr @guard4 accept\n"
	      "\t\tether type ip6 iifname . ether saddr . ip6 saddr @guard6 accept\n"
	      "\t\tdrop\n"
	      "\t}\n"
	      "\tchain stamp {\n"
	      "\t\ttype filter hook input priority 300; policy accept;\n"
	      "\t\tiifname \"" RULESET_PORT_PREFIX "*\" " STAMP_FROM "\n"
	      "\t}\n"
	      "}\n",
	      out);
}

static int write_inet_table(FILE *out, const struct ruleset *ruleset)
{
	int err;

	fputs("table inet " RULESET_TABLE " {\n", out);
	err = write_bridge_sets(out, ruleset);
	if (err)
		return err;
	/* nft itself removes an address after its last connection has ended. */
	fputs("\tset conn4 {\n\t\ttype ipv4_addr; size 65535; flags dynamic\n\t}\n"
	      "\tset conn6 {\n\t\ttype ipv6_addr; size 65535; flags dynamic\n\t}\n"
	      "\tset new_connections {\n\t\ttype ether_addr; size 65535; flags "
	      "dynamic,timeout\n\t}\n",
	      out);
	fputs("\tset self4 {\n\t\ttype ipv4_addr . ipv4_addr; size 65535; flags dynamic,timeout; "
	      "timeout 1m\n\t}\n"
	      "\tset self6 {\n\t\ttype ipv6_addr . ipv6_addr; size 65535; flags dynamic,timeout; "
	      "timeout 1m\n\t}\n",
	      out);
	write_group_sets(out, ruleset);
	write_icmp_error(out);
	write_neighbours(out);
	for (size_t i = 0; i < ruleset->networks_count; i++)
		ruleset_write_network(out, ruleset->networks[i]->conf);
	err = write_base_chains(out, ruleset);
	write_postrouting(out, ruleset);
	fputs("}\n", out);
	return err;
}

static int finish(FILE *out)
{
	if (fflush(out) || ferror(out))
		return log_errno(EIO, "write the nftables rules");
	return 0;
}

int ruleset_write_removal(FILE *out)
{
	/* "add" comes first: "delete" of a missing table would fail the whole transaction. */
	fputs("add table inet " RULESET_TABLE "\n"
	      "delete table inet " RULESET_TABLE "\n"
	      "add table bridge " RULESET_TABLE "\n"
	      "delete table bridge " RULESET_TABLE "\n",
	      out);
	return finish(out);
}

int ruleset_write(FILE *out, const struct ruleset *ruleset)
{
	int err = ruleset_write_removal(out);

	if (err)
		return err;
	err = write_inet_table(out, ruleset);
	if (err)
		return err;
	write_bridge_table(out, ruleset);
	return finish(out);
}
