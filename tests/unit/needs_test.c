/* The system calls that are needed: this kernel has them, and a missing one is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static long missing;	 /* ENOSYS for this one; 0: all go to the kernel */
static int error_of_all; /* not 0: all fail with it */

static long call(long number, long first, long second, long third)
{
	if (error_of_all || number == missing) {
		errno = error_of_all ?: ENOSYS;
		return -1;
	}
	return (syscall)(number, first, second, third, 0, 0);
}

#define syscall(number, first, second, third, ...) call(number, first, second, third)
#include "../../lib/base/needs.c"
#undef syscall

static void test_this_kernel_has_all(void **state)
{
	(void)state;
	missing = error_of_all = 0;
	assert_null(needs_missing());
}

static void test_each_missing_call_is_named(void **state)
{
	(void)state;
	error_of_all = 0;
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		missing = needs[i].call;
		assert_string_equal(needs_missing(), needs[i].name);
	}
}

/* A refusal says that the call is there. */
static void test_refused_calls_are_there(void **state)
{
	static const int errors[] = {EPERM, EINVAL, EBADF, EFAULT};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		error_of_all = errors[i];
		assert_null(needs_missing());
	}
}

/* A call that succeeded would have changed something. */
static void test_no_call_succeeds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		assert_int_equal(
		    (syscall)(needs[i].call, needs[i].first, needs[i].second, needs[i].third, 0, 0),
		    -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_this_kernel_has_all),
	    cmocka_unit_test(test_each_missing_call_is_named),
	    cmocka_unit_test(test_refused_calls_are_there),
	    cmocka_unit_test(test_no_call_succeeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
