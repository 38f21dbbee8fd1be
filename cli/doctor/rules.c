/*
 * pam-netns doctor: do nft and this kernel take our rules? `nft -c` tries them and changes nothing.
 * They are the rules of the conf file's networks without users. If no subnet was chosen yet, one that
 * stands for it is tried.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "doctor.h"
#include "host/wanted.h"
#include "output.h"
#include "rules/nft_path.h"
#include "rules/ruleset.h"

#define OUTPUT_MAX 4096
#define ANY_SUBNET "192.0.2.0/24"
#define FIRST_PORT 1024
#define LAST_PORT  32767

/* The text in a memory file, or -1. */
static int rules_write(const struct conf *conf)
{
	size_t count = conf->networks_count;
	CLEANUP_FREE struct network_state *states = calloc(count + 1, sizeof(*states));
	CLEANUP_FREE const struct network_state **networks = calloc(count + 1, sizeof(*networks));
	const struct ruleset ruleset = {.networks = networks,
					.networks_count = count,
					.nat_ports = {.first = FIRST_PORT, .last = LAST_PORT},
					.forward_ours_alone = true};
	int file = memfd_create("rules", 0);
	FILE *out = file < 0 ? NULL : fdopen(dup(file), "w");
	int error;

	for (size_t i = 0; states && networks && i < count; i++) {
		networks[i] = &states[i];
		network_wanted(&conf->networks[i], &states[i]);
		states[i].bridges = 1;
		if (!states[i].subnet.address.family)
			(void)!prefix_parse(ANY_SUBNET, &states[i].subnet);
	}
	error = !out || !states || !networks || ruleset_write(out, &ruleset);
	if (out && fclose(out))
		error = 1;
	if (!error)
		return file;
	if (file >= 0)
		close(file);
	return -1;
}

void doctor_rules(struct doctor *doctor)
{
	char path[40], text[OUTPUT_MAX];
	char *const words[] = {(char *)nft_path(), (char[]){"-c"}, (char[]){"-f"}, path, NULL};
	CLEANUP_FD int file = -1;

	if (!words[0])
		return; /* doctor_firewall() reports it */
	file = rules_write(doctor->conf);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), file);
	if (file < 0)
		doctor_warning(doctor,
			       "cannot write our firewall rules: out of memory -> free some");
	else if (!output_read(words, text, sizeof(text)))
		doctor_problem(doctor,
			       "%s or this kernel refuses our firewall rules, so logins are "
			       "refused -> pam-netns up # its error has the rule",
			       words[0]);
}
