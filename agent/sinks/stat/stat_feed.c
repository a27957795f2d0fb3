/* SPDX-License-Identifier: Apache-2.0 */
#include "stat_feed.h"

#include "base/counters.h"
#include "base/losses.h"
#include "stats/serving.h"

#include <errno.h>
#include <stdlib.h>

int stat_feed_init(struct stat_feed *feed, const struct stats_options *options)
{
	struct stats_config config = { .no_windows = true };

	if (options)
		feed->options = *options;
	config.budget = feed->options.budget;
	config.by = feed->options.by;
	config.fact = feed->options.by_fact;
	config.routes = feed->options.routes;
	if (feed->options.outermost) {
		feed->serving = serving_new();
		if (!feed->serving)
			return -ENOMEM;
	}
	feed->stats = stats_new(&config);
	if (feed->stats && feed->options.interval_ns)
		stats_interval_begin(feed->stats);
	return feed->stats ? 0 : -ENOMEM;
}

void stat_feed_fini(struct stat_feed *feed)
{
	stats_free(feed->stats);
	serving_free(feed->serving);
}

void stat_feed_opened(struct sink *sink, const struct result *result)
{
	struct stat_feed *feed = (struct stat_feed *)sink;

	if (feed->serving && result->conn->role == ROLE_SERVER)
		serving_add(feed->serving, result->conn->owner.pid);
}

bool stat_feed_leaves_out(struct stat_feed *feed, const struct exchange *exchange)
{
	if (!exchange_counts(exchange))
		return true;
	if (!feed->serving || !serving_asked(feed->serving, exchange))
		return false;
	feed->inner += exchange->join != JOIN_SECOND;
	return true;
}

void stat_feed_exchange(struct sink *sink, const struct result *result)
{
	struct stat_feed *feed = (struct stat_feed *)sink;

	if (!stat_feed_leaves_out(feed, result->exchange))
		stats_exchange(feed->stats, result->exchange);
}

bool stat_feed_tick(struct sink *sink, uint64_t now_ns)
{
	struct stat_feed *feed = (struct stat_feed *)sink;
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

uint64_t stat_feed_due_ns(const struct sink *sink)
{
	const struct stat_feed *feed = (const struct stat_feed *)sink;

	return feed->options.interval_ns ? feed->next_ns : UINT64_MAX;
}

void stat_feed_in_flight(struct sink *sink, const struct result *result)
{
	struct stat_feed *feed = (struct stat_feed *)sink;

	if (!feed->taking)
		stats_in_flight_begin(feed->stats);
	feed->taking = true;
	stats_in_flight(feed->stats, result->exchange);
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

/* False: out of memory. */
static bool rows_get(const struct stat_feed *feed, enum stats_window window, struct stat_rows *rows)
{
	const struct stats_options *options = &feed->options;
	struct stats_row **sorted;
	size_t count;

	if (stats_sorted(feed->stats, options->sort, options->reverse, window, &sorted, &count))
		return false;
	rows->items = calloc(count + 1, sizeof(*rows->items));
	for (size_t i = 0; rows->items && i < count; i++) {
		struct stats_numbers numbers;

		if (stats_window(feed->stats, sorted[i], window, &numbers))
			counter_add(COUNTER_LIMIT_MEMORY, 1);
		if (!row_take(rows, sorted[i], &numbers, options->top))
			stats_numbers_fini(&numbers);
	}
	free(sorted);
	return rows->items != NULL;
}

enum stats_window stat_feed_draw_begin(struct stat_feed *feed, bool last, struct stat_rows *rows)
{
	enum stats_window window = last ? WINDOW_RUN : WINDOW_INTERVAL;

	if (!feed->taking)
		stats_in_flight_begin(feed->stats); /* none is open */
	feed->taking = false;
	*rows = (struct stat_rows){ 0 };
	if (!rows_get(feed, window, rows))
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	rows->lost = losses_sum() > (last ? 0 : feed->lost);
	rows->inner = feed->inner - (last ? 0 : feed->inner_before);
	return window;
}

void stat_feed_draw_end(struct stat_feed *feed, struct stat_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		stats_numbers_fini(&rows->items[i].numbers);
	stats_numbers_fini(&rows->total);
	free(rows->items);
	feed->lost = losses_sum();
	feed->inner_before = feed->inner;
	if (feed->options.interval_ns)
		stats_interval_begin(feed->stats);
}

void stat_put_decimal(struct buffer *text, double value, unsigned int digits)
{
	static const unsigned int scales[] = { 1, 10, 100, 1000 };
	uint64_t scaled = (uint64_t)(value * scales[digits] + 0.5);

	buffer_u64(text, scaled / scales[digits]);
	if (digits == 0)
		return;
	buffer_char(text, '.');
	buffer_digits(text, scaled % scales[digits], digits);
}
