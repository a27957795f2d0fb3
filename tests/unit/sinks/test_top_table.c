/* SPDX-License-Identifier: Apache-2.0 */
/* Order, selection and scrolling of a table; the places of a waterfall's bars. */
#include "sinks/top/top_lines.h"
#include "sinks/top/top_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

static const struct top_column columns[] = {
	{ "COUNT", TOP_COUNT, 7, 0, 0, false },
	{ "WIDE", TOP_COUNT, 7, 100, 0, false },
	{ "NAME", TOP_TEXT, 0, 0, 0, true },
};

/* "a5 b-": rows of a name and a count; '-' is not known, '!' behind it stays last. */
static void make(struct top_table *table, const char *rows)
{
	top_table_clear(table);
	for (; *rows; rows += rows[2] == '!' ? 3 : 2, rows += *rows == ' ') {
		struct top_row *row = top_table_add(table, (uint64_t)rows[0]);
		size_t start = table->names.len;

		assert_non_null(row);
		row->values[0] = rows[1] == '-' ? TOP_UNKNOWN : (uint64_t)(rows[1] - '0');
		row->rank = rows[2] == '!';
		buffer_char(&table->names, rows[0]);
		top_table_text(table, row, 0, start);
	}
	top_table_sort(table);
}

static void assert_order(const struct top_table *table, const char *expected)
{
	char order[40] = "";

	for (size_t i = 0; i < table->count; i++)
		order[i] = table->names.data[table->rows[i].texts[0]];
	assert_string_equal(order, expected);
}

static void test_order(void **state)
{
	struct top_table table;

	(void)state;
	top_table_init(&table, columns, 3);
	make(&table, "a1 b3 c2 d- z9!");
	assert_order(&table, "bcadz");
	top_table_reverse(&table);
	assert_order(&table, "dacbz");
	top_table_sort_step(&table, 80, 1); /* WIDE is not shown at 80 columns */
	assert_int_equal(table.sort, 2);
	assert_order(&table, "abcdz");
	top_table_sort_step(&table, 80, 1);
	assert_int_equal(table.sort, 2);
	top_table_sort_step(&table, 120, -1);
	assert_int_equal(table.sort, 1);
	top_table_sort_step(&table, 120, -1);
	assert_order(&table, "bcadz");
	top_table_fini(&table);
}

static const struct {
	const char *text;
	size_t width, indent;
	const char *expected; /* lines, each behind as many dots as it is indented, with | behind it */
} wraps[] = {
	{ "", 30, 0, "|" },
	{ "short", 30, 4, "short|" },
	{ "404  took 0.40 ms  out 9", 30, 0, "404  took 0.40 ms  out 9|" },
	{ "404  took 0.40 ms  out 90 and more", 21, 0, "404  took 0.40 ms|out 90 and more|" },
	{ "404  took 0.40 ms  first byte 1.2 s", 30, 2, "404  took 0.40 ms|..first byte 1.2 s|" },
	{ "one two three four five six", 22, 0, "one two three four|five six|" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 22, 0, "aaaaaaaaaaaaaaaaaaaaaa|aaaaaaaa|" },
	{ "aaaaaaaaaaaaaaaaaaaaa\xe4\xbd\xa0z", 22, 0, "aaaaaaaaaaaaaaaaaaaaa|\xe4\xbd\xa0z|" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaa", 3, 0, "aaaaaaaaaaaaaaaaaaaa|aaaaa|" }, /* 20 at least */
	{ "key         words that say what it does", 30, 12,
	  "key         words that say|............what it does|" },
};

static void test_wrap(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
		struct top_lines lines = { .count = 0 };
		char seen[200] = "";

		buffer_string(&lines.text, wraps[i].text);
		top_lines_wrap(&lines, 0, wraps[i].width, wraps[i].indent, TOP_PLAIN);
		for (size_t j = 0; j < lines.count; j++)
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%.*s%.*s|",
				 (int)lines.items[j].indent, "....................", (int)lines.items[j].len,
				 lines.text.data ? lines.text.data + lines.items[j].at : "");
		assert_string_equal(seen, wraps[i].expected);
		top_lines_fini(&lines);
	}
}

static char selected(const struct top_table *table)
{
	return (char)top_table_selected(table)->id;
}

