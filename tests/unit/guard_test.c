/*
 * The guard's elements and the generations of the rules, in a new network namespace. nft(8) makes other
 * programs' changes. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/guard.h"

#define TABLES                                                                                     \
	"nft 'add table inet pam_netns; add chain inet pam_netns a; add rule inet pam_netns a "    \
	"accept;"                                                                                  \
	"add table bridge pam_netns; add chain bridge pam_netns b; add rule bridge pam_netns b "   \
	"drop;"                                                                                    \
	"add set bridge pam_netns guard4 { type ifname . ether_addr . ipv4_addr; };"               \
	"add set bridge pam_netns guard6 { type ifname . ether_addr . ipv6_addr; }'"

#define GROUP_SETS                                                                                 \
	"nft 'add map inet pam_netns group4 { type ipv4_addr : mark; };"                           \
	"add map inet pam_netns group6 { type ipv6_addr : mark; };"                                \
	"add set inet pam_netns member4 { type ipv4_addr . mark; };"                               \
	"add set inet pam_netns member6 { type ipv6_addr . mark; }'"

static struct netlink netfilter;

static int group_start(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET) < 0 || system(TABLES) != 0 ||
	       netlink_open(&netfilter, NETLINK_NETFILTER) < 0;
}

static int group_end(void **state)
{
	(void)state;
	netlink_close(&netfilter);
	return 0;
}

static uint32_t generation_now(void)
{
	uint32_t generation;

	assert_int_equal(guard_generation(&netfilter, &generation), 0);
	return generation;
}

static struct uplink uplink_new(uint8_t number)
{
	struct uplink m = {
	    .port = "pnutest",
	    .mac.bytes = {2, 0, 0, 0, 0, number},
	    .address = {.family = AF_INET, .bytes = {10, 0, 0, number}},
	    .address6 = {.family = AF_INET6, .bytes = {0xfd, [15] = number}},
	};
	return m;
}

static void test_added_element_gives_its_generation(void **state)
{
	struct uplink m = uplink_new(1);
	uint32_t before = generation_now(), made;

	(void)state;
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	assert_int_equal(made, before + 1);
	assert_int_equal(made, generation_now());
}

/* Otherwise another program's change meanwhile would count as ours (T26). */
static void test_known_element_gives_no_generation(void **state)
{
	struct uplink m = uplink_new(2);
	uint32_t made, again, before;

	(void)state;
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	before = generation_now();
	assert_int_equal(guard_add(&netfilter, &m, &again), 0);
	assert_int_equal(again, 0);
	assert_int_equal(generation_now(), before);
}

static void test_foreign_changes_count_as_generations(void **state)
{
	struct uplink m = uplink_new(3);
	uint32_t before = generation_now(), made;

	(void)state;
	assert_int_equal(system("nft add rule inet pam_netns a drop"), 0);
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	assert_int_equal(made, before + 2);
	assert_int_equal(system("nft add rule inet pam_netns a drop"), 0);
	assert_int_equal(generation_now(), made + 1);
}

static void test_fingerprint_changes_with_rules_only(void **state)
{
	struct uplink m = uplink_new(4);
	uint64_t before, after;
	uint32_t made;

	(void)state;
	assert_int_equal(guard_fingerprint(&netfilter, &before), 0);
	assert_true(before);
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	assert_int_equal(guard_fingerprint(&netfilter, &after), 0);
	assert_true(before == after);
	assert_int_equal(system("nft add rule bridge pam_netns b accept"), 0);
	assert_int_equal(guard_fingerprint(&netfilter, &after), 0);
	assert_true(before != after);
}

static int element_count(void *context, const struct uplink *uplink)
{
	assert_string_equal(uplink->port, "pnutest");
	++*(int *)context;
	return 0;
}

static void test_second_removal_succeeds(void **state)
{
	struct uplink m = uplink_new(5);
	int before = 0, there = 0, after = 0;
	uint32_t made;

	(void)state;
	assert_int_equal(guard_each(&netfilter, false, element_count, &before), 0);
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	assert_int_equal(guard_each(&netfilter, false, element_count, &there), 0);
	assert_int_equal(there, before + 1);
	assert_int_equal(guard_remove(&netfilter, &m), 0);
	assert_int_equal(guard_remove(&netfilter, &m), 0);
	assert_int_equal(guard_each(&netfilter, false, element_count, &after), 0);
	assert_int_equal(after, before);
}

/* The address goes to another user, so all elements with it are removed, in both families. */
static void test_address_is_forgotten_in_all_elements(void **state)
{
	const struct network conf = {.peers = PEERS_GROUP};
	const struct network_state network = {.conf = &conf};
	struct uplink first = uplink_new(7), second = uplink_new(8);
	struct address none = {0};
	int before = 0, there = 0, after = 0;
	uint32_t made;

	(void)state;
	assert_int_equal(system(GROUP_SETS), 0);
	assert_int_equal(guard_each(&netfilter, false, element_count, &before), 0);
	first.network = second.network = &network;
	first.gid = second.gid = 500;
	assert_int_equal(guard_add(&netfilter, &first, &made), 0);
	assert_int_equal(guard_add(&netfilter, &second, &made), 0);
	/* The same address with another port, and in another group. */
	memcpy(first.port, "pnutest", sizeof("pnutest"));
	first.network = NULL;
	first.mac.bytes[0] = 6;
	assert_int_equal(guard_add(&netfilter, &first, &made), 0);
	assert_int_equal(system("nft add element inet pam_netns member4 { 10.0.0.7 . 600 }"), 0);
	assert_int_equal(guard_forget(&netfilter, &first.address, &first.address6), 0);
	assert_int_equal(guard_each(&netfilter, false, element_count, &there), 0);
	assert_int_equal(there, before + 1);
	assert_int_not_equal(system("nft list ruleset | grep -e '10[.]0[.]0[.]7\\b' -e fd00::7"),
			     0);
	assert_int_equal(system("test $(nft list ruleset | grep -c '10[.]0[.]0[.]8') = 3"), 0);
	assert_int_equal(guard_forget(&netfilter, &first.address, &none), 0);
	assert_int_equal(guard_forget(&netfilter, &second.address, &second.address6), 0);
	assert_int_equal(guard_each(&netfilter, false, element_count, &after), 0);
	assert_int_equal(after, before);
}

static void test_missing_tables_are_an_error(void **state)
{
	struct uplink m = uplink_new(6);
	uint64_t fingerprint;
	uint32_t made;

	(void)state;
	assert_int_equal(system("nft flush ruleset"), 0);
	assert_int_equal(guard_add(&netfilter, &m, &made), -ENOENT);
	assert_int_equal(made, 0);
	assert_int_equal(guard_forget(&netfilter, &m.address, &m.address6), 0);
	assert_int_equal(guard_fingerprint(&netfilter, &fingerprint), 0);
	assert_true(fingerprint == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_added_element_gives_its_generation),
	    cmocka_unit_test(test_known_element_gives_no_generation),
	    cmocka_unit_test(test_foreign_changes_count_as_generations),
	    cmocka_unit_test(test_fingerprint_changes_with_rules_only),
	    cmocka_unit_test(test_second_removal_succeeds),
	    cmocka_unit_test(test_address_is_forgotten_in_all_elements),
	    cmocka_unit_test(test_missing_tables_are_an_error),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
