/*
 * gc of kernel objects: what is left of users who are not in; see gc.h.
 *
 * A login makes its port before the guard element and its record last, all under the user's lock.
 * So each leftover is looked at again under that lock before it is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "gc.h"
#include "net/guard.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "net/uplink.h"

/* A growing list of leftovers, since nothing may be removed in the middle of a dump. */
struct leftovers {
	struct leftover {
		struct ruleset_member member;
		unsigned ifindex;
	} * items;
	size_t count;
	bool ipv6;
	struct host *host;
};

static int leftover_add(struct leftovers *l, const struct leftover *item)
{
	struct leftover *more = reallocarray(l->items, l->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->items = more;
	l->items[l->count++] = *item;
	return 0;
}

static bool port_recorded(const struct host *host, const char *name)
{
	struct user_state state;
	uid_t uid;

	return port_uid(name, &uid) && recorded_user(host, uid, &state) &&
	       (!*state.interface || strcmp(state.interface, name) == 0);
}

static int port_seen(void *context, const char *name, unsigned ifindex, unsigned master)
{
	struct leftovers *l = context;
	struct leftover item = {.ifindex = ifindex};

	(void)master;
	if (port_recorded(l->host, name))
		return 0;
	snprintf(item.member.port, sizeof(item.member.port), "%s", name);
	return leftover_add(l, &item);
}

int gc_ports(struct host *host)
{
	struct leftovers l = {.host = host};
	int result = link_each_port(&host->route, port_seen, &l);
	uid_t uid;

	for (size_t i = 0; i < l.count && result == 0; i++) {
		const char *name = l.items[i].member.port;

		if (!port_uid(name, &uid))
			continue;
		result = lock_take(host->lock, host->proc, uid);
		if (result == 0 && !port_recorded(host, name))
			result = link_remove(&host->route, l.items[i].ifindex);
		lock_release(host->lock, uid);
	}
	free(l.items);
	return result;
}

static int element_seen(void *context, const struct ruleset_member *member)
{
	struct leftovers *l = context;
	struct leftover item = {.member = *member};

	return port_recorded(l->host, member->port) ? 0 : leftover_add(l, &item);
}

static int element_remove(struct host *host, struct ruleset_member *member, bool ipv6)
{
	uid_t uid;
	int result;

	if (!port_uid(member->port, &uid))
		return 0;
	result = lock_take(host->lock, host->proc, uid);
	if (result == 0 && !port_recorded(host, member->port)) {
		/* guard_remove() takes both families: this one alone. */
		if (ipv6)
			member->address = (struct address){0};
		result = guard_remove(&host->netfilter, member);
	}
	lock_release(host->lock, uid);
	return result;
}

int gc_guard(struct host *host)
{
	int result = 0;

	for (int ipv6 = 0; ipv6 < 2 && result == 0; ipv6++) {
		struct leftovers l = {.host = host, .ipv6 = ipv6};

		result = guard_each(&host->netfilter, ipv6, element_seen, &l);
		for (size_t i = 0; i < l.count && result == 0; i++)
			result = element_remove(host, &l.items[i].member, ipv6);
		free(l.items);
	}
	return result;
}

/* The uid that an address is leased to: 1, 0 if to none, or -errno. */
static int address_uid(const char *network, const struct address *address, uid_t *uid)
{
	char path[PATH_MAX], text[ADDRESS_TEXT_MAX], target[16];
	ssize_t length;

	snprintf(path, sizeof(path), LEASES_DIR "/%s/address/%s", network,
		 address_format(address, text));
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return errno == ENOENT || errno == EINVAL ? 0 : log_errno(errno, "read %s", path);
	target[length] = '\0';
	*uid = (uid_t)strtoul(target, NULL, 10);
	return 1;
}

/* The IPv4 address of the same user: leases are kept by it. */
static struct address address_ipv4(const struct uplink_network *network,
				   const struct address *address)
{
	uint32_t offset = 0;

	if (address->family == AF_INET)
		return *address;
	for (int i = 12; i < 16; i++)
		offset =
		    offset << 8 | (uint32_t)(address->bytes[i] ^ network->subnet6.address.bytes[i]);
	return prefix_address(&network->subnet, offset);
}

/*
 * Has the route no active user? 1, 0, or -errno. locked: the uid whose lock is held, -1: none. An
 * address that has become another's meanwhile may be that of a login which is under way.
 */
static int route_unused(const struct host *host, const char *network, const struct address *ipv4,
			const struct address *address, uid_t locked)
{
	struct user_state user;
	uid_t uid = (uid_t)-1;
	int known = address_uid(network, ipv4, &uid);

	if (known < 0)
		return known;
	if (uid != locked)
		return 0;
	return known ? !recorded_user(host, uid, &user) : !recorded_address(host, address);
}

static int address_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

/* The bridges of one network, and the routes over them that seem to be nobody's. */
struct routes {
	struct leftovers unused;
	struct address *recorded; /* of users in, sorted */
	size_t recorded_count;
	unsigned bridges[NETWORK_BRIDGES_MAX];
	size_t bridges_count;
};

static int routes_prepare(struct routes *routes, const struct network *network, unsigned bridges)
{
	struct host *host = routes->unused.host;
	CLEANUP_FREE uid_t *uids = NULL;
	struct user_state state;
	char name[IFNAMSIZ];
	size_t count;
	int result = state_list(host->run, &uids, &count);

	for (unsigned b = 0; b < bridges && b < NETWORK_BRIDGES_MAX; b++)
		if (ruleset_bridge_name(network, b, name) == 0)
			routes->bridges[routes->bridges_count++] = link_find(&host->route, name);
	if (result < 0)
		return result;
	routes->recorded = calloc(2 * count + 1, sizeof(*routes->recorded));
	if (!routes->recorded)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!recorded_user(host, uids[i], &state))
			continue;
		routes->recorded[routes->recorded_count++] = state.address;
		routes->recorded[routes->recorded_count++] = state.address6;
	}
	qsort(routes->recorded, routes->recorded_count, sizeof(*routes->recorded), address_compare);
	return 0;
}

