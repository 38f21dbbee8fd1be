/*
 * What the kernel has of users' uplinks; see kernel.h.
 *
 * libnl-route 3.7 knows neither locked ports nor most other flags that we set, so libnl's attribute
 * parser reads those.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/paths.h"

#define MESSAGE_MAX 65536 /* the kernel's lists come in 32 KiB at most */
#define TRIES	    8	  /* a list that changed while it was read is read again */

bool kernel_host_enter(void)
{
	CLEANUP_FD int net = open(HOSTPROC "/1/ns/net", O_RDONLY | O_CLOEXEC);

	if (net < 0)
		net = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	return net >= 0 && setns(net, CLONE_NEWNET) == 0;
}

struct reading {
	struct kernel *kernel;
	int error;
};

static struct kernel_object *object_add(struct reading *reading, enum kernel_kind kind, int link)
{
	struct kernel *kernel = reading->kernel;

	if (kernel->count == kernel->room) {
		size_t room = kernel->room * 2 + 256;
		struct kernel_object *list = reallocarray(kernel->list, room, sizeof(*list));

		if (!list) {
			reading->error = -ENOMEM;
			return NULL;
		}
		kernel->list = list;
		kernel->room = room;
	}
	kernel->list[kernel->count] = (struct kernel_object){.kind = kind, .link = (unsigned)link};
	return &kernel->list[kernel->count++];
}

static struct address address_read(const struct nl_addr *from)
{
	struct address address = {0};

	if (!from || nl_addr_get_len(from) > sizeof(address.bytes))
		return address;
	address.family = nl_addr_get_family(from);
	memcpy(address.bytes, nl_addr_get_binary_addr(from), nl_addr_get_len(from));
	return address;
}

static struct mac mac_read(const struct nl_addr *from)
{
	struct mac mac = {0};

	if (from && nl_addr_get_len(from) == sizeof(mac.bytes))
		memcpy(mac.bytes, nl_addr_get_binary_addr(from), sizeof(mac.bytes));
	return mac;
}

/* --- ports --- */

static const struct {
	int attribute;
	uint8_t value;
	const char *wrong;
} port_flags[] = {
    {IFLA_BRPORT_LOCKED, 1, "not locked"},
    {IFLA_BRPORT_ISOLATED, 1, "not isolated"},
    {IFLA_BRPORT_LEARNING, 0, "learning addresses"},
    {IFLA_BRPORT_UNICAST_FLOOD, 0, "flooded with frames to unknown addresses"},
    {IFLA_BRPORT_MCAST_FLOOD, 0, "flooded with multicast frames"},
    {IFLA_BRPORT_BCAST_FLOOD, 0, "flooded with broadcast frames"},
};

#define GROUP_FWD_MASK 0xfffd

static const char *port_wrong(const struct nlmsghdr *header)
{
	struct nlattr *all[IFLA_MAX + 1], *flags[IFLA_BRPORT_MAX + 1];

	if (nlmsg_parse((struct nlmsghdr *)header, sizeof(struct ifinfomsg), all, IFLA_MAX, NULL) <
		0 ||
	    !all[IFLA_PROTINFO] ||
	    nla_parse_nested(flags, IFLA_BRPORT_MAX, all[IFLA_PROTINFO], NULL) < 0)
		return "missing in its bridge's list of ports";
	for (size_t i = 0; i < sizeof(port_flags) / sizeof(*port_flags); i++) {
		const struct nlattr *flag = flags[port_flags[i].attribute];

		/* This kernel has no lock, and "locked" of doctor says so. */
		if (!flag && port_flags[i].attribute == IFLA_BRPORT_LOCKED)
			continue;
		if (!flag || nla_len(flag) < 1 || nla_get_u8(flag) != port_flags[i].value)
			return port_flags[i].wrong;
	}
	if (!flags[IFLA_BRPORT_GROUP_FWD_MASK] || nla_len(flags[IFLA_BRPORT_GROUP_FWD_MASK]) < 2 ||
	    nla_get_u16(flags[IFLA_BRPORT_GROUP_FWD_MASK]) != GROUP_FWD_MASK)
		return "handing link-local groups past the guard";
	return NULL;
}

