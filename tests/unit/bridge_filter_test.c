/* A bridge's filter, set in a new network namespace and read back by tc(8). Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>
#include <sched.h>
#include <stdlib.h>

#include "net/bridge_filter.h"

#define DROPS_WITHOUT(stamp)                                                                       \
	"direct-action.*bytecode .4,32 0 0 4294963220,69 0 1 " stamp ",6 0 0 4294967295,6 0 0 2"
#define FROM_USERS DROPS_WITHOUT("268435456")
#define TO_USERS   DROPS_WITHOUT("536870912")

static struct netlink route;

static int group_start(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET) < 0 || system("ip link add br0 up type bridge") != 0 ||
	       netlink_open(&route, NETLINK_ROUTE) < 0;
}

static int group_end(void **state)
{
	(void)state;
	netlink_close(&route);
	return 0;
}

static int test_start(void **state)
{
	(void)state;
	return system("tc qdisc del dev br0 clsact 2>/dev/null; tc qdisc del dev br0 ingress "
		      "2>/dev/null; :") != 0;
}

static void assert_shown(const char *end, const char *program)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "tc filter show dev br0 %s | tr '\\n' ' ' | grep -q '%s'", end, program);
	assert_int_equal(system(command), 0);
}

static void test_filter_is_set_at_both_ends(void **state)
{
	(void)state;
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 0);
	assert_int_equal(bridge_filter_set(&route, if_nametoindex("br0")), 0);
	assert_shown("ingress", FROM_USERS);
	assert_shown("egress", TO_USERS);
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 1);
	/* A second set changes nothing. */
	assert_int_equal(bridge_filter_set(&route, if_nametoindex("br0")), 0);
	assert_int_equal(system("[ $(tc filter show dev br0 ingress | grep -c bytecode) = 1 ]"), 0);
}

static void test_missing_end_is_found_and_set(void **state)
{
	(void)state;
	assert_int_equal(bridge_filter_set(&route, if_nametoindex("br0")), 0);
	assert_int_equal(system("tc filter del dev br0 egress"), 0);
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 0);
	assert_int_equal(bridge_filter_set(&route, if_nametoindex("br0")), 0);
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 1);
}

/* Another program has replaced the filter by one that lets all pass. */
static void test_replaced_program_is_found_and_set(void **state)
{
	(void)state;
	assert_int_equal(bridge_filter_set(&route, if_nametoindex("br0")), 0);
	assert_int_equal(
	    system("tc filter replace dev br0 ingress prio 1 handle 1 protocol all bpf "
		   "direct-action bytecode '1,6 0 0 0'"),
	    0);
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 0);
	assert_int_equal(bridge_filter_set(&route, if_nametoindex("br0")), 0);
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 1);
	assert_shown("ingress", FROM_USERS);
}

static void test_foreign_filters_stay(void **state)
{
	(void)state;
	assert_int_equal(system("tc qdisc add dev br0 clsact && tc filter add dev br0 ingress "
				"prio 7 protocol all bpf direct-action bytecode '1,6 0 0 0'"),
			 0);
	assert_int_equal(bridge_filter_set(&route, if_nametoindex("br0")), 0);
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 1);
	assert_int_equal(system("tc filter show dev br0 ingress | grep -q 'pref 7 '"), 0);
}

/* Another qdisc has the place of clsact, and has no egress. */
static void test_other_qdisc_in_place_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(system("tc qdisc add dev br0 ingress"), 0);
	assert_true(bridge_filter_set(&route, if_nametoindex("br0")) < 0);
	assert_int_equal(bridge_filter_intact(&route, if_nametoindex("br0")), 0);
}

static void test_missing_bridge_is_an_error(void **state)
{
	(void)state;
	assert_true(bridge_filter_set(&route, 9999) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_filter_is_set_at_both_ends, test_start),
	    cmocka_unit_test_setup(test_missing_end_is_found_and_set, test_start),
	    cmocka_unit_test_setup(test_replaced_program_is_found_and_set, test_start),
	    cmocka_unit_test_setup(test_foreign_filters_stay, test_start),
	    cmocka_unit_test_setup(test_other_qdisc_in_place_is_an_error, test_start),
	    cmocka_unit_test_setup(test_missing_bridge_is_an_error, test_start),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
