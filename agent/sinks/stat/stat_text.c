/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers as a table, with --hist and --heat as pictures below it. */
#include "sinks/sinks.h"

#include "base/counters.h"
#include "stat_picture.h"
#include "stat_table.h"

#include <stdlib.h>

struct sink {
	struct stat_feed feed;
	struct style style;
	struct buffer text;
	FILE *out;
	size_t columns;
	bool drawn;
	struct heat *heat; /* NULL: not wanted */
};

static void stat_text_destroy(struct sink *sink)
{
	if (!sink)
		return;
	fflush(sink->out);
	stat_feed_fini(&sink->feed);
	line_style_fini(&sink->style);
	buffer_fini(&sink->text);
	free(sink->heat);
	free(sink);
}

static struct sink *stat_text_create(const struct sink_config *config)
{
	bool heat = config->stats && config->stats->heat;
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->out = config->out;
	sink->columns = config->columns;
	line_style_init(&sink->style, config);
	sink->heat = heat ? calloc(1, sizeof(*sink->heat)) : NULL;
	if (stat_feed_init(&sink->feed, config->stats) == 0 && (sink->heat || !heat))
		return sink;
	stat_text_destroy(sink);
	return NULL;
}

static void stat_text_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	const struct exchange *figures = stats_figures(sink->feed.options.by, exchange);

	stat_feed_exchange(&sink->feed, exchange);
	if (sink->heat && figures && figures->duration_known)
		stat_heat_add(sink->heat, figures->start_ns, figures->duration_ns);
}

static bool stat_text_tick(struct sink *sink, uint64_t now_ns)
{
	return stat_feed_tick(&sink->feed, now_ns);
}

static void stat_text_in_flight(struct sink *sink, const struct result *result)
{
	stat_feed_in_flight(&sink->feed, result->exchange);
}

/* All together first; one row alone would be the same picture again. */
static void put_hists(struct sink *sink, const struct stat_rows *rows)
{
	struct buffer *text = &sink->text;

	buffer_string(text, "\nall\n");
	stat_hist_put(text, &sink->style, &rows->total.duration, sink->columns);
	for (size_t i = 0; i < rows->count && (rows->count > 1 || rows->left_out); i++) {
		buffer_char(text, '\n');
		stat_name_put(text, &sink->style, sink->feed.options.by, rows->items[i].row);
		buffer_char(text, '\n');
		stat_hist_put(text, &sink->style, &rows->items[i].numbers.duration, sink->columns);
	}
}

static void stat_text_draw(struct sink *sink, bool last)
{
	enum stats_window window = stat_feed_draw_begin(&sink->feed, last);
	const struct stats_options *options = &sink->feed.options;
	struct stat_rows rows;

	if (stat_rows_get(sink->feed.stats, options, window, &rows))
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	if (sink->drawn)
		buffer_char(&sink->text, '\n');
	sink->drawn = true;
	stat_table_put(&sink->text, &sink->style, sink->feed.stats, options, window, &rows, sink->columns);
	if (options->hist && rows.total.count)
		put_hists(sink, &rows);
	if (sink->heat && last) {
		buffer_char(&sink->text, '\n');
		stat_heat_put(&sink->text, &sink->style, sink->heat, sink->columns);
	}
	stat_rows_fini(&rows);
	stat_feed_draw_end(&sink->feed);
	buffer_write(&sink->text, sink->out);
}

const struct sink_ops stat_text_sink = {
	.format = "text",
	.view = VIEW_STAT,
	.create = stat_text_create,
	.show = {
		[RESULT_EXCHANGE] = stat_text_exchange,
		[RESULT_IN_FLIGHT] = stat_text_in_flight,
	},
	.tick = stat_text_tick,
	.draw = stat_text_draw,
	.destroy = stat_text_destroy,
};