static void port_add(struct reading *reading, struct rtnl_link *link)
{
	struct kernel_object *port;

	if (!rtnl_link_get_master(link))
		return; /* a bridge itself */
	port = object_add(reading, KERNEL_PORT, rtnl_link_get_ifindex(link));
	if (!port)
		return;
	strncpy(port->name, rtnl_link_get_name(link), IFNAMSIZ - 1);
	port->bridge = (unsigned)rtnl_link_get_master(link);
	port->wrong = rtnl_link_get_flags(link) & IFF_UP ? NULL : "down";
}

/* --- tables --- */

static void neighbour_add(struct reading *reading, struct rtnl_neigh *n)
{
	bool fdb = rtnl_neigh_get_family(n) == AF_BRIDGE;
	int state = rtnl_neigh_get_state(n);
	struct kernel_object *object =
	    object_add(reading, fdb ? KERNEL_FDB : KERNEL_NEIGHBOUR, rtnl_neigh_get_ifindex(n));

	if (!object)
		return;
	object->mac = mac_read(rtnl_neigh_get_lladdr(n));
	object->fixed = state & (fdb ? NUD_NOARP : NUD_PERMANENT);
	if (!fdb)
		object->address = address_read(rtnl_neigh_get_dst(n));
}

/* Only routes to single addresses over a link. */
static void route_add(struct reading *reading, struct rtnl_route *route)
{
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);
	struct address address = address_read(rtnl_route_get_dst(route));
	struct kernel_object *object;

	if (rtnl_route_get_table(route) != RT_TABLE_MAIN ||
	    rtnl_route_get_type(route) != RTN_UNICAST || !hop || rtnl_route_nh_get_gateway(hop) ||
	    nl_addr_get_prefixlen(rtnl_route_get_dst(route)) != 8 * address_size(&address))
		return;
	object = object_add(reading, KERNEL_ROUTE, rtnl_route_nh_get_ifindex(hop));
	if (object)
		object->address = address;
}

static void address_add(struct reading *reading, struct rtnl_addr *a)
{
	struct kernel_object *object =
	    object_add(reading, KERNEL_ADDRESS, rtnl_addr_get_ifindex(a));

	if (object)
		object->address = address_read(rtnl_addr_get_local(a));
}

static void object_seen(struct nl_object *object, void *context)
{
	switch (nl_object_get_msgtype(object)) {
	case RTM_NEWLINK:
		port_add(context, (struct rtnl_link *)object);
		break;
	case RTM_NEWNEIGH:
		neighbour_add(context, (struct rtnl_neigh *)object);
		break;
	case RTM_NEWROUTE:
		route_add(context, (struct rtnl_route *)object);
		break;
	case RTM_NEWADDR:
		address_add(context, (struct rtnl_addr *)object);
		break;
	}
}

static int message_seen(struct nl_msg *message, void *context)
{
	struct reading *reading = context;
	struct kernel *kernel = reading->kernel;
	size_t before = kernel->count;

	(void)!nl_msg_parse(message, object_seen, reading);
	if (kernel->count > before && kernel->list[before].kind == KERNEL_PORT &&
	    !kernel->list[before].wrong)
		kernel->list[before].wrong = port_wrong(nlmsg_hdr(message));
	return reading->error ? NL_STOP : NL_OK;
}

/* The length of each header is exact: the kernel's log has a warning of a longer one, and it reads
 * no shorter one. */
static const struct {
	int type, family;
	size_t header;
} tables[] = {
    {RTM_GETLINK, AF_BRIDGE, sizeof(struct ifinfomsg)},
    {RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg)},
    {RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg)},
    {RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg)},
    {RTM_GETROUTE, AF_INET, sizeof(struct rtmsg)},
    {RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg)},
    {RTM_GETADDR, AF_INET, sizeof(struct ifaddrmsg)},
    {RTM_GETADDR, AF_INET6, sizeof(struct ifaddrmsg)},
};

/* Negative: an error of libnl's own. If the table changed meanwhile, the first part is dropped. */
static int table_read(struct nl_sock *sock, size_t table, struct reading *reading)
{
	/* Each header begins with the family. */
	struct ifinfomsg header = {.ifi_family = (uint8_t)tables[table].family};
	size_t before = reading->kernel->count;
	int result = 0;

	for (int i = 0; i < TRIES; i++) {
		reading->kernel->count = before;
		result = nl_send_simple(sock, tables[table].type, NLM_F_DUMP, &header,
					tables[table].header);
		if (result >= 0)
			result = nl_recvmsgs_default(sock);
		if (result != -NLE_DUMP_INTR)
			break;
	}
	/* Such a table changes all the time. The caller checks each difference again. */
	return result == -NLE_DUMP_INTR ? 0 : result;
}

