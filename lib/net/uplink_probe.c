/*
 * Can this kernel give users their uplinks? See uplink.h.
 *
 * The probe does what a first login does, and reads the port's flags back: a kernel ignores an
 * attribute that it does not know.
 */
#include "net/uplink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "base/namespaces.h"
#include "net/port.h"

/* Addresses for documentation; nothing is sent. */
#define PROBE_SUBNET "192.0.2.0/24"
#define PROBE_MTU    1500
#define PROBE_OFFSET 2

/* Two namespaces as a host's and a user's. The thread is in the host's. */
struct probe {
	struct netlink host, user;
	int user_net;
};

static void cleanup_probe(struct probe *probe)
{
	netlink_close(&probe->host);
	netlink_close(&probe->user);
	cleanup_fd(&probe->user_net);
}

static int probe_enter(struct netlink *netlink)
{
	int error = namespace_unshare(KIND_NET);

	return error ? error : netlink_open(netlink, NETLINK_ROUTE);
}

static int probe_open(struct probe *probe, int proc)
{
	int error = probe_enter(&probe->user);

	if (error)
		return error;
	probe->user_net = namespace_open(proc, "self", KIND_NET);
	return probe->user_net < 0 ? probe->user_net : probe_enter(&probe->host);
}

static int port_found(void *context, struct nlmsghdr *answer)
{
	const struct nlattr *attributes[IFLA_MAX + 1];

	if (answer->nlmsg_type == RTM_NEWLINK &&
	    netlink_parse(answer, sizeof(struct ifinfomsg), attributes, IFLA_MAX) &&
	    attributes[IFLA_MASTER])
		*(struct port_flags *)context = port_flags_read(attributes[IFLA_PROTINFO]);
	return 0;
}

static int probe_read(struct netlink *host, bool *locked)
{
	struct ifinfomsg header = {.ifi_family = AF_BRIDGE};
	struct port_flags flags = port_flags_read(NULL);
	int error =
	    netlink_query(host, netlink_request(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header)),
			  "list the bridge ports", port_found, &flags);

	if (error)
		return error;
	*locked = flags.locked;
	if (!flags.wrong)
		return 0;
	log_error("this kernel cannot make a bridge port %s", flags.wrong);
	return -EOPNOTSUPP;
}

static int probe_uplink(struct probe *probe, const struct network_state *network)
{
	struct uplink uplink;
	int error;

	uplink_init(&uplink, network, 0, PROBE_OFFSET);
	error = uplink_bridge_make(&probe->host, network, network->bridge, &uplink.bridge_ifindex);
	if (error)
		return error;
	error = uplink_create(&probe->host, probe->user_net, &uplink);
	if (error)
		return error;
	error = uplink_configure_user(&probe->user, &uplink, UPLINK_USER_INDEX);
	return error ? error : uplink_connect(&probe->host, &uplink);
}

int uplink_probe(int proc, bool *locked)
{
	__attribute__((cleanup(cleanup_probe))) struct probe probe = {
	    .host = {.fd = -1}, .user = {.fd = -1}, .user_net = -1};
	struct network_state network = {.bridge = "pnprobe", .mtu = PROBE_MTU};
	int error;

	*locked = false;
	error = prefix_parse(PROBE_SUBNET, &network.subnet);
	if (error)
		return error;
	error = probe_open(&probe, proc);
	if (error)
		return error;
	error = probe_uplink(&probe, &network);
	return error ? error : probe_read(&probe.host, locked);
}
