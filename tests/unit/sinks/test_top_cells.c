/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile and foreign text in cells: nothing is wider than its column, nothing leans on its neighbour. */
#include "sinks/top/top_cells.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define HIGH "\xcc\x81" /* U+0301, combining acute */

static const struct {
	const char *name;
	const char *text;
	bool utf8;
	int columns;
	const char *expected;
	int used;
} rows[] = {
	{ "plain", "abc", true, 5, "abc", 3 },
	{ "exact", "abcde", true, 5, "abcde", 5 },
	{ "cut", "abcdef", true, 5, "abcd…", 5 },
	{ "cut in ASCII", "abcdef", false, 5, "abcd~", 5 },
	{ "one column", "ab", true, 1, "…", 1 },
	{ "no column", "ab", true, 0, "", 0 },
	{ "negative", "ab", true, -3, "", 0 },
	{ "empty", "", true, 5, "", 0 },
	{ "wide", "你好", true, 4, "你好", 4 },
	{ "wide, cut", "你好吗", true, 4, "你…", 3 },
	{ "wide in one column", "你", true, 1, "…", 1 },
	{ "mark", "e" HIGH "x", true, 5, "e" HIGH "x", 2 },
	{ "mark at the border", "abcde" HIGH, true, 5, "abcde" HIGH, 5 },
	{ "mark at the border, cut", "abcde" HIGH "f", true, 5, "abcd…", 5 },
	{ "mark without a character", HIGH "x", true, 20, "\\u{301}x", 8 },
	{ "mark behind an escape", HIGH HIGH, true, 20, "\\u{301}\\u{301}", 14 },
	{ "two marks", "e" HIGH HIGH, true, 20, "e" HIGH HIGH, 1 },
	{ "heap of marks", "e" HIGH HIGH HIGH, true, 20, "e" HIGH HIGH "\\u{301}", 8 },
	{ "Hebrew", "שלום", true, 9, "שלום", 4 },
	{ "zero width joiner, should it come", "a\xe2\x80\x8d\xe2\x80\x8d\xe2\x80\x8d", true, 20,
	  "a\xe2\x80\x8d\xe2\x80\x8d\\u{200d}", 9 },
	{ "no character", "\xf4\x8f\xbf\xbf", true, 20, "\\u{10ffff}", 10 },
	{ "control", "a\033[2J", true, 20, "a\\u{1b}[2J", 10 },
	{ "C1 control", "\xc2\x9b", true, 20, "\\u{9b}", 6 },
	{ "delete", "\x7f", true, 20, "\\u{7f}", 6 },
	{ "no UTF-8",
	  "\xff"
	  "a",
	  true, 20, "\\u{ff}a", 7 },
	{ "foreign in ASCII", "\xc3\xa9", false, 20, "\\u{e9}", 6 },
};

static void test_rows(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* Of the exact size, so that a sanitizer sees what lies beyond. */
		size_t max = TOP_CELLS_MAX(rows[i].columns > 0 ? rows[i].columns : 0);
		wchar_t *out = malloc(max * sizeof(*out));
		char shown[200];
		int used;

		assert_non_null(out);
		used = top_cells(slice_of_string(rows[i].text), rows[i].utf8, rows[i].columns, out);
		assert_true(wcstombs(shown, out, sizeof(shown)) != (size_t)-1);
		if (strcmp(shown, rows[i].expected) != 0 || used != rows[i].used)
			fail_msg("%s: '%s' %d", rows[i].name, shown, used);
		free(out);
	}
}

/* At each width it stays within it, and wcswidth() agrees. */
static void test_widths(void **state)
{
	static const char text[] = "a你" HIGH "e" HIGH HIGH HIGH "\xff\033שx你你b" HIGH;

	(void)state;
	for (int columns = 0; columns < 60; columns++) {
		wchar_t out[TOP_CELLS_MAX(60)];
		int used = top_cells(slice_of_string(text), true, columns, out);

		assert_in_range(used, 0, columns);
		assert_int_equal(wcswidth(out, wcslen(out)), used);
		assert_true(wcslen(out) < TOP_CELLS_MAX(columns));
	}
}

static void test_spark(void **state)
{
	static const struct {
		uint64_t values[5];
		bool utf8;
		const char *expected;
	} sparks[] = {
		{ { 0, 0, 0, 0, 0 }, true, "     " },
		{ { 0, 1, 50, 99, 100 }, true, " ▁▅██" },
		{ { 0, 1, 50, 99, 100 }, false, " .=##" },
		{ { UINT64_MAX, 1, UINT64_MAX / 2, 0, 7 }, true, "█▁▅ ▁" },
		{ { 3, 3, 3, 3, 3 }, true, "█████" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sparks) / sizeof(sparks[0]); i++) {
		wchar_t out[6];
		char shown[40];

		top_spark(sparks[i].values, 5, sparks[i].utf8, out);
		assert_true(wcstombs(shown, out, sizeof(shown)) != (size_t)-1);
		assert_string_equal(shown, sparks[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_spark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
