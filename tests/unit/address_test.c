/* Addresses and prefixes: parsing, formatting, offsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/address.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct address address(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static void test_prefix_parses_only_exact_text(void **state)
{
	static const char *const good[] = {
	    "10.203.0.0/16", "0.0.0.0/0",     "255.255.255.255/32",	  "fd00::/64", "::/0",
	    "::1/128",	     "10.203.4.0/22", "fd12:3456:789a:bcde::/64", "2000::/3",
	};
	static const char *const bad[] = {
	    "",
	    "/",
	    "10.203.0.0",
	    "10.203.0.1/16",
	    "10.203.0.0/",
	    "10.0.0.0/33",
	    "10.0.0.0/-1",
	    "10.0.0.0/016",
	    "10.0.0.0/16 ",
	    " 10.0.0.0/16",
	    "10.0.0/16",
	    "010.0.0.0/8",
	    "fd00::/129",
	    "fd00::1/64",
	    "fd00::%eth0/64",
	    "10.0.0.0/8/8",
	    "10.0.0.0/+8",
	    "10.0.0.0/0x8",
	    "10.0.0.0/1000",
	    "fd00::/64x",
	    "300.0.0.0/8",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64",
	};
	char text[ADDRESS_TEXT_MAX];
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(prefix_parse(good[i], &p), 0);
		assert_string_equal(prefix_format(&p, text), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(prefix_parse(bad[i], &p), -EINVAL);
		assert_int_equal(p.address.family, 0);
	}
	assert_string_equal(prefix_format(&p, text), "none");
}

static void test_address_parses_formats_and_compares(void **state)
{
	struct address a = address("10.203.4.7"), b = address("10.203.4.8");
	char text[ADDRESS_TEXT_MAX], mac_text[MAC_TEXT_MAX];
	struct mac mac = address_mac(&a);

	(void)state;
	assert_string_equal(address_format(&a, text), "10.203.4.7");
	assert_string_equal(mac_format(&mac, mac_text), "02:6e:0a:cb:04:07");
	assert_int_equal(address_parse("10.0.0.0/8", &b), -EINVAL);
	assert_int_equal(address_size(&b), 0);
	assert_int_equal(address_parse("fe80::1%eth0", &b), -EINVAL);
	assert_int_equal(address_parse("", &b), -EINVAL);
	assert_false(address_equal(&a, &b));
	b = a;
	assert_true(address_equal(&a, &b));
	b = address("::10.203.4.7");
	assert_false(address_equal(&a, &b));
}

static void test_loopback_addresses_are_known(void **state)
{
	static const char *const yes[] = {"127.0.0.53", "127.255.255.255", "::1",
					  "::ffff:127.0.0.1"};
	static const char *const no[] = {"128.0.0.1", "0.0.0.0",	"::", "::2", "::127.0.0.1",
					 "fe80::1",   "::ffff:10.0.0.1"};
	struct address a = {0};

	(void)state;
	assert_false(address_is_loopback(&a));
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		a = address(yes[i]);
		assert_true(address_is_loopback(&a));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		a = address(no[i]);
		assert_false(address_is_loopback(&a));
	}
}

static void test_prefixes_contain_and_overlap(void **state)
{
	struct prefix wide = prefix("10.0.0.0/8"), narrow = prefix("10.203.4.0/22"),
		      other = prefix("10.203.8.0/22"), all6 = prefix("::/0"), none = {0};
	struct address in = address("10.203.7.255"), out = address("10.203.8.0"),
		       six = address("fd00::1"), nothing = {0};

	(void)state;
	assert_true(prefix_contains(&narrow, &in));
	assert_false(prefix_contains(&narrow, &out));
	assert_false(prefix_contains(&wide, &six));
	assert_true(prefix_contains(&all6, &six));
	assert_false(prefix_contains(&none, &nothing));
	assert_true(prefix_overlaps(&wide, &narrow));
	assert_true(prefix_overlaps(&narrow, &wide));
	assert_false(prefix_overlaps(&narrow, &other));
	assert_false(prefix_overlaps(&wide, &all6));
	assert_false(prefix_overlaps(&none, &none));
}

static void check_offset(const char *network, uint32_t offset, const char *expected)
{
	struct prefix p = prefix(network);
	struct address a = prefix_address(&p, offset);
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(&a, text), expected);
	if (a.family)
		assert_int_equal(prefix_offset(&p, &a), offset);
}

static void test_offset_beyond_prefix_gives_no_address(void **state)
{
	(void)state;
	check_offset("10.203.0.0/16", 1, "10.203.0.1");
	check_offset("10.203.0.0/16", 65534, "10.203.255.254");
	check_offset("10.203.0.0/16", 65536, "none");
	check_offset("10.203.0.16/28", 15, "10.203.0.31");
	check_offset("10.203.0.16/28", 16, "none");
	check_offset("0.0.0.0/0", 4294967294U, "255.255.255.254");
	check_offset("10.0.0.1/32", 0, "10.0.0.1");
	check_offset("fd00::/64", 4294967294U, "fd00::ffff:fffe");
	check_offset("fd00::/64", 65534, "fd00::fffe");
	check_offset("fd00::/120", 256, "none");
}

static void check_last(const char *network, uint32_t expected)
{
	struct prefix p = prefix(network);

	assert_int_equal(prefix_last_offset(&p), expected);
}

static void test_last_offset_leaves_out_broadcast(void **state)
{
	(void)state;
	check_last("10.203.0.0/16", 65534);
	check_last("0.0.0.0/0", 4294967294U);
	check_last("10.0.0.0/30", 2);
	check_last("10.0.0.0/31", 0);
	check_last("10.0.0.0/32", 0);
	check_last("fd00::/64", UINT32_C(1) << 31);
	check_last("fd00::/97", (UINT32_C(1) << 31) - 1);
	check_last("fd00::/96", UINT32_C(1) << 31);
	check_last("fd00::/128", 0);
	check_last("fd00::/126", 3);
}

static void test_preferred_offset_never_changes(void **state)
{
	static const char *const networks[] = {"10.0.0.0/30", "10.0.0.0/24", "10.0.0.0/16",
					       "0.0.0.0/0", "fd00::/64"};
	static const uid_t uids[] = {0, 1, 2, 65533, 65534, 65535, 65536, 2147483648U, 4294967294U};
	struct prefix p = prefix("10.203.0.0/16"), tiny = prefix("10.0.0.0/31");

	(void)state;
	assert_int_equal(prefix_preferred_offset(&p, 1000), 1000);
	assert_int_equal(prefix_preferred_offset(&p, 2), 2);
	assert_int_equal(prefix_preferred_offset(&p, 65534), 65534);
	assert_int_equal(prefix_preferred_offset(&tiny, 1000), 0);
	/* The mix must never change, or users' addresses would. */
	assert_int_equal(prefix_preferred_offset(&p, 0), 2);
	assert_int_equal(prefix_preferred_offset(&p, 1), 2 + 0x514e28b7U % 65533);
	assert_int_not_equal(prefix_preferred_offset(&p, 100000),
			     prefix_preferred_offset(&p, 100001));
	for (size_t n = 0; n < sizeof(networks) / sizeof(*networks); n++) {
		p = prefix(networks[n]);
		for (size_t u = 0; u < sizeof(uids) / sizeof(*uids); u++) {
			uint32_t offset = prefix_preferred_offset(&p, uids[u]);

			assert_in_range(offset, 2, prefix_last_offset(&p));
		}
	}
}

