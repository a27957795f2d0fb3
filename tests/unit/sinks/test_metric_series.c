/* SPDX-License-Identifier: Apache-2.0 */
/* Label sets that come and go, also when memory is out: what was counted stands somewhere, and what it takes
 * is told. */
#include "alloc_fail.h"

#include "../../../agent/base/frequent.c"
#include "../../../agent/sinks/serve/metric_histogram.c"
#include "../../../agent/sinks/serve/metric_native.c"
#include "../../../agent/sinks/serve/metric_series.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>

struct seen {
	uint64_t count, series;
	bool rest;
};

static void look(void *ctx, struct slice labels, const struct metric_series *series)
{
	struct seen *seen = ctx;

	seen->count += series->of[0].count;
	seen->series++;
	seen->rest = slice_equal(labels, SLICE("rest"));
}

static void count(struct metric_table *table, const char *labels, uint64_t value)
{
	struct metric_series *series = metric_table_find(table, slice_of_string(labels));
	size_t bucket = metric_histogram_add(&series->of[0], &metric_request_bounds, value);

	metric_histogram_exemplify(&series->of[0], bucket, &(struct metric_exemplar){ .trace_len = 16 });
	metric_table_weigh(table, series);
}

/* 200 label sets, the first ten again and again; how many were counted. */
static uint64_t fill(struct metric_table *table)
{
	char labels[16];

	for (unsigned int i = 0; i < 2000; i++) {
		snprintf(labels, sizeof(labels), "l%u", i % 2 ? i % 20 : i % 400);
		count(table, labels, (uint64_t)i * 1000000);
	}
	return 2000;
}

static void test_all_are_counted(void **state)
{
	struct metric_table *table = metric_table_new(20, 0, SLICE("rest"));
	struct seen seen = { .count = 0 };
	uint64_t counted = fill(table);

	(void)state;
	counters[COUNTER_LIMIT_SERIES] = 0;
	metric_table_each(table, false, look, &seen);
	assert_int_equal(seen.count, counted);
	assert_int_equal(seen.series, 21);
	assert_int_equal(metric_table_count(table), 21);
	assert_true(seen.rest);
	metric_table_free(table);
}

/* What was read goes as a whole: the rest does not jump. */
static void test_what_was_read_goes(void **state)
{
	struct metric_table *table = metric_table_new(1, 0, SLICE("rest"));
	struct seen before = { .count = 0 }, after = { .count = 0 };

	(void)state;
	count(table, "first", 1);
	metric_table_each(table, true, look, &before);
	for (int i = 0; i < 10; i++)
		count(table, "second", 1);
	metric_table_each(table, true, look, &after);
	assert_int_equal(before.count, 1);
	assert_true(after.count == 10 && after.series == 2);
	assert_true(counters[COUNTER_LIMIT_SERIES] >= 1);
	metric_table_free(table);
}

static void test_bytes_are_bounded(void **state)
{
	struct metric_table *table = metric_table_new(100000, 64 << 10, SLICE("rest"));
	char labels[16];

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(labels, sizeof(labels), "l%u", i);
		count(table, labels, i);
	}
	assert_true(metric_table_bytes(table) < (64 << 10) + 2 * 4096);
	metric_table_free(table);
}

static void test_each_allocation_fails(void **state)
{
	(void)state;
	for (long nth = 1; nth < 120; nth++) {
		struct seen seen = { .count = 0 };
		struct metric_table *table;

		alloc_fail_countdown = nth;
		table = metric_table_new(20, 0, SLICE("rest"));
		if (table) {
			uint64_t counted = fill(table);

			alloc_fail_countdown = 0;
			metric_table_each(table, false, look, &seen);
			assert_int_equal(seen.count, counted);
		}
		alloc_fail_countdown = 0;
		metric_table_free(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_counted),
		cmocka_unit_test(test_what_was_read_goes),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
