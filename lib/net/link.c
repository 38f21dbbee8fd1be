/* Questions about links, and the names of our bridge ports; see link.h. */
#include "net/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/log.h"
#include "rules/ruleset.h"

void port_name(uid_t uid, unsigned generation, char out[IFNAMSIZ])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[8];
	size_t n = 0, prefix = strlen(RULESET_PORT_PREFIX);

	do
		text[n++] = digits[uid % 36];
	while (uid /= 36);
	memcpy(out, RULESET_PORT_PREFIX, prefix);
	for (size_t i = 0; i < n; i++)
		out[prefix + i] = text[n - 1 - i];
	out[prefix + n] = digits[generation % 36];
	out[prefix + n + 1] = '\0';
}

bool port_uid(const char *name, uid_t *uid)
{
	size_t prefix = strlen(RULESET_PORT_PREFIX), length = strlen(name);
	uint64_t value = 0;

	if (strncmp(name, RULESET_PORT_PREFIX, prefix) != 0 || length < prefix + 2)
		return false;
	for (const char *p = name + prefix; p < name + length - 1; p++) {
		if (*p >= '0' && *p <= '9')
			value = value * 36 + (uint64_t)(*p - '0');
		else if (*p >= 'a' && *p <= 'z')
			value = value * 36 + (uint64_t)(*p - 'a') + 10;
		else
			return false;
	}
	*uid = (uid_t)value;
	return value < UINT32_MAX;
}

int link_remove(struct netlink *host, unsigned ifindex)
{
	struct ifinfomsg header = {.ifi_index = (int)ifindex};
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, netlink_request(RTM_DELLINK, NLM_F_ACK, &header, sizeof(header)),
		    "remove a link", ENODEV);
	return netlink_run(host, &b);
}

/*
 * ioctl(2) works on any socket, and needs neither rtnl nor a message with all that
 * is known about a link.
 */
static int link_ioctl(const struct netlink *host, unsigned long what, struct ifreq *link)
{
	if (ioctl(host->fd, what, link) == 0)
		return 0;
	return errno == ENODEV ? -ENODEV : log_errno(errno, "ask about a link");
}

int link_up(struct netlink *host, unsigned ifindex, const char *name)
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

int link_index(struct netlink *host, const char *name, unsigned *ifindex)
{
	struct ifreq link = {0};
	int result;

	strncpy(link.ifr_name, name, IFNAMSIZ - 1);
	result = link_ioctl(host, SIOCGIFINDEX, &link);
	*ifindex = result == 0 ? (unsigned)link.ifr_ifindex : 0;
	return result == -ENODEV ? 0 : result;
}

unsigned link_find(struct netlink *host, const char *name)
{
	unsigned ifindex;

	return link_index(host, name, &ifindex) == 0 ? ifindex : 0;
}

struct link_answer {
	unsigned mtu, peer;
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
	if (attributes[IFLA_LINK])
		link->peer = attribute_u32(attributes[IFLA_LINK]);
	if (attributes[IFLA_STATS64])
		attribute_copy(attributes[IFLA_STATS64], &link->stats, sizeof(link->stats));
	return 0;
}

/* There is no such link: all is 0. */
static struct link_answer link_get(struct netlink *host, unsigned ifindex)
{
	struct ifinfomsg header = {.ifi_index = (int)ifindex};
	struct link_answer link = {0};

	(void)!netlink_query(host, netlink_request(RTM_GETLINK, 0, &header, sizeof(header)),
			     "ask about a link", link_read, &link);
	return link;
}

unsigned link_mtu(struct netlink *host, unsigned ifindex)
{
	return link_get(host, ifindex).mtu;
}

unsigned link_peer(struct netlink *host, unsigned ifindex)
{
	return link_get(host, ifindex).peer;
}

struct link_counters link_count(struct netlink *host, unsigned ifindex)
{
	struct link_answer link = {0};

	if (ifindex)
		link = link_get(host, ifindex);
	/* The user receives what the port sends. */
	return (struct link_counters){.in = link.stats.tx_bytes, .out = link.stats.rx_bytes};
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
	if (!port_uid(name, &uid))
		return 0;
	return v->visit(v->context, name, (unsigned)header->ifi_index,
			attributes[IFLA_MASTER] ? attribute_u32(attributes[IFLA_MASTER]) : 0);
}

int link_each_port(struct netlink *host, int (*visit)(void *, const char *, unsigned, unsigned),
		   void *context)
{
	struct ifinfomsg header = {0};
	struct port_visit v = {visit, context};

	return netlink_query(host,
			     netlink_request(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header)),
			     "list the links", port_read, &v);
}
