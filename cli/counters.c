/*
 * Bytes received and sent; see counters.h.
 *
 * The counters of all users come from /proc/PID/net/dev. A list of links over netlink would be
 * slow: for each veth pair the kernel searches all namespaces for the other end, and 5,000 links
 * took a second. The counters of one user come over netlink, because /proc/PID/net/dev can only be
 * read as a whole.
 */
#include "counters.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "base/log.h"
#include "base/paths.h"

#define USER_INTERFACE "eth0"

struct counter {
	char name[IFNAMSIZ];
	unsigned long long received, sent; /* as the interface sees it */
};

struct counters {
	struct counter *list; /* by name */
	size_t count;
};

static int counter_compare(const void *a, const void *b)
{
	return strcmp(((const struct counter *)a)->name, ((const struct counter *)b)->name);
}

/* "  eth0: 1234 5 0 0 0 0 0 0 678 9 0 0 0 0 0 0"; the heading has another form. */
static bool counter_parse(const char *line, struct counter *out)
{
	return sscanf(line, " %15[^: ]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", out->name,
		      &out->received, &out->sent) == 3;
}

static int counters_fill(FILE *file, struct counters *counters)
{
	CLEANUP_FREE char *line = NULL;
	size_t size = 0, room = 0;
	struct counter counter;

	while (getline(&line, &size, file) >= 0) {
		if (!counter_parse(line, &counter))
			continue;
		if (counters->count == room) {
			struct counter *more;

			room = room * 2 + 64;
			more = reallocarray(counters->list, room, sizeof(*more));
			if (!more)
				return -ENOMEM;
			counters->list = more;
		}
		counters->list[counters->count++] = counter;
	}
	return ferror(file) ? -EIO : 0;
}

int counters_read(struct counters **out)
{
	/* The ports are on the host. With sudo inside a session, root is in a user's namespace. */
	const char *path = HOSTPROC "/1/net/dev";
	CLEANUP_FILE FILE *file = fopen(path, "re");
	struct counters *counters;
	int error;

	*out = NULL;
	if (!file) {
		path = "/proc/self/net/dev";
		file = fopen(path, "re");
	}
	if (!file)
		return log_errno(errno, "open %s", path);
	counters = calloc(1, sizeof(*counters));
	if (!counters)
		return log_errno(ENOMEM, "read %s", path);
	error = counters_fill(file, counters);
	if (error) {
		counters_free(counters);
		return log_errno(-error, "read %s", path);
	}
	if (counters->count)
		qsort(counters->list, counters->count, sizeof(*counters->list), counter_compare);
	*out = counters;
	return 0;
}

static const struct counter *counter_find(const struct counters *counters, const char *name)
{
	struct counter key = {0};

	snprintf(key.name, sizeof(key.name), "%s", name);
	return counters->count
		   ? bsearch(&key, counters->list, counters->count, sizeof(key), counter_compare)
		   : NULL;
}

bool counters_find(const struct counters *counters, const struct user_state *state,
		   uint64_t *received, uint64_t *sent)
{
	const struct counter *port = counter_find(counters, state->uplink.port);

	if (!port)
		return false;
	*received = port->sent;
	*sent = port->received;
	return true;
}

bool counters_one(const struct user_state *state, uint64_t *received, uint64_t *sent)
{
	struct kernel_link link;

	if (kernel_link(state->uplink.ifindex, NULL, &link) == 0 &&
	    strcmp(link.name, state->uplink.port) == 0) {
		*received = link.sent;
		*sent = link.received;
		return true;
	}
	/* The user's MAC distinguishes their eth0 from the host's. */
	if (kernel_link(0, USER_INTERFACE, &link) < 0 ||
	    memcmp(&link.mac, &state->uplink.mac, sizeof(state->uplink.mac)) != 0)
		return false;
	*received = link.received;
	*sent = link.sent;
	return true;
}

void counters_free(struct counters *counters)
{
	if (!counters)
		return;
	free(counters->list);
	free(counters);
}
