/* A kernel that refuses mount namespaces from some CPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "log_kept.h"

static cpu_set_t affinity; /* of the test's machine */

static int fake_getaffinity(cpu_set_t *set)
{
	*set = affinity;
	return 0;
}

static int fake_setaffinity(const cpu_set_t *set)
{
	affinity = *set;
	return 0;
}

#define sched_getaffinity(pid, size, set) FAULT(fake_getaffinity(set))
#define sched_setaffinity(pid, size, set) FAULT(fake_setaffinity(set))

#include "../../lib/ns/pins.c"

static int attempts, good_cpu;

/* Succeeds on one CPU only; with a context it fails there in another way, which is not tried again. */
static int attempt(void *context)
{
	attempts++;
	if (CPU_COUNT(&affinity) != 1 || good_cpu < 0 || !CPU_ISSET(good_cpu, &affinity))
		return PIN_ELSEWHERE;
	return context ? -EINVAL : 0;
}

static int retry(int cpu, void *context)
{
	cpu_set_t before;
	int result;

	CPU_ZERO(&affinity);
	for (int i = 1; i < 12; i += 2)
		CPU_SET(i, &affinity);
	before = affinity;
	good_cpu = cpu;
	attempts = 0;
	log_last[0] = '\0';
	result = pin_retry(attempt, context);
	assert_true(CPU_EQUAL(&before, &affinity));
	return result;
}

static void refused_namespace_is_tried_on_each_cpu(void **state)
{
	(void)state;
	assert_int_equal(retry(5, NULL), 0);
	assert_int_equal(attempts, 4);
	assert_int_equal(retry(11, NULL), 0);
	assert_int_equal(retry(3, &attempts), -EINVAL);
	assert_int_equal(attempts, 3);
	assert_string_equal(log_last, "");
	/* Not on CPUs outside its affinity. */
	assert_int_equal(retry(4, NULL), PIN_ELSEWHERE);
	assert_int_equal(attempts, 7);
	assert_non_null(strstr(log_last, "on any CPU"));
	fault_error = EPERM;
	fault_calls = 0;
	fault_at = 1;
	assert_int_equal(retry(5, NULL), -EPERM);
	assert_int_equal(attempts, 1);
	assert_non_null(strstr(log_last, "on another CPU"));
	/* A CPU that was removed meanwhile is skipped. */
	fault_calls = 0;
	fault_at = 2;
	assert_int_equal(retry(5, NULL), 0);
	assert_int_equal(attempts, 3);
	fault_at = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refused_namespace_is_tried_on_each_cpu),
	};

	log_set_sink(log_keep, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