static int route_seen(void *context, unsigned link, const struct address *address)
{
	struct routes *routes = context;
	const struct leftover item = {.member.address = *address, .ifindex = link};

	for (size_t i = 0; i < routes->bridges_count; i++)
		if (routes->bridges[i] == link)
			return bsearch(address, routes->recorded, routes->recorded_count,
				       sizeof(*address), address_compare)
				   ? 0
				   : leftover_add(&routes->unused, &item);
	return 0;
}

static int route_collect(struct host *host, const struct network_state *state,
			 const struct leftover *route)
{
	const struct address *address = &route->member.address;
	struct uplink_network network = network_state_uplink(state);
	/* uplink_detach() takes an IPv4 address first; a missing one is no error. */
	struct uplink uplink = {.bridge_ifindex = route->ifindex,
				.address = address_ipv4(&network, address)};
	uid_t uid = (uid_t)-1;
	int known = address_uid(state->name, &uplink.address, &uid);
	int result = known > 0 ? lock_take(host->lock, host->proc, uid) : known;

	if (result < 0)
		return result;
	if (address->family == AF_INET6)
		uplink.address6 = *address;
	result = route_unused(host, state->name, &uplink.address, address, uid);
	if (result > 0)
		result = uplink_detach(&host->route, &uplink);
	if (known)
		lock_release(host->lock, uid);
	return result;
}

/* All routes are listed once, however many bridges and users there are. */
int gc_routes(struct host *host, const struct conf *conf)
{
	int result = 0;

	for (size_t n = 0; n < conf->networks_count && result == 0; n++) {
		struct network_state state;
		struct routes routes = {.unused.host = host};

		if (network_state_read(host->run, conf->networks[n].name, &state) < 0)
			continue;
		result = routes_prepare(&routes, &conf->networks[n], state.bridges);
		if (result == 0)
			result = uplink_each_host_route(&host->route, route_seen, &routes);
		for (size_t i = 0; i < routes.unused.count && result == 0; i++)
			result = route_collect(host, &state, &routes.unused.items[i]);
		free(routes.recorded);
		free(routes.unused.items);
	}
	return result;
}

/* Users in a network, by the number of their bridge. */
static int ports_count(struct host *host, const struct network *network,
		       uint32_t counts[NETWORK_BRIDGES_MAX])
{
	CLEANUP_FREE uid_t *uids = NULL;
	char bridge[IFNAMSIZ];
	struct user_state user;
	size_t users;
	int result = state_list(host->run, &uids, &users);

	for (size_t i = 0; result == 0 && i < users; i++) {
		if (!recorded_user(host, uids[i], &user) ||
		    strcmp(user.network, network->name) != 0)
			continue;
		for (unsigned b = 0; b < NETWORK_BRIDGES_MAX; b++)
			if (ruleset_bridge_name(network, b, bridge) == 0 &&
			    strcmp(bridge, user.bridge) == 0)
				counts[b]++;
	}
	return result;
}

/*
 * A login reserves its port before its user is recorded, so what was read and not released may be
 * one that is under way: then nothing is put right. What changes meanwhile stays as it is.
 */
int gc_port_counts(struct host *host, const struct conf *conf)
{
	int result = 0;

	for (size_t n = 0; n < conf->networks_count && result == 0; n++) {
		const struct network *network = &conf->networks[n];
		uint32_t read[NETWORK_BRIDGES_MAX], right[NETWORK_BRIDGES_MAX] = {0};
		struct network_state state;

		if (network_state_read(host->run, network->name, &state) < 0)
			continue;
		ports_read(host->run, network->name, read);
		if (!lock_users_idle(host->lock))
			return 0;
		result = ports_count(host, network, right);
		if (result == 0)
			ports_mend(host->run, network->name, read, right);
	}
	return result;
}
