/* SPDX-License-Identifier: Apache-2.0 */
/* One flat JSON object a row, with the keys of docs/interface.md; what is not known is absent. */
#include "sinks/sinks.h"

#include "sinks/json_writer.h"
#include "stat_feed.h"
#include "stat_row_json.h"

struct sink {
	struct stat_feed feed;
	struct json_writer writer;
};

static int stat_json_init(struct sink *sink, const struct sink_config *config)
{
	json_init(&sink->writer, config);
	return stat_feed_init(&sink->feed, config->stats);
}

static void stat_json_fini(struct sink *sink)
{
	stat_feed_fini(&sink->feed);
	json_fini(&sink->writer);
}

/* item NULL: an interval without exchanges. */
static void put_row(struct sink *sink, const struct stat_rows *rows, const struct stat_item *item,
		    enum stats_window window)
{
	struct stats_row none = { .overflow = false };
	struct stat_item empty = { .row = &none };
	const struct stat_item *shown = item ? item : &empty;
	struct json_writer *writer = &sink->writer;
	const struct stat_row_around around = {
		.span_ns = stats_span_ns(sink->feed.stats, window),
		.total_ns = rows->total.duration.sum_ns,
		.in_flight = &shown->row->in_flight,
		.by_fact = sink->feed.options.by == BY_FACT ? sink->feed.options.by_fact : NULL,
	};

	if (sink->feed.options.interval_ns && stats_now_ns(sink->feed.stats))
		json_time(writer, "time", stats_now_ns(sink->feed.stats));
	if (window == WINDOW_INTERVAL) {
		json_key(writer, "interval_s");
		stat_put_decimal(&writer->line, (double)around.span_ns / 1e9, 3);
	} else if (sink->feed.options.interval_ns)
		json_bool(writer, "total", true);
	if (item)
		stat_row_json_key(writer, &sink->feed.options, item->row);
	stat_row_json_numbers(writer, &shown->numbers, &around);
	if (rows->lost)
		json_bool(writer, "incomplete", true);
	json_end(writer);
}

static void stat_json_draw(struct sink *sink, bool last)
{
	struct stat_rows rows;
	enum stats_window window = stat_feed_draw_begin(&sink->feed, last, &rows);

	for (size_t i = 0; i < rows.count; i++)
		put_row(sink, &rows, &rows.items[i], window);
	if (rows.count == 0 && sink->feed.options.interval_ns)
		put_row(sink, &rows, NULL, window);
	stat_feed_draw_end(&sink->feed, &rows);
}

const struct sink_ops stat_json_sink = {
	.format = "json",
	.view = VIEW_STAT,
	.reads = { READER_OUTCOME | READER_OPERATION, READER_OUTCOME | READER_OPERATION,
		   READER_OUTCOME | READER_OPERATION },
	.size = sizeof(struct sink),
	.init = stat_json_init,
	.show = {
		[RESULT_EXCHANGE] = stat_feed_exchange,
		[RESULT_IN_FLIGHT] = stat_feed_in_flight,
		[RESULT_CONN_OPENED] = stat_feed_opened,
	},
	.tick = stat_feed_tick,
	.due_ns = stat_feed_due_ns,
	.draw = stat_json_draw,
	.fini = stat_json_fini,
};
