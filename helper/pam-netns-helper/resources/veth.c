/*
 * The veth pair: eth0 in the user's network namespace, down until the guard knows it.
 *
 * It goes with the namespace: removing it would wait 33 ms for RCU.
 */
#include "../resource.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "state/lock.h"

static int pair_make(struct user *user)
{
	struct uplink *uplink = &user->state.uplink;
	int error = uplink_create(&user->host->route, user->pins.fd[KIND_NET], uplink);

	return error ?: uplink_configure_user(&user->inside, uplink, UPLINK_USER_INDEX);
}

/* Making the namespaces has left the process in them; making the mount namespace goes back. */
static int veth_make(struct user *user)
{
	int error =
	    host_return(user->host, user->state.namespaces & ~(NAMESPACE_MNT | NAMESPACE_CGROUP));

	return error ?: pair_make(user);
}

/*
 * The user's network as it is now, and the index of the bridge. The record decides, not the conf
 * file: subnet or profile may have changed since. LOCK_HOST is shared from here on. -ENOENT: gc finds
 * that the network is down.
 */
static int network_find(struct user *user)
{
	struct user_state *s = &user->state;
	struct host *host = user->host;
	int error = lock_share(host->lock, host->proc, LOCK_HOST);

	if (error)
		return error;
	error = network_state_read(host->run, s->network, &user->network);
	if (error == -ENOENT && !host->thorough)
		log_error("network %s, in which %s is still active, is not set up: run pam-netns "
			  "up if the conf file has it, otherwise pam-netns kick %s",
			  s->network, s->account, s->account);
	if (error == -ENOENT)
		return error;
	if (error)
		return log_errno(-error, "read the state of network %s", s->network);
	user->network.conf = user->conf ? conf_network(user->conf, s->network) : NULL;
	s->uplink.network = &user->network;
	/* IPv6 was disabled on the host while the user was active: see users_without_ipv6(). */
	if (!user->network.subnet6.address.family) {
		user->address6 = s->uplink.address6;
		s->uplink.address6 = (struct address){0};
	}
	return link_index(&host->route, s->uplink.bridge, &s->uplink.bridge_ifindex);
}

/* A netlink socket in the namespace of an active user. */
static int inside_open(struct user *user)
{
	int error;

	if (setns(user->pins.fd[KIND_NET], CLONE_NEWNET) < 0)
		return log_errno(errno, "enter the user's network namespace");
	error = netlink_open(&user->inside, NETLINK_ROUTE);
	return host_return(user->host, NAMESPACE_NET) ?: error;
}

/*
 * A user with net_admin may have removed it, and may have changed all else there too. So what cannot
 * be configured inside is left to the user, and the login goes on.
 */
static int pair_make_again(struct user *user)
{
	struct uplink *uplink = &user->state.uplink;
	unsigned index;
	int error;

	log_warning("the uplink of uid %u is gone: making it again", user->uid);
	error = inside_open(user);
	user->changed = true;
	error =
	    error
		?: uplink_create_again(&user->host->route, user->pins.fd[KIND_NET], uplink, &index);
	if (!error && uplink_configure_user(&user->inside, uplink, index) < 0)
		log_warning("the network of uid %u is not as a login made it: pam-netns repair",
			    user->uid);
	return error;
}

/* A further login asks only whether the port is up. */
static int veth_check_login(struct user *user)
{
	struct uplink *uplink = &user->state.uplink;
	struct host *host = user->host;
	int up = link_up(&host->route, uplink->ifindex, uplink->port), error;

	if (up)
		return up < 0 ? up : 0;
	error = network_find(user);
	if (error)
		return error;
	if (!uplink->bridge_ifindex)
		return log_errno(ENODEV, "find bridge %s", uplink->bridge);
	user->uplink = UPLINK_CONNECT;
	if (link_find(&host->route, uplink->port) != uplink->ifindex)
		return pair_make_again(user);
	log_warning("the uplink of uid %u is down: connecting it again", user->uid);
	return 0;
}

/*
 * The user's next login makes a missing port or bridge again; gc does not. After `down --force` gc
 * finds no network either.
 */
static int veth_check_thoroughly(struct user *user)
{
	struct uplink *uplink = &user->state.uplink;
	int error;

	if (!user->conf || !conf_network(user->conf, user->state.network))
		return 0;
	error = network_find(user);
	if (error || !uplink->bridge_ifindex ||
	    link_find(&user->host->route, uplink->port) != uplink->ifindex)
		return error == -ENOENT ? 0 : error;
	user->uplink = uplink_port_safe(user->safe, uplink) ? UPLINK_REFRESH : UPLINK_CONNECT;
	return 0;
}

static int veth_check(struct user *user)
{
	return user->host->thorough ? veth_check_thoroughly(user) : veth_check_login(user);
}

/* The ports in bridges that have no record; freed by the caller. */
struct strays {
	struct host *host;
	struct stray {
		unsigned ifindex;
		char port[IFNAMSIZ];
	} * list;
	size_t count;
};

static int port_seen(void *context, const char *name, unsigned ifindex, unsigned master)
{
	struct strays *s = context;
	struct stray *more;

	(void)master;
	if (recorded_port(s->host, name))
		return 0;
	more = reallocarray(s->list, s->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->list = more;
	more[s->count].ifindex = ifindex;
	snprintf(more[s->count++].port, IFNAMSIZ, "%s", name);
	return 0;
}

static int stray_remove(struct host *host, const void *stray)
{
	return link_remove(&host->route, ((const struct stray *)stray)->ifindex);
}

static int veth_sweep(struct host *host, const struct conf *conf)
{
	struct strays s = {.host = host};
	int error = link_each_port(&host->route, port_seen, &s);

	(void)conf;
	for (size_t i = 0; i < s.count && !error; i++)
		error = unrecorded_remove(host, s.list[i].port, stray_remove, &s.list[i]);
	free(s.list);
	return error;
}

const struct resource resource_veth = {
    .name = "veth pair",
    .make = veth_make,
    .check = veth_check,
    .sweep = veth_sweep,
};