static void test_random_prefix_is_unique_local(void **state)
{
	struct prefix p, other, unique = prefix("fd00::/8");
	char text[ADDRESS_TEXT_MAX];
	struct prefix parsed;

	(void)state;
	assert_int_equal(prefix_random_unique_local(&p), 0);
	assert_int_equal(prefix_random_unique_local(&other), 0);
	assert_int_equal(p.length, 64);
	assert_true(prefix_contains(&unique, &p.address));
	assert_false(prefix_overlaps(&p, &other));
	assert_true(prefix_is_unique_local(&p));
	other = prefix("fd00::/63");
	assert_false(prefix_is_unique_local(&other));
	other = prefix("2001:db8::/64");
	assert_false(prefix_is_unique_local(&other));
	assert_false(prefix_is_unique_local(&(struct prefix){0}));
	assert_int_equal(prefix_parse(prefix_format(&p, text), &parsed), 0);
	assert_true(address_equal(&parsed.address, &p.address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prefix_parses_only_exact_text),
	    cmocka_unit_test(test_address_parses_formats_and_compares),
	    cmocka_unit_test(test_loopback_addresses_are_known),
	    cmocka_unit_test(test_prefixes_contain_and_overlap),
	    cmocka_unit_test(test_offset_beyond_prefix_gives_no_address),
	    cmocka_unit_test(test_last_offset_leaves_out_broadcast),
	    cmocka_unit_test(test_preferred_offset_never_changes),
	    cmocka_unit_test(test_random_prefix_is_unique_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
