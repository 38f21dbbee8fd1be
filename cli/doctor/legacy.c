/*
 * pam-netns doctor: rules of iptables-legacy; see legacy.h.
 *
 * Its chain FORWARD drops users' packets if its policy or its last rule does, and no rule accepts
 * the bridge. The program is run only if the kernel has its tables, since it would make them.
 */
#include "legacy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "output.h"

#define RULES_MAX (16U << 20) /* bytes; a longer output cannot be read */

static const struct {
	const char *tool, *tables;
} families[] = {{"/usr/sbin/iptables-legacy", "/proc/net/ip_tables_names"},
		{"/usr/sbin/ip6tables-legacy", "/proc/net/ip6_tables_names"}};

static bool tables_exist(size_t family)
{
	char tables[256];

	return files_read(AT_FDCWD, families[family].tables, tables, sizeof(tables)) > 0 &&
	       strstr(tables, "filter");
}

static bool begins(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

/*
 * Does a rule, in any chain, accept this bridge as this interface (-i, -o)? Replies to users also pass by a
 * rule for the replies of all interfaces.
 */
static bool rule_accepts(const char *line, const char *option, const char *bridge)
{
	const char *name = strstr(line, option);

	if (!begins(line, "-A ") || !strstr(line, " -j ACCEPT"))
		return false;
	if (name && name[-1] == '!')
		return false; /* "! -i pnbr0": all but the bridge */
	if (name)
		return begins(name + strlen(option), bridge);
	return strcmp(option, " -o ") == 0 && strstr(line, "ESTABLISHED") && !strstr(line, " -i ");
}

/* Of packets to containers Docker decides, by its rules after DOCKER-USER. */
static void report(struct doctor *doctor, const char *tool, const char *bridge, bool docker)
{
	const char *chain = docker ? "DOCKER-USER" : "FORWARD";
	char containers[256] = "";

	if (docker)
		snprintf(
		    containers, sizeof(containers),
		    "&& %s -I %s -i %s+ -o docker0 -j RETURN && %s -I %s -i %s+ -o br-+ -j RETURN ",
		    tool, chain, bridge, tool, chain, bridge);
	doctor_warning(
	    doctor,
	    "chain FORWARD of %s drops traffic of %s -> %s -I %s -i %s+ -j ACCEPT %s&& %s "
	    "-I %s -o %s+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT # and at "
	    "each boot",
	    strrchr(tool, '/') + 1, bridge, tool, chain, bridge, containers, tool, chain, bridge);
}

/* The text is of `iptables -S`, one rule a line. */
static void network_check(struct doctor *doctor, const char *tool, const char *rules,
			  const char *bridge)
{
	bool drops = false, in = false, out = false, docker = false;
	CLEANUP_FREE char *text = strdup(rules);
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (begins(line, "-P FORWARD "))
			drops = begins(line, "-P FORWARD DROP");
		else if (begins(line, "-A FORWARD -j DROP") || begins(line, "-A FORWARD -j REJECT"))
			drops = true;
		docker |= strcmp(line, "-N DOCKER-USER") == 0;
		in |= rule_accepts(line, " -i ", bridge);
		out |= rule_accepts(line, " -o ", bridge);
	}
	if (drops && (!in || !out))
		report(doctor, tool, bridge, docker);
}

static void family_check(struct doctor *doctor, const char *tool)
{
	char *const words[] = {(char *)tool, (char[]){"-S"}, NULL};
	CLEANUP_FREE char *rules = malloc(RULES_MAX);

	if (!rules || !output_read(words, rules, RULES_MAX)) {
		doctor_warning(doctor,
			       "cannot read the rules of %s, which may drop users' packets -> look "
			       "at the error of %s -S",
			       strrchr(tool, '/') + 1, tool);
		return;
	}
	for (size_t i = 0; i < doctor->conf->networks_count; i++)
		network_check(doctor, tool, rules, doctor->conf->networks[i].bridge);
}

void legacy_check(struct doctor *doctor)
{
	for (size_t family = 0; family < sizeof(families) / sizeof(*families); family++)
		if (tables_exist(family))
			family_check(doctor, families[family].tool);
}
