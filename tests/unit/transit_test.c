/* Routing rules, set in a new network namespace and read back by ip(8). Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/transit.h"

static struct netlink route;

static int group_start(void **state)
{
	(void)state;
	/* The far ends come up first: a link with a carrier gets its IPv6 routes at once. */
	return unshare(CLONE_NEWNET) < 0 ||
	       system("set -e; ip link set lo up; for i in in0 out0 pnbr0; do "
		      "ip link add $i type veth peer name far-$i; ip link set far-$i up; "
		      "ip link set $i up; done;"
		      "ip address add 192.0.2.1/24 dev in0; ip address add 203.0.113.1/24 dev out0;"
		      "ip address add 10.203.0.1/16 dev pnbr0;"
		      "ip address add 2001:db8:1::1/64 dev in0 nodad;"
		      "ip address add 2001:db8:2::1/64 dev out0 nodad;"
		      "ip address add fd00:203::1/64 dev pnbr0 nodad;"
		      "echo 1 >/proc/sys/net/ipv4/ip_forward;"
		      "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding") != 0 ||
	       netlink_open(&route, NETLINK_ROUTE) < 0;
}

static int group_end(void **state)
{
	(void)state;
	netlink_close(&route);
	return 0;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct transit transit_of(int family, const char *bridge, const char *subnet)
{
	struct prefix p = prefix_of(subnet);
	struct transit t;

	transit_init(&t, family);
	assert_int_equal(transit_add_bridge(&t, bridge), 0);
	assert_int_equal(transit_add_subnet(&t, &p), 0);
	assert_int_equal(transit_end(&t), 0);
	return t;
}

static void set(int family, const char *bridge, const char *subnet)
{
	struct transit t = transit_of(family, bridge, subnet);

	assert_int_equal(transit_set(&route, &t), 0);
	assert_int_equal(transit_intact(&route, &t), 1);
	free(t.list);
}

static int test_end(void **state)
{
	struct transit none;

	(void)state;
	transit_init(&none, AF_INET);
	assert_int_equal(transit_set(&route, &none), 0);
	transit_init(&none, AF_INET6);
	assert_int_equal(transit_set(&route, &none), 0);
	return system("[ \"$(ip rule; ip -6 rule)\" = \"$(printf "
		      "'0:\\tfrom all lookup local\\n32766:\\tfrom all lookup main\\n32767:\\tfrom "
		      "all lookup default\\n0:\\tfrom all lookup local\\n32766:\\tfrom all lookup "
		      "main')\" ]") != 0;
}

#define assert_runs(command) assert_int_equal(system(command), 0)
#define assert_ends(command) assert_int_not_equal(system(command " >/dev/null 2>&1"), 0)

static void test_ipv4_rules_stop_transit_only(void **state)
{
	(void)state;
	set(AF_INET, "pnbr0", "10.203.0.0/16");
	assert_runs("ip rule | grep -q '^1301:.*from all iif lo goto 1305'");
	assert_runs("ip rule | grep -q '^1302:.*from all iif pnbr0 goto 1305'");
	assert_runs("ip rule | grep -q '^1303:.*from all to 10.203.0.0/16 goto 1305'");
	assert_runs("ip rule | grep -q '^1304:.*fwmark 0.*blackhole'");
	assert_runs("ip -d rule | grep -q '^1304:.*proto kernel'");
	/* Packets from and to the host; packets of users, and answers to them. */
	assert_runs("ip route get 203.0.113.9 | grep -q 'dev out0'");
	assert_runs("ip route get 203.0.113.1 from 192.0.2.9 iif in0 | grep -q 'dev lo'");
	assert_runs("ip route get 203.0.113.9 from 10.203.0.9 iif pnbr0 | grep -q 'dev out0'");
	assert_runs("ip route get 10.203.0.9 from 203.0.113.9 iif out0 | grep -q 'dev pnbr0'");
	/* Packets that another program has marked pass. */
	assert_ends("ip route get 203.0.113.9 from 192.0.2.9 iif in0");
	assert_runs("ip route get 203.0.113.9 from 192.0.2.9 iif in0 mark 7 | grep -q 'dev out0'");
}

static void test_ipv6_rules_stop_transit_only(void **state)
{
	(void)state;
	set(AF_INET6, "pnbr0", "fd00:203::/64");
	assert_runs("ip -6 route get 2001:db8:2::9 | grep -q 'dev out0'");
	assert_runs("ip -6 route get 2001:db8:2::1 from 2001:db8:1::9 iif in0 | grep -q 'local'");
	assert_runs(
	    "ip -6 route get 2001:db8:2::9 from fd00:203::9 iif pnbr0 | grep -q 'dev out0'");
	assert_runs(
	    "ip -6 route get fd00:203::9 from 2001:db8:2::9 iif out0 | grep -q 'dev pnbr0'");
	assert_ends("ip -6 route get 2001:db8:2::9 from 2001:db8:1::9 iif in0");
	assert_ends("ip -6 route get 2001:db8:2::9 from fd77::9 iif in0");
}

/* The kernel looks up a route's gateway without an incoming link. */
static void test_gateways_in_other_tables_are_found(void **state)
{
	(void)state;
	set(AF_INET, "pnbr0", "10.203.0.0/16");
	set(AF_INET6, "pnbr0", "fd00:203::/64");
	assert_runs("ip route add default via 203.0.113.7 table 100");
	assert_runs("ip -6 route add default via 2001:db8:2::7 table 100");
	assert_runs("ip route flush table 100; ip -6 route flush table 100");
}

/* A VRF's own addresses are in its table, by the kernel's rule number 1000. */
static void test_own_addresses_in_other_tables_are_found(void **state)
{
	(void)state;
	set(AF_INET, "pnbr0", "10.203.0.0/16");
	assert_runs("ip route add local 198.51.100.77 dev in0 table 20");
	assert_runs("ip rule add pref 1000 iif in0 lookup 20");
	assert_runs("ip route get 198.51.100.77 from 192.0.2.9 iif in0 | grep -q local");
	assert_runs("ip rule del pref 1000; ip route flush table 20");
}

static void test_changed_bridge_replaces_rules(void **state)
{
	struct transit t;

	(void)state;
	set(AF_INET, "pnbr0", "10.203.0.0/16");
	t = transit_of(AF_INET, "pnbr1", "10.204.0.0/16");
	assert_int_equal(transit_intact(&route, &t), 0);
	free(t.list);
	set(AF_INET, "pnbr1", "10.204.0.0/16");
	assert_ends("ip rule | grep -E 'pnbr0|10.203'");
	assert_runs("[ $(ip rule | grep -c '^130') = 5 ]");
}

static void test_missing_or_further_rule_is_found(void **state)
{
	struct transit t = transit_of(AF_INET, "pnbr0", "10.203.0.0/16");

	(void)state;
	assert_int_equal(transit_intact(&route, &t), 0);
	assert_int_equal(transit_present(&route, AF_INET), 0);
	assert_int_equal(transit_set(&route, &t), 0);
	assert_int_equal(transit_present(&route, AF_INET), 1);
	assert_runs("ip rule del pref 1304");
	assert_int_equal(transit_intact(&route, &t), 0);
	assert_int_equal(transit_set(&route, &t), 0);
	assert_int_equal(transit_intact(&route, &t), 1);
	/* A rule that lets all pass is removed; another program's rule with the same number stays. */
	assert_runs("ip rule add pref 1303 iif in0 goto 1305 protocol kernel");
	assert_int_equal(transit_intact(&route, &t), 0);
	assert_runs("ip rule add pref 1303 to 198.51.100.0/24 lookup 55");
	assert_int_equal(transit_set(&route, &t), 0);
	assert_int_equal(transit_intact(&route, &t), 1);
	assert_runs("ip rule | grep -q 'to 198.51.100.0/24 lookup 55'");
	assert_ends("ip rule | grep 'iif in0'");
	assert_runs("ip rule del pref 1303 to 198.51.100.0/24");
	free(t.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_ipv4_rules_stop_transit_only, test_end),
	    cmocka_unit_test_teardown(test_ipv6_rules_stop_transit_only, test_end),
	    cmocka_unit_test_teardown(test_gateways_in_other_tables_are_found, test_end),
	    cmocka_unit_test_teardown(test_own_addresses_in_other_tables_are_found, test_end),
	    cmocka_unit_test_teardown(test_changed_bridge_replaces_rules, test_end),
	    cmocka_unit_test_teardown(test_missing_or_further_rule_is_found, test_end),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
