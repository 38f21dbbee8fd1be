/*
 * A user's uplink, written by lib/net/uplink.c in new network namespaces and read back by libnl-route-3.
 * Runs as root.
 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault.h"
#include "net/netlink.h"

#define netlink_run(...)   (fault_hits() ? -EIO : (netlink_run)(__VA_ARGS__))
#define netlink_query(...) (fault_hits() ? -EIO : (netlink_query)(__VA_ARGS__))
#include "../../lib/net/uplink.c"
#undef netlink_run
#undef netlink_query

#include "rtnl_read.h"

#define UID	 2001
#define PORT	 "pnu1jl0" /* 2001 in base 36, generation 0 */
#define INDEX	 (0x10000000 + 2001 * 32)
#define USER4	 "10.203.7.209"
#define USER6	 "fd00:203::7d1"
#define USER_MAC "02:6e:0a:cb:07:d1"
#define GATE_MAC "02:70:6e:00:00:01"

static struct network_state network = {.mtu = 1400};
static struct netlink host, user;
static struct nl_sock *host_read, *user_read;
static int host_net = -1, user_net = -1;
static struct uplink uplink;

static int net_open(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* The user's network namespace and the host's, with a bridge; this thread is in the host's. */
static int test_start(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || (user_net = net_open()) < 0 ||
	    netlink_open(&user, NETLINK_ROUTE) < 0)
		return -1;
	user_read = rtnl_socket();
	if (unshare(CLONE_NEWNET) < 0 || (host_net = net_open()) < 0 ||
	    netlink_open(&host, NETLINK_ROUTE) < 0 || rtnl_sysfs() < 0)
		return -1;
	host_read = rtnl_socket();
	uplink_init(&uplink, &network, UID, UID);
	strcpy(uplink.bridge, "pnbr0");
	return uplink_bridge_make(&host, &network, uplink.bridge, &uplink.bridge_ifindex);
}

static int test_end(void **state)
{
	(void)state;
	nl_socket_free(host_read);
	nl_socket_free(user_read);
	netlink_close(&host);
	netlink_close(&user);
	close(host_net);
	close(user_net);
	return umount2("/sys", MNT_DETACH);
}

static int group_start(void **state)
{
	(void)state;
	return prefix_parse("10.203.0.0/16", &network.subnet) ||
	       prefix_parse("fd00:203::/64", &network.subnet6);
}

static void create(void)
{
	assert_int_equal(uplink_create(&host, user_net, &uplink), 0);
}

static void connect_up(void)
{
	create();
	assert_int_equal(uplink_connect(&host, &uplink), 0);
}

/* The text with the bridge's index for each "@". */
static const char *with_bridge(const char *format)
{
	static char text[RTNL_TEXT_MAX];
	char *out = text;

	for (const char *p = format; *p; p++) {
		if (*p == '@')
			out += sprintf(out, "%u", uplink.bridge_ifindex);
		else
			*out++ = *p;
	}
	*out = '\0';
	return text;
}

#define assert_text(actual, expected)                                                              \
	do {                                                                                       \
		char actual_text[RTNL_TEXT_MAX];                                                   \
		strcpy(actual_text, actual);                                                       \
		assert_string_equal(actual_text, with_bridge(expected));                           \
	} while (0)

/* --- the pair --- */

static void pair_has_one_queue_and_its_names(void **state)
{
	char port[128];

	(void)state;
	create();
	assert_string_equal(uplink.port, PORT);
	assert_int_equal(uplink.ifindex, INDEX);
	strcpy(port, rtnl_link_text(host_read, PORT));
	/* The kernel chooses the port's own MAC. */
	memcpy(strstr(port, "mac ") + 4, "xx:xx:xx:xx:xx:xx", 17);
	assert_text(port, "pnu1jl0: veth index 268499488 mac xx:xx:xx:xx:xx:xx mtu 1400 master @ "
			  "queues 1 1 addrgen 0 down");
	assert_text(rtnl_link_text(user_read, "eth0"),
		    "eth0: veth index 1000 mac " USER_MAC
		    " mtu 1400 master 0 queues 1 1 addrgen 0 down");
	assert_string_equal(rtnl_link_text(host_read, "eth0"), "none");
}

/* Makes a network namespace without processes. */
static int net_other(void)
{
	int net;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	net = net_open();
	assert_int_equal(setns(host_net, CLONE_NEWNET), 0);
	assert_true(net >= 0);
	return net;
}

