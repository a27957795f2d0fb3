/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data that a row's user keeps of it follows it; counts without latencies agree with those that have
 * them.
 */
#include "stats/stats.h"

#include "stats_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

struct kept {
	size_t merged, released; /* rows with data */
	size_t sum;		 /* of what was released */
};

static void kept_merge(void *ctx, struct stats_row *into, struct stats_row *from)
{
	struct kept *kept = ctx;

	assert_non_null(from->data);
	kept->merged++;
	if (into->data) {
		*(size_t *)into->data += *(size_t *)from->data;
		free(from->data);
	} else {
		into->data = from->data;
	}
	from->data = NULL;
}

static void kept_release(void *ctx, struct stats_row *row)
{
	struct kept *kept = ctx;

	if (!row->data)
		return;
	kept->released++;
	kept->sum += *(size_t *)row->data;
	free(row->data);
	row->data = NULL;
}

static void count(struct stats *stats, const struct call_text *text)
{
	struct stats_row *row = call_count(stats, text);

	if (!row->data)
		row->data = calloc(1, sizeof(size_t));
	assert_non_null(row->data);
	++*(size_t *)row->data;
}

/* 400 exchanges, whichever rows they end up in: learnt templates, or the overflow. */
static void check_follows(enum stats_by by, size_t limit, const char *pattern, bool merges)
{
	struct kept kept = { 0 };
	struct stats_config config = {
		.by = by, .limit = limit, .merge = kept_merge, .release = kept_release, .ctx = &kept
	};
	struct stats *stats = stats_new(&config);
	char path[60];
	struct call_text text = { .host = "h", .method = "GET", .target = path, .status = 200 };

	assert_non_null(stats);
	for (unsigned int i = 0; i < 400; i++) {
		text.start_ns = 100 * S + i * 10 * MS;
		text.pid = i;
		snprintf(path, sizeof(path), pattern, 'a' + i % 26, 'a' + i / 26 % 26, 'e' + i % 7);
		count(stats, &text);
	}
	assert_int_equal(kept.merged > 0, merges);
	stats_free(stats);
	assert_true(kept.released > 0);
	assert_int_equal(kept.sum, 400);
}

static void test_data_follows(void **state)
{
	(void)state;
	check_follows(BY_ENDPOINT, 0, "/gro%c%cm/open", true);
	check_follows(BY_ENDPOINT, 10, "/%c/static-%c%c.css", false);
	check_follows(BY_PROCESS, 0, "/%c%c%c", false);
	check_follows(BY_PROCESS, 10, "/%c%c%c", false);
}

/* Nobody asked to be told, nobody kept anything. */
static void test_without(void **state)
{
	struct stats_config config = { .by = BY_ENDPOINT };
	struct stats *stats = stats_new(&config);
	struct call_text text = { .host = "h", .method = "GET", .target = "/", .status = 200 };

	(void)state;
	assert_null(call_count(stats, &text)->data);
	stats_free(stats);
}

static void test_counts_agree(void **state)
{
	static const enum stats_window windows[] = { WINDOW_RUN, WINDOW_10S, WINDOW_60S, WINDOW_INTERVAL };
	struct stats_config config = { .by = BY_HOST };
	struct stats *stats = stats_new(&config);
	struct call_text text = {
		.host = "h", .method = "GET", .status = 500, .in_bytes = 3, .out_bytes = 7
	};

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		const struct stats_row *row;

		text.start_ns = (1000 + i) * S;
		text.duration_ns = (i * 7919 % 200) * MS;
		text.status = i % 3 ? 200 : 500;
		row = call_count(stats, &text);
		if (i == 150)
			stats_interval_begin(stats);
		for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
			struct stats_numbers whole, counts;

			assert_int_equal(stats_window(stats, row, windows[w], &whole), 0);
			stats_window_counts(stats, row, windows[w], &counts);
			assert_int_equal(counts.count, whole.count);
			assert_int_equal(counts.errors, whole.errors);
			assert_int_equal(counts.errors_5xx, whole.errors_5xx);
			assert_int_equal(counts.request_bytes, whole.request_bytes);
			assert_int_equal(counts.response_bytes, whole.response_bytes);
			assert_int_equal(counts.duration.count, whole.duration.count);
			assert_int_equal(counts.duration.sum_ns, whole.duration.sum_ns);
			assert_int_equal(counts.duration.max_ns, whole.duration.max_ns);
			stats_numbers_fini(&whole);
		}
	}
	stats_free(stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_data_follows),
					    cmocka_unit_test(test_without),
					    cmocka_unit_test(test_counts_agree) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
