/* The commands that let users' traffic through firewalls of other programs; see foreign_report.h. */
#include "rules/foreign_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PERMANENT "firewall-cmd --permanent "

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
	fputs(" # and in the file that loads these rules", line);
	line_end(to, line);
}

/* Of packets to containers Docker decides, by its rules after DOCKER-USER: to published ports. */
static const char *const containers[] = {"docker0", "br-+"};

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
	for (size_t i = 0; in && docker && i < sizeof(containers) / sizeof(*containers); i++)
		fprintf(line, " && %s -I %s -i %s+ -o %s -j RETURN", tool, chain, to->bridge,
			containers[i]);
	if (out)
		fprintf(line,
			"%s%s -I %s -o %s+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
			in ? " && " : "", tool, chain, to->bridge);
	fputs(docker ? " # and at each boot: ExecStartPost= of docker.service"
		     : " # and at each boot",
	      line);
	line_end(to, line);
}

/* The command makes a zone or a policy, unless an earlier remedy did. */
static void firewalld_make(FILE *out, const char *kind, const char *name, const char *bridge)
{
	fprintf(out,
		"(" PERMANENT "--info-%s=%s-%s || " PERMANENT "--new-%s=%s-%s) >/dev/null 2>&1 && ",
		kind, name, bridge, kind, name, bridge);
}

/* Each bridge has a zone of its own. Each call of firewall-cmd takes one option. */
static void report_firewalld(struct reporter *to, const struct chain *base, bool forward)
{
	FILE *out = line_begin(to, base, " (firewalld)");
	const char *bridge = to->bridge;

	if (!out)
		return;
	firewalld_make(out, "zone", "net", bridge);
	fprintf(out, PERMANENT "--zone=net-%s --add-interface=%s+ && ", bridge, bridge);
	if (forward) {
		firewalld_make(out, "policy", "out", bridge);
		fprintf(out,
			PERMANENT "--policy=out-%s --add-ingress-zone=net-%s && " PERMANENT
				  "--policy=out-%s --add-egress-zone=ANY && " PERMANENT
				  "--policy=out-%s --set-target=ACCEPT",
			bridge, bridge, bridge, bridge);
	} else {
		fprintf(out, PERMANENT "--zone=net-%s --set-target=ACCEPT", bridge);
	}
	fputs(" && firewall-cmd --reload", out);
	line_end(to, out);
}

void foreign_report(struct reporter *to, const struct chain *base, bool in, bool out)
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
		report_firewalld(to, base, forward);
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
