/*
 * pam-netns doctor: does the kernel agree with the records of active users? libnl-route-3 reads it
 * (kernel.h), not the code that wrote it.
 *
 * The kernel's tables are read once and compared with all users. A login or logout may be changing
 * them, so a user who differs is compared again under that user's lock, and only then reported.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../kernel.h"
#include "doctor.h"
#include "state/lock.h"
#include "rules/ruleset.h"
#include "state/network.h"
#include "base/paths.h"
#include "state/state.h"

#define TOLD_MAX 8 /* users; a difference of all users has one cause */

struct records {
	struct doctor *doctor; /* NULL: differences are found but not reported */
	int run, lock, proc;
	struct kernel kernel;
};

#define TELL(r, ...)                                                                               \
	do {                                                                                       \
		if ((r)->doctor)                                                                   \
			doctor_problem((r)->doctor, __VA_ARGS__);                                  \
	} while (0)

static bool port_differs(struct records *r, const struct user_state *state, unsigned bridge)
{
	const struct kernel_object *port = kernel_port(&r->kernel, state->uplink.ifindex);
	struct kernel_link link;

	if (port && port->bridge == bridge && strcmp(port->name, state->uplink.port) == 0) {
		if (port->wrong)
			TELL(r, "user %s: port %s is %s -> pam-netns gc", state->account,
			     state->uplink.port, port->wrong);
		return port->wrong;
	}
	if (!port && kernel_link(state->uplink.ifindex, NULL, &link) == -ENODEV)
		TELL(r,
		     "user %s: port %s is missing, so the user is cut off until the next login -> "
		     "pam-netns kick %s",
		     state->account, state->uplink.port, state->account);
	else
		TELL(r, "user %s: port %s is not in bridge %s -> pam-netns gc", state->account,
		     state->uplink.port, state->uplink.bridge);
	return true;
}

static bool fdb_differs(struct records *r, const struct user_state *state)
{
	const struct kernel_object *entry =
	    kernel_fdb(&r->kernel, state->uplink.ifindex, &state->uplink.mac);
	char mac[MAC_TEXT_MAX];

	if (entry && entry->fixed)
		return false;
	TELL(r, "user %s: MAC %s is not that of port %s in bridge %s -> pam-netns gc",
	     state->account, mac_format(&state->uplink.mac, mac), state->uplink.port,
	     state->uplink.bridge);
	return true;
}

/* Compares the route to an address of the user, and its neighbour entry. */
static bool address_differs(struct records *r, const struct user_state *state, unsigned bridge,
			    const struct address *address)
{
	const struct kernel_object *neighbour =
	    kernel_find(&r->kernel, KERNEL_NEIGHBOUR, bridge, address);
	bool route = kernel_find(&r->kernel, KERNEL_ROUTE, bridge, address);
	char text[ADDRESS_TEXT_MAX], mac[MAC_TEXT_MAX];
	bool known = neighbour && neighbour->fixed &&
		     memcmp(&neighbour->mac, &state->uplink.mac, sizeof(state->uplink.mac)) == 0;

	address_format(address, text);
	if (!route)
		TELL(r, "user %s: there is no route to %s over bridge %s -> pam-netns gc",
		     state->account, text, state->uplink.bridge);
	if (!known)
		TELL(r,
		     "user %s: %s has no neighbour entry with MAC %s on bridge %s -> "
		     "pam-netns gc",
		     state->account, text, mac_format(&state->uplink.mac, mac),
		     state->uplink.bridge);
	return !route || !known;
}

static bool user_differs(struct records *r, const struct user_state *state)
{
	/* doctor_live() reports a missing bridge. */
	unsigned bridge = *state->uplink.port ? if_nametoindex(state->uplink.bridge) : 0;
	struct network_state up;
	bool differs;

	if (!bridge)
		return false;
	differs = port_differs(r, state, bridge);
	if (kernel_port(&r->kernel, state->uplink.ifindex))
		differs |= fdb_differs(r, state);
	differs |= address_differs(r, state, bridge, &state->uplink.address);
	/* IPv6 may have been disabled on the host while the user was active. */
	if (state->uplink.address6.family &&
	    (network_state_read(r->run, state->network, &up) < 0 || up.subnet6.address.family))
		differs |= address_differs(r, state, bridge, &state->uplink.address6);
	return differs;
}

