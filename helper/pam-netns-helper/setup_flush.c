/*
 * The defences that hold after another program has flushed the rules, until a login or gc restores
 * them: the bridges' filters, and routing rules on a host that did not forward before us. See
 * bridge_filter.h and transit.h.
 *
 * The rules come first, and each login verifies them. These defences matter only after both were
 * removed, so only up and gc check them (host->thorough). If the kernel lacks one, that is logged
 * and recorded, and no login is refused for it.
 */
#include <errno.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "net/bridge_filter.h"
#include "helper.h"
#include "base/log.h"
#include "base/paths.h"
#include "setup_internal.h"
#include "net/transit.h"

/* The bridges and subnets of one network. */
static int transit_add(struct transit *t, const struct network_state *state)
{
	int result = 0;

	for (unsigned i = 0; i < state->bridges && i < NETWORK_BRIDGES_MAX && result == 0; i++) {
		char name[IFNAMSIZ];

		result = ruleset_bridge_name(state->bridge, i, name);
		result = result ?: transit_add_bridge(t, name);
	}
	result = result ?: transit_add_subnet(t, &state->subnet);
	if (result == 0 && state->subnet6.address.family)
		result = transit_add_subnet(t, &state->subnet6);
	return result;
}

static bool transit_ours(const struct host_state *state, int family)
{
	return family == AF_INET ? state->forwarding_ours : state->forwarding6_ours;
}

static int plan_transit_of(struct plan *plan, const struct host_state *state, int family)
{
	struct transit t;
	int result = 0;

	transit_init(&t, family);
	for (size_t i = 0; transit_ours(state, family) && i < plan->count && result == 0; i++)
		result = transit_add(&t, &plan->networks[i].state);
	if (result == 0 && transit_ours(state, family))
		result = transit_end(&t);
	result = result ?: transit_set(&plan->host->route, &t);
	free(t.list);
	return result;
}

static void plan_transit(struct plan *plan, struct host_state *state)
{
	if (plan_transit_of(plan, state, AF_INET) == 0 &&
	    (!sysctl_ipv6_present() || plan_transit_of(plan, state, AF_INET6) == 0))
		return;
	if (!state->forwarding_ours && !state->forwarding6_ours)
		return;
	state->open_if_flushed |= OPEN_TRANSIT;
	log_warning("routing rules cannot be set: after a flush of the nftables rules, and until "
		    "the next login or gc, this host forwards for others");
}

void plan_flush(struct plan *plan, struct host_state *state)
{
	state->open_if_flushed = 0;
	for (size_t i = 0; i < plan->count; i++)
		for (unsigned b = 0; b < plan->networks[i].state.bridges; b++)
			if (bridge_filter_set(&plan->host->route, plan->networks[i].ifindex[b]) < 0)
				state->open_if_flushed |= OPEN_BRIDGES;
	if (state->open_if_flushed & OPEN_BRIDGES)
		log_warning("bridges get no filter (the kernel needs NET_SCH_INGRESS and "
			    "NET_CLS_BPF): after a flush of the nftables rules, and until the next "
			    "login or gc, users reach the host and each other");
	plan_transit(plan, state);
}

int flush_filter_intact(struct host *host, const struct host_state *state, const char *bridge)
{
	unsigned ifindex;
	int result = link_index(&host->route, bridge, &ifindex);

	if (result < 0 || !ifindex || state->open_if_flushed & OPEN_BRIDGES)
		return result < 0 ? result : 1;
	return bridge_filter_intact(&host->route, ifindex);
}

/* The rules of one family for the networks that are up. The caller frees t->list. */
static int transit_make(const struct host *host, const struct host_state *state, int family,
			struct transit *t)
{
	CLEANUP_DIR DIR *dir = transit_ours(state, family) ? opendir(NETWORKS_DIR) : NULL;
	struct dirent *entry;
	int result = 0;

	transit_init(t, family);
	if (!transit_ours(state, family))
		return 0;
	while (dir && result == 0 && (entry = readdir(dir))) {
		struct network_state network;

		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    network_state_read(host->run, entry->d_name, &network) == 0)
			result = transit_add(t, &network);
	}
	return result < 0 ? result : transit_end(t);
}

static int transit_each(struct host *host, const struct host_state *state,
			int (*done)(struct netlink *, const struct transit *))
{
	const int families[] = {AF_INET, AF_INET6};
	int result = 1;

	for (size_t i = 0; i < 2 && result > 0; i++) {
		struct transit t = {0};

		if (families[i] == AF_INET6 && !sysctl_ipv6_present())
			break;
		result = transit_make(host, state, families[i], &t);
		result = result ?: done(&host->route, &t);
		free(t.list);
	}
	return result;
}

int flush_transit_intact(struct host *host, const struct host_state *state)
{
	return state->open_if_flushed & OPEN_TRANSIT ? 1
						     : transit_each(host, state, transit_intact);
}

static int transit_follow(struct netlink *route, const struct transit *transit)
{
	int result = transit_set(route, transit);

	return result < 0 ? result : 1;
}

int flush_follow(struct host *host)
{
	struct host_state state;
	int result = host_state_read(host->run, &state);

	if (result == 0 && !(state.open_if_flushed & OPEN_TRANSIT))
		result = transit_each(host, &state, transit_follow);
	return result < 0 && !state_absent(result) ? result : 0;
}

int flush_recall(struct host *host, struct host_state *state)
{
	int found = transit_present(&host->route, AF_INET);

	if (found < 0)
		return found;
	state->forwarding_ours |= (unsigned)found;
	found = sysctl_ipv6_present() ? transit_present(&host->route, AF_INET6) : 0;
	if (found < 0)
		return found;
	state->forwarding6_ours |= (unsigned)found;
	return 0;
}

int flush_remove(struct host *host)
{
	struct transit none;
	int result;

	transit_init(&none, AF_INET);
	result = transit_set(&host->route, &none);
	if (result < 0 || !sysctl_ipv6_present())
		return result;
	transit_init(&none, AF_INET6);
	return transit_set(&host->route, &none);
}