/* While the old port exists, the user's next login gets another name and index. */
static void further_pairs_have_other_names(void **state)
{
	int nets[UPLINK_GENERATIONS];

	(void)state;
	for (unsigned i = 0; i < UPLINK_GENERATIONS; i++) {
		nets[i] = net_other();
		assert_int_equal(uplink_create(&host, nets[i], &uplink), 0);
		assert_int_equal(uplink.ifindex, INDEX + i);
		assert_int_equal(uplink.port[6], "0123456789abcdefghijklmnopqrstuvwxyz"[i]);
		assert_text(rtnl_port_text(host_read, INDEX + (int)i),
			    "master @ locked 0 neigh_suppress 0\n");
	}
	assert_int_equal(uplink_create(&host, user_net, &uplink), -EEXIST);
	for (unsigned i = 0; i < UPLINK_GENERATIONS; i++)
		close(nets[i]);
}

/* The user has taken name and index, and the pair is made all the same. */
static void pair_in_a_changed_namespace_has_a_free_name(void **state)
{
	unsigned index = 0;

	(void)state;
	create();
	assert_int_equal(uplink_create_again(&host, user_net, &uplink, &index), 0);
	assert_int_equal(uplink.ifindex, INDEX + 1);
	assert_int_not_equal(index, UPLINK_USER_INDEX);
	assert_int_equal(uplink_configure_user(&user, &uplink, index), 0);
	assert_non_null(strstr(rtnl_link_text(user_read, "eth1"), "mac " USER_MAC));
	assert_non_null(strstr(rtnl_addresses(user_read), USER4));
}

/* --- the user's side --- */

#define USER_ADDRESSES USER4 " len 32 dev 1000 flags 0x80\n" USER6 " len 128 dev 1000 flags 0x82\n"
#define USER_NEIGHBOURS                                                                            \
	"10.203.0.1 mac " GATE_MAC " dev 1000 state 0x80\n"                                        \
	"fd00:203::1 mac " GATE_MAC " dev 1000 state 0x80\n"
#define USER_ROUTES                                                                                \
	USER6 " type 1 scope 0 proto 2 dev 1000 via none flags 0 hops 1\n"                         \
	      "none type 1 scope 0 proto 3 dev 1000 via 10.203.0.1 flags 0x4 hops 1\n"             \
	      "none type 1 scope 0 proto 3 dev 1000 via fd00:203::1 flags 0x4 hops 1\n"

