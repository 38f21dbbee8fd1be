/*
 * The bridge and routes of a network, written by lib/net/bridge.c and link.c in a new network namespace
 * and read back by libnl-route-3; and queries about links. Runs as root.
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

#include <sys/ioctl.h>

#include "fault.h"
#include "net/netlink.h"

#define netlink_run(...)   (fault_hits() ? -EIO : (netlink_run)(__VA_ARGS__))
#define netlink_query(...) (fault_hits() ? -EIO : (netlink_query)(__VA_ARGS__))
#define ioctl(...)	   FAULT((ioctl)(__VA_ARGS__))
#include "../../lib/net/bridge.c"
#include "../../lib/net/link.c"
#undef netlink_run
#undef netlink_query

#include "log_kept.h"
#include "rtnl_read.h"

static struct network_state network = {.mtu = 1400};
static struct network_state v4_only;
static struct netlink host;
static struct nl_sock *reader;

static int test_start(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || rtnl_sysfs() < 0 ||
	    netlink_open(&host, NETLINK_ROUTE) < 0)
		return -1;
	reader = rtnl_socket();
	return 0;
}

static int test_end(void **state)
{
	(void)state;
	nl_socket_free(reader);
	netlink_close(&host);
	return umount2("/sys", MNT_DETACH);
}

static int group_start(void **state)
{
	(void)state;
	if (prefix_parse("10.203.0.0/16", &network.subnet) ||
	    prefix_parse("fd00:203::/64", &network.subnet6))
		return -1;
	v4_only = network;
	v4_only.subnet6.address.family = 0;
	return 0;
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static unsigned bridge_make(const char *name)
{
	unsigned index = 0;

	assert_int_equal(uplink_bridge_make(&host, &network, name, &index), 0);
	assert_true(index > 0);
	return index;
}

static int request_run(struct netlink_message *m)
{
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, m, "do what the test wants", 0);
	return netlink_run(&host, &b);
}

/* --- bridges --- */

#define BRIDGE(mtu)                                                                                \
	"pnbr0: bridge index 2 mac 02:70:6e:00:00:01 mtu " mtu " master 0 queues 1 1 addrgen 1 up"

static void bridge_is_made(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bridge_make("pnbr0"), 2);
		assert_string_equal(rtnl_link_text(reader, "pnbr0"), BRIDGE("1400"));
		/* libnl-route 3.7 does not know these. */
		assert_int_equal(sysfs_read("pnbr0", "bridge/stp_state"), 0);
		assert_int_equal(sysfs_read("pnbr0", "bridge/forward_delay"), 0);
		assert_int_equal(sysfs_read("pnbr0", "bridge/multicast_snooping"), 0);
		assert_string_equal(rtnl_addresses(reader),
				    "10.203.0.1 len 32 dev 2 flags 0x80\n"
				    "fd00:203::1 len 128 dev 2 flags 0x82\n");
		assert_string_equal(rtnl_routes(reader), "fd00:203::1 type 1 scope 0 proto 2 dev 2 "
							 "via none flags 0 hops 1\n");
		assert_string_equal(rtnl_neighbours(reader), "");
	}
}

/* Changes by other programs and by the conf file. */
static void changed_bridge_is_mended(void **state)
{
	struct network_state small = network;

	(void)state;
	bridge_make("pnbr0");
	assert_int_equal(request_run(request_link_flags(2, 0, IFF_UP)), 0);
	assert_int_equal(request_run(request_link_mtu(2, 1300)), 0);
	assert_string_equal(rtnl_link_text(reader, "pnbr0"),
			    "pnbr0: bridge index 2 mac 02:70:6e:00:00:01 mtu 1300 master 0 queues "
			    "1 1 addrgen 1 down");
	bridge_make("pnbr0");
	assert_string_equal(rtnl_link_text(reader, "pnbr0"), BRIDGE("1400"));
	small.mtu = 1280;
	assert_int_equal(uplink_bridge_make(&host, &small, "pnbr0", &(unsigned){0}), 0);
	assert_string_equal(rtnl_link_text(reader, "pnbr0"), BRIDGE("1280"));
}

