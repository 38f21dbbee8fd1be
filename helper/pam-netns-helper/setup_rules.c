/*
 * Are our rules as set-up left them? See helper.h.
 *
 * The kernel numbers the generations of a network namespace's rules: each transaction of anybody
 * makes the next one. So a generation in which the rules were found intact by reading them all is
 * noted, and as long as it is the current one they need not be read again. A login's own
 * transaction, which adds elements to sets, is followed if the generation that the kernel says it
 * made is the next one: then nobody else's came between. Otherwise the next login reads.
 */
#include <errno.h>
#include <fcntl.h>

#include "guard.h"
#include "helper.h"
#include "setup_internal.h"

#define NOTE_NAME "generation"

struct note {
	uint64_t rules; /* their fingerprint */
	uint64_t generation;
};

static bool note_read(const struct host *host, struct note *note)
{
	CLEANUP_FD int fd = openat(host->run, NOTE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && read(fd, note, sizeof(*note)) == sizeof(*note);
}

/* One that is lost, or torn, matches nothing. */
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

int rules_intact(struct host *host, uint64_t recorded)
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