static void user_side_is_configured(void **state)
{
	(void)state;
	create();
	/* A second call succeeds and adds nothing. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplink_configure_user(&user, &uplink, UPLINK_USER_INDEX), 0);
		assert_text(rtnl_link_text(user_read, "eth0"),
			    "eth0: veth index 1000 mac " USER_MAC
			    " mtu 1400 master 0 queues 1 1 addrgen 1 up");
		assert_non_null(strstr(rtnl_link_text(user_read, "lo"), " up"));
		assert_text(rtnl_addresses(user_read), USER_ADDRESSES);
		assert_text(rtnl_neighbours(user_read), USER_NEIGHBOURS);
		assert_text(rtnl_routes(user_read), USER_ROUTES);
	}
}

/* --- the host's side --- */

#define HOST_NEIGHBOURS                                                                            \
	USER4 " mac " USER_MAC " dev @ state 0x80\n" USER6 " mac " USER_MAC " dev @ state 0x80\n"
#define HOST_ROUTES                                                                                \
	USER4 " type 1 scope 253 proto 3 dev @ via none flags 0 hops 1\n"                          \
	      "fd00:203::1 type 1 scope 0 proto 2 dev @ via none flags 0 hops 1\n" USER6           \
	      " type 1 scope 0 proto 3 dev @ via none flags 0 hops 1\n"
#define HOST_ROUTES_NONE "fd00:203::1 type 1 scope 0 proto 2 dev @ via none flags 0 hops 1\n"

static const struct {
	const char *file;
	long value;
} sysfs_flags[] = {
    {"brport/isolated", 1},	   {"brport/learning", 0},	  {"brport/unicast_flood", 0},
    {"brport/multicast_flood", 0}, {"brport/broadcast_flood", 0}, {"brport/group_fwd_mask", 0xfffd},
};

#define SYSFS_FLAGS (sizeof(sysfs_flags) / sizeof(*sysfs_flags))

static void assert_connected(void)
{
	assert_non_null(strstr(rtnl_link_text(host_read, PORT), "addrgen 1 up"));
	assert_text(rtnl_port_text(host_read, INDEX), "master @ locked 1 neigh_suppress 0\n");
	assert_int_equal(
	    rtnl_port_flags(host_read, INDEX) &
		(RTNL_BRIDGE_LEARNING | RTNL_BRIDGE_UNICAST_FLOOD | RTNL_BRIDGE_HAIRPIN_MODE),
	    0);
	for (size_t i = 0; i < SYSFS_FLAGS; i++)
		assert_int_equal(sysfs_read(PORT, sysfs_flags[i].file), sysfs_flags[i].value);
	assert_text(rtnl_fdb(host_read), USER_MAC " dev 268499488 state 0x40\n");
	assert_text(rtnl_neighbours(host_read), HOST_NEIGHBOURS);
	assert_text(rtnl_routes(host_read), HOST_ROUTES);
}

static void port_is_connected(void **state)
{
	(void)state;
	create();
	/* The control: the kernel's defaults before the call. */
	for (size_t i = 0; i < SYSFS_FLAGS; i++)
		assert_int_not_equal(sysfs_read(PORT, sysfs_flags[i].file), sysfs_flags[i].value);
	assert_text(rtnl_port_text(host_read, INDEX), "master @ locked 0 neigh_suppress 0\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplink_connect(&host, &uplink), 0);
		assert_connected();
	}
	assert_int_equal(uplink_refresh(&host, &uplink), 0);
	assert_connected();
}

static void uplink_without_ipv6_has_none_on_both_sides(void **state)
{
	(void)state;
	create();
	uplink.address6 = (struct address){0};
	assert_int_equal(uplink_configure_user(&user, &uplink, UPLINK_USER_INDEX), 0);
	assert_text(rtnl_addresses(user_read), USER4 " len 32 dev 1000 flags 0x80\n");
	assert_text(rtnl_neighbours(user_read),
		    "10.203.0.1 mac " GATE_MAC " dev 1000 state 0x80\n");
	assert_text(rtnl_routes(user_read),
		    "none type 1 scope 0 proto 3 dev 1000 via 10.203.0.1 flags 0x4 hops 1\n");
	assert_int_equal(uplink_connect(&host, &uplink), 0);
	assert_text(rtnl_neighbours(host_read), USER4 " mac " USER_MAC " dev @ state 0x80\n");
	assert_text(rtnl_routes(host_read), USER4
		    " type 1 scope 253 proto 3 dev @ via none flags 0 hops 1\n" HOST_ROUTES_NONE);
}

static bool port_listed_safe(void)
{
	struct uplink_ports ports;
	bool safe;

	assert_int_equal(uplink_ports_safe(&host, &ports), 0);
	safe = uplink_port_safe(&ports, &uplink);
	free(ports.list);
	return safe;
}

/* Each changed flag makes the port unsafe, and is mended. */
static void changed_port_is_noticed_and_mended(void **state)
{
	unsigned bridge = uplink.bridge_ifindex, other;

	(void)state;
	connect_up();
	assert_true(port_listed_safe());
	for (size_t i = 0; i < SYSFS_FLAGS; i++) {
		sysfs_write(PORT, sysfs_flags[i].file, sysfs_flags[i].value == 1 ? 0 : 1);
		assert_false(port_listed_safe());
		assert_int_equal(uplink_connect(&host, &uplink), 0);
		assert_true(port_listed_safe());
	}
	assert_int_equal(uplink_disconnect(&host, &uplink), 0);
	assert_false(port_listed_safe());
	assert_int_equal(uplink_bridge_make(&host, &network, "pnbr1", &other), 0);
	uplink.bridge_ifindex = other;
	assert_int_equal(uplink_connect(&host, &uplink), 0);
	assert_true(port_listed_safe());
	uplink.bridge_ifindex = bridge;
	assert_false(port_listed_safe());
}

/* Routes, neighbours and FDB entries that another program changed are replaced. */
static void changed_tables_are_mended(void **state)
{
	static const struct mac wrong = {{2, 0, 0, 0, 0, 9}};
	struct netlink_batch b;
	struct uplink other;
	int net;

	(void)state;
	connect_up();
	/* This port's MAC is on another port. */
	uplink_init(&other, &network, UID + 1, UID + 1);
	other.bridge_ifindex = uplink.bridge_ifindex;
	net = net_other();
	assert_int_equal(uplink_create(&host, net, &other), 0);
	close(net);
	netlink_batch_init(&b);
	netlink_add(&b, request_fdb(other.ifindex, &uplink.mac), "move the MAC", 0);
	netlink_add(&b,
		    request_neighbour(RTM_NEWNEIGH, uplink.bridge_ifindex, &uplink.address, &wrong),
		    "change the neighbour", 0);
	netlink_add(&b, request_user_route(RTM_DELROUTE, uplink.bridge_ifindex, &uplink.address6),
		    "delete the route", 0);
	assert_int_equal(netlink_run(&host, &b), 0);
	assert_text(rtnl_fdb(host_read), USER_MAC " dev 268499520 state 0x40\n");
	assert_non_null(strstr(rtnl_neighbours(host_read), "02:00:00:00:00:09"));
	assert_null(strstr(rtnl_routes(host_read), USER6));
	assert_int_equal(uplink_refresh(&host, &uplink), 0);
	assert_connected();
}

/* --- disconnecting --- */

static void disconnected_port_is_only_down(void **state)
{
	(void)state;
	connect_up();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplink_disconnect(&host, &uplink), 0);
		assert_non_null(strstr(rtnl_link_text(host_read, PORT), "addrgen 1 down"));
		assert_text(rtnl_fdb(host_read), USER_MAC " dev 268499488 state 0x40\n");
		assert_text(rtnl_neighbours(host_read), HOST_NEIGHBOURS);
		assert_text(rtnl_routes(host_read), HOST_ROUTES);
	}
	uplink.ifindex += 5; /* no link has it */
	assert_int_equal(uplink_disconnect(&host, &uplink), 0);
}

