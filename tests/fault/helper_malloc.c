/*
 * Linked into the tests' helper with ld's --wrap: each allocation first asks the tracer whether it
 * fails.
 */
#include <errno.h>
#include <stddef.h>

#include "inject.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return trace_malloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return trace_malloc_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return trace_malloc_fails() ? NULL : __real_realloc(old, size);
}
