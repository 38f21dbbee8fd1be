/* Decisions of the set-up: subnets, MTU, networks to remove; see setup_internal.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "net/ipv6.h"
#include "base/log.h"
#include "host/wanted.h"
#include "base/paths.h"
#include "setup_internal.h"

#define AUTO_SUBNET_LAST 255

static bool subnet_planned(const struct conf *conf, const struct prefix *subnet)
{
	for (size_t i = 0; i < conf->networks_count; i++) {
		struct prefix other = network_subnet(&conf->networks[i], subnet->address.family);

		if (other.address.family && prefix_overlaps(&other, subnet))
			return true;
	}
	return false;
}

/* "auto" for the first time: chooses a free subnet, and remembers it. */
static int subnet_choose(const struct plan *plan, const struct network *network, struct prefix *out)
{
	int result = network_subnet_find(network, AF_INET, out);
	struct prefix subnet;

	if (result != -ENOENT)
		return result;
	for (unsigned second = 203; second <= AUTO_SUBNET_LAST; second++) {
		char text[ADDRESS_TEXT_MAX];

		snprintf(text, sizeof(text), "10.%u.0.0/16", second);
		if (prefix_parse(text, &subnet) == 0 && !subnet_planned(plan->conf, &subnet) &&
		    !uplink_prefix_taken(&plan->host->route, &subnet)) {
			*out = subnet;
			return network_subnet_remember(network->name, &subnet);
		}
	}
	return log_errno(EADDRNOTAVAIL,
			 "find a free subnet between 10.203.0.0/16 and 10.255.0.0/16");
}

/* The same for IPv6. A network that is set up keeps its prefix, because its users may be active. */
static int subnet6_choose(const struct plan *plan, const struct network *network,
			  const struct network_state *old, struct prefix *out)
{
	int result = network_subnet_find(network, AF_INET6, out);

	if (result != -ENOENT)
		return result;
	*out = old->subnet6;
	if (!prefix_is_unique_local(out) || subnet_planned(plan->conf, out)) {
		int error = prefix_random_unique_local(out);

		if (error)
			return log_errno(-error, "choose a random subnet6");
	}
	return network_subnet_remember(network->name, out);
}

/*
 * The conf has another bridge or other addresses for a network that is up. Its active users cannot
 * follow, and no rule would concern a bridge that is no longer in the conf. So the network is
 * removed after all of them have logged out.
 */
static int network_move(struct plan *plan, const struct planned *p, const char *change)
{
	char kick[NETWORK_CHANGE_MAX];
	int active = network_users(plan->host->run, p->state.conf->name, kick);

	if (active < 0)
		return active;
	if (!active)
		return network_remove(plan->host, p->state.conf->name);
	log_error("network %s: the conf file changes %s, but %d user%s active: change it back, or: "
		  "%spam-netns up",
		  p->state.conf->name, change, active, active == 1 ? " is" : "s are", kick);
	return -EBUSY;
}

/* IPv6 is back, but with another prefix than the addresses of users who were active before. */
static bool user_outside6(const struct plan *plan, const struct planned *p)
{
	const struct prefix *subnet6 = &p->state.subnet6;

	for (size_t i = 0; i < plan->users_count; i++) {
		const struct planned_user *user = &plan->users[i];

		if (user->network == p && user->state.uplink.address6.family &&
		    subnet6->address.family &&
		    !prefix_contains(subnet6, &user->state.uplink.address6))
			return true;
	}
	return false;
}

/* A bridge that was made while IPv6 was disabled accepts an address only after
 * IPv6 is enabled on it. */
static int bridges_ipv6_on(const struct planned *p)
{
	int result = 0;

	for (unsigned i = 0; i < p->state.bridges && result == 0; i++) {
		char name[IFNAMSIZ];

		result = ruleset_bridge_name(p->state.bridge, i, name);
		result = result ?: sysctl_bridge_ipv6(name);
	}
	return result;
}

/*
 * Without IPv6 on this host, users have only IPv4. `up` says so, and so does a login if that is
 * new. If the conf names a prefix, first logins are refused (setup_has_ipv6()).
 */
static int network_without_ipv6(struct plan *plan, const struct planned *p,
				const struct network_state *old)
{
	if (p->state.conf->subnet6_source == SOURCE_AUTO &&
	    (!plan->grow || !*old->name || old->subnet6.address.family))
		log_warning("network %s gets no IPv6: it is disabled on this host (%s); enable it, "
			    "or write subnet6 = none",
			    p->state.conf->name, ipv6_disabled() ?: "until now");
	/* plan_bridges() sets those of IPv4 again. */
	return old->subnet6.address.family ? uplink_network_routes(&plan->host->route, old, false)
					   : 0;
}

