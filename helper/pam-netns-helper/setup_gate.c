/*
 * The gates (gate.h) of the networks that are set up: made with them, made again by gc, removed by
 * down.
 *
 * A login does not look at them: they go with their bridge, which it looks at, and no program but
 * tc(8) and ip-rule(8) in root's hands takes them away alone. gc makes what is missing within a
 * minute.
 */
#include <errno.h>
#include <string.h>

#include "gate.h"
#include "helper.h"
#include "lock.h"
#include "log.h"
#include "setup_internal.h"
#include "uplink.h"

static int bridge_gate(struct host *host, const char *name, unsigned *made)
{
	unsigned ifindex;
	int result = uplink_link_index(&host->route, name, &ifindex);

	if (result == 0 && ifindex)
		result = gate_bridge(&host->route, ifindex, made);
	if (result != -ENOENT)
		return result;
	log_warning("this kernel has no BPF classifier (CONFIG_NET_CLS_BPF, "
		    "CONFIG_NET_SCH_INGRESS): while the "
		    "rules are flushed, users reach the host's ports and each other until the next "
		    "login or "
		    "pam-netns gc");
	return 0;
}

static int forwarding_pass(struct host *host, const struct network_state *network,
			   const char *bridge, int family, bool add)
{
	const bool ipv4 = family == AF_INET;
	const struct prefix subnet = {.address = ipv4 ? network->subnet : network->subnet6,
				      .length =
					  ipv4 ? network->subnet_length : network->subnet6_length};
	unsigned made = 0;
	int result;

	if (!subnet.address.family)
		return 0;
	result = gate_pass_bridge(&host->route, family, bridge, add, &made);
	return result < 0 ? result : gate_pass_subnet(&host->route, &subnet, add, &made);
}

/* Calls bridge for each of a network's bridges. */
static int bridges_each(struct host *host, const struct network_state *network,
			const struct host_state *state,
			int (*bridge)(struct host *, const struct network_state *,
				      const struct host_state *, const char *, unsigned *),
			unsigned *made)
{
	struct network naming = {0};
	int result = 0;

	memcpy(naming.bridge, network->bridge, sizeof(naming.bridge));
	for (unsigned i = 0; i < network->bridges && i < NETWORK_BRIDGES_MAX && result == 0; i++) {
		char name[IFNAMSIZ];

		result = ruleset_bridge_name(&naming, i, name);
		if (result == 0)
			result = bridge(host, network, state, name, made);
	}
	return result;
}

static int bridge_close(struct host *host, const struct network_state *network,
			const struct host_state *state, const char *name, unsigned *made)
{
	int result = bridge_gate(host, name, made);

	if (result == 0 && state->forwarding_ours)
		result = forwarding_pass(host, network, name, AF_INET, true);
	if (result == 0 && state->forwarding6_ours)
		result = forwarding_pass(host, network, name, AF_INET6, true);
	return result;
}

static int bridge_forget(struct host *host, const struct network_state *network,
			 const struct host_state *state, const char *name, unsigned *made)
{
	int result = forwarding_pass(host, network, name, AF_INET, false);

	(void)state;
	(void)made;
	return result < 0 || !sysctl_ipv6_present()
		   ? result
		   : forwarding_pass(host, network, name, AF_INET6, false);
}

int gates_close(struct host *host, const struct network_state *network,
		const struct host_state *state, unsigned *made)
{
	int result = bridges_each(host, network, state, bridge_close, made);

	if (result == 0 && state->forwarding_ours)
		result = gate_forwarding(&host->route, AF_INET, true, made);
	if (result == 0 && state->forwarding6_ours)
		result = gate_forwarding(&host->route, AF_INET6, true, made);
	return result;
}

int gates_forget(struct host *host, const struct network_state *network)
{
	return bridges_each(host, network, NULL, bridge_forget, NULL);
}

int gates_remove(struct host *host)
{
	unsigned made = 0;
	int result = gate_forwarding(&host->route, AF_INET, false, &made);

	return result < 0 || !sysctl_ipv6_present()
		   ? result
		   : gate_forwarding(&host->route, AF_INET6, false, &made);
}

int gates_mend(struct host *host, const struct conf *conf)
{
	struct host_state state;
	unsigned made = 0;
	int result = lock_take(host->lock, host->proc, LOCK_HOST);

	if (result < 0)
		return result;
	/* Without the record nothing is set up, or the next login sets it up anew. */
	if (host_state_read(host->run, &state) < 0)
		memset(&state, 0, sizeof(state));
	for (size_t i = 0; i < conf->networks_count && result == 0; i++) {
		struct network_state network;

		if (network_state_read(host->run, conf->networks[i].name, &network) == 0)
			result = gates_close(host, &network, &state, &made);
	}
	lock_release(host->lock, LOCK_HOST);
	if (result == 0 && made)
		log_info("gates of bridges or of forwarding had been removed: made again");
	return result;
}