static void test_selection(void **state)
{
	struct top_table table;

	(void)state;
	top_table_init(&table, columns, 3);
	make(&table, "");
	assert_null(top_table_selected(&table));
	top_table_move(&table, 3);
	top_table_reverse(&table);
	top_table_reverse(&table);
	make(&table, "a1 b3 c2");
	assert_int_equal(selected(&table), 'b');
	make(&table, "a9 b3 c2"); /* nobody moved: the first, whichever it is */
	assert_int_equal(selected(&table), 'a');
	top_table_move(&table, 2);
	assert_int_equal(selected(&table), 'c');
	make(&table, "a1 b3 c9 d4");
	assert_int_equal(selected(&table), 'c'); /* it moved, and the selection with it */
	make(&table, "a1 b3");
	assert_int_equal(selected(&table), 'b'); /* gone: what is in its place */
	top_table_move(&table, 1000000);
	assert_int_equal(selected(&table), 'a');
	top_table_move(&table, -1000000);
	assert_int_equal(selected(&table), 'b');
	top_table_home(&table);
	make(&table, "a9 b3");
	assert_int_equal(selected(&table), 'a');
	top_table_fini(&table);
}

static void test_view(void **state)
{
	static const struct {
		size_t page, first, selected, from, to;
	} views[] = {
		{ 3, 0, 0, 0, 3 }, { 3, 0, 3, 1, 4 },  { 3, 5, 2, 2, 5 },
		{ 3, 9, 9, 6, 9 }, { 20, 4, 5, 0, 9 }, { 0, 0, 0, 0, 0 },
	};
	struct top_table table;

	(void)state;
	top_table_init(&table, columns, 3);
	make(&table, "a1 b1 c1 d1 e1 f1 g1 h1 i1");
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		size_t from, to;

		table.page = views[i].page;
		table.first = views[i].first;
		table.selected = views[i].selected;
		top_table_view(&table, &from, &to);
		assert_int_equal(from, views[i].from);
		assert_int_equal(to, views[i].to);
	}
	top_table_fini(&table);
}

/* Of an axis from 100 to 200 in ten columns. */
static void test_bars(void **state)
{
	static const struct {
		const char *name;
		uint64_t start, first, end;
		const char *expected; /* from to end */
	} bars[] = {
		{ "all of it", 100, 150, 200, "0 5 10" },
		{ "short", 150, 150, 150, "5 5 6" },
		{ "at the end", 200, 200, 200, "9 10 10" },
		{ "no answer yet", 120, 0, 0, "2 10 10" },
		{ "answering", 120, 140, 0, "2 4 10" },
		{ "began before", 10, 20, 130, "0 0 3" },
		{ "before", 10, 20, 30, "0 0 0" },
		{ "after", 300, 310, 320, "0 0 0" },
		{ "first byte after the end", 120, 190, 150, "2 5 5" },
		{ "end before the start", 150, 120, 110, "5 5 6" },
	};
	const struct top_lines lines = { .from_ns = 100, .to_ns = 200 };

	(void)state;
	for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++) {
		struct top_line bar = {
			.start_ns = bars[i].start,
			.ends_ns = { [PART_WAIT] = bars[i].first, [PART_RECEIVE] = bars[i].end },
		};
		int at[PART_COUNT + 1];
		char text[40];

		top_bar_place(&lines, &bar, 10, at);
		snprintf(text, sizeof(text), "%d %d %d", at[0], at[PART_RECEIVE], at[PART_COUNT]);
		if (strcmp(text, bars[i].expected) != 0)
			fail_msg("%s: %s", bars[i].name, text);
	}
}

/* Each part behind the one before it, whatever of them is known. */
static void test_bar_parts(void **state)
{
	static const struct {
		const char *name;
		uint64_t ends[PART_COUNT]; /* connect, TLS, idle, send, wait, receive */
		const char *expected;
	} bars[] = {
		{ "all", { 110, 130, 140, 160, 190, 200 }, "0 1 3 4 6 9 10" },
		{ "in the clear", { 120, 0, 130, 140, 150, 200 }, "0 2 2 3 4 5 10" },
		{ "on an open connection", { 0, 0, 0, 130, 180, 200 }, "0 0 0 0 3 8 10" },
		{ "sent, no answer yet", { 0, 0, 0, 130, 0, 0 }, "0 0 0 0 3 10 10" },
		{ "sent longer than all", { 0, 0, 0, 190, 0, 150 }, "0 0 0 0 5 5 5" },
	};
	const struct top_lines lines = { .from_ns = 100, .to_ns = 200 };

	(void)state;
	for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++) {
		struct top_line bar = { .start_ns = 100 };
		int at[PART_COUNT + 1];
		char text[80];
		int len = 0;

		memcpy(bar.ends_ns, bars[i].ends, sizeof(bar.ends_ns));
		top_bar_place(&lines, &bar, 10, at);
		for (int part = 0; part <= PART_COUNT; part++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, part ? " %d" : "%d",
					at[part]);
		if (strcmp(text, bars[i].expected) != 0)
			fail_msg("%s: %s", bars[i].name, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_wrap), cmocka_unit_test(test_selection),
		cmocka_unit_test(test_view),  cmocka_unit_test(test_bars), cmocka_unit_test(test_bar_parts)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
