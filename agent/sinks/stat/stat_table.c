/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers stand right-aligned in columns that are as wide as their widest
 * cell, the name comes last and is cut. Each column has a rank; on a terminal
 * that is too narrow for all of them, those of the highest rank go first.
 */
#include "stat_table.h"

#include "sinks/text_width.h"

#include <inttypes.h>

#define NAME_COLUMNS_MIN 34 /* for less than that, columns of numbers go */
#define RANK_LAST	 7

enum column {
	COLUMN_COUNT,
	COLUMN_RATE,
	COLUMN_IN_FLIGHT,
	COLUMN_ERRORS,
	COLUMN_4XX,
	COLUMN_5XX,
	COLUMN_RESET,
	COLUMN_TIMEOUT,
	COLUMN_GRPC,
	COLUMN_CLOSED,
	COLUMN_P50,
	COLUMN_P90,
	COLUMN_P99,
	COLUMN_P999,
	COLUMN_MAX,
	COLUMN_TTFB,
	COLUMN_CLIENT,
	COLUMN_REQUEST,
	COLUMN_RESPONSE,
	COLUMNS
};

static const struct {
	const char *title;
	unsigned int rank;
} columns[COLUMNS] = {
	[COLUMN_COUNT] = { "COUNT", 0 },    [COLUMN_RATE] = { "RATE/s", 2 },
	[COLUMN_IN_FLIGHT] = { "INFL", 3 }, [COLUMN_ERRORS] = { "ERR", 0 },
	[COLUMN_4XX] = { "4XX", 7 },	    [COLUMN_5XX] = { "5XX", 7 },
	[COLUMN_RESET] = { "RST", 7 },	    [COLUMN_TIMEOUT] = { "TMO", 7 },
	[COLUMN_GRPC] = { "GRPC", 7 },	    [COLUMN_CLOSED] = { "CLO", 7 },
	[COLUMN_P50] = { "p50", 0 },	    [COLUMN_P90] = { "p90", 4 },
	[COLUMN_P99] = { "p99", 1 },	    [COLUMN_P999] = { "p99.9", 4 },
	[COLUMN_MAX] = { "MAX", 1 },	    [COLUMN_TTFB] = { "TTFB", 5 },
	[COLUMN_CLIENT] = { "CLIENT", 3 },  [COLUMN_REQUEST] = { "IN", 6 },
	[COLUMN_RESPONSE] = { "OUT", 6 },
};

struct table {
	struct buffer *text;
	struct style *style;
	const struct stat_rows *rows;
	enum stats_by by;
	uint64_t span_ns;
	size_t columns;
	unsigned int rank; /* columns up to it are shown */
	size_t widths[COLUMNS];
	size_t name_width;
	struct buffer cell; /* scratch */
};

static void put_quantile(struct buffer *cell, const struct histogram *histogram, double share)
{
	if (histogram->count)
		line_put_latency(cell, histogram_quantile(histogram, share));
	else
		buffer_char(cell, '-');
}

static void put_numeric(const struct table *table, struct buffer *cell, const struct stat_item *item,
			enum column column)
{
	const struct stats_numbers *numbers = &item->numbers;
	const uint64_t counts[COLUMNS] = {
		[COLUMN_COUNT] = numbers->count,
		[COLUMN_IN_FLIGHT] = item->row->in_flight,
		[COLUMN_ERRORS] = numbers->errors,
		[COLUMN_4XX] = numbers->errors_4xx,
		[COLUMN_5XX] = numbers->errors_5xx,
		[COLUMN_RESET] = numbers->errors_reset,
		[COLUMN_TIMEOUT] = numbers->errors_timeout,
		[COLUMN_GRPC] = numbers->errors_grpc,
		[COLUMN_CLOSED] = numbers->closed,
	};

