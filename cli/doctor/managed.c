/*
 * pam-netns doctor: do NetworkManager or systemd-networkd manage our bridges and ports? Each takes
 * addresses and routes off links that it manages: NetworkManager if networking is switched off and on,
 * networkd if a file of its own matches the links. The programs themselves say what they manage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "rules/ruleset.h"
#include "output.h"

#define OUTPUT_MAX    (1U << 20)
#define NM_CONF	      "/etc/NetworkManager/conf.d/pam-netns.conf"
#define NETWORKD_CONF "/etc/systemd/network/05-pam-netns.network"

/* Is the link one of our ports, or of the networks' bridges? */
static bool link_ours(const struct doctor *doctor, const char *name)
{
	if (strncmp(name, RULESET_PORT_PREFIX, strlen(RULESET_PORT_PREFIX)) == 0)
		return true;
	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		const char *bridge = doctor->conf->networks[i].bridge;
		size_t length = strlen(bridge);

		if (strncmp(name, bridge, length) == 0 && (!name[length] || name[length] == '.'))
			return true;
	}
	return false;
}

/* A line of nmcli, "LINK:STATE". */
static bool nmcli_line(const char *line, char name[64], char state[64])
{
	return sscanf(line, "%63[^:]:%63[^\n]", name, state) == 2;
}

/* A line of networkctl: IDX LINK TYPE OPERATIONAL SETUP. */
static bool networkctl_line(const char *line, char name[64], char state[64])
{
	return sscanf(line, "%*s %63s %*s %*s %63s", name, state) == 2;
}

/* Runs a program that prints one link a line. Is one of our links managed? name: that one. folder: the
 * manager's, which stays if it is stopped. */
static bool managed_find(struct doctor *doctor, const char *folder, char *const *words,
			 bool (*read)(const char *line, char name[64], char state[64]),
			 char name[64])
{
	CLEANUP_FREE char *text = malloc(OUTPUT_MAX);
	char *rest = text, *line, state[64];

	if (access(folder, F_OK) != 0)
		return false;
	if (!text || !output_read(words, text, OUTPUT_MAX)) {
		doctor_at(doctor, LEVEL_SKIPPED, NULL, 0,
			  "%s exists, but %s lists no links: if this manager runs, it may manage "
			  "our bridges and ports -> look at the error of %s",
			  folder, words[0], words[0]);
		return false;
	}
	while ((line = strsep(&rest, "\n")))
		if (read(line, name, state) && link_ours(doctor, name) &&
		    strcmp(state, "unmanaged") != 0)
			return true;
	return false;
}

/* "pnu*;pnbr0*", with words around each name. The caller frees it. */
static char *patterns_make(const struct doctor *doctor, const char *prefix, const char *separator)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s%s*", prefix, RULESET_PORT_PREFIX);
	for (size_t i = 0; i < doctor->conf->networks_count; i++)
		fprintf(out, "%s%s%s*", separator, prefix, doctor->conf->networks[i].bridge);
	fclose(out);
	return text;
}

static void network_manager_check(struct doctor *doctor)
{
	char *const words[] = {(char[]){"/usr/bin/nmcli"}, (char[]){"-t"},     (char[]){"-f"},
			       (char[]){"DEVICE,STATE"},   (char[]){"device"}, NULL};
	CLEANUP_FREE char *patterns = NULL;
	char name[64];

	if (!managed_find(doctor, "/run/NetworkManager", words, nmcli_line, name))
		return;
	patterns = patterns_make(doctor, "interface-name:", ";");
	doctor_warning(doctor,
		       "NetworkManager manages %s: users are cut off if networking is switched off "
		       "and on -> printf '[keyfile]\\nunmanaged-devices+=%s\\n' >" NM_CONF
		       " && nmcli general reload",
		       name, patterns ?: RULESET_PORT_PREFIX "*");
}

static void networkd_check(struct doctor *doctor)
{
	char *const words[] = {(char[]){"/usr/bin/networkctl"}, (char[]){"--no-legend"},
			       (char[]){"--no-pager"}, (char[]){"list"}, NULL};
	CLEANUP_FREE char *patterns = NULL;
	char name[64];

	if (!managed_find(doctor, "/run/systemd/netif/links", words, networkctl_line, name))
		return;
	patterns = patterns_make(doctor, "", " ");
	doctor_warning(doctor,
		       "systemd-networkd manages %s, and can take its addresses and routes away -> "
		       "printf '[Match]\\nName=%s\\n[Link]\\nUnmanaged=yes\\n' >" NETWORKD_CONF
		       " && networkctl reload && pam-netns up && pam-netns gc",
		       name, patterns ?: RULESET_PORT_PREFIX "*");
}

void doctor_managed(struct doctor *doctor)
{
	network_manager_check(doctor);
	networkd_check(doctor);
}
