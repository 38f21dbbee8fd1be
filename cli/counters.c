/* Bytes received and sent; see counters.h. */
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>
#include <sched.h>
#include <string.h>

#include "log.h"
#include "paths.h"

#define USER_INTERFACE "eth0"

struct counters {
	struct nl_sock *socket;
	struct nl_cache *links;
	struct rtnl_link *own; /* eth0 of this namespace, or NULL */
};

/*
 * A netlink socket belongs to the namespace it was made in for ever. Root may have come here with
 * sudo from inside a session: the ports are on the host. Failing that, this namespace has to do.
 */
static int socket_connect(struct nl_sock *socket)
{
	CLEANUP_FD int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int host = open(HOSTPROC "/1/ns/net", O_RDONLY | O_CLOEXEC);
	bool moved = here >= 0 && host >= 0 && setns(host, CLONE_NEWNET) == 0;
	int error = nl_connect(socket, NETLINK_ROUTE);

	if (moved && setns(here, CLONE_NEWNET))
		return log_errno(errno, "return to this network namespace");
	if (error) {
		log_error("cannot connect to netlink: %s", nl_geterror(error));
		return -EIO;
	}
	return 0;
}

int counters_read(struct counters **out)
{
	struct counters *counters = calloc(1, sizeof(*counters));
	int error;

	*out = NULL;
	if (!counters)
		return -ENOMEM;
	counters->socket = nl_socket_alloc();
	if (!counters->socket) {
		free(counters);
		return -ENOMEM;
	}
	error = socket_connect(counters->socket);
	if (error) {
		counters_free(counters);
		return error;
	}
	error = rtnl_link_alloc_cache(counters->socket, AF_UNSPEC, &counters->links);
	if (error) {
		log_error("cannot list network interfaces: %s", nl_geterror(error));
		counters_free(counters);
		return -EIO;
	}
	counters->own = rtnl_link_get_by_name(counters->links, USER_INTERFACE);
	*out = counters;
	return 0;
}

/* The user's MAC tells their eth0 from the host's, and from another user's. */
static bool is_own(struct rtnl_link *link, const struct user_state *state)
{
	struct nl_addr *address = link ? rtnl_link_get_addr(link) : NULL;

	return address && nl_addr_get_len(address) == sizeof(state->mac.bytes) &&
	       !memcmp(nl_addr_get_binary_addr(address), state->mac.bytes,
		       sizeof(state->mac.bytes));
}

bool counters_find(const struct counters *counters, const struct user_state *state,
		   uint64_t *received, uint64_t *sent)
{
	struct rtnl_link *port = rtnl_link_get(counters->links, (int)state->ifindex);
	bool found = port && !strcmp(rtnl_link_get_name(port), state->interface);

	if (found) {
		*received = rtnl_link_get_stat(port, RTNL_LINK_TX_BYTES);
		*sent = rtnl_link_get_stat(port, RTNL_LINK_RX_BYTES);
	} else if (is_own(counters->own, state)) {
		*received = rtnl_link_get_stat(counters->own, RTNL_LINK_RX_BYTES);
		*sent = rtnl_link_get_stat(counters->own, RTNL_LINK_TX_BYTES);
		found = true;
	}
	if (port)
		rtnl_link_put(port);
	return found;
}

void counters_free(struct counters *counters)
{
	if (!counters)
		return;
	if (counters->own)
		rtnl_link_put(counters->own);
	if (counters->links)
		nl_cache_free(counters->links);
	nl_socket_free(counters->socket);
	free(counters);
}
