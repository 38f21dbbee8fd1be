/*
 * Firewalls of other programs, read from the text of `nft list ruleset`.
 *
 * A packet passes only if every base chain at its hook accepts it. So an accept of ours does not
 * help if another program's chain ends in a drop. For each such chain:
 *
 * 1. chain_accepts follows its jumps, and looks for a rule that accepts our bridges.
 * 2. If there is none, the report has the command that adds one (foreign_report.c).
 *
 * Conditions other than interfaces are not evaluated.
 */
#include "rules/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/dump.h"
#include "rules/foreign_report.h"

/* The search in one direction: a rule that accepts this bridge as this interface. */
struct search {
	struct chains *chains;
	const char *bridge;
	const char *interface; /* "iifname" or "oifname" */
	bool icmp;	       /* a rule that accepts ICMP is enough */
	uint16_t port;	       /* a rule that accepts this port is enough, if it is not 0 */
};

/* Is the quoted name in the text, which may end in "*", the name of the bridge? */
static bool name_matches(struct span quoted, const char *bridge)
{
	const char *name = quoted.at + 1;
	size_t length = quoted.length >= 2 ? quoted.length - 2 : 0;

	if (length && name[length - 1] == '*')
		return !strncmp(name, bridge, length - 1);
	return length == strlen(bridge) && !memcmp(name, bridge, length);
}

enum interface_match { MATCH_NONE, MATCH_BRIDGE, MATCH_OTHER };

/* Does a rule name an interface: none, this bridge, or another one? */
static enum interface_match line_interface(struct span line, const char *interface,
					   const char *bridge)
{
	struct span word;
	bool both = line_has(line, "iifname") && line_has(line, "oifname");
	bool inverted = false, found = false, listed = false;

	do {
		if (!next_word(&line, &word))
			return MATCH_NONE;
	} while (!span_is(word, interface));
	while (next_word(&line, &word)) {
		if (span_is(word, "!="))
			inverted = true;
		else if (span_is(word, "{"))
			listed = true;
		else if (*word.at == '"')
			found = found || name_matches(word, bridge);
		if (*word.at == '@')
			return MATCH_OTHER;
		if (span_is(word, "}") || (*word.at == '"' && !listed))
			break;
	}
	/* "from here to anywhere else", the most common rule with "!=", concerns this bridge. */
	if (inverted && both)
		return MATCH_OTHER;
	return found != inverted ? MATCH_BRIDGE : MATCH_OTHER;
}

/* Does a rule name the port: "dport 53", "dport 50-60", "dport { 22, 53 }"? */
static bool line_has_port(struct span line, uint16_t port)
{
	struct span word;
	bool after = false, listed = false;

	while (next_word(&line, &word)) {
		unsigned long first, last;
		char *end;

		if (!after) {
			after = span_is(word, "dport");
			continue;
		}
		if (span_is(word, "{"))
			listed = true;
		if (span_is(word, "{") || span_is(word, "vmap"))
			continue;
		if (*word.at < '0' || *word.at > '9')
			return false;
		first = last = strtoul(word.at, &end, 10);
		if (*end == '-')
			last = strtoul(end + 1, NULL, 10);
		if (first <= port && port <= last)
			return true;
		if (!listed)
			return false;
	}
	return false;
}

/* Does a rule, other than a jump, accept the packets of this search? */
static bool rule_accepts(const struct search *search, struct span line, enum interface_match match,
			 bool every)
{
	if (!line_has(line, "accept"))
		return false;
	if (match == MATCH_BRIDGE || (every && span_is(line_bare_verdict(line), "accept")))
		return true;
	if (search->icmp && (line_has(line, "echo-request") || line_has(line, "icmp")))
		return true;
	if (search->port && match == MATCH_NONE && line_has_port(line, search->port))
		return true;
	/* Replies to users pass like all other replies. */
	return !strcmp(search->interface, "oifname") && line_has(line, "established") &&
	       !line_has(line, "iifname");
}

/* Does the chain, or one that it jumps to, accept? every: all packets of our bridge get here. */
static bool chain_accepts(const struct search *search, struct chain *chain, bool every)
{
	struct span rest = chain->body, line;

	if (chain->seen > every)
		return false;
	chain->seen = 1 + every;
	while (next_line(&rest, &line)) {
		enum interface_match match =
		    line_interface(line, search->interface, search->bridge);
		bool unconditional = every && line_bare_verdict(line).length;
		struct span target = line_after(line, "jump");
		struct chain *next;

		if (match == MATCH_OTHER)
			continue;
		if (rule_accepts(search, line, match, every))
			return true;
		if (!target.length)
			target = line_after(line, "goto");
		next = target.length ? chain_find(search->chains, chain, target) : NULL;
		if (next && chain_accepts(search, next, unconditional || match == MATCH_BRIDGE))
			return true;
	}
	return false;
}

