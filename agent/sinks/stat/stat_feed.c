/* SPDX-License-Identifier: Apache-2.0 */
#include "stat_feed.h"

#include "base/counters.h"

#include <errno.h>
#include <stdlib.h>

int stat_feed_init(struct stat_feed *feed, const struct stats_options *options)
{
	struct stats_config config = { .no_windows = true };

	*feed = (struct stat_feed){ 0 };
	if (options)
		feed->options = *options;
	config.budget = feed->options.budget;
	config.by = feed->options.by;
	config.routes = feed->options.routes;
	feed->stats = stats_new(&config);
	if (!feed->stats)
		return -ENOMEM;
	if (feed->options.interval_ns)
		stats_interval_begin(feed->stats);
	return 0;
}

void stat_feed_fini(struct stat_feed *feed)
{
	stats_free(feed->stats);
	feed->stats = NULL;
}

void stat_feed_exchange(struct stat_feed *feed, const struct exchange *exchange)
{
	if (exchange_counts(exchange))
		stats_exchange(feed->stats, exchange);
}

bool stat_feed_tick(struct stat_feed *feed, uint64_t now_ns)
{
	uint64_t interval = feed->options.interval_ns;

	stats_tick(feed->stats, now_ns);
	if (!interval)
		return false;
	if (feed->next_ns == 0 || feed->next_ns > now_ns + interval)
		feed->next_ns = now_ns + interval;
	if (now_ns < feed->next_ns)
		return false;
	/* After a pause there is one draw for all of it. */
	feed->next_ns += (now_ns - feed->next_ns) / interval * interval + interval;
	return true;
}

void stat_feed_in_flight(struct stat_feed *feed, const struct exchange *exchange)
{
	if (!feed->taking)
		stats_in_flight_begin(feed->stats);
	feed->taking = true;
	stats_in_flight(feed->stats, exchange);
}

enum stats_window stat_feed_draw_begin(struct stat_feed *feed, bool last)
{
	if (!feed->taking)
		stats_in_flight_begin(feed->stats);
	feed->taking = false;
	return last ? WINDOW_RUN : WINDOW_INTERVAL;
}

void stat_feed_draw_end(struct stat_feed *feed)
{
	if (feed->options.interval_ns)
		stats_interval_begin(feed->stats);
}

/* False: there is nothing in it to be shown, or no room left; what it holds is added to the total. */
static bool row_take(struct stat_rows *rows, struct stats_row *row, struct stats_numbers *numbers, size_t top)
{
	if (stats_numbers_merge(&rows->total, numbers))
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	rows->in_flight += row->in_flight;
	if (numbers->count == 0 && row->in_flight == 0 && numbers->client.count == 0)
		return false;
	if (top && rows->count >= top && !row->overflow) {
		rows->left_out++;
		rows->left_out_exchanges += numbers->count;
		return false;
	}
	rows->items[rows->count++] = (struct stat_item){ row, *numbers };
	return true;
}

int stat_rows_get(struct stats *stats, const struct stats_options *options, enum stats_window window,
		  struct stat_rows *rows)
{
	struct stats_row **sorted;
	size_t count;
	int err;

	*rows = (struct stat_rows){ 0 };
	err = stats_sorted(stats, options->sort, options->reverse, window, &sorted, &count);
	if (err)
		return err;
	rows->items = calloc(count + 1, sizeof(*rows->items));
	for (size_t i = 0; rows->items && i < count; i++) {
		struct stats_numbers numbers;

		if (stats_window(stats, sorted[i], window, &numbers))
			counter_add(COUNTER_LIMIT_MEMORY, 1);
		if (!row_take(rows, sorted[i], &numbers, options->top))
			stats_numbers_fini(&numbers);
	}
	free(sorted);
	return rows->items ? 0 : -ENOMEM;
}

void stat_rows_fini(struct stat_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		stats_numbers_fini(&rows->items[i].numbers);
	stats_numbers_fini(&rows->total);
	free(rows->items);
	*rows = (struct stat_rows){ 0 };
}