	if (column == COLUMN_REQUEST)
		line_put_size(cell, numbers->request_bytes);
	else if (column == COLUMN_RESPONSE)
		line_put_size(cell, numbers->response_bytes);
	else if (column != COLUMN_RATE)
		buffer_u64(cell, counts[column]);
	else if (table->span_ns)
		stat_put_rate(cell, stats_rate(numbers->count, table->span_ns));
	else
		buffer_char(cell, '-');
}

/* One cell in table->cell; plain ASCII. */
static void cell_put(struct table *table, const struct stat_item *item, enum column column)
{
	static const double shares[COLUMNS] = { [COLUMN_P50] = 0.5,
						[COLUMN_P90] = 0.9,
						[COLUMN_P99] = 0.99,
						[COLUMN_P999] = 0.999,
						[COLUMN_MAX] = 1 };

	buffer_clear(&table->cell);
	if (shares[column] > 0)
		put_quantile(&table->cell, &item->numbers.duration, shares[column]);
	else if (column == COLUMN_TTFB)
		put_quantile(&table->cell, &item->numbers.ttfb, 0.5);
	else if (column == COLUMN_CLIENT)
		put_quantile(&table->cell, &item->numbers.client, 0.5);
	else
		put_numeric(table, &table->cell, item, column);
}

/* Kinds of errors stand apart only where all of them fit; else there is one column for them. */
static bool is_shown(const struct table *table, enum column column)
{
	if (column == COLUMN_ERRORS)
		return table->rank < RANK_LAST;
	if (column == COLUMN_CLIENT && !table->rows->total.client.count)
		return false;
	if (column == COLUMN_CLOSED && !table->rows->total.closed)
		return false;
	return columns[column].rank <= table->rank;
}

static size_t numbers_width(const struct table *table)
{
	size_t width = 0;

	for (int i = 0; i < COLUMNS; i++)
		width += is_shown(table, i) ? table->widths[i] + 1 : 0;
	return width;
}

static void name_put(struct table *table, const struct stat_item *item)
{
	buffer_clear(&table->cell);
	stat_name_put(&table->cell, table->style, table->by, item->row);
}

static void table_measure(struct table *table)
{
	size_t wanted = 0;

	for (int column = 0; column < COLUMNS; column++) {
		table->widths[column] = strlen(columns[column].title);
		for (size_t i = 0; i < table->rows->count; i++) {
			cell_put(table, &table->rows->items[i], column);
			if (table->cell.len > table->widths[column])
				table->widths[column] = table->cell.len;
		}
	}
	for (size_t i = 0; i < table->rows->count; i++) {
		size_t width;

		name_put(table, &table->rows->items[i]);
		width = text_width(table->cell.data, table->cell.len);
		wanted = width > wanted ? width : wanted;
	}
	table->rank = RANK_LAST;
	table->name_width = wanted;
	if (!table->columns)
		return;
	while (table->rank > 0 &&
	       numbers_width(table) + (wanted < NAME_COLUMNS_MIN ? wanted : NAME_COLUMNS_MIN) >
		       table->columns)
		table->rank--;
	if (numbers_width(table) + wanted > table->columns)
		table->name_width =
			table->columns > numbers_width(table) + 8 ? table->columns - numbers_width(table) : 8;
}

static void put_padding(struct buffer *text, size_t width, size_t used)
{
	for (; used < width; used++)
		buffer_char(text, ' ');
}

static void put_titles(struct table *table)
{
	struct buffer *text = table->text;

	line_style_on(text, table->style, STYLE_BOLD);
	for (int i = 0; i < COLUMNS; i++) {
		if (!is_shown(table, i))
			continue;
		put_padding(text, table->widths[i], strlen(columns[i].title));
		buffer_string(text, columns[i].title);
		buffer_char(text, ' ');
	}
	for (const char *name = stats_by_name(table->by); *name; name++)
		buffer_char(text, (char)(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name));
	line_style_off(text, table->style);
	buffer_char(text, '\n');
}

