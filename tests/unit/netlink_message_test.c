/* Unit tests of lib/net/netlink_message.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/netlink_message.h"

static struct netlink_message message_new(void)
{
	return (struct netlink_message){.header = {.nlmsg_len = NLMSG_HDRLEN}};
}

static void test_built_message_is_read_back(void **state)
{
	struct netlink_message m = message_new();
	const struct nlattr *out[5], *inner[3];
	const uint32_t fixed = 0x01020304;
	char text[4];

	(void)state;
	netlink_append(&m, &fixed, sizeof(fixed));
	netlink_put_u8(&m, 1, 7);
	netlink_put_text(&m, 2, "abcdef");

	struct nlattr *nest = netlink_nest(&m, 3);

	netlink_put_u32(&m, 1, 42);
	netlink_put_u16(&m, 2, 43);
	netlink_nest_end(&m, nest);
	netlink_put(&m, 9, 0, NULL); /* a type beyond the reader's */
	assert_false(m.full);
	assert_int_equal(m.header.nlmsg_len % NLMSG_ALIGNTO, 0);
	assert_true(netlink_parse(&m.header, sizeof(fixed), out, 4));
	assert_memory_equal(netlink_payload(&m.header), &fixed, sizeof(fixed));
	assert_null(out[0]);
	assert_null(out[4]);
	assert_int_equal(*(const uint8_t *)attribute_value(out[1]), 7);
	assert_int_equal(attribute_u32(out[1]), 0);
	attribute_text(out[2], text, sizeof(text));
	assert_string_equal(text, "abc");
	attributes_parse(attribute_value(out[3]), attribute_size(out[3]), inner, 2);
	assert_int_equal(attribute_u32(inner[1]), 42);
	assert_int_equal(attribute_size(inner[2]), 2);
}

static void test_full_message_stays_full(void **state)
{
	struct netlink_message m = message_new();
	char big[NETLINK_MESSAGE_MAX] = "";

	(void)state;
	netlink_put(&m, 1, sizeof(big) - NLMSG_HDRLEN - NLA_HDRLEN, big);
	assert_false(m.full);
	assert_int_equal(m.header.nlmsg_len, NETLINK_MESSAGE_MAX);
	netlink_put(&m, 2, 0, NULL);
	assert_true(m.full);
	assert_int_equal(m.header.nlmsg_len, NETLINK_MESSAGE_MAX);
	netlink_nest_end(&m, netlink_nest(&m, 3));
	m = message_new();
	netlink_put(&m, 1, SIZE_MAX, big);
	assert_true(m.full);
}

/* Attributes with a wrong length are not read beyond the end of the message. */
static void test_cut_attributes_are_ignored(void **state)
{
	struct netlink_message m = message_new();
	const struct nlattr *out[3];

	(void)state;
	netlink_put_u32(&m, 1, 1);
	netlink_put_u32(&m, 2, 2);
	for (uint32_t length = m.header.nlmsg_len; length > 0; length--) {
		m.header.nlmsg_len = length;
		if (!netlink_parse(&m.header, 0, out, 2))
			continue;
		assert_true(!out[1] || length >= NLMSG_HDRLEN + 8);
		assert_true(!out[2] || length >= NLMSG_HDRLEN + 16);
	}
	m.header.nlmsg_len = NLMSG_HDRLEN + 2;
	assert_false(netlink_parse(&m.header, 4, out, 2));
	m = message_new();
	netlink_put_u32(&m, 1, 1);
	((struct nlattr *)(void *)(m.bytes + NLMSG_HDRLEN))->nla_len = 3;
	assert_true(netlink_parse(&m.header, 0, out, 2));
	assert_null(out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_built_message_is_read_back),
	    cmocka_unit_test(test_full_message_stays_full),
	    cmocka_unit_test(test_cut_attributes_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