static void bridge_without_ipv6_has_none(void **state)
{
	(void)state;
	assert_int_equal(uplink_bridge_make(&host, &v4_only, "pnbr0", &(unsigned){0}), 0);
	assert_string_equal(rtnl_addresses(reader), "10.203.0.1 len 32 dev 2 flags 0x80\n");
	assert_string_equal(rtnl_routes(reader), "");
}

static void bridge_and_its_routes_are_removed(void **state)
{
	(void)state;
	bridge_make("pnbr0");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplink_bridge_remove(&host, "pnbr0"), 0);
		assert_string_equal(rtnl_link_text(reader, "pnbr0"), "none");
		assert_string_equal(rtnl_addresses(reader), "");
		assert_string_equal(rtnl_routes(reader), "");
	}
	assert_int_equal(link_remove(&host, 2), 0);
}

/* --- the networks' routes --- */

#define UNREACHABLE4 "10.203.0.0/16 type 7 scope 0 proto 3 dev 0 via none flags 0 hops 0\n"
#define UNREACHABLE6 "fd00:203::/64 type 7 scope 0 proto 3 dev 1 via none flags 0 hops 1\n"

static void unreachable_routes_are_made_once(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplink_network_routes(&host, &network, true), 0);
		assert_string_equal(rtnl_routes(reader), UNREACHABLE4 UNREACHABLE6);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplink_network_routes(&host, &network, false), 0);
		assert_string_equal(rtnl_routes(reader), "");
	}
	assert_int_equal(uplink_network_routes(&host, &v4_only, true), 0);
	assert_string_equal(rtnl_routes(reader), UNREACHABLE4);
}

/* --- queries --- */

static void links_are_found(void **state)
{
	unsigned index;

	(void)state;
	bridge_make("pnbr0");
	assert_int_equal(link_find(&host, "pnbr0"), 2);
	assert_int_equal(link_find(&host, "pnbr1"), 0);
	assert_int_equal(link_index(&host, "pnbr0", &index), 0);
	assert_int_equal(index, 2);
	assert_int_equal(link_index(&host, "pnbr1", &index), 0);
	assert_int_equal(index, 0);
	assert_int_equal(link_up(&host, 2, "pnbr0"), 1);
	assert_int_equal(link_up(&host, 0, "pnbr0"), 1);
	assert_int_equal(link_up(&host, 1, "pnbr0"), 0); /* lo has this index */
	assert_int_equal(link_up(&host, 9, "pnbr0"), 0);
	assert_int_equal(link_up(&host, 0, "pnbr1"), 0);
	assert_int_equal(request_run(request_link_flags(2, 0, IFF_UP)), 0);
	assert_int_equal(link_up(&host, 2, "pnbr0"), 0);
}

/* The counters of lo, on which a datagram is both received and sent, as libnl-route reads them. */
static void bytes_are_those_of_the_link(void **state)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CLEANUP_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct link_counters counters;
	struct rtnl_link *link;

	(void)state;
	counters = link_count(&host, 1);
	assert_int_equal(counters.in + counters.out, 0);
	assert_int_equal(request_run(request_link_flags(1, IFF_UP, IFF_UP)), 0);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	counters = link_count(&host, 1);
	assert_true(counters.in >= 33);
	assert_int_equal(rtnl_link_get_kernel(reader, 1, NULL, &link), 0);
	assert_int_equal(counters.in, rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES));
	assert_int_equal(counters.out, rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES));
	rtnl_link_put(link);
	counters = link_count(&host, 0);
	assert_int_equal(counters.in + counters.out, 0);
	counters = link_count(&host, 999);
	assert_int_equal(counters.in + counters.out, 0);
}

