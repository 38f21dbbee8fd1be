/*
 * The host's set-up: bridges, rules, forwarding, templates. Made, checked at every login, repaired,
 * removed. See helper.h.
 *
 * Applying it is one idempotent sequence from any state (nothing, rules flushed, a bridge deleted,
 * users active):
 *
 * 1. ports of active users that are not as they should be: down
 * 2. bridges
 * 3. rules, with every user's guard elements, in one transaction
 * 4. the defences that hold while the rules are flushed
 * 5. those ports connected anew, and the routes of the others
 * 6. forwarding, name servers, templates
 *
 * Ports that are as they should be stay up: the rules are replaced at once, and thousands
 * of ports down and up again would take longer than a login waits. If the rules cannot be
 * made, all ports go down.
 *
 * If only a further bridge is needed: bridge -> rules -> the defences.
 *
 * The record that a login trusts (host_state) is made void first, and written last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "net/guard.h"
#include "helper.h"
#include "state/lease.h"
#include "base/log.h"
#include "setup_internal.h"
#include "net/uplink.h"
#include "ns/mntns.h"

/* Includes the program: after an upgrade, everything that an older one made is made anew. */
uint64_t setup_version(const struct conf *conf)
{
	struct stat program;
	uint64_t hash = 0xcbf29ce484222325U;

	if (!conf || stat("/proc/self/exe", &program) < 0)
		return 0;
	const struct stat *file = &conf->file;
	const uint64_t parts[] = {file->st_dev,
				  file->st_ino,
				  (uint64_t)file->st_size,
				  (uint64_t)file->st_mtim.tv_sec,
				  (uint64_t)file->st_mtim.tv_nsec,
				  (uint64_t)file->st_ctim.tv_sec,
				  (uint64_t)file->st_ctim.tv_nsec,
				  (uint64_t)program.st_size,
				  (uint64_t)program.st_mtim.tv_sec,
				  (uint64_t)program.st_mtim.tv_nsec};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		hash = (hash ^ parts[i]) * 0x100000001b3U;
	return hash ?: 1;
}

/* The networks to set up: those that are up, and the wanted one or all that profiles use. */
static int plan_choose(struct plan *plan, const struct network *wanted)
{
	struct network_state state;

	for (size_t i = 0; i < plan->conf->networks_count; i++) {
		const struct network *network = &plan->conf->networks[i];
		int read = network_state_read(plan->host->run, network->name, &state);
		bool chosen = network == wanted || read == 0;

		if (read < 0 && !state_absent(read))
			return log_errno(-read, "read the state of network %s", network->name);
		for (size_t p = 0; !wanted && p < plan->conf->profiles_count; p++)
			chosen |= plan->conf->profiles[p].network == network;
		if (!chosen)
			continue;
		if (plan->count == PLAN_NETWORKS_MAX)
			return log_errno(E2BIG, "set up more than %d networks", PLAN_NETWORKS_MAX);
		plan->networks[plan->count++].state.conf = network;
	}
	return 0;
}

static struct planned *plan_find(struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->networks[i].state.conf->name, name) == 0)
			return &plan->networks[i];
	return NULL;
}

/* The active users, with their uplinks as they are now. */
static int plan_users(struct plan *plan)
{
	CLEANUP_FREE uid_t *uids = NULL;
	size_t count;
	int result = state_list(plan->host->run, &uids, &count);

	if (result < 0)
		return result;
	plan->users = calloc(count + 1, sizeof(*plan->users));
	if (!plan->users)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct planned_user *user = &plan->users[plan->users_count];
		struct user_state *state = &user->state;

		result = state_read(plan->host->run, uids[i], state);
		if (state_absent(result))
			continue;
		if (result < 0)
			return result; /* without it the rules would lack this user's elements */
		user->network = plan_find(plan, state->network);
		state->uplink.network = user->network ? &user->network->state : NULL;
		plan->users_count++;
	}
	return 0;
}

/* Finds the ports that are as they should be. */
static int plan_ports(struct plan *plan)
{
	struct uplink_ports safe = {0};
	int result = plan->users_count ? uplink_ports_safe(&plan->host->route, &safe) : 0;

	for (size_t i = 0; i < plan->users_count && result == 0; i++) {
		struct planned_user *user = &plan->users[i];

		result = link_index(&plan->host->route, user->state.uplink.bridge,
				    &user->state.uplink.bridge_ifindex);
		user->safe =
		    result == 0 && user->network && uplink_port_safe(&safe, &user->state.uplink);
	}
	free(safe.list);
	return result;
}

/* The other ports, or all. */
static int plan_disconnect(struct plan *plan, bool all)
{
	int result = 0;

	for (size_t i = 0; i < plan->users_count && result == 0; i++)
		if ((all || !plan->users[i].safe) &&
		    link_up(&plan->host->route, plan->users[i].state.uplink.ifindex,
			    plan->users[i].state.uplink.port) == 1)
			result =
			    uplink_disconnect(&plan->host->route, &plan->users[i].state.uplink);
	return result;
}

static int plan_bridges(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct planned *p = &plan->networks[i];
		int result = 0;

		for (unsigned b = 0; b < p->state.bridges && result == 0; b++) {
			char name[IFNAMSIZ];

			result = ruleset_bridge_name(p->state.bridge, b, name);
			result = result
				     ?: uplink_bridge_make(&plan->host->route, &p->state, name,
							   &p->ifindex[b]);
			result = result ?: sysctl_bridge(plan->host, name);
		}
		result = result ?: uplink_network_routes(&plan->host->route, &p->state, true);
		if (result < 0)
			return result;
	}
	return 0;
}

