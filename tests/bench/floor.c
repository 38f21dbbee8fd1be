/*
 * The floor: the kernel's own cost of a first login's objects.
 *
 * One process makes plain system calls, with requests built by hand and sent in as few messages as the
 * kernel accepts. It has no exec, lock, file or check. It makes the same objects as pam_netns with the
 * shipped conf: a network, a UTS and a mount namespace (cloned from a template), each with a pin; two
 * tmpfs, a bind mount of a persistent directory, a sysfs with the cgroups below it; a veth pair whose peer
 * is made in the namespace, its bridge port's flags and static FDB entry; the guard's two set elements;
 * addresses, routes and neighbours of both families on both sides.
 *
 * It has its own bridge and table, so that its cost does not depend on pam_netns.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "floor_request.h"

#define DIR_PINS   "/run/floor"
#define DIR_KEPT   "/var/lib/floor"
#define BRIDGE	   "flbr0"
#define PORT_INDEX 0x70000000U
#define MTU	   1500
#define FLAGS	   (MS_NOSUID | MS_NODEV)
#define EXCL	   (NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK)

static const uint8_t gateway[4] = {10, 254, 0, 1}, gateway6[16] = {0xfd, 0xfe, [15] = 1};
static const uint8_t bridge_mac[6] = {2, 0xfe, 0, 0, 0, 1};
/* Each login is that of another user. */
static uint8_t address[4] = {10, 254}, address6[16] = {0xfd, 0xfe}, mac[6] = {2, 0xfe};
static char port[IFNAMSIZ];
static unsigned port_index;

static struct floor {
	int mnt, net, uts; /* the host's */
	int template;
	int route, netfilter;
	unsigned bridge;
	struct requests requests;
} f;

static void must(bool done, const char *what)
{
	if (!done)
		err(1, "floor: %s", what);
}

static void host_return(void)
{
	must(!setns(f.mnt, CLONE_NEWNS) && !setns(f.net, CLONE_NEWNET) &&
		 !setns(f.uts, CLONE_NEWUTS),
	     "return");
}

static void bridge_make(void)
{
	struct ifinfomsg header = {0};
	struct requests *r = &f.requests;

	requests_begin(r, RTM_NEWLINK, EXCL, &header, sizeof(header));
	requests_put_text(r, IFLA_IFNAME, BRIDGE);
	requests_put(r, IFLA_ADDRESS, bridge_mac, sizeof(bridge_mac));

	struct nlattr *info = requests_nest(r, IFLA_LINKINFO);

	requests_put_text(r, IFLA_INFO_KIND, "bridge");
	requests_nest_end(r, info);
	requests_send(r, f.route, "make the bridge");
	f.bridge = if_nametoindex(BRIDGE);
	put_no_addrgen(r, f.bridge);
	put_flags(r, f.bridge, IFF_UP, IFF_UP);
	put_address(r, f.bridge, gateway, 4);
	put_address(r, f.bridge, gateway6, 16);
	requests_send(r, f.route, "set up the bridge");
}

void floor_setup(void)
{
	f.mnt = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	f.net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	f.uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	must(f.mnt >= 0 && f.net >= 0 && f.uts >= 0, "open the host's namespaces");
	f.route = netlink_socket(NETLINK_ROUTE);
	f.netfilter = netlink_socket(NETLINK_NETFILTER);
	bridge_make();
	must(system("nft 'add table bridge bench_floor; "
		    "add set bridge bench_floor guard4 "
		    "{ typeof iifname . ether saddr . ip saddr; }; "
		    "add set bridge bench_floor guard6 "
		    "{ typeof iifname . ether saddr . ip6 saddr; }'") == 0,
	     "make sets");
	must(!mkdir(DIR_KEPT, 01777) && !mkdir(DIR_PINS, 0700) &&
		 !mount("floor", DIR_PINS, "tmpfs", FLAGS, NULL) &&
		 !mount(NULL, DIR_PINS, NULL, MS_PRIVATE, NULL),
	     "make " DIR_PINS);
	must(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) &&
		 !umount2(DIR_PINS, MNT_DETACH) && !umount2("/run/pam-netns/pins", MNT_DETACH),
	     "make the template");
	f.template = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	must(f.template >= 0, "open the template");
	host_return();
}

static void pin(const char *name)
{
	char from[32], to[64];
	int fd;

	snprintf(from, sizeof(from), "/proc/self/ns/%s", name);
	snprintf(to, sizeof(to), DIR_PINS "/%s", name);
	fd = open(to, O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0, to);
	close(fd);
	must(!mount(from, to, NULL, MS_BIND, NULL), from);
}