/* False: it has none. */
static bool cell_color(const struct stat_item *item, enum column column, enum style_color *color)
{
	const struct stats_numbers *numbers = &item->numbers;
	const uint64_t bad[COLUMNS] = {
		[COLUMN_ERRORS] = numbers->errors,	    [COLUMN_4XX] = numbers->errors_4xx,
		[COLUMN_5XX] = numbers->errors_5xx,	    [COLUMN_RESET] = numbers->errors_reset,
		[COLUMN_TIMEOUT] = numbers->errors_timeout, [COLUMN_GRPC] = numbers->errors_grpc,
	};
	bool mild = column == COLUMN_4XX || (column == COLUMN_ERRORS && bad[column] == numbers->errors_4xx);

	*color = mild ? STYLE_YELLOW : STYLE_RED;
	return bad[column] != 0;
}

static void put_row(struct table *table, const struct stat_item *item)
{
	struct buffer *text = table->text;
	enum style_color color;

	for (int i = 0; i < COLUMNS; i++) {
		if (!is_shown(table, i))
			continue;
		cell_put(table, item, i);
		put_padding(text, table->widths[i], table->cell.len);
		if (cell_color(item, i, &color)) {
			line_style_on(text, table->style, color);
			buffer_put(text, table->cell.data, table->cell.len);
			line_style_off(text, table->style);
		} else {
			buffer_put(text, table->cell.data, table->cell.len);
		}
		buffer_char(text, ' ');
	}
	name_put(table, item);
	text_cut_middle(&table->cell, 0, table->name_width, table->style->utf8);
	buffer_put(text, table->cell.data, table->cell.len);
	buffer_char(text, '\n');
}

static void put_span(struct buffer *text, uint64_t span_ns)
{
	if (span_ns < UINT64_C(100000000))
		line_put_latency(text, span_ns);
	else
		buffer_format(text, "%" PRIu64 ".%" PRIu64 " s", span_ns / 1000000000,
			      span_ns / 100000000 % 10);
}

static void put_amount(struct buffer *text, uint64_t count, const char *singular)
{
	if (count)
		buffer_u64(text, count);
	else
		buffer_string(text, "no");
	buffer_format(text, " %s%s", singular, count == 1 ? "" : "s");
}

static void put_heading(const struct table *table, const struct stats *stats, enum stats_window window)
{
	const struct stat_rows *rows = table->rows;
	struct buffer *text = table->text;

	line_style_on(text, table->style, STYLE_DIM);
	if (window == WINDOW_INTERVAL && stats_now_ns(stats)) {
		wall_clock_local(text, &table->style->clock, stats_now_ns(stats));
		buffer_char(text, ' ');
	}
	buffer_string(text, window == WINDOW_RUN ? "Whole run, " : "Last ");
	put_span(text, table->span_ns);
	buffer_string(text, ": ");
	put_amount(text, rows->total.count, "exchange");
	buffer_string(text, ", ");
	put_amount(text, rows->total.errors, "error");
	if (rows->in_flight)
		buffer_format(text, ", %" PRIu64 " in flight", rows->in_flight);
	line_style_off(text, table->style);
	buffer_char(text, '\n');
}

void stat_table_put(struct buffer *text, struct style *style, const struct stats *stats,
		    const struct stats_options *options, enum stats_window window,
		    const struct stat_rows *rows, size_t width_max)
{
	struct table table = {
		.text = text,
		.style = style,
		.rows = rows,
		.by = options->by,
		.span_ns = stats_span_ns(stats, window),
		.columns = width_max,
	};

	put_heading(&table, stats, window);
	if (rows->count) {
		table_measure(&table);
		put_titles(&table);
	}
	for (size_t i = 0; i < rows->count; i++)
		put_row(&table, &rows->items[i]);
	if (rows->left_out) {
		buffer_char(text, '(');
		put_amount(text, rows->left_out, "more row");
		buffer_string(text, ", ");
		put_amount(text, rows->left_out_exchanges, "exchange");
		buffer_string(text, ")\n");
	}
	text->failed |= table.cell.failed;
	buffer_fini(&table.cell);
}
