/*
 * The guard: the element of the rules that allows {port, MAC, address}; see lib/net/guard.h.
 *
 * Elements stay at the last logout, since removing one makes closing the socket wait for RCU. They
 * name a port that is gone, and gc removes them.
 */
#include "../resource.h"

#include <errno.h>
#include <stdlib.h>

#include "net/guard.h"

static int guard_make(struct user *user)
{
	uint32_t generation;
	int error = guard_add(&user->host->netfilter, &user->state.uplink, &generation);

	if (!error)
		rules_follow(user->host, generation);
	return error;
}

static int guard_check(struct user *user)
{
	return user->uplink == UPLINK_INTACT ? 0 : guard_make(user);
}

/* Elements whose port has no record; freed by the caller. Nothing may be removed during a dump. */
struct strays {
	struct host *host;
	struct uplink *list;
	size_t count;
};

static int element_seen(void *context, const struct uplink *uplink)
{
	struct strays *s = context;
	struct uplink *more;

	if (recorded_port(s->host, uplink->port))
		return 0;
	more = reallocarray(s->list, s->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->list = more;
	more[s->count++] = *uplink;
	return 0;
}

static int element_remove(struct host *host, const void *uplink)
{
	return guard_remove(&host->netfilter, uplink);
}

static int family_sweep(struct host *host, bool ipv6)
{
	struct strays s = {.host = host};
	int error = guard_each(&host->netfilter, ipv6, element_seen, &s);

	for (size_t i = 0; i < s.count && !error; i++)
		error = unrecorded_remove(host, s.list[i].port, element_remove, &s.list[i]);
	free(s.list);
	return error;
}

static int guard_sweep(struct host *host, const struct conf *conf)
{
	(void)conf;
	return family_sweep(host, false) ?: family_sweep(host, true);
}

const struct resource resource_guard = {
    .name = "guard",
    .make = guard_make,
    .check = guard_check,
    .sweep = guard_sweep,
};
