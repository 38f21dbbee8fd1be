/*
 * Repairs leases, and gives them up; see gc.h.
 *
 * A lease is given up in two cases: no user has its uid any more (the command, which has name
 * services, has noted that: lease_use.h), or a login finds all addresses of its network leased.
 * Then that login gets the one that has been unused for the longest time.
 *
 * An address changes hands under the lock of the user who had it, so no login of that user is under
 * way. Before that, everything that the host has for it is removed: routes and neighbours, elements
 * of the guard, connections. The lock is only tried, because a login that needs an address holds
 * its own user's lock. If the helper is killed, the address stays with the old user, or is free.
 */
#include "gc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "net/conntrack.h"
#include "net/guard.h"
#include "state/lease.h"
#include "state/lease_use.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "recorded.h"
#include "net/uplink.h"

#define FREED_MAX 32 /* in one run: each means a search through all connections */
#define DAY_S	  (24 * 3600)

/* A network that is set up, its conf, and the folder of leases. */
struct leased {
	struct host *host;
	const struct network *network;
	struct network_state state;
	int leases;
};

struct port_search {
	uid_t uid;
	bool found;
};

static int port_seen(void *context, const char *name, unsigned ifindex, unsigned master)
{
	struct port_search *search = context;
	uid_t uid;

	(void)ifindex;
	(void)master;
	search->found |= port_uid(name, &uid) && uid == search->uid;
	return 0;
}

