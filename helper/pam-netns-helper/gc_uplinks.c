/*
 * gc for users who are in: what somebody has changed of one user's uplink on the host (the port
 * taken out of its bridge or unlocked, a route or a guard element removed) is put right. Requests
 * replace what is there, so only ports are asked about first: see uplink_ports_safe().
 */
#include <stdlib.h>

#include "gc.h"
#include "net/guard.h"
#include "state/lock.h"
#include "setup_internal.h"

static int uplink_restore(struct host *host, const struct network *network,
			  const struct uplink_ports *safe, const struct user_state *state)
{
	struct ruleset_member member = member_of(state, network);
	struct uplink uplink = uplink_of(state);
	struct network_state up;
	uint32_t generation;
	int result;

	/* IPv6 was disabled on the host while the user was active: see users_without_ipv6(). */
	if (network_state_read(host->run, network->name, &up) == 0 && !up.subnet6.family)
		member.address6 = uplink.address6 = (struct address){0};

	uplink.bridge_ifindex = link_find(&host->route, uplink.bridge);
	/* A port or bridge that is gone is made again by the user's next login. */
	if (!uplink.bridge_ifindex || link_find(&host->route, uplink.port) != uplink.ifindex)
		return 0;
	result = guard_add(&host->netfilter, &member, &generation);
	if (result < 0)
		return result;
	return uplink_port_safe(safe, &uplink) ? uplink_refresh(&host->route, &uplink)
					       : uplink_connect(&host->route, &uplink);
}

/* Under the user's lock, so that nobody tears down or builds meanwhile. */
static int user_restore(struct host *host, const struct conf *conf, const struct uplink_ports *safe,
			uid_t uid)
{
	const struct network *network;
	struct user_state state;
	int result = lock_take(host->lock, host->proc, uid);

	if (result < 0)
		return result;
	if (state_read(host->run, uid, &state) == 0) {
		network = conf_network(conf, state.network);
		result = network ? lock_share(host->lock, host->proc, LOCK_HOST) : 0;
		if (result == 0 && network)
			result = uplink_restore(host, network, safe, &state);
		lock_release(host->lock, LOCK_HOST);
	}
	lock_release(host->lock, uid);
	return result;
}

int gc_uplinks(struct host *host, const struct conf *conf)
{
	CLEANUP_FREE uid_t *uids = NULL;
	struct uplink_ports safe = {0};
	size_t count = 0;
	int result = state_list(host->run, &uids, &count);

	if (result == 0 && count)
		result = uplink_ports_safe(&host->route, &safe);
	for (size_t i = 0; i < count && result == 0; i++)
		result = user_restore(host, conf, &safe, uids[i]);
	free(safe.list);
	return result;
}
