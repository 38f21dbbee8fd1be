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
	printf("  %-16s ", name);
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

/* The prefix that set-up decided, if the conf file says auto; family 0: not decided yet. */
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

void explain_egress(const struct subject *subject)
{
	const struct network *network = subject->profile->network;
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

void explain_nat(const struct subject *subject)
{
	const struct network *network = subject->profile->network;
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

/* Edited while users are active. */
static void explain_refusal(const struct network *network)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char what[NETWORK_TEXT_MAX], remedy[NETWORK_TEXT_MAX];

	if (network_refuses(run, network, what, remedy))
		explain_line("login", "refused: %s (%s)", what, remedy);
}

void explain_network(const struct subject *subject)
{
	const struct network *network = subject->profile->network;

	explain_line("network", "%s", network->name);
	explain_refusal(network);
	explain_addresses(network, subject->who.uid);
}

static void prefix_explain(const char *key, const struct network *network, enum conf_source source,
			   int family)
{
	struct prefix prefix = network_prefix(network, family);
	const char *from = source == SOURCE_AUTO ? "auto: " : "";
	struct network_state state;
	char text[ADDRESS_TEXT_MAX];

	if (prefix.address.family)
		explain_line(key, "%s%s", from, prefix_format(&prefix, text));
	else if (source == SOURCE_NONE)
		explain_line(key, "none: users have no IPv6");
	else if (network_is_set_up(network, &state))
		explain_line(key, "auto: none, because IPv6 is disabled on the host");
	else
		explain_line(key, "auto: chosen when the network is set up ('pam-netns up')");
}

void explain_subnet(const struct subject *subject)
{
	const struct network *network = subject->profile->network;

	prefix_explain("subnet", network, network->subnet_source, AF_INET);
}

void explain_subnet6(const struct subject *subject)
{
	const struct network *network = subject->profile->network;

	prefix_explain("subnet6", network, network->subnet6_source, AF_INET6);
}
