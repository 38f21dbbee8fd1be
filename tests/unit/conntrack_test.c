/*
 * Connections are found and removed in a new network namespace, with all addresses on lo. The kernel's
 * messages are cut off at each byte. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "../../lib/net/conntrack.c"

#define SET_UP                                                                                     \
	"ip link set lo up && ip address add 10.1.0.1/24 dev lo &&"                                \
	"ip address add 10.1.0.2/24 dev lo && ip address add 10.2.0.1/24 dev lo &&"                \
	"ip address add fd00:1::1/64 dev lo nodad && ip address add fd00:2::1/64 dev lo nodad &&"  \
	"nft 'add table inet t; add chain inet t c { type filter hook output priority 0; };"       \
	"add rule inet t c ct state new counter accept;"                                           \
	"add chain inet t n { type nat hook output priority -100; };"                              \
	"add rule inet t n ip daddr 10.2.0.9 dnat ip to 10.1.0.2'"

static struct netlink netfilter;

static int group_start(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET) < 0 || system(SET_UP) != 0 ||
	       netlink_open(&netfilter, NETLINK_NETFILTER) < 0;
}

static int group_end(void **state)
{
	(void)state;
	netlink_close(&netfilter);
	return 0;
}

static socklen_t socket_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	*out = (struct sockaddr_storage){.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};
	if (out->ss_family == AF_INET6) {
		v6->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		return sizeof(*v6);
	}
	v4->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
	return sizeof(*v4);
}

/* Each datagram makes a connection, with or without an answer. */
static void connection_make(const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = socket_address(from, 0, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	size = socket_address(to, port, &address);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, size), 1);
	close(fd);
}

static int entry_count(void *context, struct nlmsghdr *answer)
{
	(void)answer;
	++*(int *)context;
	return 0;
}

static int entries_count(void)
{
	int count = 0;

	assert_int_equal(netlink_query(&netfilter,
				       request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC), "list",
				       entry_count, &count),
			 0);
	return count;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static int drop(const char *text)
{
	struct prefix prefix = prefix_of(text);

	return conntrack_drop(&netfilter, &prefix, 1);
}

static void all_dropped(void)
{
	struct prefix all[] = {{.address.family = AF_INET}, {.address.family = AF_INET6}};

	assert_true(conntrack_drop(&netfilter, all, 2) >= 0);
	assert_int_equal(entries_count(), 0);
}

static void test_connections_from_and_to_a_prefix_are_removed(void **state)
{
	(void)state;
	all_dropped();
	connection_make("10.1.0.1", "10.2.0.1", 1000);
	connection_make("10.2.0.1", "10.1.0.1", 1001);
	connection_make("10.2.0.1", "10.2.0.1", 1002);
	connection_make("fd00:2::1", "fd00:2::1", 1003);
	connection_make("fd00:1::1", "fd00:2::1", 1004);
	assert_int_equal(entries_count(), 5);
	assert_int_equal(drop("10.1.0.0/24"), 2);
	assert_int_equal(drop("10.1.0.0/24"), 0);
	assert_int_equal(entries_count(), 3);
	assert_int_equal(drop("fd00:1::/64"), 1);
	assert_int_equal(entries_count(), 2);
	assert_int_equal(conntrack_drop(&netfilter, NULL, 0), 0);
	assert_int_equal(entries_count(), 2);
}

/* Connections of the neighbouring address stay. */
static void test_connections_of_one_address_are_removed(void **state)
{
	(void)state;
	all_dropped();
	connection_make("10.1.0.1", "10.2.0.1", 1000);
	connection_make("10.1.0.2", "10.2.0.1", 1000);
	assert_int_equal(drop("10.1.0.1/32"), 1);
	assert_int_equal(entries_count(), 1);
	assert_int_equal(drop("10.1.0.2/32"), 1);
}

