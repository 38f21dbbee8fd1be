/*
 * Objects of a network namespace, read by libnl-route-3 and printed one a line, to check what lib/net
 * wrote. Tests compare whole texts, so that a further attribute or another value fails. Attributes of a
 * bridge port that libnl-route 3.7 does not know come from libnl's attribute parser, or from sysfs, which
 * rtnl_sysfs() mounts for the namespace.
 */
#ifndef PAM_NETNS_RTNL_READ_H
#define PAM_NETNS_RTNL_READ_H

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#define RTNL_TEXT_MAX 8192

static char rtnl_said[RTNL_TEXT_MAX];

__attribute__((format(printf, 1, 2))) static inline void rtnl_say(const char *format, ...)
{
	size_t used = strlen(rtnl_said);
	va_list args;

	va_start(args, format);
	assert_true(vsnprintf(rtnl_said + used, sizeof(rtnl_said) - used, format, args) <
		    (int)(sizeof(rtnl_said) - used));
	va_end(args);
}

/* A socket in the network namespace of this thread. */
static inline struct nl_sock *rtnl_socket(void)
{
	struct nl_sock *sock = nl_socket_alloc();

	assert_non_null(sock);
	assert_int_equal(nl_connect(sock, NETLINK_ROUTE), 0);
	return sock;
}

static inline const char *rtnl_address(struct nl_addr *address)
{
	static char texts[4][64];
	static unsigned next;

	return nl_addr2str(address, texts[next++ % 4], sizeof(texts[0]));
}

static inline int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Most dumps of the kernel have no order. */
static inline const char *rtnl_sorted(void)
{
	static char sorted[RTNL_TEXT_MAX];
	char *lines[128];
	size_t count = 0;

	for (char *line = strtok(rtnl_said, "\n"); line; line = strtok(NULL, "\n"))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), line_compare);
	sorted[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		strcat(sorted, lines[i]);
		strcat(sorted, "\n");
	}
	rtnl_said[0] = '\0';
	return sorted;
}

static inline const char *rtnl_told(struct nl_cache *cache,
				    void (*tell)(struct nl_object *, void *))
{
	rtnl_said[0] = '\0';
	nl_cache_foreach(cache, tell, NULL);
	nl_cache_free(cache);
	return rtnl_sorted();
}

/* "NAME: KIND index mac mtu master queues addrgen up|down"; "none" if there is no such link. */
static inline const char *rtnl_link_text(struct nl_sock *sock, const char *name)
{
	struct rtnl_link *link;
	const char *kind;
	uint8_t mode = 0;

	rtnl_said[0] = '\0';
	if (rtnl_link_get_kernel(sock, 0, name, &link) < 0)
		return "none";
	kind = rtnl_link_get_type(link);
	assert_int_equal(rtnl_link_inet6_get_addr_gen_mode(link, &mode), 0);
	rtnl_say("%s: %s index %d mac %s mtu %u master %d queues %u %u addrgen %u %s",
		 rtnl_link_get_name(link), kind ? kind : "-", rtnl_link_get_ifindex(link),
		 rtnl_address(rtnl_link_get_addr(link)), rtnl_link_get_mtu(link),
		 rtnl_link_get_master(link), rtnl_link_get_num_tx_queues(link),
		 rtnl_link_get_num_rx_queues(link), mode,
		 rtnl_link_get_flags(link) & IFF_UP ? "up" : "down");
	rtnl_link_put(link);
	return rtnl_said;
}

static inline void address_tell(struct nl_object *object, void *unused)
{
	struct rtnl_addr *a = (struct rtnl_addr *)object;

	(void)unused;
	if (rtnl_addr_get_ifindex(a) != 1)
		rtnl_say("%s len %d dev %d flags %#x\n", rtnl_address(rtnl_addr_get_local(a)),
			 rtnl_addr_get_prefixlen(a), rtnl_addr_get_ifindex(a),
			 rtnl_addr_get_flags(a));
}

/* Addresses of all links except lo. */
static inline const char *rtnl_addresses(struct nl_sock *sock)
{
	struct nl_cache *cache;

	assert_int_equal(rtnl_addr_alloc_cache(sock, &cache), 0);
	return rtnl_told(cache, address_tell);
}

static inline void route_tell(struct nl_object *object, void *unused)
{
	struct rtnl_route *r = (struct rtnl_route *)object;
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(r, 0);

	(void)unused;
	if (rtnl_route_get_table(r) != RT_TABLE_MAIN)
		return;
	rtnl_say("%s type %u scope %u proto %u dev %d via %s flags %#x hops %d\n",
		 rtnl_address(rtnl_route_get_dst(r)), rtnl_route_get_type(r),
		 rtnl_route_get_scope(r), rtnl_route_get_protocol(r),
		 hop ? rtnl_route_nh_get_ifindex(hop) : 0,
		 rtnl_address(hop ? rtnl_route_nh_get_gateway(hop) : NULL),
		 hop ? rtnl_route_nh_get_flags(hop) & (unsigned)RTNH_F_ONLINK : 0,
		 rtnl_route_get_nnexthops(r));
}

/* Routes of the main table, of both families. */
static inline const char *rtnl_routes(struct nl_sock *sock)
{
	struct nl_cache *cache;

	assert_int_equal(rtnl_route_alloc_cache(sock, AF_UNSPEC, 0, &cache), 0);
	return rtnl_told(cache, route_tell);
}

