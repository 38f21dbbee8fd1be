/* SipHash-2-4 against the test vectors of its reference implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

/* Key 00 01 … 0f, input 00 01 … of the length that is the index. */
static const struct {
	size_t size;
	uint64_t hash;
} VECTORS[] = {
    {0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd},	{2, 0x0d6c8009d9a94f5a},
    {3, 0x85676696d7fb7e2d},  {7, 0xab0200f58b01d137},	{8, 0x93f5f5799a932462},
    {9, 0x9e0082df0ba9e4b0},  {15, 0xa129ca6149be45e5}, {16, 0x3f2acc7f57c29bdb},
    {63, 0x958a324ceb064572},
};

static void test_vectors(void **state)
{
	uint8_t key[16], input[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(VECTORS) / sizeof(*VECTORS); i++)
		assert_int_equal(siphash(key, input, VECTORS[i].size), VECTORS[i].hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
