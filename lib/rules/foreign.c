/*
 * Firewalls of other programs, read from the text of `nft list ruleset`.
 *
 * A packet passes only if every base chain at its hook accepts it. So an accept of ours does not
 * help if another program's chain ends in a drop. For each such chain:
 *
 * 1. chain_accepts follows its jumps, and looks for a rule that accepts our bridges.
 * 2. If there is none, the report has the command that adds one, in the style of that firewall.
 *
 * Conditions other than interfaces are not evaluated.
 */
#include "rules/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rules/dump.h"

/* firewalld's */
#define ZONE	  "pam-netns"
#define POLICY	  ZONE "-out"
#define PERMANENT "firewall-cmd --permanent "

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

/* Does the chain jump to one with a name that begins like this? */
static bool chain_jumps(const struct chain *chain, const char *prefix)
{
	struct span rest = chain->body, line, target;

	while (next_line(&rest, &line)) {
		target = line_after(line, "jump");
		if (target.length >= strlen(prefix) && !memcmp(target.at, prefix, strlen(prefix)))
			return true;
	}
	return false;
}

enum firewall {
	FIREWALL_UFW,
	FIREWALL_DOCKER,
	FIREWALL_FIREWALLD,
	FIREWALL_IPTABLES,
	FIREWALL_NFT
};

static enum firewall chain_firewall(const struct chain *base)
{
	bool iptables = !span_is(base->family, "inet") && span_is(base->table, "filter");

	/* If both commands would do, ufw's survives a reboot. */
	if (iptables && chain_jumps(base, "ufw"))
		return FIREWALL_UFW;
	if (iptables && (chain_jumps(base, "DOCKER-USER") || chain_jumps(base, "DOCKER-FORWARD")))
		return FIREWALL_DOCKER;
	if (span_is(base->table, "firewalld"))
		return FIREWALL_FIREWALLD;
	if (iptables && (span_is(base->name, "FORWARD") || span_is(base->name, "INPUT")))
		return FIREWALL_IPTABLES;
	return FIREWALL_NFT;
}

struct reporter {
	ruleset_report *report;
	void *context;
	const char *bridge;  /* the network's first one, for the commands */
	const char *dropped; /* the one that loses traffic */
	char *line;	     /* being written: the finding, NUL, the remedy */
	size_t line_size;
	bool ufw_reported; /* the command is for both families */
	int count;	   /* or -ENOMEM */
};

static FILE *line_begin(struct reporter *to, const struct chain *base, const char *who)
{
	FILE *out = open_memstream(&to->line, &to->line_size);

	if (!out)
		to->count = log_errno(ENOMEM, "report another firewall's rules");
	else
		fprintf(out, "%.*s %.*s, chain %.*s%s, drops traffic of %s%c",
			(int)base->family.length, base->family.at, (int)base->table.length,
			base->table.at, (int)base->name.length, base->name.at, who, to->dropped,
			'\0');
	return out;
}

static void line_end(struct reporter *to, FILE *out)
{
	if (fclose(out)) {
		to->count = log_errno(ENOMEM, "report another firewall's rules");
	} else {
		to->report(to->context, to->line, to->line + strlen(to->line) + 1);
		to->count++;
	}
	free(to->line);
	to->line = NULL;
}

/* A report for a firewall that has one command, whatever its chains are called. */
static void report_command(struct reporter *to, const struct chain *base, const char *who,
			   const char *before, const char *after)
{
	FILE *out = line_begin(to, base, who);

	if (!out)
		return;
	fprintf(out, "%s%s%s", before, to->bridge, after);
	line_end(to, out);
}

static void report_nft(struct reporter *to, const struct chain *base, bool in, bool out)
{
	FILE *line = line_begin(to, base, "");

	if (!line)
		return;
	for (int i = 0; i < 2; i++) {
		if (!(i ? out : in))
			continue;
		fprintf(line, "%snft 'insert rule %.*s %.*s %.*s ", i && in ? " && " : "",
			(int)base->family.length, base->family.at, (int)base->table.length,
			base->table.at, (int)base->name.length, base->name.at);
		fprintf(line,
			i ? "oifname \"%s*\" ct state established,related accept'"
			  : "iifname \"%s*\" accept'",
			to->bridge);
	}
	fputs(" (and in the file that loads these rules)", line);
	line_end(to, line);
}

static void report_iptables(struct reporter *to, const struct chain *base, bool docker, bool in,
			    bool out)
{
	const char *tool = span_is(base->family, "ip6") ? "ip6tables" : "iptables";
	const char *chain = docker			     ? "DOCKER-USER"
			    : span_is(base->hook, "forward") ? "FORWARD"
							     : "INPUT";
	FILE *line = line_begin(to, base, docker ? " (Docker)" : " (iptables)");

	if (!line)
		return;
	if (in)
		fprintf(line, "%s -I %s -i %s+ -j ACCEPT", tool, chain, to->bridge);
	if (out)
		fprintf(line,
			"%s%s -I %s -o %s+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
			in ? " && " : "", tool, chain, to->bridge);
	line_end(to, line);
}

/*
 * in: no rule accepts packets of users; out: no rule accepts replies. At the input hook the command
 * accepts all packets of users: host_access in our own table decides which may pass.
 */
static void report_chain(struct reporter *to, const struct chain *base, bool in, bool out)
{
	bool forward = span_is(base->hook, "forward");

	switch (chain_firewall(base)) {
	case FIREWALL_UFW:
		if (!to->ufw_reported)
			report_command(to, base, " (ufw)",
				       forward ? "ufw route allow in on " : "ufw allow in on ",
				       "+");
		to->ufw_reported = true;
		break;
	case FIREWALL_FIREWALLD:
		/* The name of a policy must not be that of a zone; each call takes one option. */
		if (forward)
			report_command(to, base, " (firewalld)",
				       PERMANENT "--new-zone=" ZONE " && " PERMANENT "--zone=" ZONE
						 " --add-interface=",
				       "+ && " PERMANENT "--new-policy=" POLICY " && " PERMANENT
				       "--policy=" POLICY " --add-ingress-zone=" ZONE
				       " && " PERMANENT "--policy=" POLICY
				       " --add-egress-zone=ANY && " PERMANENT "--policy=" POLICY
				       " --set-target=ACCEPT && firewall-cmd --reload");
		else
			report_command(to, base, " (firewalld)",
				       PERMANENT "--zone=" ZONE " --set-target=ACCEPT"
						 " && firewall-cmd --reload # bridge: ",
				       "");
		break;
	case FIREWALL_DOCKER:
		report_iptables(to, base, true, in, out);
		break;
	case FIREWALL_IPTABLES:
		report_iptables(to, base, false, in, out);
		break;
	case FIREWALL_NFT:
		report_nft(to, base, in, out);
		break;
	}
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
			report_chain(&to, base, in, out);
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
			report_chain(&to, base, true, false);
	}
	free(chains.chain);
	return err ? err : to.count;
}
