/*
 * The lease: the user's address, the same at each login; see lib/state/lease.h.
 *
 * It stays after the last logout. gc_leases.c decides when a lease is given up.
 */
#include "../gc.h"
#include "../resource.h"

#include <errno.h>
#include <string.h>

#include "state/lease.h"
#include "state/lease_use.h"
#include "state/lock.h"

static int lease_new(struct user *user, int leases, uint32_t *offset)
{
	const struct network *network = user->profile->network;
	struct host *host = user->host;
	int error = leases_lost(host, network, leases);

	if (error)
		return error;
	error = lock_take(host->lock, host->proc, LOCK_LEASES);
	if (error)
		return error;
	error = lease_take(leases, network->name, &user->network.subnet, user->uid, offset);
	lock_release(host->lock, LOCK_LEASES);
	return error == -EADDRNOTAVAIL ? lease_take_over(host, network, user->uid, offset) : error;
}

static int lease_make(struct user *user)
{
	int leases = lease_folder_open();
	struct uplink *uplink = &user->state.uplink;
	gid_t gid = uplink->gid;
	uint32_t offset;
	int error;

	if (leases < 0)
		return leases;
	error = lease_find(leases, user->network.name, &user->network.subnet, user->uid, &offset);
	if (error == -ENOENT)
		error = lease_new(user, leases, &offset);
	if (error)
		return error;
	uplink_init(uplink, &user->network, user->uid, offset);
	uplink->gid = gid;
	return 0;
}

/* The lease is not given back: its last use is noted. */
static int lease_undo(struct user *user)
{
	if (*user->state.network)
		lease_used(user->state.network, user->uid);
	return 0;
}

const struct resource resource_lease = {
    .name = "lease",
    .make = lease_make,
    .undo = lease_undo,
    .sweep = gc_leases,
};
