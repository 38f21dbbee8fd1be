/* The helper's first allocations: separate, zeroed, and of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define HUGE_SIZE (1U << 30) /* AddressSanitizer would end the test */

static unsigned allocated, freed; /* by the C library */

#define __real_malloc  real_malloc
#define __real_calloc  real_calloc
#define __real_realloc real_realloc
#define __real_free    real_free

#include "../../helper/pam-netns-helper/memory.c"

void *real_malloc(size_t size)
{
	allocated++;
	return size > HUGE_SIZE ? NULL : malloc(size);
}

void *real_calloc(size_t count, size_t size)
{
	allocated++;
	return size > HUGE_SIZE ? NULL : calloc(count, size);
}

void *real_realloc(void *old, size_t size)
{
	return realloc(old, size);
}

void real_free(void *old)
{
	freed += old != NULL;
	free(old);
}

static int begin(void **state)
{
	(void)state;
	memset(block, 0, sizeof(block));
	next = clean = block;
	allocated = freed = 0;
	return 0;
}

static void allocations_are_apart_and_aligned(void **state)
{
	char *memory[100];

	(void)state;
	for (size_t size = 0; size < 100; size++) {
		memory[size] = __wrap_malloc(size);
		assert_int_equal((uintptr_t)memory[size] % _Alignof(max_align_t), 0);
		memset(memory[size], (int)size, size);
	}
	for (size_t size = 0; size < 100; size++)
		for (size_t i = 0; i < size; i++)
			assert_int_equal(memory[size][i], size);
	assert_int_equal(allocated, 0);
}

static void allocation_after_free_is_zeroed(void **state)
{
	char *memory = __wrap_malloc(1000), *other;

	(void)state;
	memset(memory, 'x', 1000);
	__wrap_free(memory);
	/* The last one is used again. */
	assert_ptr_equal(__wrap_calloc(11, 100), memory);
	for (size_t i = 0; i < 1100; i++)
		assert_int_equal(memory[i], 0);
	memset(memory, 'x', 1100);
	other = __wrap_malloc(10);
	__wrap_free(memory);
	assert_true((char *)__wrap_malloc(10) > other);
	assert_int_equal(freed, 0);
}

static void allocation_grows_with_its_content(void **state)
{
	char *memory = __wrap_realloc(NULL, 5);

	(void)state;
	memcpy(memory, "abcd", 5);
	assert_ptr_equal(__wrap_realloc(memory, 100), memory); /* the last one, where it is */
	assert_string_equal(memory, "abcd");
	assert_ptr_equal(__wrap_realloc(memory, 3), memory);
	assert_int_equal(((char *)__wrap_calloc(1, 5))[0], 0);
	memory = __wrap_realloc(memory, 100);
	assert_memory_equal(memory, "abc", 3);
	memory = __wrap_realloc(memory, 2);
	assert_memory_equal(memory, "ab", 2);
	/* It leaves the block, and grows further. */
	memory = __wrap_realloc(memory, BLOCK_SIZE);
	assert_memory_equal(memory, "ab", 2);
	assert_int_equal(allocated, 1);
	memory = __wrap_realloc(memory, 2 * BLOCK_SIZE);
	assert_memory_equal(memory, "ab", 2);
	__wrap_free(memory);
	assert_int_equal(freed, 1);
	__wrap_free(NULL);
}

static void allocation_beyond_block_is_the_c_librarys(void **state)
{
	size_t taken = 0;
	void *memory = NULL;

	(void)state;
	while (!allocated) {
		memory = __wrap_malloc(1000);
		assert_true(in_block(memory) == !allocated);
		taken += !allocated;
	}
	assert_in_range(taken, BLOCK_SIZE / 1100, BLOCK_SIZE / 1000);
	assert_true(next <= block + BLOCK_SIZE);
	__wrap_free(memory);
	assert_int_equal(freed, 1);
	assert_null(__wrap_malloc(SIZE_MAX - 4));
	assert_null(__wrap_calloc(3, SIZE_MAX / 2));
	memory = __wrap_calloc(1, BLOCK_SIZE);
	assert_false(in_block(memory));
	__wrap_free(memory);
}

/* An empty allocation has no byte, but must be one that free() knows. */
static void empty_allocation_at_the_end_is_freed(void **state)
{
	void *memory;

	(void)state;
	next = block + BLOCK_SIZE - sizeof(struct head);
	memory = __wrap_malloc(0);
	assert_true(in_block(memory) == !allocated);
	__wrap_free(memory);
	assert_int_equal(freed, allocated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(allocations_are_apart_and_aligned, begin),
	    cmocka_unit_test_setup(allocation_after_free_is_zeroed, begin),
	    cmocka_unit_test_setup(allocation_grows_with_its_content, begin),
	    cmocka_unit_test_setup(allocation_beyond_block_is_the_c_librarys, begin),
	    cmocka_unit_test_setup(empty_allocation_at_the_end_is_freed, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
