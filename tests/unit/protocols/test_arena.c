/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_fail.h"

#include "../../../protocols/arena.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_aligned_and_apart(void **state)
{
	struct arena arena;
	uint8_t *last = NULL;

	(void)state;
	arena_init(&arena, 0);
	for (size_t size = 1; size < 5000; size += 7) {
		uint8_t *bytes = arena_alloc(&arena, size);

		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
		memset(bytes, 0xaa, size);
		assert_ptr_not_equal(bytes, last);
		last = bytes;
	}
	arena_fini(&arena);
}

static void test_limit(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 64);
	assert_null(arena_alloc(&arena, 65));
	assert_non_null(arena_alloc(&arena, 48));
	assert_null(arena_alloc(&arena, 17));
	assert_non_null(arena_alloc(&arena, 16));
	assert_non_null(arena_alloc(&arena, 0));
	assert_null(arena_alloc(&arena, 1));
	assert_int_equal(arena.used_bytes, 64);
	arena_fini(&arena);
	assert_int_equal(arena.used_bytes, 0);
	assert_non_null(arena_alloc(&arena, 64));
	arena_fini(&arena);
}

static void test_large_ones_waste_no_room(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (int i = 0; i < 20; i++) {
		assert_non_null(arena_alloc(&arena, 1));
		assert_non_null(arena_alloc(&arena, 4000));
	}
	assert_true(arena.held_bytes < 20 * 4096 + 4096);
	arena_fini(&arena);
	assert_int_equal(arena.held_bytes, 0);
}

static void test_sizes_that_overflow(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 16));
	arena_fini(&arena);
}

static void test_copy(void **state)
{
	struct slice copy = { 0 };
	struct arena arena;
	char text[] = "text";

	(void)state;
	arena_init(&arena, 32);
	assert_int_equal(arena_copy(&arena, slice_of(text, 4), &copy), 0);
	text[0] = 'n';
	assert_true(slice_equal(copy, SLICE("text")));
	assert_int_equal(arena_copy(&arena, slice_of(text, 0), &copy), 0);
	assert_true(copy.data && !copy.len);
	copy = SLICE("untouched");
	assert_int_equal(arena_copy(&arena, slice_of("0123456789012345678901234567890123", 34), &copy),
			 -ENOMEM);
	assert_true(slice_equal(copy, SLICE("untouched")));
	arena_fini(&arena);
}

static void test_no_memory(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	alloc_fail_countdown = 1;
	assert_null(arena_alloc(&arena, 10));
	assert_int_equal(arena.used_bytes, 0);
	assert_non_null(arena_alloc(&arena, 10));
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned_and_apart),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_large_ones_waste_no_room),
		cmocka_unit_test(test_sizes_that_overflow),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
