/*
 * A user's veth pair: made, configured, connected, detached; see uplink.h.
 *
 * The order is the defence: uplink_create() makes the port in its bridge, but down; the guard
 * element (by the caller), its flags and its FDB entry follow; the last message brings it up.
 */
#include "net/uplink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "net/port.h"
#include "net/request.h"
#include "rules/ruleset.h"

/* Fixed indexes of ours: other programs let the kernel count up from 1. */
#define PORT_INDEX_BASE	   0x10000000U
#define PORT_INDEX_OFFSETS 0x00400000U

void uplink_init(struct uplink *uplink, const struct network_state *network, uid_t uid,
		 uint32_t offset)
{
	*uplink = (struct uplink){.network = network, .uid = uid};
	uplink->address = prefix_address(&network->subnet, offset);
	if (network->subnet6.address.family)
		uplink->address6 = prefix_address(&network->subnet6, offset);
	uplink->mac = address_mac(&uplink->address);
}

/* One queue a side, whatever the number of CPUs: with 256 a login costs 4 times as much. */
static void put_queues(struct netlink_message *m)
{
	netlink_put_u32(m, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(m, IFLA_NUM_RX_QUEUES, 1);
}

/* index 0: the kernel chooses index and name. */
static struct netlink_message *veth_request(const struct uplink *u, int netns, unsigned index)
{
	struct ifinfomsg port = {.ifi_index = (int)u->ifindex};
	/* Not up: veth_open() refuses while the two ends are not tied together (ENOTCONN). */
	struct ifinfomsg peer = {.ifi_index = (int)index};
	struct netlink_message *m = netlink_request(
	    RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &port, sizeof(port));
	struct nlattr *info, *data, *end;

	netlink_put_text(m, IFLA_IFNAME, u->port);
	netlink_put_u32(m, IFLA_MTU, u->network->mtu);
	netlink_put_u32(m, IFLA_MASTER, u->bridge_ifindex);
	put_queues(m);
	info = netlink_nest(m, IFLA_LINKINFO);
	netlink_put_text(m, IFLA_INFO_KIND, "veth");
	data = netlink_nest(m, IFLA_INFO_DATA);
	end = netlink_nest(m, VETH_INFO_PEER);
	netlink_append(m, &peer, sizeof(peer));
	netlink_put_text(m, IFLA_IFNAME, index ? "eth0" : "eth%d");
	netlink_put_u32(m, IFLA_MTU, u->network->mtu);
	netlink_put(m, IFLA_ADDRESS, sizeof(u->mac.bytes), u->mac.bytes);
	netlink_put_u32(m, IFLA_NET_NS_FD, (uint32_t)netns);
	put_queues(m);
	netlink_nest_end(m, end);
	netlink_nest_end(m, data);
	netlink_nest_end(m, info);
	return m;
}

static int pair_create(struct netlink *host, int netns, struct uplink *uplink, unsigned index)
{
	uint32_t offset = prefix_offset(&uplink->network->subnet, &uplink->address);

	for (unsigned generation = 0; generation < UPLINK_GENERATIONS; generation++) {
		struct netlink_batch batch;
		int result;

		netlink_batch_init(&batch);
		port_name(uplink->uid, generation, uplink->port);
		uplink->ifindex = PORT_INDEX_BASE +
				  (offset % PORT_INDEX_OFFSETS) * UPLINK_GENERATIONS + generation;
		netlink_add(&batch, veth_request(uplink, netns, index), "make the veth pair",
			    EEXIST);
		result = netlink_run(host, &batch);
		if (result < 0)
			return result;
		/* EEXIST: the old end of an earlier login still exists. Try the next name. */
		if (!batch.requests[0].was_tolerated)
			return 0;
	}
	return log_errno(EEXIST, "find a free port name for uid %u", uplink->uid);
}

int uplink_create(struct netlink *host, int netns, struct uplink *uplink)
{
	return pair_create(host, netns, uplink, UPLINK_USER_INDEX);
}

int uplink_create_again(struct netlink *host, int netns, struct uplink *uplink, unsigned *index)
{
	int error = pair_create(host, netns, uplink, 0);

	*index = error ? 0 : link_peer(host, uplink->ifindex);
	if (!error && !*index)
		error = log_errno(ENODEV, "find the other end of %s", uplink->port);
	return error;
}

int uplink_configure_user(struct netlink *user, const struct uplink *u, unsigned index)
{
	static const struct mac gateway_mac = UPLINK_BRIDGE_MAC;
	struct netlink_batch b;
	const struct address gateway = prefix_gateway(&u->network->subnet);
	const struct address gateway6 = prefix_gateway(&u->network->subnet6);

	netlink_batch_init(&b);
	netlink_add(&b, request_link_flags(1, IFF_UP, IFF_UP), "bring lo up", 0);
	netlink_add(&b, request_link_no_addrgen(index), "set up eth0", EAFNOSUPPORT);
	netlink_add(&b, request_link_flags(index, IFF_UP, IFF_UP), "bring eth0 up", 0);
	netlink_add(&b, request_address(index, &u->address), "add the address to eth0", EEXIST);
	netlink_add(&b, request_neighbour(RTM_NEWNEIGH, index, &gateway, &gateway_mac),
		    "add the gateway's neighbour entry", 0);
	netlink_add(&b, request_default_route(index, &gateway), "add the default route", 0);
	if (u->address6.family) {
		netlink_add(&b, request_address(index, &u->address6),
			    "add the IPv6 address to eth0", EEXIST);
		netlink_add(&b, request_neighbour(RTM_NEWNEIGH, index, &gateway6, &gateway_mac),
			    "add the gateway's IPv6 neighbour entry", 0);
		netlink_add(&b, request_default_route(index, &gateway6),
			    "add the IPv6 default route", 0);
	}
	return netlink_run(user, &b);
}

static void put_tables(struct netlink_batch *b, const struct uplink *u)
{
	netlink_add(b, request_fdb(u->ifindex, &u->mac), "add the port's FDB entry", 0);
	netlink_add(b, request_user_route(RTM_NEWROUTE, u->bridge_ifindex, &u->address),
		    "add the user's route", 0);
	netlink_add(b, request_neighbour(RTM_NEWNEIGH, u->bridge_ifindex, &u->address, &u->mac),
		    "add the user's neighbour entry", 0);
	if (!u->address6.family)
		return;
	netlink_add(b, request_user_route(RTM_NEWROUTE, u->bridge_ifindex, &u->address6),
		    "add the user's IPv6 route", 0);
	netlink_add(b, request_neighbour(RTM_NEWNEIGH, u->bridge_ifindex, &u->address6, &u->mac),
		    "add the user's IPv6 neighbour entry", 0);
}

int uplink_connect(struct netlink *host, const struct uplink *u)
{
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, request_link_master(u->ifindex, u->bridge_ifindex),
		    "put the port into its bridge", 0);
	netlink_add(&b, port_flags_request(u->ifindex), "lock the bridge port", 0);
	netlink_add(&b, request_link_no_addrgen(u->ifindex), "set up the bridge port",
		    EAFNOSUPPORT);
	put_tables(&b, u);
	netlink_add(&b, request_link_flags(u->ifindex, IFF_UP, IFF_UP), "bring the port up", 0);
	return netlink_run(host, &b);
}