static bool user_recorded(const struct host *host, uid_t uid)
{
	char name[32];

	snprintf(name, sizeof(name), "users/%u", uid);
	return faccessat(host->run, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* Is there nothing that a login makes? The user's lock is held. In doubt there is something. */
static bool user_idle(struct host *host, uid_t uid)
{
	struct port_search search = {.uid = uid};

	return !user_recorded(host, uid) && !pins_exist(uid) &&
	       link_each_port(&host->route, port_seen, &search) == 0 && !search.found;
}

/* Removes everything that the host has for an address. -EBUSY: another user is active with it. */
static int address_clear(const struct leased *l, uid_t uid, uint32_t offset)
{
	struct host *host = l->host;
	struct prefix prefixes[2] = {0};
	struct uplink uplink;
	int result = 0;

	uplink_init(&uplink, &l->state, uid, offset);
	if (recorded_address(host, &uplink.address))
		return -EBUSY;
	for (unsigned b = 0; b < l->state.bridges && result == 0; b++) {
		result = ruleset_bridge_name(l->state.bridge, b, uplink.bridge);
		result = result ?: uplink_detach(&host->route, &uplink);
	}
	result = result ?: guard_forget(&host->netfilter, &uplink.address, &uplink.address6);
	if (result < 0)
		return result;
	prefixes[0] = (struct prefix){uplink.address, 8 * address_size(&uplink.address)};
	prefixes[1] = (struct prefix){uplink.address6, 8 * address_size(&uplink.address6)};
	result = conntrack_drop(&host->netfilter, prefixes, uplink.address6.family ? 2 : 1);
	return result < 0 ? result : 0;
}

/*
 * Frees the lease under the lock of uid and LOCK_LEASES, so that no other login gets the address in
 * between: to (-1: none) takes a lease.
 */
static int lease_hand_over(const struct leased *l, uid_t uid, uid_t to, uint32_t *offset)
{
	struct host *host = l->host;
	int result = lock_take(host->lock, host->proc, LOCK_LEASES);

	if (result < 0)
		return result;
	result = lease_release(l->leases, l->state.name, &l->state.subnet, uid);
	if (result == 0 && to != (uid_t)-1)
		result = lease_take(l->leases, l->state.name, &l->state.subnet, to, offset);
	lock_release(host->lock, LOCK_LEASES);
	return result;
}

/* -EBUSY: the user is active, leaving, or logging in. */
static int lease_give_up(const struct leased *l, uid_t uid, uid_t to, uint32_t *offset)
{
	struct host *host = l->host;
	uint32_t old;
	int result = lock_try(host->lock, uid);

	if (result < 0)
		return result == -EAGAIN ? -EBUSY : log_errno(-result, "lock %s", LOCK_PATH);
	result = user_idle(host, uid) ? 0 : -EBUSY;
	result = result ?: lease_find(l->leases, l->state.name, &l->state.subnet, uid, &old);
	/* A lease of another subnet has no address to give. */
	if (result == -ENOENT)
		result = to == (uid_t)-1 ? 0 : -EBUSY;
	else
		result = result ?: address_clear(l, uid, old);
	result = result ?: lease_hand_over(l, uid, to, offset);
	lock_release(host->lock, uid);
	return result;
}

static int leased_open(struct leased *l, struct host *host, const struct network *network)
{
	l->host = host;
	l->network = network;
	if (network_state_read(host->run, network->name, &l->state) < 0)
		return -ENOENT;
	return 0;
}

static int leases_mend(const struct leased *l)
{
	int result = lock_take(l->host->lock, l->host->proc, LOCK_LEASES);

	if (result < 0)
		return result;
	result = lease_repair(l->leases, l->state.name, &l->state.subnet);
	if (result > 0)
		log_info("removed %d torn leases of network %s", result, l->state.name);
	lock_release(l->host->lock, LOCK_LEASES);
	return result < 0 ? result : 0;
}

/* Of one user, if the user is active in this network. */
static int lease_restore_user(const struct leased *l, uid_t uid)
{
	struct user_state user;

	if (!recorded_user(l->host, uid, &user) || !*user.uplink.port ||
	    strcmp(user.network, l->state.name) != 0)
		return 0;
	return lease_restore(l->leases, l->state.name, &l->state.subnet, uid, &user.uplink.address);
}

/*
 * Leases may be lost while users are active: a folder was removed, or an old copy was put back. No
 * other user may get the addresses of these users.
 */
static int leases_restore(const struct leased *l)
{
	struct host *host = l->host;
	CLEANUP_FREE uid_t *uids = NULL;
	size_t count = 0;
	int restored = 0, result = lock_take(host->lock, host->proc, LOCK_LEASES);

	if (result < 0)
		return result;
	result = state_list(host->run, &uids, &count);
	for (size_t i = 0; i < count && result >= 0; i++) {
		result = lease_restore_user(l, uids[i]);
		restored += result == 1;
	}
	lock_release(host->lock, LOCK_LEASES);
	if (restored)
		log_warning("network %s: leases of %d active users were lost: made again",
			    l->state.name, restored);
	return result < 0 ? result : 0;
}

int leases_lost(struct host *host, const struct network *network, int leases)
{
	struct leased l = {.leases = leases};
	char path[CONF_NAME_MAX + sizeof("/address")];

	snprintf(path, sizeof(path), "%s/address", network->name);
	if (faccessat(leases, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    leased_open(&l, host, network) < 0)
		return 0;
	return leases_restore(&l);
}

/* Torn leases may have held addresses. */
static int leases_mend_and_take(const struct leased *l, uid_t uid, uint32_t *offset)
{
	int result = leases_mend(l);

	result = result ?: lock_take(l->host->lock, l->host->proc, LOCK_LEASES);
	if (result < 0)
		return result;
	result = lease_take(l->leases, l->state.name, &l->state.subnet, uid, offset);
	lock_release(l->host->lock, LOCK_LEASES);
	return result;
}

int lease_take_over(struct host *host, const struct network *network, uid_t uid, uint32_t *offset)
{
	CLEANUP_FREE struct lease_use *uses = NULL;
	CLEANUP_FD int leases = lease_folder_open();
	struct leased l = {.leases = leases};
	size_t count = 0, i;
	int result = leases < 0 ? leases : leased_open(&l, host, network);

	result = result ?: leases_mend_and_take(&l, uid, offset);
	if (result != -EADDRNOTAVAIL)
		return result;
	result = lease_uses(leases, network->name, &uses, &count);
	if (result < 0)
		return result;
	for (result = -EBUSY, i = 0; i < count && result == -EBUSY; i++)
		if (uses[i].uid != uid)
			result = lease_give_up(&l, uses[i].uid, uid, offset);
	if (result == 0)
		log_info("uid %u gets the address of uid %u, which did not use it for %lld days: "
			 "network %s has no other left",
			 uid, uses[i - 1].uid, (long long)(time(NULL) - uses[i - 1].time) / DAY_S,
			 network->name);
	if (result == -EBUSY)
		log_error("all %u addresses of network %s belong to active users: give it a larger "
			  "subnet in the conf file",
			  prefix_last_offset(&l.state.subnet) - 1, network->name);
	return result;
}

/* Had no user this uid at two lookups, the first of them long enough ago? */
static bool uid_absent(const struct lease_use *absent, size_t count, time_t looked, uid_t uid)
{
	for (size_t i = 0; i < count; i++)
		if (absent[i].uid == uid)
			return absent[i].time <= looked - LEASE_LOOK_S;
	return false;
}

/* Frees leases of uids that no user has. Marks the leases of active users as used. */
static int leases_age(const struct leased *l)
{
	CLEANUP_FREE struct lease_use *uses = NULL, *absent = NULL;
	size_t count = 0, absent_count = 0, freed = 0;
	time_t now = time(NULL), looked = lease_looked(l->leases);
	int result = lease_uses(l->leases, l->state.name, &uses, &count);

	result = result ?: lease_absent(l->leases, &absent, &absent_count);
	for (size_t i = 0; i < count && result == 0 && freed < FREED_MAX; i++) {
		uid_t uid = uses[i].uid;

		if (user_recorded(l->host, uid)) {
			lease_used_again(l->leases, l->state.name, uid, DAY_S);
			continue;
		}
		if (uses[i].time > now - LEASE_KEPT_S ||
		    !uid_absent(absent, absent_count, looked, uid))
			continue;
		result = lease_give_up(l, uid, (uid_t)-1, NULL);
		if (result == 0 && ++freed)
			log_info("freed the lease of uid %u in network %s: no user has that uid",
				 uid, l->state.name);
		result = result == -EBUSY ? 0 : result;
	}
	return result;
}

int gc_leases(struct host *host, const struct conf *conf)
{
	CLEANUP_FD int leases =
	    openat(AT_FDCWD, LEASES_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int result = 0, next;

	for (size_t i = 0; conf && leases >= 0 && i < conf->networks_count; i++) {
		struct leased l = {.leases = leases};

		if (leased_open(&l, host, &conf->networks[i]) < 0)
			continue;
		next = leases_mend(&l);
		if (next == 0)
			next = leases_restore(&l);
		if (next == 0)
			next = leases_age(&l);
		result = result < 0 ? result : next;
	}
	return result;
}
