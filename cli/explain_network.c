/* pam-netns explain: what the network of a user's profile is and lets pass. */
#include "explain.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

#include "state/lease.h"
#include "state/network.h"
#include "host/wanted.h"
#include "base/paths.h"
#include "text.h"

void explain_label(const char *name)
{
	printf("  %-12s ", name);
}

void explain_line(const char *name, const char *format, ...)
{
	char value[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	explain_label(name);
	text_print(stdout, value);
	putchar('\n');
}

static bool network_is_set_up(const struct network *network, struct network_state *state)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return run >= 0 && network_state_read(run, network->name, state) == 0;
}

/* The prefix that set-up decided, where the conf file says auto; family 0: not decided yet. */
static struct prefix network_prefix(const struct network *network, int family)
{
	struct network_state state;
	enum conf_source source =
	    family == AF_INET ? network->subnet_source : network->subnet6_source;

	if (source == SOURCE_GIVEN)
		return family == AF_INET ? network->subnet : network->subnet6;
	if (source == SOURCE_NONE || !network_is_set_up(network, &state))
		return (struct prefix){0};
	return family == AF_INET ? (struct prefix){state.subnet, state.subnet_length}
				 : (struct prefix){state.subnet6, state.subnet6_length};
}

static void explain_addresses(const struct network *network, uid_t uid)
{
	CLEANUP_FD int leases = open(LEASES_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct prefix subnet = network_prefix(network, AF_INET);
	struct prefix subnet6 = network_prefix(network, AF_INET6);
	struct network_state state;
	char text[ADDRESS_TEXT_MAX];
	struct address address;
	bool leased;
	uint32_t offset;

	if (!subnet.address.family) {
		explain_line("address", "decided when the network is set up ('pam-netns up')");
		return;
	}
	leased = leases >= 0 && lease_find(leases, network->name, &subnet, uid, &offset) == 0;
	if (!leased)
		offset = prefix_preferred_offset(&subnet, uid);
	address = prefix_address(&subnet, offset);
	explain_line("address", "%s (%s)", address_format(&address, text),
		     leased ? "leased to this user" : "asked for at the first login");
	if (network->subnet6_source == SOURCE_NONE) {
		explain_line("address6", "none");
	} else if (subnet6.address.family) {
		address = prefix_address(&subnet6, offset);
		explain_line("address6", "%s", address_format(&address, text));
	} else {
		explain_line("address6",
			     network_is_set_up(network, &state)
				 ? "none: IPv6 is disabled on the host"
				 : "decided when the network is set up ('pam-netns up')");
	}
}

static void port_print(const struct port_rule *rule)
{
	if (!rule->protocol)
		return;
	printf(" %s/%u", rule->protocol == IPPROTO_TCP ? "tcp" : "udp", rule->first);
	if (rule->last != rule->first)
		printf("-%u", rule->last);
}

static bool is_catch_all(const struct egress_rule *rule)
{
	return !rule->port.protocol && !rule->destination.address.family;
}

static void explain_egress(const struct network *network)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < network->egress_count && !is_catch_all(&network->egress[i]); i++) {
		const struct egress_rule *rule = &network->egress[i];

		explain_label(i ? "" : "egress");
		fputs(rule->allow ? "allow" : "deny", stdout);
		port_print(&rule->port);
		printf(" to %s\n", rule->destination.address.family
				       ? prefix_format(&rule->destination, text)
				       : "anywhere");
	}
	explain_label(i ? "" : "egress");
	if (i < network->egress_count && network->egress[i].allow)
		puts(i ? "allow all else (the first line that fits counts)" : "any destination");
	else
		puts(i ? "deny all else (the first line that fits counts)"
		       : "none: nothing outside can be reached");
}

static void explain_host_access(const struct network *network)
{
	explain_label("host access");
	if (network->host_all) {
		puts("all of the host's services");
		return;
	}
	if (!network->host_icmp && !network->host_dns && !network->host_ports_count)
		fputs("none", stdout);
	fputs(network->host_icmp ? "ping " : "", stdout);
	fputs(network->host_dns ? "dns" : "", stdout);
	for (size_t i = 0; i < network->host_ports_count; i++)
		port_print(&network->host_ports[i]);
	putchar('\n');
}

static void explain_dns(const struct profile *profile)
{
	const struct network *network = profile->network;
	char text[ADDRESS_TEXT_MAX];

	explain_label("dns");
	if (!(profile->namespaces & NAMESPACE_MNT)) {
		puts("as in the host's /etc/resolv.conf (namespaces has no mnt)");
		return;
	}
	if (network->dns == SOURCE_AUTO)
		fputs("the host's upstream servers", stdout);
	if (network->dns == SOURCE_NONE)
		fputs("none: /etc/resolv.conf is the host's", stdout);
	for (size_t i = 0; network->dns == SOURCE_GIVEN && i < network->dns_count; i++)
		printf("%s%s", i ? " " : "", address_format(&network->dns_servers[i], text));
	putchar('\n');
}

static void explain_nat(const struct network *network)
{
	char text[ADDRESS_TEXT_MAX], text6[ADDRESS_TEXT_MAX];
	bool v4 = network->nat_address.family, v6 = network->nat_address6.family;

	if (!network->nat)
		explain_line("nat", "no: the outside needs a route to the subnet");
	else
		explain_line("nat", "yes, from %s%s%s; TCP, UDP, SCTP and ICMP alone",
			     v4	  ? address_format(&network->nat_address, text)
			     : v6 ? "the host's IPv4 address"
				  : "the host's addresses",
			     v6	  ? " and "
			     : v4 ? " and the host's IPv6 address"
				  : "",
			     v6 ? address_format(&network->nat_address6, text6) : "");
}

static void explain_limits(const struct network *network)
{
	if (network->mtu)
		explain_line("mtu", "%u bytes", network->mtu);
	else
		explain_line("mtu", "the default route's");
	explain_line("connections", "at most %u at once", network->max_connections);
	if (network->new_connections)
		explain_line("", "%u new ones a second, %u after a pause", network->new_connections,
			     network->new_connections_burst);
}

/* Edited while users are active. */
static void explain_refusal(const struct network *network)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char what[NETWORK_TEXT_MAX], remedy[NETWORK_TEXT_MAX];

	if (network_refuses(run, network, what, remedy))
		explain_line("login", "refused: %s (%s)", what, remedy);
}

void explain_network(const struct profile *profile, uid_t uid)
{
	static const char *const peers[] = {
	    [PEERS_NO] = "no: other users of this network cannot be reached",
	    [PEERS_YES] = "yes: all users of this network reach each other",
	    [PEERS_GROUP] = "group: users with the same primary group reach each other",
	};
	const struct network *network = profile->network;
	struct prefix subnet = network_prefix(network, AF_INET);
	char text[ADDRESS_TEXT_MAX];

	explain_line("network", "%s, %s, bridge %s with at most %u users, then %s.1", network->name,
		     subnet.address.family ? prefix_format(&subnet, text) : "subnet auto",
		     network->bridge, network->ports_per_bridge, network->bridge);
	explain_refusal(network);
	explain_addresses(network, uid);
	explain_nat(network);
	explain_line("peers", "%s", peers[network->peers]);
	explain_host_access(network);
	explain_egress(network);
	explain_dns(profile);
	explain_limits(network);
}