/* The differences between the conf and a network that is up. */
static int network_compare(struct plan *plan, struct planned *p, const struct network_state *old)
{
	char change[NETWORK_CHANGE_MAX];

	if (*old->name && network_changed(old, p->state.conf, &p->state, change))
		return network_move(plan, p, change);
	if (*old->name && user_outside6(plan, p))
		return network_move(plan, p, "subnet6");
	if (p->state.subnet6.address.family)
		return bridges_ipv6_on(p);
	return p->state.conf->subnet6_source == SOURCE_NONE ? 0
							    : network_without_ipv6(plan, p, old);
}

static int network_decide(struct plan *plan, struct planned *p)
{
	const struct network *conf = p->state.conf;
	struct network_state old = {0};
	struct prefix subnet, subnet6;
	int result = network_state_read(plan->host->run, conf->name, &old);

	if (result < 0 && !state_absent(result))
		return log_errno(-result, "read the state of network %s", conf->name);
	result = subnet_choose(plan, conf, &subnet);
	result = result ?: subnet6_choose(plan, conf, &old, &subnet6);
	if (result < 0)
		return result;
	network_wanted_with(conf, &subnet, &subnet6, &p->state);
	p->state.mtu = conf->mtu ? conf->mtu : uplink_default_mtu(&plan->host->route);
	p->state.bridges = old.bridges ? old.bridges : 1;
	if (plan->grow == conf && p->state.bridges < plan->bridges)
		p->state.bridges = plan->bridges;
	p->state.policy = network_policy(conf);
	p->policy_changed = old.policy && old.policy != p->state.policy;
	return network_compare(plan, p, &old);
}

/* Users keep their IPv6 addresses for when IPv6 is back. Until then no packet of these passes. */
static void users_without_ipv6(struct plan *plan)
{
	for (size_t i = 0; i < plan->users_count; i++) {
		struct planned_user *user = &plan->users[i];

		if (!user->network || user->network->state.subnet6.address.family)
			continue;
		user->state.uplink.address6 = (struct address){0};
	}
}

int plan_decide(struct plan *plan)
{
	int result = 0;

	for (size_t i = 0; i < plan->count && result == 0; i++)
		result = network_decide(plan, &plan->networks[i]);
	users_without_ipv6(plan);
	return result;
}

/* Established connections are accepted before the policy is checked, as in other firewalls. */
void plan_policy_tell(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct planned *p = &plan->networks[i];
		bool active = false;

		for (size_t u = 0; u < plan->users_count; u++)
			active |= plan->users[u].network == p;
		if (p->policy_changed && active)
			log_warning("the policy of network %s has changed, but open connections go "
				    "on: to end them run pam-netns up %s --drop-connections",
				    p->state.conf->name, p->state.conf->name);
	}
}

static bool plan_has(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->networks[i].state.conf->name, name) == 0)
			return true;
	return false;
}

/* Removing its bridges cuts its users off: without rules no packet may pass. */
static int unlisted_drop(struct plan *plan, const char *name)
{
	char kick[NETWORK_CHANGE_MAX];
	int active = network_users(plan->host->run, name, kick);

	log_warning("network %s is no longer in the conf file: removing its bridges", name);
	if (active > 0)
		log_warning("this cuts off %d active user%s of network %s: write [network %s] "
			    "again, or: %spam-netns up",
			    active, active == 1 ? "" : "s", name, name, kick);
	return network_remove(plan->host, name);
}

int plan_drop_unlisted(struct plan *plan)
{
	CLEANUP_DIR DIR *dir = opendir(NETWORKS_DIR);
	struct dirent *entry;
	int result = 0;

	while (dir && result == 0 && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    !conf_network(plan->conf, entry->d_name) && !plan_has(plan, entry->d_name))
			result = unlisted_drop(plan, entry->d_name);
	return result;
}

bool setup_ipv6_follows(const struct network *network, const struct network_state *state)
{
	bool has = state->subnet6.address.family;

	if (network->subnet6_source == SOURCE_NONE)
		return true;
	for (unsigned i = 0; has && i < state->bridges; i++) {
		char name[IFNAMSIZ];

		if (ruleset_bridge_name(state->bridge, i, name) == 0 &&
		    sysctl_bridge_ipv6_off(name))
			return false;
	}
	return has == !ipv6_disabled();
}

int setup_has_ipv6(const struct network *conf, const struct network_state *state)
{
	if (conf->subnet6_source != SOURCE_GIVEN || state->subnet6.address.family)
		return 0;
	log_error("network %s: IPv6 is disabled on this host (%s): set it to 0, or write subnet6 = "
		  "none",
		  conf->name, ipv6_disabled() ?: "until now");
	return -EAFNOSUPPORT;
}
