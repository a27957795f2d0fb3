/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers as a table, with --hist and --heat as pictures below it. */
#include "sinks/sinks.h"

#include "sinks/fresh_text.h"
#include "stat_picture.h"
#include "stat_table.h"
#include "stats/fresh.h"

#include <errno.h>
#include <stdlib.h>

struct sink {
	struct stat_feed feed;
	struct style style;
	struct buffer text;
	FILE *out;
	bool drawn;
	struct fresh *fresh;	   /* who makes connections for single exchanges */
	struct stat_widths widths; /* -i */
	struct heat *heat;	   /* NULL: not wanted */
};

static int stat_text_init(struct sink *sink, const struct sink_config *config)
{
	bool heat = config->stats && config->stats->heat;

	sink->out = config->out;
	line_style_init(&sink->style, config);
	sink->heat = heat ? calloc(1, sizeof(*sink->heat)) : NULL;
	sink->fresh = fresh_new();
	if ((heat && !sink->heat) || !sink->fresh)
		return -ENOMEM;
	return stat_feed_init(&sink->feed, config->stats);
}

static void stat_text_fini(struct sink *sink)
{
	stat_feed_fini(&sink->feed);
	fresh_free(sink->fresh);
	line_style_fini(&sink->style);
	buffer_fini(&sink->text);
	free(sink->heat);
}

static void stat_text_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *figures = stats_figures(sink->feed.options.by, result->exchange);

	if (stat_feed_leaves_out(&sink->feed, result->exchange))
		return;
	stats_exchange(sink->feed.stats, result->exchange);
	fresh_count(sink->fresh, result->exchange);
	if (sink->heat && figures && figures->duration_known)
		stat_heat_add(sink->heat, figures->start_ns, figures->duration_ns);
}

/* All together first; one row alone would be the same picture again. */
static void put_hists(struct sink *sink, const struct stat_rows *rows)
{
	struct buffer *text = &sink->text;

	buffer_string(text, "\nall\n");
	stat_hist_put(text, &sink->style, &rows->total.duration);
	for (size_t i = 0; i < rows->count && (rows->count > 1 || rows->left_out); i++) {
		buffer_char(text, '\n');
		stat_name_put(text, &sink->style, &sink->feed.options, rows->items[i].row);
		buffer_char(text, '\n');
		stat_hist_put(text, &sink->style, &rows->items[i].numbers.duration);
	}
}

static void stat_text_draw(struct sink *sink, bool last)
{
	const struct stats_options *options = &sink->feed.options;
	struct stat_rows rows;
	enum stats_window window = stat_feed_draw_begin(&sink->feed, last, &rows);

	if (sink->drawn)
		buffer_char(&sink->text, '\n');
	sink->drawn = true;
	stat_table_put(&sink->text, &sink->style, &sink->feed, window, &rows,
		       options->interval_ns ? &sink->widths : NULL);
	if (last)
		fresh_text_put(&sink->text, &sink->style, sink->fresh);
	if (options->hist && rows.total.count)
		put_hists(sink, &rows);
	if (sink->heat && last) {
		buffer_char(&sink->text, '\n');
		stat_heat_put(&sink->text, &sink->style, sink->heat);
	}
	stat_feed_draw_end(&sink->feed, &rows);
	buffer_write(&sink->text, sink->out);
}

const struct sink_ops stat_text_sink = {
	.format = "text",
	.view = VIEW_STAT,
	.reads = { READER_OUTCOME | READER_OPERATION, READER_OUTCOME | READER_OPERATION,
		   READER_OUTCOME | READER_OPERATION },
	.size = sizeof(struct sink),
	.init = stat_text_init,
	.show = {
		[RESULT_EXCHANGE] = stat_text_exchange,
		[RESULT_IN_FLIGHT] = stat_feed_in_flight,
		[RESULT_CONN_OPENED] = stat_feed_opened,
	},
	.tick = stat_feed_tick,
	.due_ns = stat_feed_due_ns,
	.draw = stat_text_draw,
	.fini = stat_text_fini,
};
