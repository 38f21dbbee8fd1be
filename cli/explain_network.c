/* pam-netns explain: what the network of a user's profile is and lets pass. */
#include "explain.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "state/lease.h"
#include "state/network.h"
#include "conf/kind.h"
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
	return family == AF_INET ? state.subnet : state.subnet6;
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

/* A line a rule, and what happens to the rest. */
void explain_egress(const struct subject *subject)
{
	const struct network *network = subject->profile->network;
	const struct egress_rule *last;
	CLEANUP_FREE char *rules = conf_key_print(&conf_keys[KEY_egress], network);
	char *rest = rules, *rule;
	const char *label = "egress";

	if (!network->egress_count) {
		explain_line(label, "none: users reach no destination outside the host");
		return;
	}
	last = &network->egress[network->egress_count - 1];
	for (; (rule = strsep(&rest, ",")); label = "")
		explain_line(label, "%s", rule + strspn(rule, " "));
	if (last->port.protocol || last->destination.address.family)
		explain_line(label, "deny any other destination");
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