static bool chains_accept(struct search search, struct chain *base)
{
	for (size_t i = 0; i < search.chains->count; i++)
		search.chains->chain[i].seen = 0;
	return chain_accepts(&search, base, true);
}

/* A base chain of another program, for routed packets, that ends in a drop. */
static bool chain_drops(const struct chain *chain, const char *hook)
{
	struct span rest = chain->body, line, last = {.at = ""};

	if (!span_is(chain->hook, hook) || span_is(chain->table, RULESET_TABLE))
		return false;
	if (!span_is(chain->family, "inet") && !span_is(chain->family, "ip") &&
	    !span_is(chain->family, "ip6"))
		return false;
	while (next_line(&rest, &line))
		if (line.length)
			last = line_bare_verdict(line);
	return chain->policy_drop || span_is(last, "drop") || span_is(last, "reject");
}

/* Does the chain drop packets from users of one of the network's bridges? */
static bool bridges_dropped(const struct network *network, unsigned bridges, struct search search,
			    struct chain *base, char bridge[IFNAMSIZ])
{
	for (unsigned i = 0; i < bridges; i++) {
		if (ruleset_bridge_name(network->bridge, i, bridge) < 0)
			return false;
		search.bridge = bridge;
		if (!chains_accept(search, base))
			return true;
	}
	return false;
}

int ruleset_foreign(const char *text, const struct network *network, unsigned bridges,
		    ruleset_report *report, void *context)
{
	char bridge[IFNAMSIZ];
	struct reporter to = {
	    .report = report, .context = context, .bridge = network->bridge, .dropped = bridge};
	struct chains chains = {0};
	int err = chains_read(text, &chains);
	const struct search from = {.chains = &chains, .interface = "iifname"};
	const struct search back = {.chains = &chains, .interface = "oifname"};

	for (size_t i = 0; i < chains.count && !err && to.count >= 0; i++) {
		struct chain *base = &chains.chain[i];
		bool in, out;

		if (!chain_drops(base, "forward"))
			continue;
		out = bridges_dropped(network, bridges, back, base, bridge);
		in = bridges_dropped(network, bridges, from, base, bridge);
		if (out && !in)
			(void)bridges_dropped(network, bridges, back, base, bridge);
		if (in || out)
			foreign_report(&to, base, in, out);
	}
	free(chains.chain);
	return err ? err : to.count;
}

/* At the input hook: checks what host_access allows, port by port. False: none of it is dropped. */
static bool access_dropped(const struct network *network, unsigned bridges, struct search search,
			   struct chain *base, char bridge[IFNAMSIZ])
{
	struct search port = search;

	search.icmp = network->host_icmp;
	if ((network->host_all || network->host_icmp) &&
	    bridges_dropped(network, bridges, search, base, bridge))
		return true;
	port.port = 53;
	if (network->host_dns && bridges_dropped(network, bridges, port, base, bridge))
		return true;
	for (size_t i = 0; i < network->host_ports_count; i++) {
		const struct port_rule *rule = &network->host_ports[i];

		/* No single port stands for all of a range. */
		port.port = rule->first == rule->last ? rule->first : 0;
		if (bridges_dropped(network, bridges, port, base, bridge))
			return true;
	}
	return false;
}

int ruleset_foreign_input(const char *text, const struct network *network, unsigned bridges,
			  ruleset_report *report, void *context)
{
	char bridge[IFNAMSIZ];
	struct reporter to = {
	    .report = report, .context = context, .bridge = network->bridge, .dropped = bridge};
	struct chains chains = {0};
	int err = chains_read(text, &chains);
	const struct search from = {.chains = &chains, .interface = "iifname"};

	for (size_t i = 0; i < chains.count && !err && to.count >= 0; i++) {
		struct chain *base = &chains.chain[i];

		if (chain_drops(base, "input") &&
		    access_dropped(network, bridges, from, base, bridge))
			foreign_report(&to, base, true, false);
	}
	free(chains.chain);
	return err ? err : to.count;
}
