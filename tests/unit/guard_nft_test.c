/*
 * nft(8) reads the guard's elements, and the guard reads those of nft(8), to check the bytes of keys. The
 * rules are the real ones, in a new network namespace. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/guard.h"
#include "ruleset_make.h"

#define GID 3000000000U /* 0xb2d05e00 */

static struct netlink netfilter;

/* Loads the tables of a set-up on a host that forwarded before. */
static int group_start(void **state)
{
	struct fixture f = {.ruleset = {.networks_count = 1}};
	FILE *nft;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	set_network(&f, 0, "default", "pnbr0", "10.203.0.0/16", "fd00:203::/64");
	f.conf[0].peers = PEERS_GROUP;
	f.ruleset.networks = f.network_list;
	nft = popen("nft -f -", "we");
	return !nft || ruleset_write(nft, &f.ruleset) || pclose(nft) ||
	       netlink_open(&netfilter, NETLINK_NETFILTER) < 0;
}

static int group_end(void **state)
{
	(void)state;
	netlink_close(&netfilter);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return system("for set in 'bridge pam_netns guard4' 'bridge pam_netns guard6' "
		      "'inet pam_netns member4' 'inet pam_netns member6'; do "
		      "nft flush set $set; done; "
		      "nft flush map inet pam_netns group4; nft flush map inet pam_netns group6");
}

/* nft's elements of a set, between the braces, with single blanks. */
static const char *elements(const char *kind, const char *set)
{
	static char text[4096];
	char command[128], *from, *to;
	size_t size;
	FILE *nft;

	snprintf(command, sizeof(command), "nft list %s %s | tr -s ' \t\n' ' '", kind, set);
	nft = popen(command, "re");
	assert_non_null(nft);
	size = fread(text, 1, sizeof(text) - 1, nft);
	assert_int_equal(pclose(nft), 0);
	text[size] = '\0';
	from = strstr(text, "elements = { ");
	if (!from)
		return "";
	from += strlen("elements = { ");
	to = strstr(from, " }");
	assert_non_null(to);
	*to = '\0';
	return from;
}

static struct uplink uplink(const char *port, uint8_t number)
{
	struct uplink m = {.mac.bytes = {2, 0x6e, 10, 203, 7, number}};
	char text[64];

	strcpy(m.port, port);
	snprintf(text, sizeof(text), "10.203.7.%u", number);
	m.address = address_of(text);
	snprintf(text, sizeof(text), "fd00:203::7:%x", number);
	m.address6 = address_of(text);
	return m;
}

static void test_nft_reads_added_elements(void **state)
{
	struct uplink m = uplink("pnu1jl0", 0xd1);
	uint32_t made;

	(void)state;
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	assert_string_equal(elements("set", "bridge pam_netns guard4"),
			    "\"pnu1jl0\" . 02:6e:0a:cb:07:d1 . 10.203.7.209");
	assert_string_equal(elements("set", "bridge pam_netns guard6"),
			    "\"pnu1jl0\" . 02:6e:0a:cb:07:d1 . fd00:203::7:d1");
	assert_string_equal(elements("map", "inet pam_netns group4"), "");
	assert_string_equal(elements("set", "inet pam_netns member4"), "");
	assert_int_equal(guard_remove(&netfilter, &m), 0);
	assert_string_equal(elements("set", "bridge pam_netns guard4"), "");
	assert_string_equal(elements("set", "bridge pam_netns guard6"), "");
}

/* The name has the greatest length, and the user has one family. */
static void test_long_port_name_with_one_family_is_read(void **state)
{
	struct uplink m = uplink("pnuzzzzzzzzzzzz", 1);
	uint32_t made;

	(void)state;
	m.address6 = (struct address){.family = 0};
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	assert_string_equal(elements("set", "bridge pam_netns guard4"),
			    "\"pnuzzzzzzzzzzzz\" . 02:6e:0a:cb:07:01 . 10.203.7.1");
	assert_string_equal(elements("set", "bridge pam_netns guard6"), "");
}

