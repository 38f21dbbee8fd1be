/* Changes of the conf file to an active network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "host/wanted.h"

static struct network_state network_of(const char *bridge, const char *subnet, const char *subnet6)
{
	struct network_state state = {.name = "lab", .bridges = 1};

	snprintf(state.bridge, sizeof(state.bridge), "%s", bridge);
	if (*subnet)
		assert_int_equal(prefix_parse(subnet, &state.subnet), 0);
	if (*subnet6)
		assert_int_equal(prefix_parse(subnet6, &state.subnet6), 0);
	return state;
}

static void test_changes_of_an_active_network_are_named(void **state)
{
	static const struct {
		const char *bridge, *subnet, *subnet6;
		enum conf_source source6;
		const char *text;
	} cases[] = {
	    {"pnlab", "10.9.0.0/16", "fd00:9::/64", SOURCE_GIVEN, ""},
	    {"pnnew", "10.9.0.0/16", "fd00:9::/64", SOURCE_GIVEN, "bridge from pnlab to pnnew"},
	    {"pnlab", "10.9.0.0/17", "fd00:9::/64", SOURCE_GIVEN,
	     "subnet from 10.9.0.0/16 to 10.9.0.0/17"},
	    {"pnlab", "", "fd00:9::/64", SOURCE_GIVEN, "subnet from 10.9.0.0/16 to auto"},
	    {"pnlab", "10.9.0.0/16", "fd00:8::/64", SOURCE_GIVEN,
	     "subnet6 from fd00:9::/64 to fd00:8::/64"},
	    {"pnlab", "10.9.0.0/16", "", SOURCE_NONE, "subnet6 from fd00:9::/64 to none"},
	    {"pnlab", "10.8.0.0/16", "", SOURCE_NONE,
	     "subnet from 10.9.0.0/16 to 10.8.0.0/16, subnet6 from fd00:9::/64 to none"},
	    /* IPv6 was disabled on the host meanwhile, or no prefix is remembered yet. */
	    {"pnlab", "10.9.0.0/16", "", SOURCE_AUTO, ""},
	    {"pnlab", "10.9.0.0/16", "", SOURCE_GIVEN, ""},
	};
	const struct network_state up = network_of("pnlab", "10.9.0.0/16", "fd00:9::/64");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct network conf = {.subnet6_source = cases[i].source6};
		const struct network_state wanted =
		    network_of(cases[i].bridge, cases[i].subnet, cases[i].subnet6);
		char text[NETWORK_CHANGE_MAX];

		assert_int_equal(network_changed(&up, &conf, &wanted, text), *cases[i].text != 0);
		assert_string_equal(text, cases[i].text);
	}
}

/* The network was set up while IPv6 was disabled. */
static void test_enabled_ipv6_is_a_change(void **state)
{
	const struct network_state up = network_of("pnlab", "10.9.0.0/16", "");
	const struct network_state wanted = network_of("pnlab", "10.9.0.0/16", "fd00:9::/64");
	const struct network conf = {.subnet6_source = SOURCE_AUTO};
	char text[NETWORK_CHANGE_MAX];

	(void)state;
	assert_false(network_changed(&up, &conf, &wanted, text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_changes_of_an_active_network_are_named),
	    cmocka_unit_test(test_enabled_ipv6_is_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
