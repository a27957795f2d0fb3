/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/counters.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static void assert_holds(struct buffer *buffer, const char *expected)
{
	buffer_char(buffer, '\0');
	assert_string_equal(buffer->data, expected);
	buffer_clear(buffer);
}

static void test_numbers(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_u64(&b, 0);
	assert_holds(&b, "0");
	buffer_u64(&b, UINT64_MAX);
	assert_holds(&b, "18446744073709551615");
	for (uint64_t edge = 1; edge; edge = edge > UINT64_MAX / 10 ? 0 : edge * 10)
		for (uint64_t value = edge - 1; value <= edge + 1; value++) {
			char expected[64];

			snprintf(expected, sizeof(expected), "%" PRIu64 " %" PRIu64 ".%06" PRIu64, value,
				 value / 1000000, value % 1000000);
			buffer_u64(&b, value);
			buffer_char(&b, ' ');
			buffer_ms(&b, value);
			assert_holds(&b, expected);
		}
	buffer_ms(&b, 340000);
	assert_holds(&b, "0.340000");
	buffer_ms(&b, 12000000001);
	assert_holds(&b, "12000.000001");
	buffer_ms(&b, UINT64_MAX);
	assert_holds(&b, "18446744073709.551615");
	buffer_digits(&b, 42, 5);
	assert_holds(&b, "00042");
	buffer_format(&b, "%s-%d", "x", 3);
	assert_holds(&b, "x-3");
	buffer_fini(&b);
}

static void test_growth(void **state)
{
	struct buffer b = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	for (int i = 0; i < 100000; i++)
		buffer_put(&b, "abc", 3);
	buffer_format(&b, "%0200d", 0);
	assert_int_equal(buffer_write(&b, out), 0);
	assert_int_equal(b.len, 0);
	fclose(out);
	assert_int_equal(len, 300200);
	assert_memory_equal(text + 299997, "abc000", 6);
	free(text);
	buffer_fini(&b);
}

/* A text that does not fit into memory is dropped whole, counted once, and the buffer goes on. */
static void test_out_of_memory(void **state)
{
	struct buffer b = { 0 };
	uint64_t before = counters[COUNTER_LIMIT_MEMORY];
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	buffer_string(&b, "half ");
	assert_false(buffer_grow(&b, SIZE_MAX / 2));
	buffer_string(&b, "line\n");
	assert_int_equal(buffer_write(&b, out), -ENOMEM);
	assert_int_equal(counters[COUNTER_LIMIT_MEMORY], before + 1);
	buffer_string(&b, "whole\n");
	assert_int_equal(buffer_write(&b, out), 0);
	fclose(out);
	assert_string_equal(text, "whole\n");
	free(text);
	buffer_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
