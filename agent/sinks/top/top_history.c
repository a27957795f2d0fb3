/* SPDX-License-Identifier: Apache-2.0 */
#include "top_history.h"

#include "base/counters.h"

#define SECOND_NS UINT64_C(1000000000)

void top_history_fini(struct top_history *history)
{
	for (size_t i = 0; i < TOP_HISTORY_WINDOW; i++)
		histogram_fini(&history->latencies[i]);
	histogram_fini(&history->run);
	*history = (struct top_history){ 0 };
}

void top_history_tick(struct top_history *history, uint64_t now_ns)
{
	uint64_t second = history->now_ns / SECOND_NS, now = now_ns / SECOND_NS;

	if (!history->begun) {
		history->begun = true;
		history->first_ns = history->now_ns = now_ns;
		return;
	}
	if (now_ns <= history->now_ns)
		return;
	if (now > second)
		history->seconds[second % TOP_HISTORY_SECONDS].p99_ns =
			histogram_quantile(&history->latencies[second % TOP_HISTORY_WINDOW], 0.99);
	history->now_ns = now_ns;
	if (now - second > TOP_HISTORY_SECONDS)
		second = now - TOP_HISTORY_SECONDS;
	for (second++; second <= now; second++) {
		history->seconds[second % TOP_HISTORY_SECONDS] = (struct top_second){ 0 };
		histogram_clear(&history->latencies[second % TOP_HISTORY_WINDOW]);
	}
}

void top_history_add(struct top_history *history, bool error, bool known, uint64_t ns)
{
	uint64_t second = history->now_ns / SECOND_NS;
	struct top_second *now = &history->seconds[second % TOP_HISTORY_SECONDS];

	now->count++;
	now->errors += error;
	history->count++;
	history->errors += error;
	if (!known)
		return;
	if (histogram_add(&history->latencies[second % TOP_HISTORY_WINDOW], ns) < 0 ||
	    histogram_add(&history->run, ns) < 0)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
}

/* The seconds before this one and what there is of it. */
static void totals_of_window(const struct top_history *history, uint64_t seconds, struct top_totals *totals)
{
	uint64_t now = history->now_ns / SECOND_NS;
	struct histogram sum = { 0 };

	for (uint64_t back = 0; back < seconds && back <= now; back++) {
		const struct top_second *second = &history->seconds[(now - back) % TOP_HISTORY_SECONDS];

		totals->count += second->count;
		totals->errors += second->errors;
		if (histogram_merge(&sum, &history->latencies[(now - back) % TOP_HISTORY_WINDOW]) < 0)
			counter_add(COUNTER_LIMIT_MEMORY, 1);
	}
	totals->span_ns = (seconds - 1) * SECOND_NS + history->now_ns % SECOND_NS;
	totals->p50_ns = histogram_quantile(&sum, 0.5);
	totals->p99_ns = histogram_quantile(&sum, 0.99);
	histogram_fini(&sum);
}

void top_history_totals(const struct top_history *history, enum stats_window window,
			struct top_totals *totals)
{
	uint64_t run_ns = history->now_ns - history->first_ns;

	*totals = (struct top_totals){ 0 };
	if (window != WINDOW_RUN) {
		totals_of_window(history, window == WINDOW_10S ? 10 : TOP_HISTORY_WINDOW, totals);
		if (totals->span_ns > run_ns)
			totals->span_ns = run_ns;
		return;
	}
	totals->count = history->count;
	totals->errors = history->errors;
	totals->span_ns = run_ns;
	totals->p50_ns = histogram_quantile(&history->run, 0.5);
	totals->p99_ns = histogram_quantile(&history->run, 0.99);
}

void top_history_values(const struct top_history *history, size_t count, uint64_t *rates, uint64_t *p99s)
{
	uint64_t now = history->now_ns / SECOND_NS;

	for (size_t i = 0; i < count; i++) {
		uint64_t back = count - i;
		bool kept = back < TOP_HISTORY_SECONDS && back <= now;
		const struct top_second *second =
			&history->seconds[(kept ? now - back : 0) % TOP_HISTORY_SECONDS];

		rates[i] = kept ? second->count : 0;
		p99s[i] = kept ? second->p99_ns : 0;
	}
}
