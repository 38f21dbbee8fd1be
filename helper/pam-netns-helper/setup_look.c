/*
 * Is the host's side as set-up left it, and if not, what differs? See setup_internal.h.
 *
 * It costs a login a few system calls, whatever the number of users.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "setup_internal.h"
#include "net/uplink.h"
#include "ns/mntns.h"

static const struct {
	unsigned part;
	char found[72]; /* %s: the bridge; no pointer: state/record.h */
	char mended[16];
} words[] = {
    {PART_NETWORK, "was not set up", "set up"},
    {PART_CONF, "the conf file or the program was changed", "set up anew"},
    {PART_UNFINISHED, "an earlier set-up did not finish", "set up anew"},
    {PART_RULES_GONE, "rules had been flushed", "loaded again"},
    {PART_RULES_CHANGED, "rules had been changed", "loaded again"},
    {PART_FORWARDING, "IPv4 forwarding was off", "switched on"},
    {PART_FORWARDING6, "IPv6 forwarding was off", "switched on"},
    {PART_BRIDGE_GONE, "bridge %s was missing", "made again"},
    {PART_BRIDGE_DOWN, "bridge %s was down", "brought up"},
    {PART_FILTER, "the filter of bridge %s was missing or changed", "set again"},
    {PART_TRANSIT, "routing rules against forwarding for others were missing or changed",
     "set again"},
    {PART_TEMPLATE, "the users' mount namespace template was missing", "made again"},
};

void setup_tell(const struct setup *setup, bool mended)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *mark = strstr(words[i].found, "%s");
		char text[128];

		if (!(setup->differs & words[i].part))
			continue;
		if (mark)
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - words[i].found),
				 words[i].found, setup->bridge, mark + 2);
		else
			snprintf(text, sizeof(text), "%s", words[i].found);
		if (mended)
			log_info("network %s: %s: %s", setup->network->name, text, words[i].mended);
		else
			log_warning("network %s: %s", setup->network->name, text);
	}
}

static int look_rules(struct host *host, struct setup *setup, const struct host_state *state)
{
	bool gone = false;
	int result = rules_intact(host, state->rules, &gone);

	if (result == 0)
		setup->differs |= !state->rules ? PART_UNFINISHED
				  : gone	? PART_RULES_GONE
						: PART_RULES_CHANGED;
	return result < 0 ? result : 0;
}

static int look_forwarding(struct host *host, struct setup *setup)
{
	int on = sysctl_forwarding_on(host, false);

	if (on == 0)
		setup->differs |= PART_FORWARDING;
	if (on < 0 || !setup->state.subnet6.address.family)
		return on < 0 ? on : 0;
	on = sysctl_forwarding_on(host, true);
	if (on == 0)
		setup->differs |= PART_FORWARDING6;
	return on < 0 ? on : 0;
}

static int look_bridge(struct host *host, struct setup *setup, const struct host_state *state,
		       const char *name)
{
	unsigned part = 0, ifindex;
	int result = link_up(&host->route, 0, name);

	if (result == 0) {
		result = link_index(&host->route, name, &ifindex);
		part = ifindex ? PART_BRIDGE_DOWN : PART_BRIDGE_GONE;
	} else if (result > 0 && host->thorough) {
		result = flush_filter_intact(host, state, name);
		part = result == 0 ? PART_FILTER : 0;
	}
	if (result >= 0 && part) {
		setup->differs |= part;
		memcpy(setup->bridge, name, IFNAMSIZ);
	}
	return result < 0 ? result : 0;
}

static int look_bridges(struct host *host, struct setup *setup, const struct host_state *state)
{
	int result = 0;

	for (unsigned i = 0; i < setup->state.bridges && result == 0; i++) {
		char name[IFNAMSIZ];

		if (ruleset_bridge_name(setup->state.bridge, i, name) < 0)
			setup->differs |= PART_CONF;
		else
			result = look_bridge(host, setup, state, name);
	}
	return result;
}

static int look_thoroughly(struct host *host, struct setup *setup, const struct host_state *state)
{
	int result = flush_transit_intact(host, state);

	if (result == 0)
		setup->differs |= PART_TRANSIT;
	return result < 0 ? result : 0;
}

/* A first login opens the template, and is refused if it is not one. gc
 * checks it in the same way. */
static bool template_intact(const struct host *host, const struct network *network)
{
	if (!host->thorough)
		return mntns_template_exists(network);

	CLEANUP_FD int template = mntns_template_open(network);

	return template >= 0;
}

int setup_intact(struct host *host, struct setup *setup)
{
	struct host_state state = {0};
	int result = network_state_read(host->run, setup->network->name, &setup->state);

	setup->differs = 0;
	memset(setup->bridge, 0, sizeof(setup->bridge));
	result = result ?: host_state_read(host->run, &state);
	if (state_absent(result)) {
		setup->differs = PART_NETWORK;
		return 0;
	}
	if (result < 0)
		return log_errno(-result, "read what is set up of network %s",
				 setup->network->name);
	if (state.conf != setup->version)
		setup->differs |= PART_CONF;
	result = look_rules(host, setup, &state);
	result = result ?: look_forwarding(host, setup);
	result = result ?: look_bridges(host, setup, &state);
	if (result == 0 && host->thorough)
		result = look_thoroughly(host, setup, &state);
	if (result < 0)
		return result;
	if (!template_intact(host, setup->network))
		setup->differs |= PART_TEMPLATE;
	return !setup->differs;
}

/* If the record is lost, our rules still say it, those of nftables or of routing. Otherwise all
 * other traffic would be forwarded. */
static int forwarding_recall(struct host *host, struct host_state *state)
{
	CLEANUP_FREE char *rules = NULL;
	int on = sysctl_forwarding_on(host, false);

	*state = (struct host_state){0};
	if (on == 0 && sysctl_ipv6_present())
		on = sysctl_forwarding_on(host, true);
	if (on <= 0)
		return on;
	rules = nft_list();
	state->forwarding_ours = rules && ruleset_forwards_ours_alone(rules, false);
	state->forwarding6_ours = rules && ruleset_forwards_ours_alone(rules, true);
	return flush_recall(host, state);
}

int setup_host_state(struct host *host, struct host_state *state)
{
	int result = host_state_read(host->run, state);

	if (state_absent(result))
		return forwarding_recall(host, state);
	return result < 0 ? log_errno(-result, "read %s/host", NETWORKS_DIR) : 0;
}
