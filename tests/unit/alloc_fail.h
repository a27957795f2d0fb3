/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the nth allocation fail. Include it before the sources under test,
 * which are then compiled into the test: only their calls are counted, no
 * linker option is needed, and sanitizers still see every allocation.
 */
#ifndef HARK_TESTS_ALLOC_FAIL_H
#define HARK_TESTS_ALLOC_FAIL_H

#include <stdbool.h>
#include <stdlib.h>

static long alloc_fail_countdown; /* 0: never */

static inline bool alloc_fail_now(void)
{
	return alloc_fail_countdown && --alloc_fail_countdown == 0;
}

static inline void *alloc_fail_malloc(size_t size)
{
	return alloc_fail_now() ? NULL : malloc(size);
}

static inline void *alloc_fail_calloc(size_t count, size_t size)
{
	return alloc_fail_now() ? NULL : calloc(count, size);
}

static inline void *alloc_fail_realloc(void *old, size_t size)
{
	return alloc_fail_now() ? NULL : realloc(old, size);
}

#define malloc(size)		       alloc_fail_malloc(size)
#define calloc(count, size)	       alloc_fail_calloc(count, size)
#define realloc(old, size)	       alloc_fail_realloc(old, size)
#define reallocarray(old, count, size) alloc_fail_realloc(old, (count) * (size))

#endif