static int visit_port(void *context, const char *name, unsigned ifindex, unsigned master)
{
	(void)context;
	rtnl_say("%s %u %u\n", name, ifindex, master);
	return 0;
}

static int visit_refuse(void *context, const char *name, unsigned ifindex, unsigned master)
{
	(void)context, (void)name, (void)ifindex, (void)master;
	return -ENOSPC;
}

static void ports_are_listed(void **state)
{
	CLEANUP_FD int net = -1;
	struct uplink uplink;

	(void)state;
	/* This thread enters the user's network; the sockets stay in the host's. */
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	net = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	uplink_init(&uplink, &network, 2001, 2001);
	uplink.bridge_ifindex = bridge_make("pnbr0");
	assert_int_equal(uplink_create(&host, net, &uplink), 0);
	/* A bridge with no user's name. */
	bridge_make("pnux");
	rtnl_said[0] = '\0';
	assert_int_equal(link_each_port(&host, visit_port, NULL), 0);
	assert_string_equal(rtnl_said, "pnu1jl0 268499488 2\n");
	assert_int_equal(request_run(request_link_master(uplink.ifindex, 0)), 0);
	rtnl_said[0] = '\0';
	assert_int_equal(link_each_port(&host, visit_port, NULL), 0);
	assert_string_equal(rtnl_said, "pnu1jl0 268499488 0\n");
	assert_int_equal(link_each_port(&host, visit_refuse, NULL), -ENOSPC);
}

static int visit_route(void *context, unsigned link, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	(void)context;
	rtnl_say("%s dev %u\n", address_format(address, text), link);
	return 0;
}

static int visit_route_refuse(void *context, unsigned link, const struct address *address)
{
	(void)context, (void)link, (void)address;
	return -ENOSPC;
}

/* The networks' unreachable routes, and the kernel's routes of gateway addresses, are left out. */
static void host_routes_are_listed(void **state)
{
	const struct address v4 = address_of("10.203.7.209"), v6 = address_of("fd00:203::7d1");

	(void)state;
	bridge_make("pnbr0");
	assert_int_equal(uplink_network_routes(&host, &network, true), 0);
	rtnl_said[0] = '\0';
	assert_int_equal(uplink_each_host_route(&host, visit_route, NULL), 0);
	assert_string_equal(rtnl_said, "");
	assert_int_equal(request_run(request_user_route(RTM_NEWROUTE, 2, &v6)), 0);
	assert_int_equal(uplink_each_host_route(&host, visit_route_refuse, NULL), -ENOSPC);
	assert_int_equal(request_run(request_user_route(RTM_NEWROUTE, 2, &v4)), 0);
	rtnl_said[0] = '\0';
	assert_int_equal(uplink_each_host_route(&host, visit_route, NULL), 0);
	assert_string_equal(rtnl_said, "10.203.7.209 dev 2\nfd00:203::7d1 dev 2\n");
	assert_int_equal(uplink_each_host_route(&host, visit_route_refuse, NULL), -ENOSPC);
}

static void mtu_is_that_of_the_default_route(void **state)
{
	const struct address v4 = address_of("192.0.2.1"), v6 = address_of("2001:db8::1");
	struct network_state other = network;
	unsigned four, six;

	(void)state;
	assert_int_equal(uplink_default_mtu(&host), 1500);
	other.mtu = 1340;
	four = bridge_make("four");
	assert_int_equal(uplink_bridge_make(&host, &other, "six", &six), 0);
	assert_int_equal(request_run(request_default_route(six, &v6)), 0);
	assert_int_equal(uplink_default_mtu(&host), 1340);
	assert_int_equal(request_run(request_default_route(four, &v4)), 0);
	assert_int_equal(uplink_default_mtu(&host), 1400);
	/* Less than IPv6 needs. */
	assert_int_equal(request_run(request_link_mtu(four, 1000)), 0);
	assert_int_equal(uplink_default_mtu(&host), 1500);
}

