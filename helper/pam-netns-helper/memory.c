/*
 * The helper's first allocations come from memory that the program has anyway.
 *
 * The C library would ask the kernel for memory eight times in a login, and each size of
 * allocation would be on pages of its own. A login allocates a few kilobytes: the request's
 * groups and the conf file. They come from a block here, one behind the other, and are not used
 * again after they are freed. Allocations that do not fit (the lists of gc and of the reaper)
 * come from the C library.
 *
 * ld's --wrap leads here (Makefile), also from the C library's own functions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_SIZE 65536 /* pages that are never touched cost nothing */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

/* In front of each allocation. */
struct head {
	_Alignas(max_align_t) size_t size;
};

static _Alignas(max_align_t) char block[BLOCK_SIZE]; /* zero where it has not been given out */
static size_t used;

/* NULL: it does not fit. */
static void *block_take(size_t size)
{
	size_t whole =
	    (size + 2 * sizeof(struct head) - 1) / sizeof(struct head) * sizeof(struct head);
	struct head *head = (struct head *)(void *)(block + used);

	if (size > BLOCK_SIZE || whole > BLOCK_SIZE - used)
		return NULL;
	used += whole;
	head->size = size;
	return head + 1;
}

static bool in_block(const void *memory)
{
	return (uintptr_t)memory - (uintptr_t)block < BLOCK_SIZE;
}

void *__wrap_malloc(size_t size)
{
	return block_take(size) ?: __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return __real_calloc(count, size);
	return block_take(bytes) ?: __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	const struct head *head = old;
	void *grown;

	if (old && !in_block(old))
		return __real_realloc(old, size);
	grown = __wrap_malloc(size);
	if (grown && old)
		memcpy(grown, old, head[-1].size < size ? head[-1].size : size);
	return grown;
}

void __wrap_free(void *old)
{
	if (!in_block(old))
		__real_free(old);
}