static void test_nft_reads_elements_of_groups(void **state)
{
	const struct network conf = {.peers = PEERS_GROUP};
	const struct network_state network = {.conf = &conf};
	struct uplink m = uplink("pnu1", 1);
	uint32_t made;

	(void)state;
	m.network = &network;
	m.gid = GID;
	assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	assert_string_equal(elements("map", "inet pam_netns group4"), "10.203.7.1 : 0xb2d05e00");
	assert_string_equal(elements("map", "inet pam_netns group6"), "fd00:203::7:1 : 0xb2d05e00");
	assert_string_equal(elements("set", "inet pam_netns member4"), "10.203.7.1 . 0xb2d05e00");
	assert_string_equal(elements("set", "inet pam_netns member6"),
			    "fd00:203::7:1 . 0xb2d05e00");
	assert_int_equal(guard_remove(&netfilter, &m), 0);
	assert_string_equal(elements("map", "inet pam_netns group4"), "");
	assert_string_equal(elements("map", "inet pam_netns group6"), "");
	assert_string_equal(elements("set", "inet pam_netns member4"), "");
	assert_string_equal(elements("set", "inet pam_netns member6"), "");
}

static void test_removed_element_leaves_the_others(void **state)
{
	uint32_t made;

	(void)state;
	for (uint8_t i = 1; i <= 3; i++) {
		struct uplink m = uplink("pnu1", i);

		assert_int_equal(guard_add(&netfilter, &m, &made), 0);
	}
	struct uplink second = uplink("pnu1", 2);

	assert_int_equal(guard_remove(&netfilter, &second), 0);
	assert_non_null(strstr(elements("set", "bridge pam_netns guard4"), "10.203.7.1"));
	assert_non_null(strstr(elements("set", "bridge pam_netns guard4"), "10.203.7.3"));
	assert_null(strstr(elements("set", "bridge pam_netns guard4"), "10.203.7.2"));
}

static int visit(void *context, const struct uplink *m)
{
	struct uplink *found = context;

	assert_string_equal(found->port, "");
	*found = *m;
	return 0;
}

static int refuse(void *context, const struct uplink *m)
{
	(void)m;
	++*(int *)context;
	return -ENOSPC;
}

static void test_elements_of_nft_are_read(void **state)
{
	struct uplink wanted = uplink("pnuzzzzzzzzzzzz", 9), found = {.port = ""};
	int visits = 0;

	(void)state;
	assert_int_equal(system("nft add element bridge pam_netns guard4 '{ pnuzzzzzzzzzzzz . "
				"02:6e:0a:cb:07:09 . 10.203.7.9 }'; "
				"nft add element bridge pam_netns guard6 '{ pnuzzzzzzzzzzzz . "
				"02:6e:0a:cb:07:09 . fd00:203::7:9 }'"),
			 0);
	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		found = (struct uplink){.port = ""};
		assert_int_equal(guard_each(&netfilter, ipv6, visit, &found), 0);
		assert_string_equal(found.port, wanted.port);
		assert_memory_equal(&found.mac, &wanted.mac, sizeof(wanted.mac));
		assert_true(address_equal(ipv6 ? &found.address6 : &found.address,
					  ipv6 ? &wanted.address6 : &wanted.address));
		assert_int_equal((ipv6 ? found.address : found.address6).family, 0);
	}
	/* One refusal is enough. */
	assert_int_equal(system("nft add element bridge pam_netns guard4 '{ pnu1 . "
				"02:6e:0a:cb:07:08 . 10.203.7.8 }'"),
			 0);
	assert_int_equal(guard_each(&netfilter, false, refuse, &visits), -ENOSPC);
	assert_int_equal(visits, 1);
	/* The elements are removed again by the read values alone. */
	assert_int_equal(guard_remove(&netfilter, &found), 0);
	assert_string_equal(elements("set", "bridge pam_netns guard6"), "");
	assert_non_null(strstr(elements("set", "bridge pam_netns guard4"), "pnuzzzzzzzzzzzz"));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nft_reads_added_elements),
	    TEST(test_long_port_name_with_one_family_is_read),
	    TEST(test_nft_reads_elements_of_groups),
	    TEST(test_removed_element_leaves_the_others),
	    TEST(test_elements_of_nft_are_read),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