/* In doubt it exists: if it does not, connecting it fails, and with it the set-up. */
static bool port_present(struct plan *plan, const struct planned_user *user)
{
	unsigned ifindex;

	return link_index(&plan->host->route, user->state.uplink.port, &ifindex) < 0 ||
	       ifindex == user->state.uplink.ifindex;
}

static int plan_reconnect(struct plan *plan)
{
	for (size_t i = 0; i < plan->users_count; i++) {
		struct planned_user *user = &plan->users[i];
		int result;

		/* If the port is gone, its user's next login makes it again. */
		if (!user->network || !port_present(plan, user))
			continue;
		result = link_index(&plan->host->route, user->state.uplink.bridge,
				    &user->state.uplink.bridge_ifindex);
		if (result < 0)
			return result;
		result = user->safe ? uplink_refresh(&plan->host->route, &user->state.uplink)
				    : uplink_connect(&plan->host->route, &user->state.uplink);
		/* The user's last process may have ended just now. */
		if (result < 0 && port_present(plan, user))
			return result;
	}
	return 0;
}

static int plan_templates(struct plan *plan)
{
	int result = mntns_host_prepare();

	for (size_t i = 0; i < plan->count && result == 0; i++) {
		result = setup_resolv(plan->host, plan->networks[i].state.conf);
		result = result
			     ?: mntns_template_make(plan->networks[i].state.conf,
						    plan->host->ns.fd[KIND_MNT]);
	}
	return result;
}

static int plan_record(struct plan *plan, struct host_state *state)
{
	int result = 0;

	for (size_t i = 0; i < plan->count && result == 0; i++)
		result = network_state_write(plan->host->run, &plan->networks[i].state);
	result = result ?: guard_fingerprint(&plan->host->netfilter, &state->rules);
	return result < 0 ? result : host_state_write(plan->host->run, state);
}

static bool plan_has_ipv6(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->networks[i].state.subnet6.address.family)
			return true;
	return false;
}

static int forwarding_note(struct host *host, bool ipv6, unsigned *ours)
{
	int on = sysctl_forwarding_on(host, ipv6);

	*ours |= on == 0;
	return on < 0 ? on : 0;
}

/*
 * Finds the families that are forwarded only because of us, now or since an earlier set-up.
 * That is recorded before forwarding is switched on: after a crash in between, the next set-up
 * must not take it for the host's own setting, and forward other traffic. No login trusts a
 * record without rules.
 */
static int plan_forwarding(struct plan *plan, uint64_t version, struct host_state *state)
{
	int result = setup_host_state(plan->host, state);

	result = result ?: forwarding_note(plan->host, false, &state->forwarding_ours);
	if (result == 0 && plan_has_ipv6(plan))
		result = forwarding_note(plan->host, true, &state->forwarding6_ours);
	if (result < 0)
		return result;
	state->conf = version;
	state->port_lock = plan->port_lock;
	state->rules = 0;
	return host_state_write(plan->host->run, state);
}

/* Is a further bridge the only change? */
static bool plan_only_grows(const struct plan *plan, uint64_t version)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct setup setup = {.conf = plan->conf,
				      .version = version,
				      .network = plan->networks[i].state.conf};

		if (setup_intact(plan->host, &setup) != 1 ||
		    !setup_ipv6_follows(setup.network, &setup.state))
			return false;
	}
	return plan->bridges > 1;
}

/* Incomplete rules would protect no user: then all ports go down. */
static int plan_protect(struct plan *plan, struct host_state *state)
{
	int result = plan_disconnect(plan, false);

	result = result ?: plan_drop_unlisted(plan);
	result = result ?: plan_bridges(plan);
	result = result ?: plan_rules(plan, state);
	if (result < 0)
		(void)!plan_disconnect(plan, true);
	else
		plan_flush(plan, state);
	return result;
}

static int plan_grow(struct plan *plan, struct host_state *state)
{
	int result = plan_drop_unlisted(plan);

	result = result ?: plan_bridges(plan);
	result = result ?: plan_rules(plan, state);
	if (result == 0)
		plan_flush(plan, state);
	return result;
}

static int plan_apply(struct plan *plan, uint64_t version)
{
	bool grows = plan_only_grows(plan, version);
	struct host_state state;
	int result = plan_kernel(plan);

	result = result ?: plan_users(plan);
	result = result ?: plan_decide(plan);
	if (result == 0 && !grows)
		result = plan_ports(plan);
	result = result ?: plan_forwarding(plan, version, &state);
	/* Not before that has recorded what the kernel lacks, so that doctor can tell. */
	result = result ?: plan_lock_required(plan);
	result = result ?: grows ? plan_grow(plan, &state) : plan_protect(plan, &state);
	if (result == 0 && !grows)
		result = plan_reconnect(plan);
	result = result ?: sysctl_forwarding(plan->host, false);
	if (result == 0 && plan_has_ipv6(plan))
		result = sysctl_forwarding(plan->host, true);
	if (result == 0 && !grows)
		result = plan_templates(plan);
	result = result ?: plan_record(plan, &state);
	if (result == 0)
		plan_policy_tell(plan);
	return result;
}

int setup_apply_locked(struct host *host, const struct conf *conf, uint64_t version,
		       const struct network *network, unsigned bridges)
{
	struct plan plan = {.host = host, .conf = conf, .grow = network, .bridges = bridges};
	int result = plan_choose(&plan, network);

	result = result ?: plan_apply(&plan, version);
	free(plan.users);
	return result;
}