/* In the new network namespace. Leaves the process in the new mount namespace. */
static void mntns_make(void)
{
	int kept = open_tree(AT_FDCWD, DIR_KEPT, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), cgroup;

	must(kept >= 0 && !setns(f.template, CLONE_NEWNS) && !unshare(CLONE_NEWNS), "clone");
	must(!mount("floor", "/tmp", "tmpfs", FLAGS, "mode=1777,size=1g"), "/tmp");
	must(!mount("floor", "/dev/shm", "tmpfs", FLAGS, "mode=1777,size=1g"), "/dev/shm");
	must(!move_mount(kept, "", AT_FDCWD, "/var/tmp", MOVE_MOUNT_F_EMPTY_PATH), "/var/tmp");
	cgroup = open_tree(AT_FDCWD, "/sys/fs/cgroup",
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	must(cgroup >= 0 && !mount("sysfs", "/sys", "sysfs", FLAGS | MS_NOEXEC, NULL), "/sys");
	must(!move_mount(cgroup, "", AT_FDCWD, "/sys/fs/cgroup", MOVE_MOUNT_F_EMPTY_PATH),
	     "/sys/fs/cgroup");
	close(kept);
	close(cgroup);
}

static void put_veth(struct requests *r, int netns)
{
	struct ifinfomsg end0 = {.ifi_index = (int)port_index}, peer = {.ifi_index = 2};

	requests_begin(r, RTM_NEWLINK, EXCL, &end0, sizeof(end0));
	requests_put_text(r, IFLA_IFNAME, port);
	requests_put_u32(r, IFLA_MTU, MTU);
	requests_put_u32(r, IFLA_MASTER, f.bridge);
	requests_put_u32(r, IFLA_NUM_TX_QUEUES, 1);
	requests_put_u32(r, IFLA_NUM_RX_QUEUES, 1);

	struct nlattr *info = requests_nest(r, IFLA_LINKINFO);

	requests_put_text(r, IFLA_INFO_KIND, "veth");

	struct nlattr *data = requests_nest(r, IFLA_INFO_DATA);
	struct nlattr *end = requests_nest(r, VETH_INFO_PEER);

	memcpy(r->data + r->used, &peer, sizeof(peer));
	r->used += NLMSG_ALIGN(sizeof(peer));
	requests_put_text(r, IFLA_IFNAME, "eth0");
	requests_put_u32(r, IFLA_MTU, MTU);
	requests_put(r, IFLA_ADDRESS, mac, sizeof(mac));
	requests_put_u32(r, IFLA_NET_NS_FD, (uint32_t)netns);
	requests_put_u32(r, IFLA_NUM_TX_QUEUES, 1);
	requests_put_u32(r, IFLA_NUM_RX_QUEUES, 1);
	requests_nest_end(r, end);
	requests_nest_end(r, data);
	requests_nest_end(r, info);
}

static void put_port_flags(struct requests *r)
{
	static const struct {
		uint8_t type, value;
	} flags[] = {{IFLA_BRPORT_ISOLATED, 1},	   {IFLA_BRPORT_LOCKED, 1},
		     {IFLA_BRPORT_LEARNING, 0},	   {IFLA_BRPORT_UNICAST_FLOOD, 0},
		     {IFLA_BRPORT_MCAST_FLOOD, 0}, {IFLA_BRPORT_BCAST_FLOOD, 0}};
	uint16_t mask = 0xfffd;

	put_flags(r, port_index, 0, 0);

	struct nlattr *info = requests_nest(r, IFLA_LINKINFO);

	requests_put_text(r, IFLA_INFO_SLAVE_KIND, "bridge");

	struct nlattr *data = requests_nest(r, IFLA_INFO_SLAVE_DATA);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		requests_put(r, flags[i].type, &flags[i].value, 1);
	requests_put(r, IFLA_BRPORT_GROUP_FWD_MASK, &mask, sizeof(mask));
	requests_nest_end(r, data);
	requests_nest_end(r, info);
}

static void put_element(struct requests *r, const char *set, const void *to, size_t size)
{
	struct nfgenmsg header = {.nfgen_family = NFPROTO_BRIDGE};
	uint8_t key[40] = {0};

	memcpy(key, port, strlen(port));
	memcpy(key + 16, mac, sizeof(mac));
	memcpy(key + 24, to, size);
	requests_begin(r, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_ACK,
		       &header, sizeof(header));
	requests_put_text(r, NFTA_SET_ELEM_LIST_TABLE, "bench_floor");
	requests_put_text(r, NFTA_SET_ELEM_LIST_SET, set);

	struct nlattr *list = requests_nest(r, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
	struct nlattr *one = requests_nest(r, NFTA_LIST_ELEM | NLA_F_NESTED);
	struct nlattr *data = requests_nest(r, NFTA_SET_ELEM_KEY | NLA_F_NESTED);

	requests_put(r, NFTA_DATA_VALUE, key, 24 + size);
	requests_nest_end(r, data);
	requests_nest_end(r, one);
	requests_nest_end(r, list);
}

static void guard_put(struct requests *r)
{
	struct nfgenmsg edge = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};

	requests_begin(r, NFNL_MSG_BATCH_BEGIN, 0, &edge, sizeof(edge));
	put_element(r, "guard4", address, 4);
	put_element(r, "guard6", address6, 16);
	requests_begin(r, NFNL_MSG_BATCH_END, 0, &edge, sizeof(edge));
	requests_send(r, f.netfilter, "add to the guard");
}

static void user_configure(struct requests *r, int user)
{
	put_flags(r, 1, IFF_UP, IFF_UP);
	put_no_addrgen(r, 2);
	put_flags(r, 2, IFF_UP, IFF_UP);
	put_address(r, 2, address, 4);
	put_neighbour(r, RTM_NEWNEIGH, 2, gateway, 4, bridge_mac);
	put_route(r, RTM_NEWROUTE, 2, NULL, gateway, 4);
	put_address(r, 2, address6, 16);
	put_neighbour(r, RTM_NEWNEIGH, 2, gateway6, 16, bridge_mac);
	put_route(r, RTM_NEWROUTE, 2, NULL, gateway6, 16);
	requests_send(r, user, "configure the user's end");
}

static void port_connect(struct requests *r)
{
	put_port_flags(r);
	put_no_addrgen(r, port_index);
	put_neighbour(r, RTM_NEWNEIGH, port_index, NULL, 0, mac);
	put_route(r, RTM_NEWROUTE, f.bridge, address, NULL, 4);
	put_neighbour(r, RTM_NEWNEIGH, f.bridge, address, 4, mac);
	put_route(r, RTM_NEWROUTE, f.bridge, address6, NULL, 16);
	put_neighbour(r, RTM_NEWNEIGH, f.bridge, address6, 16, mac);
	put_flags(r, port_index, IFF_UP, IFF_UP);
	requests_send(r, f.route, "connect the port");
}

static void user_next(void)
{
	static unsigned number = 1;

	number++;
	for (int i = 0; i < 2; i++) {
		uint8_t part = (uint8_t)(number >> (8 * i));

		address[3 - i] = part;
		address6[15 - i] = part;
		mac[5 - i] = part;
	}
	snprintf(port, sizeof(port), "fl%u", number);
	port_index = PORT_INDEX + number;
}

int64_t floor_login(void)
{
	struct requests *r = &f.requests;
	int net, mnt, user;

	user_next();

	int64_t start = now_ns();

	must(!unshare(CLONE_NEWNET), "unshare net");
	pin("net");
	net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	user = netlink_socket(NETLINK_ROUTE);
	must(!unshare(CLONE_NEWUTS) && !sethostname("floor", 5), "unshare uts");
	pin("uts");
	mntns_make();
	mnt = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	must(mnt >= 0 && !setns(f.mnt, CLONE_NEWNS), "return");
	char from[32];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", mnt);
	close(open(DIR_PINS "/mnt", O_CREAT | O_CLOEXEC, 0600));
	must(!mount(from, DIR_PINS "/mnt", NULL, MS_BIND, NULL), "pin mnt");
	host_return();
	put_veth(r, net);
	requests_send(r, f.route, "make the veth pair");
	guard_put(r);
	user_configure(r, user);
	port_connect(r);
	close(net);
	close(mnt);
	close(user);
	return now_ns() - start;
}

int64_t floor_logout(void)
{
	struct requests *r = &f.requests;
	int64_t start = now_ns(), took;

	put_route(r, RTM_DELROUTE, f.bridge, address, NULL, 4);
	put_neighbour(r, RTM_DELNEIGH, f.bridge, address, 4, NULL);
	put_route(r, RTM_DELROUTE, f.bridge, address6, NULL, 16);
	put_neighbour(r, RTM_DELNEIGH, f.bridge, address6, 16, NULL);
	requests_send(r, f.route, "disconnect");
	must(!umount2(DIR_PINS "/net", MNT_DETACH) && !unlink(DIR_PINS "/net") &&
		 !umount2(DIR_PINS "/uts", MNT_DETACH) && !unlink(DIR_PINS "/uts") &&
		 !umount2(DIR_PINS "/mnt", MNT_DETACH) && !unlink(DIR_PINS "/mnt"),
	     "remove the pins");
	took = now_ns() - start;
	port_wait_gone(port);
	return took;
}
