/* The names of users' ports (lib/net/link.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/uplink.h"

static void port_names_follow_from_uid(void **state)
{
	static const char *const foreign[] = {"",	 "pnu",	 "pnu1",    "pnbr0",	  "pnu1Z0",
					      "pnu1j_0", "eth0", "xnu1jl0", "pnuzzzzzzz0"};
	static const uid_t uids[] = {0, 1, 35, 36, 2001, 3000000000U, UINT32_MAX - 1};
	char name[IFNAMSIZ];
	uid_t uid;

	(void)state;
	port_name(2001, 0, name);
	assert_string_equal(name, "pnu1jl0"); /* 2001 in base 36, generation 0 */
	for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++)
		for (unsigned generation = 0; generation < UPLINK_GENERATIONS; generation++) {
			port_name(uids[i], generation, name);
			assert_true(port_uid(name, &uid));
			assert_int_equal(uid, uids[i]);
		}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		assert_false(port_uid(foreign[i], &uid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(port_names_follow_from_uid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