static void detached_port_leaves_nothing(void **state)
{
	(void)state;
	connect_up();
	uplink.bridge_ifindex = 0; /* the bridge is found by its name */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplink_detach(&host, &uplink), 0);
		uplink.bridge_ifindex = link_find(&host, uplink.bridge);
		assert_non_null(strstr(rtnl_link_text(host_read, PORT), "addrgen 1 down"));
		assert_string_equal(rtnl_neighbours(host_read), "");
		assert_text(rtnl_routes(host_read), HOST_ROUTES_NONE);
	}
	/* Without the pair, and without the bridge. */
	assert_int_equal(link_remove(&host, uplink.ifindex), 0);
	assert_string_equal(rtnl_link_text(user_read, "eth0"), "none");
	assert_int_equal(uplink_detach(&host, &uplink), 0);
	assert_int_equal(uplink_bridge_remove(&host, uplink.bridge), 0);
	uplink.bridge_ifindex = 0;
	assert_int_equal(uplink_detach(&host, &uplink), 0);
}

/* --- failures --- */

static void port_in_wrong_bridge_is_an_error(void **state)
{
	(void)state;
	create();
	uplink.bridge_ifindex += 1000;
	assert_true(uplink_connect(&host, &uplink) < 0);
	assert_string_equal(rtnl_neighbours(host_read), "");
	assert_text(rtnl_routes(host_read), "fd00:203::1 type 1 scope 0 proto 2 dev "
					    "2 via none flags 0 hops 1\n");
}

static void all_steps(void)
{
	struct uplink_ports ports;
	int failed = 0;

	failed += uplink_create(&host, user_net, &uplink) < 0;
	failed += uplink_configure_user(&user, &uplink, UPLINK_USER_INDEX) < 0;
	failed += uplink_connect(&host, &uplink) < 0;
	failed += uplink_refresh(&host, &uplink) < 0;
	failed += uplink_ports_safe(&host, &ports) < 0;
	free(ports.list);
	failed += uplink_disconnect(&host, &uplink) < 0;
	failed += uplink_detach(&host, &uplink) < 0;
	/* A pair that is not made fails the user's side too: there is no eth0. */
	assert_int_equal(failed > 0, fault_was_hit());
	fault_pause(assert_int_equal(link_remove(&host, uplink.ifindex), 0));
}

static void each_failure_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(fault_sweep(EIO, all_steps), 7);
}

int main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, test_start, test_end)
	const struct CMUnitTest tests[] = {
	    test(pair_has_one_queue_and_its_names),
	    test(further_pairs_have_other_names),
	    test(pair_in_a_changed_namespace_has_a_free_name),
	    test(user_side_is_configured),
	    test(port_is_connected),
	    test(uplink_without_ipv6_has_none_on_both_sides),
	    test(changed_port_is_noticed_and_mended),
	    test(changed_tables_are_mended),
	    test(disconnected_port_is_only_down),
	    test(detached_port_leaves_nothing),
	    test(port_in_wrong_bridge_is_an_error),
	    test(each_failure_is_an_error),
	};

	return cmocka_run_group_tests(tests, group_start, NULL);
}
