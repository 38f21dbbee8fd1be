/*
 * The probe of the kernel's bridge ports: with this kernel, with a kernel that does not know a flag, that
 * takes it and reads back another value, and with each call failing. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>

#include "base/namespaces.h"
#include "fault.h"
#include "log_kept.h"
#include "net/netlink.h"
#include "net/uplink.h"

/* What the kernel's answer about the flags lacks, or has otherwise. */
static struct {
	int attribute; /* of IFLA_PROTINFO; 0: the answer is as the kernel gave it */
	bool missing;  /* as if the kernel did not know it; else 1 for 0 and the reverse */
	bool no_port;  /* the answer has no port at all */
} lie;

struct lying {
	int (*visit)(void *context, struct nlmsghdr *answer);
	void *context;
};

static void attribute_lie(struct nlattr *flag)
{
	char *value = (char *)flag + NLA_HDRLEN;

	if ((flag->nla_type & NLA_TYPE_MASK) != lie.attribute)
		return;
	if (lie.missing)
		flag->nla_type = 0x3fff;
	else
		*value ^= 1;
}

static int answer_lie(void *context, struct nlmsghdr *answer)
{
	const struct lying *lying = context;
	const struct nlattr *attributes[IFLA_MAX + 1], *info;

	if (lie.no_port)
		return 0;
	assert_true(netlink_parse(answer, sizeof(struct ifinfomsg), attributes, IFLA_MAX));
	info = attributes[IFLA_PROTINFO];
	for (const struct nlattr *a =
		 info ? attribute_first(attribute_value(info), attribute_size(info)) : NULL;
	     a; a = attribute_next(a, attribute_value(info), attribute_size(info)))
		attribute_lie((struct nlattr *)a);
	return lying->visit(lying->context, answer);
}

static int query_lie(struct netlink *netlink, struct netlink_message *message, const char *what,
		     int (*visit)(void *context, struct nlmsghdr *answer), void *context)
{
	struct lying lying = {visit, context};

	return netlink_query(netlink, message, what, answer_lie, &lying);
}

#define FAULT_ERROR(call)	   (fault_hits() ? -fault_error : (call))
#define namespace_unshare(...)	   FAULT_ERROR(namespace_unshare(__VA_ARGS__))
#define namespace_open(...)	   FAULT_ERROR(namespace_open(__VA_ARGS__))
#define netlink_open(...)	   FAULT_ERROR(netlink_open(__VA_ARGS__))
#define netlink_query(...)	   FAULT_ERROR(query_lie(__VA_ARGS__))
#define prefix_parse(...)	   FAULT_ERROR(prefix_parse(__VA_ARGS__))
#define uplink_bridge_make(...)	   FAULT_ERROR(uplink_bridge_make(__VA_ARGS__))
#define uplink_create(...)	   FAULT_ERROR(uplink_create(__VA_ARGS__))
#define uplink_configure_user(...) FAULT_ERROR(uplink_configure_user(__VA_ARGS__))
#define uplink_connect(...)	   FAULT_ERROR(uplink_connect(__VA_ARGS__))
#include "../../lib/net/uplink_probe.c"

static int proc = -1, home = -1;

static int group_start(void **state)
{
	(void)state;
	log_set_sink(log_keep, NULL);
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return proc < 0 || home < 0;
}

static int probe(bool *locked)
{
	int error;

	*log_last = '\0';
	error = uplink_probe(proc, locked);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	return error;
}

static void this_kernel_locks_ports(void **state)
{
	bool locked = false;

	(void)state;
	memset(&lie, 0, sizeof(lie));
	assert_int_equal(probe(&locked), 0);
	assert_true(locked);
	assert_string_equal(log_last, "");
}

/* The kernel before 5.18, and one that takes the flag and does not keep it. */
static void kernel_without_the_lock_is_found(void **state)
{
	bool locked;

	(void)state;
	for (int missing = 0; missing <= 1; missing++) {
		memset(&lie, 0, sizeof(lie));
		lie.attribute = IFLA_BRPORT_LOCKED;
		lie.missing = missing;
		locked = true;
		assert_int_equal(probe(&locked), 0);
		assert_false(locked);
	}
}

static void each_other_missing_flag_refuses(void **state)
{
	static const struct {
		int attribute;
		const char *name;
	} flags[] = {
	    {IFLA_BRPORT_ISOLATED, "isolated"},
	    {IFLA_BRPORT_LEARNING, "without learning"},
	    {IFLA_BRPORT_UNICAST_FLOOD, "without flooding"},
	    {IFLA_BRPORT_MCAST_FLOOD, "without multicast flooding"},
	    {IFLA_BRPORT_BCAST_FLOOD, "without broadcast flooding"},
	    {IFLA_BRPORT_GROUP_FWD_MASK, "group_fwd_mask"},
	};
	bool locked;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(flags) / sizeof(flags[0]); i++) {
		memset(&lie, 0, sizeof(lie));
		lie.attribute = flags[i / 2].attribute;
		lie.missing = i % 2;
		assert_int_equal(probe(&locked), -EOPNOTSUPP);
		assert_non_null(strstr(log_last, flags[i / 2].name));
	}
	memset(&lie, 0, sizeof(lie));
	lie.no_port = true;
	assert_int_equal(probe(&locked), -EOPNOTSUPP);
	assert_false(locked);
}

static void fails(void)
{
	bool locked = true;
	int error = probe(&locked);

	assert_int_equal(error, fault_was_hit() ? -EIO : 0);
	assert_int_equal(locked, !fault_was_hit());
}

static void every_failing_call_is_an_error(void **state)
{
	(void)state;
	memset(&lie, 0, sizeof(lie));
	assert_in_range(fault_sweep(EIO, fails), 11, 20);
}

/* No link is left behind in the namespace in which the probe began. */
static void nothing_is_left_behind(void **state)
{
	(void)state;
	assert_int_equal(if_nametoindex("pnprobe"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(this_kernel_locks_ports),
	    cmocka_unit_test(kernel_without_the_lock_is_found),
	    cmocka_unit_test(each_other_missing_flag_refuses),
	    cmocka_unit_test(every_failing_call_is_an_error),
	    cmocka_unit_test(nothing_is_left_behind),
	};

	return cmocka_run_group_tests(tests, group_start, NULL);
}
