/* SPDX-License-Identifier: Apache-2.0 */
#include "http2/http2_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define MAX_FRAME 16384
#define PING                   \
	"\0\0\x08\6\0\0\0\0\0" \
	"12345678"

/* Adds one call's bytes; true when a border was found. */
static bool call(struct http2_search *search, struct slice bytes, uint64_t time_ns)
{
	while (bytes.len > 0) {
		bytes = slice_drop(bytes, http2_search_add(search, bytes, time_ns));
		if (http2_search_run(search, MAX_FRAME, NULL, bytes.len == 0))
			return true;
	}
	return false;
}

static void test_three_frames(void **state)
{
	struct http2_search search = { 0 };
	uint64_t time_ns = 0;
	struct http2_search_cursor cursor = { 0 };

	(void)state;
	assert_false(call(&search, SLICE("rest of a body" PING), 10));
	assert_true(call(&search, SLICE(PING PING), 20));
	assert_int_equal(search.unparsed, 14);
	/* Held bytes keep their times. */
	assert_int_equal(http2_search_next(&search, &cursor, &time_ns).len, 17);
	assert_int_equal(time_ns, 10);
	assert_int_equal(http2_search_next(&search, &cursor, &time_ns).len, 34);
	assert_int_equal(time_ns, 20);
	assert_int_equal(http2_search_next(&search, &cursor, &time_ns).len, 0);
	assert_int_equal(http2_search_fini(&search), 51);
}

/* A DATA header from memory, its body by sendfile: the hole is as long as the frame says, or it proves
 * nothing. */
static void test_body_in_a_hole(void **state)
{
	static const struct {
		struct slice held;
		uint64_t size;
		bool found;
		uint64_t unparsed;
	} rows[] = {
		{ SLICE("rest" PING "\0\0\5\0\1\0\0\0\1"), 5, true, 4 },
		{ SLICE("rest" PING "\0\0\5\0\1\0\0\0\1ab"), 3, true, 4 },
		{ SLICE("rest" PING "\0\0\5\0\1\0\0\0\1"), 4, false, 0 },
		{ SLICE("\0\0\5\0\1\0\0\0\1"), 5, false, 0 },
		{ SLICE("\0\0\1\1\0\0\0\0\1x\0\0\5\0\1\0\0\0\1"), 5, false, 0 },
		{ SLICE("rest of a body" PING), 5, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http2_search search = { 0 };

		http2_search_add(&search, rows[i].held, 1);
		assert_int_equal(http2_search_meets_hole(&search, MAX_FRAME, rows[i].size), rows[i].found);
		assert_int_equal(search.unparsed, rows[i].unparsed);
		http2_search_fini(&search);
	}
}

static void test_two_exact_calls(void **state)
{
	struct http2_search search = { 0 };

	(void)state;
	assert_false(call(&search, SLICE(PING), 1));
	assert_true(call(&search, SLICE(PING), 2));
	assert_int_equal(search.unparsed, 0);
	http2_search_fini(&search);
}

/* Nothing is ever proved: memory stays bounded, every byte is passed over or held. */
static void test_bounded(void **state)
{
	static uint8_t zeros[50000], headers[50000];
	struct http2_search search = { 0 };
	size_t fed = 0;

	(void)state;
	/* A frame header whose frame never ends within what may be held. */
	memcpy(headers, "\0\x40\0\0\0\0\0\0\1", 9);
	memcpy(headers + 9 + 16384, "\0\x40\0\0\0\0\0\0\1", 9);
	for (int i = 0; i < 20; i++) {
		const uint8_t *bytes = i % 2 ? zeros : headers;

		assert_false(call(&search, slice_of(bytes, sizeof(zeros)), (uint64_t)i));
		fed += sizeof(zeros);
		assert_true(search.held.len <= 65536);
		assert_int_equal(search.unparsed + search.held.len, fed);
	}
	http2_search_fini(&search);
	assert_int_equal(http2_search_fini(&search), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_frames),
		cmocka_unit_test(test_body_in_a_hole),
		cmocka_unit_test(test_two_exact_calls),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
