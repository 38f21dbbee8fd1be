/* The record of a network: records of other versions, and its policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/conf.h"
#include "base/log.h"
#include "state/network.h"
#include "scratch.h"

static uint64_t policy_of(const char *keys)
{
	char text[1024];
	struct conf *conf;
	uint64_t policy;

	snprintf(text, sizeof(text), "[network default]\n%s\n[profile p]\nmatch = *\n", keys);
	assert_int_equal(conf_parse(text, strlen(text), "test", &conf), 0);
	policy = network_policy(&conf->networks[0]);
	conf_free(conf);
	return policy;
}

static void test_policy_covers_its_keys_only(void **state)
{
	static const char *const policies[] = {
	    "",
	    "peers = yes",
	    "peers = group",
	    "host_access = none",
	    "host_access = all",
	    "host_access = icmp",
	    "host_access = dns",
	    "host_access = icmp dns tcp/22",
	    "host_access = icmp dns udp/22",
	    "host_access = icmp dns tcp/22-23",
	    "egress = none",
	    "egress = allow tcp/80",
	    "egress = deny tcp/80, allow any",
	    "egress = allow 192.0.2.0/24",
	    "egress = allow 192.0.2.0/25",
	    "egress = allow 2001:db8::/32",
	    "egress = allow 192.0.2.0/24, allow tcp/80",
	    "egress = allow tcp/80, allow 192.0.2.0/24",
	};
	const size_t count = sizeof(policies) / sizeof(policies[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_true(policy_of(policies[i]));
		assert_true(policy_of(policies[i]) == policy_of(policies[i]));
		for (size_t j = 0; j < i; j++)
			assert_true(policy_of(policies[i]) != policy_of(policies[j]));
	}
	assert_true(policy_of("") == policy_of("max_connections = 9\nmtu = 1400\nnat = no"));
	assert_true(policy_of("") == policy_of("egress = any\npeers = no\nhost_access = icmp dns"));
}

/* A record of an older version has no policy, so no change is known. */
static void test_record_without_policy_counts_as_unchanged(void **state)
{
	struct network_state written = {.name = "default", .bridge = "pnbr0", .policy = 7}, read;
	char text[2048], *line;
	ssize_t length;

	(void)state;
	assert_int_equal(mkdirat(scratch, "networks", 0755), 0);
	assert_int_equal(network_state_write(scratch, &written), 0);
	assert_int_equal(network_state_read(scratch, "default", &read), 0);
	assert_true(read.policy == 7);
	CLEANUP_FD int dir = openat(scratch, "networks/default", O_PATH | O_DIRECTORY | O_CLOEXEC);

	length = files_read(dir, "state", text, sizeof(text));
	assert_true(length > 0);
	line = strstr(text, "policy=7\n");
	assert_non_null(line);
	memmove(line, line + 9, strlen(line + 9) + 1);
	assert_int_equal(files_write_atomic(dir, "state", 0644, text, strlen(text), false), 0);
	assert_int_equal(network_state_read(scratch, "default", &read), 0);
	assert_string_equal(read.bridge, "pnbr0");
	assert_true(read.policy == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_covers_its_keys_only),
	    cmocka_unit_test_setup_teardown(test_record_without_policy_counts_as_unchanged,
					    scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
