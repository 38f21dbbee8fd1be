/*
 * Our rules: written for all networks and active users, and read to check whether they are
 * unchanged. See helper.h.
 *
 * The kernel counts generations of a network namespace's rules: each transaction of any program
 * makes the next one. If the rules were read and found intact, that generation is noted, and as
 * long as it is current they need not be read again. A login's own transaction adds elements to
 * sets. If the kernel says that it made the next generation, no other transaction came between, and
 * the note moves on. Otherwise the next login reads the rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "net/guard.h"
#include "helper.h"
#include "setup_internal.h"

#define NOTE_NAME "generation"

int rules_load(const struct ruleset *ruleset)
{
	CLEANUP_FREE char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result;

	if (!out)
		return -ENOMEM;
	result = ruleset ? ruleset_write(out, ruleset) : ruleset_write_removal(out);
	if (fclose(out) != 0 && result == 0)
		result = -ENOMEM;
	return result < 0 ? result : nft_run(text, size);
}

int plan_rules(struct plan *plan, struct host_state *state)
{
	const struct network_state *networks[PLAN_NETWORKS_MAX];
	CLEANUP_FREE const struct uplink **uplinks =
	    calloc(plan->users_count + 1, sizeof(*uplinks));
	struct ruleset ruleset = {.networks = networks,
				  .networks_count = plan->count,
				  .uplinks = uplinks,
				  .forward_ours_alone = state->forwarding_ours,
				  .forward_ours_alone6 = state->forwarding6_ours};
	int result = sysctl_nat_ports(&ruleset.nat_ports);

	if (result < 0)
		return result;
	state->nat_first = ruleset.nat_ports.first;
	state->nat_last = ruleset.nat_ports.last;
	if (!uplinks)
		return -ENOMEM;
	for (size_t i = 0; i < plan->count; i++)
		networks[i] = &plan->networks[i].state;
	for (size_t i = 0; i < plan->users_count; i++)
		if (plan->users[i].network)
			uplinks[ruleset.uplinks_count++] = &plan->users[i].state.uplink;
	return rules_load(&ruleset);
}

struct note {
	uint64_t rules; /* their fingerprint */
	uint64_t generation;
};

static bool note_read(const struct host *host, struct note *note)
{
	CLEANUP_FD int fd = openat(host->run, NOTE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && read(fd, note, sizeof(*note)) == sizeof(*note);
}

/* A lost or torn record matches no rules. */
static void note_write(struct host *host, uint64_t rules, uint32_t generation)
{
	const struct note note = {rules, generation};
	CLEANUP_FD int fd =
	    openat(host->run, NOTE_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	host->rules = rules;
	host->generation = generation;
	if (fd >= 0)
		(void)!write(fd, &note, sizeof(note));
}

int rules_intact(struct host *host, uint64_t recorded, bool *gone)
{
	uint32_t before, after;
	uint64_t rules;
	struct note note;
	int result;

	host->generation = 0;
	if (!recorded)
		return 0;
	result = guard_generation(&host->netfilter, &before);
	if (result < 0)
		return result;
	if (note_read(host, &note) && note.rules == recorded && note.generation == before) {
		host->rules = recorded;
		host->generation = before;
		return 1;
	}
	result = guard_fingerprint(&host->netfilter, &rules);
	if (result < 0)
		return result;
	*gone = !rules;
	if (rules != recorded)
		return 0;
	if (guard_generation(&host->netfilter, &after) == 0 && after == before)
		note_write(host, recorded, before);
	return 1;
}

void rules_follow(struct host *host, uint32_t generation)
{
	if (host->generation && generation == host->generation + 1)
		note_write(host, host->rules, generation);
}
