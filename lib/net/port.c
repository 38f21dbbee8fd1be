/* The flags of a bridge port; see port.h. */
#include "net/port.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "net/netlink.h"

/* A build for tests names the attribute that every kernel ignores. */
#ifndef PORT_LOCKED
#define PORT_LOCKED IFLA_BRPORT_LOCKED
#endif

static const struct {
	int attribute;
	uint8_t value;
	const char *name;
} wanted[] = {
    {IFLA_BRPORT_ISOLATED, 1, "isolated (Linux 4.18)"},
    {IFLA_BRPORT_LEARNING, 0, "without learning (Linux 3.11)"},
    {IFLA_BRPORT_UNICAST_FLOOD, 0, "without flooding (Linux 3.11)"},
    {IFLA_BRPORT_MCAST_FLOOD, 0, "without multicast flooding (Linux 4.9)"},
    {IFLA_BRPORT_BCAST_FLOOD, 0, "without broadcast flooding (Linux 4.12)"},
};

#define WANTED	       (sizeof(wanted) / sizeof(wanted[0]))
#define GROUP_FWD_MASK 0xfffd

struct netlink_message *port_flags_request(unsigned ifindex)
{
	struct ifinfomsg header = {.ifi_index = (int)ifindex};
	struct netlink_message *m =
	    netlink_request(RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
	struct nlattr *info, *data;

	info = netlink_nest(m, IFLA_LINKINFO);
	netlink_put_text(m, IFLA_INFO_SLAVE_KIND, "bridge");
	data = netlink_nest(m, IFLA_INFO_SLAVE_DATA);
	for (size_t i = 0; i < WANTED; i++)
		netlink_put_u8(m, wanted[i].attribute, wanted[i].value);
	netlink_put_u8(m, PORT_LOCKED, 1);
	netlink_put_u16(m, IFLA_BRPORT_GROUP_FWD_MASK, GROUP_FWD_MASK);
	netlink_nest_end(m, data);
	netlink_nest_end(m, info);
	return m;
}

static bool flag_is(const struct nlattr *flag, uint8_t value)
{
	return flag && attribute_size(flag) >= 1 &&
	       *(const uint8_t *)attribute_value(flag) == value;
}

struct port_flags port_flags_read(const struct nlattr *info)
{
	const struct nlattr *flags[IFLA_BRPORT_MAX + 1] = {0};
	struct port_flags out = {0};
	uint16_t mask = 0;

	if (info)
		attributes_parse(attribute_value(info), attribute_size(info), flags,
				 IFLA_BRPORT_MAX);
	out.no_lock = !flags[PORT_LOCKED];
	out.locked = flag_is(flags[PORT_LOCKED], 1);
	for (size_t i = 0; i < WANTED && !out.wrong; i++)
		if (!flag_is(flags[wanted[i].attribute], wanted[i].value))
			out.wrong = wanted[i].name;
	if (flags[IFLA_BRPORT_GROUP_FWD_MASK])
		attribute_copy(flags[IFLA_BRPORT_GROUP_FWD_MASK], &mask, sizeof(mask));
	if (!out.wrong && mask != GROUP_FWD_MASK)
		out.wrong = "with link-local groups forwarded (group_fwd_mask, Linux 4.15)";
	return out;
}
