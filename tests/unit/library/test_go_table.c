/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/go_table.c: a table as Go writes it, and what is left of it when it is damaged. */
#include "library/go_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_AT  128
#define TABLE_AT  256
#define TABLE_LEN 400
#define TEXT	  0x401000

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* Three functions: main.main at 0, crypto/tls.(*Conn).Read at 64, "Read" alone at 160; the end at 200. */
static void table_make(uint8_t table[TABLE_LEN], uint32_t magic)
{
	static const char names[] = "\0main.main\0crypto/tls.(*Conn).Read\0Read\0";
	static const uint32_t functions[3][2] = { { 0, 1 }, { 64, 11 }, { 160, 35 } };
	uint32_t description = 3 * 8 + 4;

	memset(table, 0, TABLE_LEN);
	put32(table, magic);
	table[6] = 1;
	table[7] = 8;
	put64(table + 8, 3);
	put64(table + 8 + 2 * 8, TEXT);
	put64(table + 8 + 3 * 8, NAMES_AT);
	put64(table + 8 + 7 * 8, TABLE_AT);
	memcpy(table + NAMES_AT, names, sizeof(names));
	for (size_t i = 0; i < 3; i++, description += 12) {
		put32(table + TABLE_AT + i * 8, functions[i][0]);
		put32(table + TABLE_AT + i * 8 + 4, description);
		put32(table + TABLE_AT + description, functions[i][0]);
		put32(table + TABLE_AT + description + 4, functions[i][1]);
	}
	put32(table + TABLE_AT + 3 * 8, 200);
}

static void test_find(void **state)
{
	static const struct {
		const char *name;
		int result;
		uint64_t offset, size;
	} rows[] = {
		{ "main.main", 0, 0, 64 },
		{ "crypto/tls.(*Conn).Read", 0, 64, 96 },
		{ "Read", 0, 160, 40 }, /* not the end of the other one's name */
		{ "(*Conn).Read", -ENOENT, 0, 0 },
		{ "crypto/tls.(*Conn).Rea", -ENOENT, 0, 0 },
		{ "crypto/tls.(*Conn).Write", -ENOENT, 0, 0 },
	};
	static const uint32_t magics[] = { 0xfffffff0, 0xfffffff1 };
	uint8_t table[TABLE_LEN];

	(void)state;
	for (size_t m = 0; m < 2; m++) {
		table_make(table, magics[m]);
		assert_int_equal(go_table_text(slice_of(table, sizeof(table))), TEXT);
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			struct go_function found = { 0 };

			assert_int_equal(go_table_find(slice_of(table, sizeof(table)), rows[i].name, &found),
					 rows[i].result);
			assert_int_equal(found.offset, rows[i].offset);
			assert_int_equal(found.size, rows[i].size);
		}
	}
}

/* Tables from before Go 1.18 hold pointers, and those of 32-bit programs are no matter of ours. */
static void test_others(void **state)
{
	struct go_function found;
	uint8_t table[TABLE_LEN];

	(void)state;
	table_make(table, 0xfffffffa);
	assert_int_equal(go_table_find(slice_of(table, sizeof(table)), "main.main", &found), -ENOENT);
	assert_int_equal(go_table_text(slice_of(table, sizeof(table))), 0);
	table_make(table, 0xfffffff1);
	table[7] = 4;
	assert_int_equal(go_table_find(slice_of(table, sizeof(table)), "main.main", &found), -ENOENT);
	assert_int_equal(go_table_find(slice_of(NULL, 0), "main.main", &found), -ENOENT);
}

/* Among other constants, some of which look like its beginning. */
static void test_search(void **state)
{
	static const uint8_t like[] = { 0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8, 0xff, 0xff };
	uint8_t bytes[64 + TABLE_LEN] = { 0xff, 0xff, 0xff, 0, 0, 1, 8 };
	struct go_function found;
	struct slice table;

	(void)state;
	memset(bytes + 7, 0xff, 57);
	memcpy(bytes + 16, like, sizeof(like));
	assert_int_equal(go_table_search(slice_of(bytes, 64)).len, 0);
	assert_int_equal(go_table_search(slice_of(NULL, 0)).len, 0);
	table_make(bytes + 64, 0xfffffff0);
	table = go_table_search(slice_of(bytes, sizeof(bytes)));
	assert_int_equal(table.len, TABLE_LEN);
	assert_int_equal(go_table_find(table, "Read", &found), 0);
}

/* Cut anywhere, or with any byte of it changed: a function of some size, or none, and nothing read behind it.
 */
static void test_damage(void **state)
{
	uint8_t table[TABLE_LEN];
	struct go_function found;

	(void)state;
	for (size_t len = 0; len < TABLE_LEN; len++) {
		uint8_t *cut = malloc(len ? len : 1);

		table_make(table, 0xfffffff1);
		memcpy(cut, table, len);
		if (!go_table_find(slice_of(cut, len), "crypto/tls.(*Conn).Read", &found))
			assert_int_equal(found.size, 96);
		free(cut);
	}
	for (size_t at = 0; at < TABLE_LEN; at++) {
		for (unsigned int value = 1; value < 256; value += 2) {
			table_make(table, 0xfffffff1);
			table[at] ^= (uint8_t)value;
			if (!go_table_find(slice_of(table, sizeof(table)), "crypto/tls.(*Conn).Read", &found))
				assert_true(found.size > 0);
		}
	}
}

static void test_begins(void **state)
{
	static const struct {
		const char *name;
		uint8_t code[16];
		size_t len;
		bool expected;
	} rows[] = {
		{ "small frame", { 0x49, 0x3b, 0x66, 0x10, 0x0f, 0x86 }, 16, true },
		{ "lea of a byte", { 0x4c, 0x8d, 0x64, 0x24, 0xb8, 0x4d, 0x3b, 0x66, 0x10 }, 16, true },
		{ "lea of a word",
		  { 0x4c, 0x8d, 0xa4, 0x24, 0xc8, 0xfe, 0xff, 0xff, 0x4d, 0x3b, 0x66, 0x10 },
		  16,
		  true },
		{ "lea of something else",
		  { 0x4c, 0x8d, 0x64, 0x24, 0xb8, 0x90, 0x90, 0x90, 0x90 },
		  16,
		  false },
		{ "Go 1.16",
		  { 0x64, 0x48, 0x8b, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff, 0x48, 0x3b, 0x61 },
		  16,
		  false },
		{ "C", { 0x55, 0x48, 0x89, 0xe5 }, 16, false },
		{ "cut", { 0x49, 0x3b, 0x66, 0x10 }, 3, false },
		{ "cut lea", { 0x4c, 0x8d, 0x64, 0x24, 0xb8, 0x4d, 0x3b }, 7, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (go_function_begins(rows[i].code, rows[i].len) != rows[i].expected)
			fail_msg("%s", rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),   cmocka_unit_test(test_others), cmocka_unit_test(test_search),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