int uplink_refresh(struct netlink *host, const struct uplink *u)
{
	struct netlink_batch b;

	netlink_batch_init(&b);
	put_tables(&b, u);
	return netlink_run(host, &b);
}

/* Is it up, and has it all the flags that this kernel knows, according to its bridge? */
static bool port_safe(const struct ifinfomsg *header, const struct nlattr *info)
{
	const struct port_flags flags = port_flags_read(info);

	return (header->ifi_flags & IFF_UP) && !flags.wrong && (flags.locked || flags.no_lock);
}

static int port_add(void *context, struct nlmsghdr *answer)
{
	struct uplink_ports *ports = context;
	const struct ifinfomsg *header = netlink_payload(answer);
	const struct nlattr *attributes[IFLA_MAX + 1];

	if (answer->nlmsg_type != RTM_NEWLINK ||
	    !netlink_parse(answer, sizeof(*header), attributes, IFLA_MAX) ||
	    !attributes[IFLA_MASTER] || !port_safe(header, attributes[IFLA_PROTINFO]))
		return 0;
	if (ports->count == ports->room) {
		size_t room = ports->room * 2 + 64;
		struct uplink_port *list = reallocarray(ports->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		ports->list = list;
		ports->room = room;
	}
	ports->list[ports->count++] = (struct uplink_port){
	    .ifindex = (unsigned)header->ifi_index,
	    .bridge = attribute_u32(attributes[IFLA_MASTER]),
	};
	return 0;
}

static int port_compare(const void *a, const void *b)
{
	unsigned x = ((const struct uplink_port *)a)->ifindex;
	unsigned y = ((const struct uplink_port *)b)->ifindex;

	return (x > y) - (x < y);
}

int uplink_ports_safe(struct netlink *host, struct uplink_ports *out)
{
	struct ifinfomsg header = {.ifi_family = AF_BRIDGE};
	int result;

	*out = (struct uplink_ports){0};
	result =
	    netlink_query(host, netlink_request(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header)),
			  "list the bridge ports", port_add, out);
	if (out->count)
		qsort(out->list, out->count, sizeof(*out->list), port_compare);
	return result;
}

bool uplink_port_safe(const struct uplink_ports *ports, const struct uplink *u)
{
	const struct uplink_port key = {.ifindex = u->ifindex}, *port = NULL;

	if (ports->count)
		port = bsearch(&key, ports->list, ports->count, sizeof(key), port_compare);
	return port && port->bridge == u->bridge_ifindex;
}

int uplink_disconnect(struct netlink *host, const struct uplink *u)
{
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, request_link_flags(u->ifindex, 0, IFF_UP), "take the port down", ENODEV);
	return netlink_run(host, &b);
}

int uplink_detach(struct netlink *host, const struct uplink *u)
{
	struct netlink_batch b;
	unsigned bridge = u->bridge_ifindex;
	int result = bridge ? 0 : link_index(host, u->bridge, &bridge);

	netlink_batch_init(&b);
	if (result < 0)
		return result;
	if (*u->port)
		netlink_add(&b, request_link_down(u->port), "take the port down", ENODEV);
	/* If the bridge is gone, the routes and neighbours are gone too. */
	if (!bridge)
		return netlink_run(host, &b);
	netlink_add(&b, request_user_route(RTM_DELROUTE, bridge, &u->address),
		    "remove the user's route", ESRCH);
	netlink_add(&b, request_neighbour(RTM_DELNEIGH, bridge, &u->address, NULL),
		    "remove the user's neighbour entry", ENOENT);
	if (u->address6.family) {
		netlink_add(&b, request_user_route(RTM_DELROUTE, bridge, &u->address6),
			    "remove the user's IPv6 route", ESRCH);
		netlink_add(&b, request_neighbour(RTM_DELNEIGH, bridge, &u->address6, NULL),
			    "remove the user's IPv6 neighbour entry", ENOENT);
	}
	return netlink_run(host, &b);
}
