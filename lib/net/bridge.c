/*
 * The host's side that all users of a network share: bridges, gateway addresses, routes; and
 * questions about links. See uplink.h.
 */
#include "net/uplink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

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

int uplink_bridge_make(struct netlink *host, const struct uplink_network *network, const char *name,
		       unsigned *ifindex)
{
	struct netlink_batch b;
	int result;

	netlink_batch_init(&b);
	netlink_add(&b, bridge_request(name, network->mtu), "make the bridge", EEXIST);
	result = netlink_run(host, &b);
	if (result < 0)
		return result;
	*ifindex = uplink_link_find(host, name);
	if (!*ifindex)
		return log_errno(ENODEV, "find bridge %s", name);
	netlink_add(&b, request_link_no_addrgen(*ifindex), "set up the bridge", EAFNOSUPPORT);
	/* One that is there may have that of an older conf. */
	netlink_add(&b, request_link_mtu(*ifindex, network->mtu), "set the bridge's MTU", 0);
	netlink_add(&b, request_link_flags(*ifindex, IFF_UP, IFF_UP), "bring the bridge up", 0);
	netlink_add(&b, request_address(*ifindex, &network->gateway), "add the gateway address",
		    EEXIST);
	if (network->gateway6.family)
		netlink_add(&b, request_address(*ifindex, &network->gateway6),
			    "add the IPv6 gateway address", EEXIST);
	return netlink_run(host, &b);
}

int uplink_bridge_remove(struct netlink *host, const char *name)
{
	unsigned ifindex;
	int result = uplink_link_index(host, name, &ifindex);

	return result == 0 && ifindex ? uplink_port_remove(host, ifindex) : result;
}

int uplink_port_remove(struct netlink *host, unsigned ifindex)
{
	struct ifinfomsg header = {.ifi_index = (int)ifindex};
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, netlink_request(RTM_DELLINK, NLM_F_ACK, &header, sizeof(header)),
		    "remove a link", ENODEV);
	return netlink_run(host, &b);
}

int uplink_network_routes(struct netlink *host, const struct uplink_network *network, bool add)
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

/*
 * ioctl(2), which any socket answers, asks for neither the lock of all network configuration nor
 * for all that is known about a link.
 */
static int link_ioctl(const struct netlink *host, unsigned long what, struct ifreq *link)
{
	if (ioctl(host->fd, what, link) == 0)
		return 0;
	return errno == ENODEV ? -ENODEV : log_errno(errno, "ask about a link");
}

int uplink_link_up(struct netlink *host, unsigned ifindex, const char *name)
{
	struct ifreq link = {.ifr_ifindex = (int)ifindex};
	int result = 0;

	if (ifindex)
		result = link_ioctl(host, SIOCGIFNAME, &link);
	else
		strncpy(link.ifr_name, name, IFNAMSIZ - 1);
	if (result == 0 && strncmp(link.ifr_name, name, IFNAMSIZ) == 0)
		result = link_ioctl(host, SIOCGIFFLAGS, &link);
	else
		link.ifr_flags = 0;
	if (result < 0)
		return result == -ENODEV ? 0 : result;
	return (link.ifr_flags & IFF_UP) != 0;
}

int uplink_link_index(struct netlink *host, const char *name, unsigned *ifindex)
{
	struct ifreq link = {0};
	int result;

	strncpy(link.ifr_name, name, IFNAMSIZ - 1);
	result = link_ioctl(host, SIOCGIFINDEX, &link);
	*ifindex = result == 0 ? (unsigned)link.ifr_ifindex : 0;
	return result == -ENODEV ? 0 : result;
}

unsigned uplink_link_find(struct netlink *host, const char *name)
{
	unsigned ifindex;

	return uplink_link_index(host, name, &ifindex) == 0 ? ifindex : 0;
}

struct link_answer {
	unsigned mtu;
	struct rtnl_link_stats64 stats;
};

static int link_read(void *context, struct nlmsghdr *answer)
{
	struct link_answer *link = context;
	const struct nlattr *attributes[IFLA_MAX + 1];

	if (answer->nlmsg_type != RTM_NEWLINK ||
	    !netlink_parse(answer, sizeof(struct ifinfomsg), attributes, IFLA_MAX))
		return 0;
	if (attributes[IFLA_MTU])
		link->mtu = attribute_u32(attributes[IFLA_MTU]);
	if (attributes[IFLA_STATS64])
		attribute_copy(attributes[IFLA_STATS64], &link->stats, sizeof(link->stats));
	return 0;
}

/* No such link: mtu is 0. */
static struct link_answer link_get(struct netlink *host, unsigned ifindex)
{
	struct ifinfomsg header = {.ifi_index = (int)ifindex};
	struct link_answer link = {0};

	(void)!netlink_query(host, netlink_request(RTM_GETLINK, 0, &header, sizeof(header)),
			     "ask about a link", link_read, &link);
	return link;
}

struct uplink_counters uplink_count(struct netlink *host, unsigned ifindex)
{
	struct link_answer link = {0};

	if (ifindex)
		link = link_get(host, ifindex);
	/* What the port sends is what the user receives. */
	return (struct uplink_counters){.in = link.stats.tx_bytes, .out = link.stats.rx_bytes};
}

struct port_visit {
	int (*visit)(void *, const char *, unsigned, unsigned);
	void *context;
};

static int port_read(void *context, struct nlmsghdr *answer)
{
	struct port_visit *v = context;
	const struct ifinfomsg *header = netlink_payload(answer);
	const struct nlattr *attributes[IFLA_MAX + 1];
	char name[IFNAMSIZ];
	uid_t uid;

	if (answer->nlmsg_type != RTM_NEWLINK ||
	    !netlink_parse(answer, sizeof(*header), attributes, IFLA_MAX) ||
	    !attributes[IFLA_IFNAME])
		return 0;
	attribute_text(attributes[IFLA_IFNAME], name, sizeof(name));
	if (!uplink_port_uid(name, &uid))
		return 0;
	return v->visit(v->context, name, (unsigned)header->ifi_index,
			attributes[IFLA_MASTER] ? attribute_u32(attributes[IFLA_MASTER]) : 0);
}

int uplink_each_port(struct netlink *host, int (*visit)(void *, const char *, unsigned, unsigned),
		     void *context)
{
	struct ifinfomsg header = {0};
	struct port_visit v = {visit, context};

	return netlink_query(host,
			     netlink_request(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header)),
			     "list the links", port_read, &v);
}

struct route_search {
	const struct prefix
	    *prefix; /* looked for overlaps with, or NULL: the default route's link */
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
	/* The kernel's own route of the gateway address is none of a user. */
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
	mtu = link_get(host, search.ifindex).mtu;
	return mtu < 1280 ? 1500 : mtu;
}

bool uplink_prefix_taken(struct netlink *host, const struct prefix *prefix)
{
	struct route_search search = {.prefix = prefix};

	/* In doubt taken: another one is tried. */
	return routes_search(host, prefix->address.family, &search) < 0 || search.found;
}