/* Under these locks no login, removal or set-up is running. */
static bool user_differs_locked(struct records *r, struct doctor *doctor, uid_t uid)
{
	struct user_state state;
	bool differs = false;

	if (lock_share(r->lock, r->proc, uid) < 0)
		return false;
	if (lock_share(r->lock, r->proc, LOCK_HOST) == 0 && state_read(r->run, uid, &state) == 0) {
		kernel_free(&r->kernel);
		r->doctor = doctor;
		differs = kernel_read(&r->kernel) == 0 && user_differs(r, &state);
		r->doctor = NULL;
	}
	lock_release(r->lock, LOCK_HOST);
	lock_release(r->lock, uid);
	return differs;
}

/* Keeps only the uids that differ at first sight. */
static size_t users_sift(struct records *r, uid_t *uids, size_t count)
{
	struct user_state state;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (state_read(r->run, uids[i], &state) == 0 && user_differs(r, &state))
			uids[kept++] = uids[i];
	return kept;
}

static void users_check(struct doctor *doctor, struct records *r)
{
	CLEANUP_FREE uid_t *uids = NULL;
	unsigned told = 0;
	size_t count;

	if (state_list(r->run, &uids, &count) < 0) {
		doctor_warning(doctor, "cannot list the active users -> look at " USERS_DIR
				       ", which must be a folder of root's");
		return;
	}
	count = users_sift(r, uids, count);
	for (size_t i = 0; i < count; i++) {
		if (told == TOLD_MAX) {
			doctor_warning(doctor,
				       "%zu more users seem to differ from their records -> "
				       "pam-netns gc",
				       count - i);
			break;
		}
		told += user_differs_locked(r, doctor, uids[i]);
	}
}

static void gateway_check(struct doctor *doctor, struct records *r, const char *bridge,
			  const struct prefix *subnet)
{
	const struct address gateway = prefix_gateway(subnet);
	unsigned link = if_nametoindex(bridge);
	char text[ADDRESS_TEXT_MAX];

	if (link && gateway.family && !kernel_find(&r->kernel, KERNEL_ADDRESS, link, &gateway))
		doctor_problem(doctor, "bridge %s lacks the gateway's address %s -> pam-netns up",
			       bridge, address_format(&gateway, text));
}

static void gateways_check(struct doctor *doctor, struct records *r)
{
	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		struct network_state up;
		char bridge[IFNAMSIZ];

		if (network_state_read(r->run, doctor->conf->networks[i].name, &up) < 0)
			continue;
		for (unsigned b = 0; b < up.bridges; b++) {
			if (ruleset_bridge_name(up.bridge, b, bridge) < 0)
				continue;
			gateway_check(doctor, r, bridge, &up.subnet);
			gateway_check(doctor, r, bridge, &up.subnet6);
		}
	}
}

void doctor_records(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int proc = open(HOSTPROC, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int lock = proc < 0 ? -1 : lock_open();
	struct records r = {.run = run, .lock = lock, .proc = proc};

	if (run < 0 || lock < 0 || proc < 0)
		return; /* nothing was set up since the boot */
	if (lock_share(lock, proc, LOCK_HOST) == 0 && kernel_read(&r.kernel) == 0) {
		gateways_check(doctor, &r);
		lock_release(lock, LOCK_HOST);
		users_check(doctor, &r);
	} else {
		doctor_warning(doctor,
			       "cannot read the users' uplinks from the kernel -> look at the "
			       "error of ip -d link");
	}
	kernel_free(&r.kernel);
}