/* Only the reply's direction has the address behind NAT. */
static void test_connection_behind_nat_is_removed(void **state)
{
	(void)state;
	all_dropped();
	connection_make("10.2.0.1", "10.2.0.9", 1000);
	assert_int_equal(entries_count(), 1);
	assert_int_equal(drop("10.1.0.0/24"), 1);
	assert_int_equal(entries_count(), 0);
}

/* More connections than the list holds, and than one batch. */
static void test_many_connections_are_removed_in_batches(void **state)
{
	struct prefix prefix = prefix_of("10.1.0.0/24");
	struct search s = {.prefixes = &prefix, .prefixes_count = 1, .max = 40};

	(void)state;
	all_dropped();
	connection_make("10.2.0.1", "10.2.0.1", 1);
	for (uint16_t i = 0; i < 100; i++)
		connection_make("10.1.0.1", "10.2.0.1", (uint16_t)(2000 + i));
	assert_int_equal(entries_count(), 101);
	assert_int_equal(connections_drop(&netfilter, &s), 100);
	assert_int_equal(s.room, 40);
	assert_int_equal(entries_count(), 1);
	free(s.entries);
}

/* The memory has the size of the cut message, so that ASan finds a read beyond its end. */
static int entry_cut(void *context, struct nlmsghdr *answer)
{
	int *whole = context;

	for (uint32_t size = 0; size <= answer->nlmsg_len; size++) {
		struct prefix all = {.address.family = AF_INET};
		struct search s = {.prefixes = &all, .prefixes_count = 1, .max = 1};
		struct nlmsghdr *cut = malloc(size > sizeof(*cut) ? size : sizeof(*cut));

		assert_non_null(cut);
		memcpy(cut, answer, size > sizeof(*cut) ? size : sizeof(*cut));
		cut->nlmsg_len = size;
		assert_int_equal(entry_seen(&s, cut), 0);
		if (size == answer->nlmsg_len)
			*whole += (int)s.count;
		free(s.entries);
		free(cut);
	}
	return 0;
}

static void test_message_cut_at_every_byte_is_not_overread(void **state)
{
	int whole = 0;

	(void)state;
	all_dropped();
	connection_make("10.1.0.1", "10.2.0.1", 1000);
	assert_int_equal(system("ping -q -n -c 1 -I 10.1.0.1 10.2.0.1 >/dev/null"), 0);
	assert_int_equal(netlink_query(&netfilter,
				       request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC), "list",
				       entry_cut, &whole),
			 0);
	assert_true(whole >= 2);
}

/* A longer tuple than the kernel's is refused, not cut. */
static void test_tuple_beyond_room_is_refused(void **state)
{
	struct netlink_message *m = request(IPCTNL_MSG_CT_NEW, 0, AF_INET);
	struct prefix all = {.address.family = AF_INET};
	struct search s = {.prefixes = &all, .prefixes_count = 1, .max = 1};
	struct nlattr *tuple = netlink_nest(m, CTA_TUPLE_ORIG | NLA_F_NESTED), *ip;
	char filler[TUPLE_MAX] = "";

	(void)state;
	ip = netlink_nest(m, CTA_TUPLE_IP | NLA_F_NESTED);
	netlink_put_u32(m, CTA_IP_V4_SRC, 0);
	netlink_nest_end(m, ip);
	netlink_put(m, CTA_TUPLE_PROTO, sizeof(filler), filler);
	netlink_nest_end(m, tuple);
	assert_int_equal(entry_seen(&s, &m->header), -EMSGSIZE);
	assert_int_equal(s.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_connections_from_and_to_a_prefix_are_removed),
	    cmocka_unit_test(test_connections_of_one_address_are_removed),
	    cmocka_unit_test(test_connection_behind_nat_is_removed),
	    cmocka_unit_test(test_many_connections_are_removed_in_batches),
	    cmocka_unit_test(test_message_cut_at_every_byte_is_not_overread),
	    cmocka_unit_test(test_tuple_beyond_room_is_refused),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
