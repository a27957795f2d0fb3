/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation fails in turn: what is counted stays right, latencies may be missing, nothing leaks. */
#include "alloc_fail.h"

#include "../../../agent/stats/histogram.c"
#include "../../../agent/stats/stats_window.c"
#include "../../../agent/stats/stats_row.c"
#include "../../../agent/stats/stats_sort.c"
#include "../../../agent/stats/stats.c"

/* Allocations of the tests themselves do not fail. */
#undef malloc
#undef calloc
#undef realloc
#include "stats_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CALLS 60

static uint64_t counted;

static void count_row(void *ctx, struct stats_row *row)
{
	struct stats_numbers numbers;
	struct stats *stats = ctx;

	counted += row->run.count;
	assert_true(row->run.duration.count <= row->run.count);
	for (enum stats_window window = WINDOW_RUN; window <= WINDOW_INTERVAL; window++) {
		stats_window(stats, row, window, &numbers);
		assert_true(numbers.count <= row->run.count);
		stats_numbers_fini(&numbers);
	}
}

/* False: the allocation was never reached. */
static bool run(enum stats_by by, long nth)
{
	struct stats_config config = { .by = by, .limit = 3 };
	struct one_call calls[CALLS];
	char path[20];
	struct call_text text = { .host = "h", .method = "GET", .target = path, .status = 200 };
	struct stats_row **rows = NULL;
	struct stats *stats;
	size_t count;

	for (unsigned int i = 0; i < CALLS; i++) {
		snprintf(path, sizeof(path), "/%u", i % 5);
		text.start_ns = (100 + i) * S;
		text.duration_ns = (i + 1) * (i + 1) * MS;
		call_init(&calls[i], &text);
		calls[i].exchange.request->target = slice_of(i % 5 ? "/a" : "/b", 2);
	}
	counted = 0;
	alloc_fail_countdown = nth;
	stats = stats_new(&config);
	for (unsigned int i = 0; stats && i < CALLS; i++)
		stats_exchange(stats, &calls[i].exchange);
	if (stats) {
		if (stats_sorted(stats, SORT_P99, false, WINDOW_10S, &rows, &count) == 0)
			free(rows);
		stats_each(stats, count_row, stats);
		assert_int_equal(counted, CALLS);
	}
	stats_free(stats);
	for (unsigned int i = 0; i < CALLS; i++)
		call_fini(&calls[i]);
	if (alloc_fail_countdown == 0)
		return true;
	alloc_fail_countdown = 0;
	return false;
}

static void test_each_allocation(void **state)
{
	static const enum stats_by keys[] = { BY_ENDPOINT, BY_PATH, BY_CONNECTION };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		long nth = 1;

		while (run(keys[i], nth))
			nth++;
		assert_true(nth > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
