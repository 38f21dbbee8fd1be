/*
 * The host's side that all users of a network share: bridges, gateway addresses,
 * routes. See uplink.h.
 */
#include "net/uplink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/log.h"
#include "net/request.h"

static struct netlink_message *bridge_request(const char *name, unsigned mtu)
{
	static const struct mac mac = UPLINK_BRIDGE_MAC;
	struct ifinfomsg header = {0};
	struct netlink_message *m = netlink_request(
	    RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof(header));
	struct nlattr *info, *data;

	netlink_put_text(m, IFLA_IFNAME, name);
	netlink_put(m, IFLA_ADDRESS, sizeof(mac.bytes), mac.bytes);
	netlink_put_u32(m, IFLA_MTU, mtu);
	info = netlink_nest(m, IFLA_LINKINFO);
	netlink_put_text(m, IFLA_INFO_KIND, "bridge");
	data = netlink_nest(m, IFLA_INFO_DATA);
	netlink_put_u32(m, IFLA_BR_STP_STATE, 0);
	netlink_put_u32(m, IFLA_BR_FORWARD_DELAY, 0);
	netlink_put_u8(m, IFLA_BR_MCAST_SNOOPING, 0);
	netlink_nest_end(m, data);
	netlink_nest_end(m, info);
	return m;
}

int uplink_bridge_make(struct netlink *host, const struct network_state *network, const char *name,
		       unsigned *ifindex)
{
	const struct address gateway = prefix_gateway(&network->subnet);
	const struct address gateway6 = prefix_gateway(&network->subnet6);
	struct netlink_batch b;
	int result;

	netlink_batch_init(&b);
	netlink_add(&b, bridge_request(name, network->mtu), "make the bridge", EEXIST);
	result = netlink_run(host, &b);
	if (result < 0)
		return result;
	*ifindex = link_find(host, name);
	if (!*ifindex)
		return log_errno(ENODEV, "find bridge %s", name);
	netlink_add(&b, request_link_no_addrgen(*ifindex), "set up the bridge", EAFNOSUPPORT);
	/* A bridge that exists may have the MTU of an older conf. */
	netlink_add(&b, request_link_mtu(*ifindex, network->mtu), "set the bridge's MTU", 0);
	netlink_add(&b, request_link_flags(*ifindex, IFF_UP, IFF_UP), "bring the bridge up", 0);
	netlink_add(&b, request_address(*ifindex, &gateway), "add the gateway address", EEXIST);
	if (gateway6.family)
		netlink_add(&b, request_address(*ifindex, &gateway6),
			    "add the IPv6 gateway address", EEXIST);
	return netlink_run(host, &b);
}

int uplink_bridge_remove(struct netlink *host, const char *name)
{
	unsigned ifindex;
	int result = link_index(host, name, &ifindex);

	return result == 0 && ifindex ? link_remove(host, ifindex) : result;
}

int uplink_network_routes(struct netlink *host, const struct network_state *network, bool add)
{
	int type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, request_unreachable(type, &network->subnet),
		    "set the subnet's unreachable route", ESRCH);
	if (network->subnet6.address.family)
		netlink_add(&b, request_unreachable(type, &network->subnet6),
			    "set the IPv6 subnet's unreachable route", ESRCH);
	return netlink_run(host, &b);
}

struct route_search {
	const struct prefix *prefix; /* to compare; NULL: search the default route's link */
	bool found;
	unsigned ifindex;
};

static int route_read(void *context, struct nlmsghdr *answer)
{
	struct route_search *search = context;
	const struct rtmsg *header = netlink_payload(answer);
	const struct nlattr *attributes[RTA_MAX + 1];
	struct prefix route = {.address.family = header->rtm_family, .length = header->rtm_dst_len};

	if (answer->nlmsg_type != RTM_NEWROUTE ||
	    !netlink_parse(answer, sizeof(*header), attributes, RTA_MAX))
		return 0;
	if (!header->rtm_dst_len) {
		if (!search->prefix && header->rtm_table == RT_TABLE_MAIN && attributes[RTA_OIF] &&
		    !search->ifindex)
			search->ifindex = attribute_u32(attributes[RTA_OIF]);
		return 0;
	}
	if (!search->prefix || !attributes[RTA_DST])
		return 0;
	attribute_copy(attributes[RTA_DST], route.address.bytes, sizeof(route.address.bytes));
	search->found |= prefix_overlaps(&route, search->prefix);
	return 0;
}

static int routes_search(struct netlink *host, int family, struct route_search *search)
{
	struct rtmsg header = {.rtm_family = (uint8_t)family};

	return netlink_query(host,
			     netlink_request(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header)),
			     "list the routes", route_read, search);
}

struct host_route_visit {
	int (*visit)(void *, unsigned, const struct address *);
	void *context;
};

static int host_route_read(void *context, struct nlmsghdr *answer)
{
	struct host_route_visit *v = context;
	const struct rtmsg *header = netlink_payload(answer);
	const struct nlattr *attributes[RTA_MAX + 1];
	struct address address = {.family = header->rtm_family};

	if (answer->nlmsg_type != RTM_NEWROUTE || header->rtm_table != RT_TABLE_MAIN ||
	    header->rtm_dst_len != address_size(&address) * 8 || header->rtm_type != RTN_UNICAST ||
	    !netlink_parse(answer, sizeof(*header), attributes, RTA_MAX) || !attributes[RTA_DST] ||
	    !attributes[RTA_OIF])
		return 0;
	/* The kernel's own route of the gateway address belongs to no user. */
	if (header->rtm_protocol != RTPROT_BOOT)
		return 0;
	attribute_copy(attributes[RTA_DST], address.bytes, sizeof(address.bytes));
	return v->visit(v->context, attribute_u32(attributes[RTA_OIF]), &address);
}

int uplink_each_host_route(struct netlink *host,
			   int (*visit)(void *context, unsigned link,
					const struct address *address),
			   void *context)
{
	struct host_route_visit v = {visit, context};
	struct rtmsg header = {.rtm_family = AF_INET};
	int result =
	    netlink_query(host, netlink_request(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header)),
			  "list the routes", host_route_read, &v);

	header.rtm_family = AF_INET6;
	return result < 0
		   ? result
		   : netlink_query(
			 host, netlink_request(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header)),
			 "list the routes", host_route_read, &v);
}

unsigned uplink_default_mtu(struct netlink *host)
{
	struct route_search search = {0};
	unsigned mtu;

	if (routes_search(host, AF_INET, &search) < 0 ||
	    (!search.ifindex && routes_search(host, AF_INET6, &search) < 0) || !search.ifindex)
		return 1500;
	mtu = link_mtu(host, search.ifindex);
	return mtu < 1280 ? 1500 : mtu;
}

bool uplink_prefix_taken(struct netlink *host, const struct prefix *prefix)
{
	struct route_search search = {.prefix = prefix};

	/* In doubt the prefix counts as taken: another one is tried. */
	return routes_search(host, prefix->address.family, &search) < 0 || search.found;
}