static int object_compare(const void *left, const void *right)
{
	const struct kernel_object *a = left, *b = right;
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (!order)
		order = (a->link > b->link) - (a->link < b->link);
	if (!order)
		order = memcmp(&a->address, &b->address, sizeof(a->address));
	if (!order && a->kind == KERNEL_FDB)
		order = memcmp(&a->mac, &b->mac, sizeof(a->mac));
	return order;
}

static struct nl_sock *socket_open(void)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (sock && nl_connect(sock, NETLINK_ROUTE) < 0) {
		nl_socket_free(sock);
		return NULL;
	}
	if (sock && nl_socket_set_msg_buf_size(sock, MESSAGE_MAX) == 0)
		nl_socket_disable_msg_peek(sock);
	return sock;
}

int kernel_read(struct kernel *out)
{
	struct reading reading = {.kernel = out};
	struct nl_sock *sock = socket_open();
	int result = 0;

	*out = (struct kernel){0};
	if (!sock)
		return log_errno(errno ? errno : ENOMEM, "open a netlink socket");
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, message_seen, &reading);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && result >= 0; i++)
		result = table_read(sock, i, &reading);
	nl_socket_free(sock);
	if (result < 0) {
		log_error("cannot read the kernel's tables: %s", nl_geterror(result));
		return -EIO;
	}
	if (reading.error)
		return log_errno(-reading.error, "read the kernel's tables");
	if (out->count)
		qsort(out->list, out->count, sizeof(*out->list), object_compare);
	return 0;
}

void kernel_free(struct kernel *kernel)
{
	free(kernel->list);
	*kernel = (struct kernel){0};
}

static const struct kernel_object *object_find(const struct kernel *kernel,
					       const struct kernel_object *key)
{
	return kernel->count
		   ? bsearch(key, kernel->list, kernel->count, sizeof(*key), object_compare)
		   : NULL;
}

const struct kernel_object *kernel_port(const struct kernel *kernel, unsigned link)
{
	return object_find(kernel, &(struct kernel_object){.kind = KERNEL_PORT, .link = link});
}

const struct kernel_object *kernel_find(const struct kernel *kernel, enum kernel_kind kind,
					unsigned link, const struct address *address)
{
	return object_find(
	    kernel, &(struct kernel_object){.kind = kind, .link = link, .address = *address});
}

const struct kernel_object *kernel_fdb(const struct kernel *kernel, unsigned port,
				       const struct mac *mac)
{
	return object_find(kernel,
			   &(struct kernel_object){.kind = KERNEL_FDB, .link = port, .mac = *mac});
}

int kernel_link(unsigned index, const char *name, struct kernel_link *out)
{
	struct nl_sock *sock = socket_open();
	struct rtnl_link *link = NULL;
	int result =
	    sock ? rtnl_link_get_kernel(sock, (int)index, index ? NULL : name, &link) : -NLE_NOMEM;

	*out = (struct kernel_link){0};
	nl_socket_free(sock);
	if (result < 0)
		return result == -NLE_OBJ_NOTFOUND || result == -NLE_NODEV ? -ENODEV : -EIO;
	out->index = (unsigned)rtnl_link_get_ifindex(link);
	strncpy(out->name, rtnl_link_get_name(link), IFNAMSIZ - 1);
	out->mac = mac_read(rtnl_link_get_addr(link));
	out->received = rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES);
	out->sent = rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES);
	rtnl_link_put(link);
	return 0;
}

unsigned kernel_other_end(unsigned port)
{
	struct nl_sock *sock = socket_open();
	struct nl_cache *links = NULL;
	unsigned found = 0;
	int netns;

	if (sock && rtnl_link_alloc_cache(sock, AF_UNSPEC, &links) == 0)
		for (struct nl_object *o = nl_cache_get_first(links); o; o = nl_cache_get_next(o)) {
			struct rtnl_link *link = (struct rtnl_link *)o;

			if (rtnl_link_get_link(link) == (int)port &&
			    rtnl_link_get_link_netnsid(link, &netns) == 0)
				found = (unsigned)rtnl_link_get_ifindex(link);
		}
	nl_cache_free(links);
	nl_socket_free(sock);
	return found;
}
