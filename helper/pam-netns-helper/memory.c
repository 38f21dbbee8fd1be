/*
 * The helper's first allocations come from memory that the program has anyway.
 *
 * The C library would ask the kernel for memory eight times in a login, and each size of
 * allocation would be on pages of its own. A login allocates a few kilobytes: the request, the
 * conf file. They come from a block here, one behind the other. Only the last allocation is used
 * again after it is freed, and can shrink: a buffer costs the pages that are used of it. Allocations
 * that do not fit (the lists of gc and of the reaper) come from the C library.
 *
 * ld's --wrap leads here (Makefile), also from the C library's own functions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_SIZE 131072

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

/* On pages of its own (layout.ld). */
static _Alignas(4096) char block[BLOCK_SIZE] __attribute__((section(".bss.block")));
static char *next = block;  /* behind the last allocation */
static char *clean = block; /* from here on nothing was ever given out: zeros */

static size_t whole(size_t size)
{
	return (size + sizeof(struct head) - 1) / sizeof(struct head) * sizeof(struct head);
}

static struct head *head_of(void *memory)
{
	return (struct head *)memory - 1;
}

static bool in_block(const void *memory)
{
	return (uintptr_t)memory - (uintptr_t)block < BLOCK_SIZE;
}

static bool is_last(void *memory)
{
	return (char *)memory + whole(head_of(memory)->size) == next;
}

/* Makes memory in the block the last allocation, of that size; false: it does not fit. */
static bool last_set(char *memory, size_t size)
{
	size_t left = (size_t)(block + BLOCK_SIZE - memory);

	if (memory >= block + BLOCK_SIZE || size > left || whole(size) > left)
		return false;
	head_of(memory)->size = size;
	next = memory + whole(size);
	if (next > clean)
		clean = next;
	return true;
}

void *__wrap_malloc(size_t size)
{
	char *memory = next + sizeof(struct head);

	return last_set(memory, size) ? memory : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	char *memory = next + sizeof(struct head), *dirty = clean;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || !last_set(memory, bytes))
		return __real_calloc(count, size);
	if (memory < dirty)
		memset(memory, 0, memory + bytes < dirty ? bytes : (size_t)(dirty - memory));
	return memory;
}

void *__wrap_realloc(void *old, size_t size)
{
	void *grown;

	if (old && !in_block(old))
		return __real_realloc(old, size);
	if (old && is_last(old) && last_set(old, size))
		return old;
	grown = __wrap_malloc(size);
	if (grown && old)
		memcpy(grown, old, head_of(old)->size < size ? head_of(old)->size : size);
	return grown;
}

void __wrap_free(void *old)
{
	if (!in_block(old))
		__real_free(old);
	else if (is_last(old))
		next = (char *)head_of(old);
}
