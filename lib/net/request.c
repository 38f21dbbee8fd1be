/* Single rtnetlink requests; see net/request.h. */
#include "net/request.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

struct netlink_message *request_link_flags(unsigned ifindex, unsigned flags, unsigned change)
{
	struct ifinfomsg header = {
	    .ifi_index = (int)ifindex, .ifi_flags = flags, .ifi_change = change};

	return netlink_request(RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
}

struct netlink_message *request_link_down(const char *name)
{
	struct netlink_message *m = request_link_flags(0, 0, IFF_UP);

	netlink_put_text(m, IFLA_IFNAME, name);
	return m;
}

struct netlink_message *request_link_mtu(unsigned ifindex, unsigned mtu)
{
	struct netlink_message *m = request_link_flags(ifindex, 0, 0);

	netlink_put_u32(m, IFLA_MTU, mtu);
	return m;
}

struct netlink_message *request_link_master(unsigned ifindex, unsigned master)
{
	struct netlink_message *m = request_link_flags(ifindex, 0, 0);

	netlink_put_u32(m, IFLA_MASTER, master);
	return m;
}

struct netlink_message *request_link_no_addrgen(unsigned ifindex)
{
	struct netlink_message *m = request_link_flags(ifindex, 0, 0);
	struct nlattr *families, *inet6;

	families = netlink_nest(m, IFLA_AF_SPEC);
	inet6 = netlink_nest(m, AF_INET6);
	netlink_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	netlink_nest_end(m, inet6);
	netlink_nest_end(m, families);
	return m;
}

struct netlink_message *request_address(unsigned ifindex, const struct address *address)
{
	size_t size = address_size(address);
	struct ifaddrmsg header = {
	    .ifa_family = (uint8_t)address->family,
	    .ifa_prefixlen = (uint8_t)(size * 8),
	    .ifa_index = ifindex,
	    .ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
	};
	struct netlink_message *m = netlink_request(
	    RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof(header));

	netlink_put(m, IFA_LOCAL, size, address->bytes);
	netlink_put(m, IFA_ADDRESS, size, address->bytes);
	return m;
}

struct netlink_message *request_neighbour(int type, unsigned ifindex, const struct address *address,
					  const struct mac *mac)
{
	struct ndmsg header = {
	    .ndm_family = (uint8_t)address->family,
	    .ndm_ifindex = (int)ifindex,
	    .ndm_state = NUD_PERMANENT,
	};
	int flags = type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	struct netlink_message *m =
	    netlink_request(type, flags | NLM_F_ACK, &header, sizeof(header));

	netlink_put(m, NDA_DST, address_size(address), address->bytes);
	if (mac)
		netlink_put(m, NDA_LLADDR, sizeof(mac->bytes), mac->bytes);
	return m;
}

struct netlink_message *request_fdb(unsigned port, const struct mac *mac)
{
	/* NUD_NOARP makes an FDB entry static; NLM_F_REPLACE moves an entry between ports. */
	struct ndmsg header = {
	    .ndm_family = AF_BRIDGE,
	    .ndm_ifindex = (int)port,
	    .ndm_state = NUD_NOARP,
	    .ndm_flags = NTF_MASTER,
	};
	struct netlink_message *m = netlink_request(
	    RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, &header, sizeof(header));

	netlink_put(m, NDA_LLADDR, sizeof(mac->bytes), mac->bytes);
	return m;
}

static struct netlink_message *request_route(int type, const struct rtmsg *header)
{
	int flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0;

	return netlink_request(type, flags | NLM_F_ACK, header, sizeof(*header));
}

struct netlink_message *request_default_route(unsigned ifindex, const struct address *gateway)
{
	struct rtmsg header = {
	    .rtm_family = (uint8_t)gateway->family,
	    .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_BOOT,
	    .rtm_type = RTN_UNICAST,
	    .rtm_flags = RTNH_F_ONLINK,
	};
	struct netlink_message *m = request_route(RTM_NEWROUTE, &header);

	netlink_put(m, RTA_GATEWAY, address_size(gateway), gateway->bytes);
	netlink_put_u32(m, RTA_OIF, ifindex);
	return m;
}

struct netlink_message *request_user_route(int type, unsigned ifindex,
					   const struct address *address)
{
	struct rtmsg header = {
	    .rtm_family = (uint8_t)address->family,
	    .rtm_dst_len = (uint8_t)(address_size(address) * 8),
	    .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_BOOT,
	    .rtm_scope = address->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
	    .rtm_type = RTN_UNICAST,
	};
	struct netlink_message *m = request_route(type, &header);

	netlink_put(m, RTA_DST, address_size(address), address->bytes);
	netlink_put_u32(m, RTA_OIF, ifindex);
	return m;
}

struct netlink_message *request_unreachable(int type, const struct prefix *prefix)
{
	struct rtmsg header = {
	    .rtm_family = (uint8_t)prefix->address.family,
	    .rtm_dst_len = (uint8_t)prefix->length,
	    .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_BOOT,
	    .rtm_type = RTN_UNREACHABLE,
	};
	struct netlink_message *m = request_route(type, &header);

	netlink_put(m, RTA_DST, address_size(&prefix->address), prefix->address.bytes);
	return m;
}