static inline void neighbour_tell(struct nl_object *object, void *unused)
{
	struct rtnl_neigh *n = (struct rtnl_neigh *)object;

	(void)unused;
	/* The kernel's own routes of lo and of multicast. */
	if (rtnl_neigh_get_ifindex(n) != 1 && !(rtnl_neigh_get_state(n) & NUD_NOARP))
		rtnl_say("%s mac %s dev %d state %#x\n", rtnl_address(rtnl_neigh_get_dst(n)),
			 rtnl_address(rtnl_neigh_get_lladdr(n)), rtnl_neigh_get_ifindex(n),
			 (unsigned)rtnl_neigh_get_state(n));
}

static inline const char *rtnl_neighbours(struct nl_sock *sock)
{
	struct nl_cache *cache;

	assert_int_equal(rtnl_neigh_alloc_cache(sock, &cache), 0);
	return rtnl_told(cache, neighbour_tell);
}

static inline void fdb_tell(struct nl_object *object, void *unused)
{
	struct rtnl_neigh *n = (struct rtnl_neigh *)object;

	(void)unused;
	/* Permanent entries are addresses of the bridge and of its ports. */
	if (!(rtnl_neigh_get_state(n) & NUD_PERMANENT))
		rtnl_say("%s dev %d state %#x\n", rtnl_address(rtnl_neigh_get_lladdr(n)),
			 rtnl_neigh_get_ifindex(n), (unsigned)rtnl_neigh_get_state(n));
}

/* Static (NUD_NOARP) or learned entries of bridges. */
static inline const char *rtnl_fdb(struct nl_sock *sock)
{
	struct nl_cache *cache;

	assert_int_equal(nl_cache_alloc_name("route/neigh", &cache), 0);
	nl_cache_set_arg1(cache, AF_BRIDGE);
	assert_int_equal(nl_cache_refill(sock, cache), 0);
	return rtnl_told(cache, fdb_tell);
}

/* libnl-route 3.7 and sysfs have no flag of locked ports. */
static inline int port_tell(struct nl_msg *message, void *index)
{
	struct nlattr *all[IFLA_MAX + 1], *port[IFLA_BRPORT_MAX + 1] = {0};
	const struct ifinfomsg *header = nlmsg_data(nlmsg_hdr(message));

	if (header->ifi_index != *(int *)index ||
	    nlmsg_parse(nlmsg_hdr(message), sizeof(*header), all, IFLA_MAX, NULL) < 0 ||
	    !all[IFLA_PROTINFO] ||
	    nla_parse_nested(port, IFLA_BRPORT_MAX, all[IFLA_PROTINFO], NULL) < 0)
		return NL_OK;
	rtnl_say("master %u locked %d neigh_suppress %d\n",
		 all[IFLA_MASTER] ? nla_get_u32(all[IFLA_MASTER]) : 0,
		 port[IFLA_BRPORT_LOCKED] ? nla_get_u8(port[IFLA_BRPORT_LOCKED]) : -1,
		 port[IFLA_BRPORT_NEIGH_SUPPRESS] ? nla_get_u8(port[IFLA_BRPORT_NEIGH_SUPPRESS])
						  : -1);
	return NL_OK;
}

static inline const char *rtnl_port_text(struct nl_sock *sock, int index)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);

	rtnl_said[0] = '\0';
	assert_non_null(callbacks);
	assert_true(nl_rtgen_request(sock, RTM_GETLINK, AF_BRIDGE, NLM_F_DUMP) >= 0);
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, port_tell, &index);
	assert_int_equal(nl_recvmsgs(sock, callbacks), 0);
	nl_cb_put(callbacks);
	return rtnl_said;
}

/* A port's flags that libnl-route 3.7 knows: RTNL_BRIDGE_*. */
static inline int rtnl_port_flags(struct nl_sock *sock, int index)
{
	struct rtnl_link *link;
	struct nl_cache *cache;
	int flags = -1;

	assert_int_equal(rtnl_link_alloc_cache(sock, AF_BRIDGE, &cache), 0);
	link = rtnl_link_get(cache, index);
	if (link && rtnl_link_is_bridge(link))
		flags = rtnl_link_bridge_get_flags(link);
	rtnl_link_put(link);
	nl_cache_free(cache);
	return flags;
}

/* Mounts the sysfs of this thread's network namespace over /sys, in a new mount namespace. */
static inline int rtnl_sysfs(void)
{
	return mount("sysfs", "/sys", "sysfs", 0, NULL);
}

/* sysfs_open("w", ...) of /sys/class/net/LINK/FILE. */
static inline FILE *sysfs_open(const char *mode, const char *link, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", link, name);
	return fopen(path, mode);
}

/* -1: no such file. */
static inline long sysfs_read(const char *link, const char *name)
{
	FILE *file = sysfs_open("r", link, name);
	char text[32] = "";

	if (!file)
		return -1;
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return strtol(text, NULL, 0);
}

static inline void sysfs_write(const char *link, const char *name, long value)
{
	FILE *file = sysfs_open("w", link, name);

	assert_non_null(file);
	assert_true(fprintf(file, "%ld", value) > 0);
	assert_int_equal(fclose(file), 0);
}

#endif