static void taken_prefixes_are_found(void **state)
{
	const struct prefix inside = prefix_of("10.203.4.0/24"), other = prefix_of("10.204.0.0/16"),
			    inside6 = prefix_of("fd00:203::/80"),
			    other6 = prefix_of("fd00:204::/64");
	const struct address gateway = address_of("192.0.2.1");

	(void)state;
	assert_false(uplink_prefix_taken(&host, &network.subnet));
	assert_false(uplink_prefix_taken(&host, &network.subnet6));
	assert_int_equal(request_run(request_unreachable(RTM_NEWROUTE, &inside)), 0);
	assert_int_equal(request_run(request_unreachable(RTM_NEWROUTE, &inside6)), 0);
	assert_true(uplink_prefix_taken(&host, &network.subnet));
	assert_true(uplink_prefix_taken(&host, &network.subnet6));
	assert_false(uplink_prefix_taken(&host, &other));
	assert_false(uplink_prefix_taken(&host, &other6));
	/* A default route takes no prefix. */
	assert_int_equal(request_run(request_default_route(bridge_make("pnbr0"), &gateway)), 0);
	assert_false(uplink_prefix_taken(&host, &other));
}

/* --- failures --- */

static void make_and_remove(void)
{
	unsigned index = 0;
	int failed = 0;

	failed += uplink_bridge_make(&host, &network, "pnbr0", &index) < 0;
	failed += uplink_network_routes(&host, &network, true) < 0;
	failed += uplink_network_routes(&host, &network, false) < 0;
	failed += uplink_bridge_remove(&host, "pnbr0") < 0;
	assert_int_equal(failed, fault_was_hit());
	if (fault_was_hit())
		fault_pause(assert_int_equal(uplink_bridge_remove(&host, "pnbr0"), 0));
}

static void ask(void)
{
	struct prefix prefix = prefix_of("10.1.0.0/16");
	int failed = 0;
	unsigned index;

	failed += link_up(&host, 1, "lo") < 0;
	failed += link_index(&host, "lo", &index) < 0;
	failed += link_each_port(&host, visit_port, NULL) < 0;
	failed += uplink_each_host_route(&host, visit_route, NULL) < 0;
	failed += uplink_prefix_taken(&host, &prefix); /* in doubt the prefix counts as taken */
	assert_int_equal(failed, fault_was_hit());
}

static void ask_mtu(void)
{
	unsigned mtu = uplink_default_mtu(&host);

	assert_int_equal(mtu, fault_was_hit() ? 1500 : 1400);
	assert_int_equal(link_count(&host, 0).in, 0);
}

static void each_failure_is_an_error(void **state)
{
	const struct address gateway = address_of("192.0.2.1");

	(void)state;
	log_set_sink(log_keep, NULL);
	assert_int_equal(fault_sweep(EPERM, make_and_remove), 7);
	assert_int_equal(fault_sweep(EPERM, ask), 7);
	assert_string_equal(log_last, "cannot ask about a link: Operation not permitted");
	assert_int_equal(request_run(request_default_route(bridge_make("pnbr0"), &gateway)), 0);
	assert_int_equal(fault_sweep(EPERM, ask_mtu), 2);
	log_set_sink(NULL, NULL);
}

int main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, test_start, test_end)
	const struct CMUnitTest tests[] = {
	    test(bridge_is_made),
	    test(changed_bridge_is_mended),
	    test(bridge_without_ipv6_has_none),
	    test(bridge_and_its_routes_are_removed),
	    test(unreachable_routes_are_made_once),
	    test(links_are_found),
	    test(bytes_are_those_of_the_link),
	    test(ports_are_listed),
	    test(host_routes_are_listed),
	    test(mtu_is_that_of_the_default_route),
	    test(taken_prefixes_are_found),
	    test(each_failure_is_an_error),
	};

	return cmocka_run_group_tests(tests, group_start, NULL);
}
