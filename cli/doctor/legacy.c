/*
 * pam-netns doctor: rules of iptables-legacy; see legacy.h.
 *
 * Its chain FORWARD drops users' packets if its policy or its last rule does, and no rule accepts
 * the bridge. The program is run only if the kernel has its tables, since it would make them.
 */
#include "legacy.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "output.h"

#define OUTPUT_MAX 65536

static const struct {
	const char *tool, *tables;
} families[] = {{"/usr/sbin/iptables-legacy", "/proc/net/ip_tables_names"},
		{"/usr/sbin/ip6tables-legacy", "/proc/net/ip6_tables_names"}};

static bool tool_read(size_t family, char *text)
{
	char *const words[] = {(char *)families[family].tool, (char[]){"-S"}, NULL};
	char tables[256];

	return files_read(AT_FDCWD, families[family].tables, tables, sizeof(tables)) > 0 &&
	       strstr(tables, "filter") && output_read(words, text, OUTPUT_MAX);
}

static bool begins(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

/* Does a rule, in any chain, accept this bridge as this interface (-i, -o)? */
static bool rule_accepts(const char *line, const char *option, const char *bridge)
{
	const char *name = strstr(line, option), *accept = strstr(line, " -j ACCEPT");

	return begins(line, "-A ") && accept && name && begins(name + strlen(option), bridge);
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

void legacy_check(struct doctor *doctor)
{
	char text[OUTPUT_MAX];

	for (size_t family = 0; family < sizeof(families) / sizeof(*families); family++)
		for (size_t i = 0; i < doctor->conf->networks_count; i++)
			if (tool_read(family, text))
				network_check(doctor, families[family].tool, text,
					      doctor->conf->networks[i].bridge);
}
