/*
 * The port's place: one of a bridge's ports is counted as taken, so that no bridge gets too many.
 */
#include "../gc.h"
#include "../resource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "state/lock.h"

/* The next bridge is made if all others are full. */
static int bridge_choose(struct user *user, unsigned *number)
{
	const struct network *network = user->profile->network;
	struct host *host = user->host;
	int bridge = ports_reserve(host->run, network->name, network->ports_per_bridge, 0);
	int error;

	if (bridge < 0)
		return log_errno(-bridge, "find a bridge with a free port (ports_per_bridge)");
	*number = (unsigned)bridge;
	error = ruleset_bridge_name(network->bridge, *number, user->state.uplink.bridge);
	if (!error)
		return 0;
	ports_release(host->run, network->name, *number);
	user->state.uplink.bridge[0] = '\0'; /* for port_undo() */
	return error;
}

static int port_make(struct user *user)
{
	struct uplink *uplink = &user->state.uplink;
	struct host *host = user->host;
	unsigned number = 0;
	int error = bridge_choose(user, &number);

	if (error)
		return error;
	if (number >= user->network.bridges) {
		error = setup_grow(host, user->setup, number);
		if (error)
			return error;
	}
	/* From here until the record is written, no other helper may replace rules or bridges. */
	error = lock_share(host->lock, host->proc, LOCK_HOST);
	if (error)
		return error;
	uplink->bridge_ifindex = link_find(&host->route, uplink->bridge);
	return uplink->bridge_ifindex ? 0 : log_errno(ENODEV, "find bridge %s", uplink->bridge);
}

/* The number of a bridge, by its name; the first one has none in it. */
static unsigned bridge_number(const struct network_state *network, const char *bridge)
{
	const char *dot = strrchr(bridge, '.');

	return strcmp(network->bridge, bridge) == 0 || !dot ? 0 : (unsigned)atoi(dot + 1);
}

/* A count that a crash left wrong is put right by gc. */
static int port_undo(struct user *user)
{
	const struct user_state *s = &user->state;
	struct network_state network;

	if (*s->uplink.bridge && network_state_read(user->host->run, s->network, &network) == 0)
		ports_release(user->host->run, s->network,
			      bridge_number(&network, s->uplink.bridge));
	return 0;
}

/* Active users of a network, by the number of their bridge. */
static int ports_count(struct host *host, const struct network_state *network,
		       uint32_t counts[NETWORK_BRIDGES_MAX])
{
	CLEANUP_FREE uid_t *uids = NULL;
	char bridge[IFNAMSIZ];
	struct user_state user;
	size_t users;
	int error = state_list(host->run, &uids, &users);

	for (size_t i = 0; !error && i < users; i++) {
		if (!recorded_user(host, uids[i], &user) ||
		    strcmp(user.network, network->name) != 0)
			continue;
		for (unsigned b = 0; b < NETWORK_BRIDGES_MAX; b++)
			if (ruleset_bridge_name(network->bridge, b, bridge) == 0 &&
			    strcmp(bridge, user.uplink.bridge) == 0)
				counts[b]++;
	}
	return error;
}

/*
 * A login takes its port before it writes the record. So a count may be that of a login under way,
 * and then none is changed. A count that changes meanwhile stays as it is.
 */
static int port_sweep(struct host *host, const struct conf *conf)
{
	for (size_t n = 0; conf && n < conf->networks_count; n++) {
		const char *name = conf->networks[n].name;
		uint32_t read[NETWORK_BRIDGES_MAX], right[NETWORK_BRIDGES_MAX] = {0};
		struct network_state network;
		int error;

		if (network_state_read(host->run, name, &network) < 0)
			continue;
		ports_read(host->run, name, read);
		if (!lock_users_idle(host->lock))
			return 0;
		error = ports_count(host, &network, right);
		if (error)
			return error;
		ports_mend(host->run, name, read, right);
	}
	return 0;
}

const struct resource resource_port = {
    .name = "port",
    .make = port_make,
    .undo = port_undo,
    .sweep = port_sweep,
};
