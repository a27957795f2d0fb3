/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/unwind_table.c: a table as linkers write it, and damaged ones. */
#include "library/unwind_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define SECTION 0x50000
#define BYTES	(12 + 3 * 8)

/* Functions at 0x1000, 0x1100 and 0x60000: before the section and behind it. */
static void table_make(uint8_t table[BYTES])
{
	static const int64_t functions[] = { 0x1000, 0x1100, 0x60000 };
	uint32_t count = 3;

	memset(table, 0, BYTES);
	memcpy(table, "\1\x1b\3\x3b", 4);
	memcpy(table + 8, &count, sizeof(count));
	for (size_t i = 0; i < count; i++) {
		int32_t distance = (int32_t)(functions[i] - SECTION);

		memcpy(table + 12 + i * 8, &distance, sizeof(distance));
	}
}

static void test_find(void **state)
{
	static const uint64_t rows[][2] = {
		{ 0, 0 },
		{ 0xfff, 0 },
		{ 0x1000, 0x1000 },
		{ 0x1001, 0x1000 },
		{ 0x1100, 0x1100 },
		{ 0x5ffff, 0x1100 },
		{ 0x60000, 0x60000 },
		{ 0x7fffffff, 0x60000 },
		{ 1ull << 40, 0x60000 },
	};
	uint8_t table[BYTES];

	(void)state;
	table_make(table);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(unwind_table_find(slice_of(table, BYTES), SECTION, rows[i][0]), rows[i][1]);
}

static void test_damaged(void **state)
{
	uint8_t table[BYTES];

	(void)state;
	table_make(table);
	for (size_t len = 0; len < BYTES; len++)
		assert_int_equal(unwind_table_find(slice_of(table, len), SECTION, 0x1000), UINT64_MAX);
	for (size_t at = 0; at < 12; at++) {
		table_make(table);
		table[at] ^= 0x80;
		if (at != 1 && (at < 4 || at >= 8)) /* what says where .eh_frame is does not matter */
			assert_int_equal(unwind_table_find(slice_of(table, BYTES), SECTION, 0x1000),
					 UINT64_MAX);
	}
	table_make(table);
	memset(table + 8, 0, 4);
	assert_int_equal(unwind_table_find(slice_of(table, BYTES), SECTION, 0x1000), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
