/*
 * The uplink: the port in its bridge, locked and up; routes and neighbours of the user's addresses.
 */
#include "../resource.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/paths.h"
#include "state/lock.h"

static int uplink_make(struct user *user)
{
	return uplink_connect(&user->host->route, &user->state.uplink);
}

/*
 * Takes the port down and removes the routes. The pair lives on while a process or a socket is in
 * the namespace, and no packet of it may pass any more (T37).
 */
static int uplink_undo(struct user *user)
{
	const struct uplink *uplink = &user->state.uplink;

	return *uplink->bridge ? uplink_detach(&user->host->route, uplink) : 0;
}

static int uplink_check(struct user *user)
{
	const struct uplink *uplink = &user->state.uplink;

	if (user->uplink == UPLINK_CONNECT)
		return uplink_connect(&user->host->route, uplink);
	return user->uplink == UPLINK_REFRESH ? uplink_refresh(&user->host->route, uplink) : 0;
}

/* The uid to which an address is leased: 1; 0 if there is none; or -errno. */
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
static struct address address_ipv4(const struct network_state *network,
				   const struct address *address)
{
	return address->family == AF_INET
		   ? *address
		   : prefix_address(&network->subnet, prefix_offset(&network->subnet6, address));
}

/*
 * Does the route belong to no active user? 1, 0, or -errno. locked: the uid whose lock is held, -1:
 * none. If the address belongs to another uid by now, that user's login may be under way.
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

/* The bridges of one network, and the routes over them that seem to have no user. */
struct routes {
	struct host *host;
	struct route {
		unsigned link;
		struct address address;
	} * unused;
	size_t unused_count;
	struct address *recorded; /* of active users, sorted */
	size_t recorded_count;
	unsigned bridges[NETWORK_BRIDGES_MAX];
	size_t bridges_count;
};

static int routes_prepare(struct routes *routes, const struct network_state *network)
{
	struct host *host = routes->host;
	CLEANUP_FREE uid_t *uids = NULL;
	struct user_state state;
	char name[IFNAMSIZ];
	size_t count;
	int result = state_list(host->run, &uids, &count);

	for (unsigned b = 0; b < network->bridges && b < NETWORK_BRIDGES_MAX; b++)
		if (ruleset_bridge_name(network->bridge, b, name) == 0)
			routes->bridges[routes->bridges_count++] = link_find(&host->route, name);
	if (result < 0)
		return result;
	routes->recorded = calloc(2 * count + 1, sizeof(*routes->recorded));
	if (!routes->recorded)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!recorded_user(host, uids[i], &state))
			continue;
		routes->recorded[routes->recorded_count++] = state.uplink.address;
		routes->recorded[routes->recorded_count++] = state.uplink.address6;
	}
	qsort(routes->recorded, routes->recorded_count, sizeof(*routes->recorded), address_compare);
	return 0;
}

static int route_add(struct routes *routes, unsigned link, const struct address *address)
{
	struct route *more = reallocarray(routes->unused, routes->unused_count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	routes->unused = more;
	more[routes->unused_count++] = (struct route){.link = link, .address = *address};
	return 0;
}

static int route_seen(void *context, unsigned link, const struct address *address)
{
	struct routes *routes = context;

	for (size_t i = 0; i < routes->bridges_count; i++)
		if (routes->bridges[i] == link)
			return bsearch(address, routes->recorded, routes->recorded_count,
				       sizeof(*address), address_compare)
				   ? 0
				   : route_add(routes, link, address);
	return 0;
}

static int route_collect(struct host *host, const struct network_state *state,
			 const struct route *route)
{
	const struct address *address = &route->address;
	/* uplink_detach() takes an IPv4 address first; that it is missing is not an error. */
	struct uplink uplink = {.bridge_ifindex = route->link,
				.address = address_ipv4(state, address)};
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

/* Lists all routes of a network once, whatever the number of bridges and users. */
static int network_sweep(struct host *host, const char *name)
{
	struct routes routes = {.host = host};
	struct network_state network;
	int error;

	if (network_state_read(host->run, name, &network) < 0)
		return 0;
	error = routes_prepare(&routes, &network);
	error = error ?: uplink_each_host_route(&host->route, route_seen, &routes);
	for (size_t i = 0; i < routes.unused_count && !error; i++)
		error = route_collect(host, &network, &routes.unused[i]);
	free(routes.recorded);
	free(routes.unused);
	return error;
}

static int uplink_sweep(struct host *host, const struct conf *conf)
{
	int error = 0;

	for (size_t n = 0; conf && n < conf->networks_count && !error; n++)
		error = network_sweep(host, conf->networks[n].name);
	return error;
}

static void uplink_tell(const struct user *user, FILE *out)
{
	const struct uplink *u = &user->state.uplink;
	char address[ADDRESS_TEXT_MAX], address6[ADDRESS_TEXT_MAX];

	fprintf(out, " interface=%s address=%s address6=%s", u->port,
		address_format(&u->address, address), address_format(&u->address6, address6));
}

static void uplink_end(const struct user *user, FILE *out)
{
	struct link_counters bytes = link_count(&user->host->route, user->state.uplink.ifindex);

	fprintf(out, " bytes_in=%llu bytes_out=%llu", (unsigned long long)bytes.in,
		(unsigned long long)bytes.out);
}

const struct resource resource_uplink = {
    .name = "uplink",
    .make = uplink_make,
    .undo = uplink_undo,
    .check = uplink_check,
    .sweep = uplink_sweep,
    .tell = uplink_tell,
    .end = uplink_end,
};
