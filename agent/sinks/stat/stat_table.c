/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers stand right-aligned in columns that are as wide as their widest
 * cell, the name comes last and is cut. Each column has a rank; on a terminal
 * that is too narrow for all of them, those of the highest rank go first.
 */
#include "stat_table.h"

#include "base/escape.h"
#include "base/fact_text.h"
#include "base/losses.h"
#include "sinks/text_width.h"

#include <assert.h>
#include <inttypes.h>

#define METHOD_COLUMNS	 6  /* so that most names begin in one column */
#define NAME_COLUMNS_MIN 34 /* for less than that, columns of numbers go */
#define RANK_LAST	 7

/* --- keys as text -------------------------------------------------------- */

static void put_endpoint(struct buffer *text, const struct style *style, const struct stats_row *row)
{
	size_t start = text->len;

	line_put_or_unknown(text, style, slice_of_string(row->method));
	line_column_end(text, start, METHOD_COLUMNS);
	line_put_or_unknown(text, style, slice_of_string(row->host));
	if (row->route && row->route[0] == '/')
		line_put_or_unknown(text, style, slice_of_string(row->route));
	else if (row->route || !row->method || strcmp(row->method, "CONNECT") != 0) {
		buffer_char(text, ' ');
		line_put_or_unknown(text, style, slice_of_string(row->route));
	}
	if (row->operation) {
		buffer_char(text, ' ');
		escape_text(text, slice_of_string(row->operation), style->utf8);
	}
}

static void put_peer(struct buffer *text, const struct event_socket *sock)
{
	if (address_known(sock) && !sock->peer_port)
		address_put(text, sock, sock->peer);
	else
		address_put_endpoint(text, sock, sock->peer, sock->peer_port);
}

static void put_process(struct buffer *text, const struct style *style, const struct stats_row *row)
{
	line_put_or_unknown(text, style, slice_of_string(row->program));
	if (mover_pid_shown(row->pid))
		buffer_format(text, "[%u]", row->pid);
	else
		buffer_string(text, "[?]");
}

#define ID_SHOWN 12 /* digits of a container's id, as engines show it */

static const char *const plurals[] = {
	[BY_ENDPOINT] = "endpoints",
	[BY_HOST] = "hosts",
	[BY_PATH] = "paths",
	[BY_PROCESS] = "processes",
	[BY_PEER] = "peers",
	[BY_STATUS] = "statuses",
	[BY_CONNECTION] = "connections",
	[BY_TRACE] = "traces",
	[BY_CONTAINER] = "containers",
	[BY_POD] = "pods",
	[BY_UNIT] = "units",
	[BY_FACT] = "values",
};

/* "web 0123456789ab", "shop/web-1", "nginx.service": of a container that has a name a part of its id
 * suffices. */
static void put_place(struct buffer *text, const struct style *style, enum stats_by by,
		      const struct stats_row *row)
{
	struct slice place = slice_of_string(row->place), beside = slice_of_string(row->beside);

	if (!place.data) {
		buffer_string(text, "none, or not known");
		return;
	}
	if (by != BY_UNIT && beside.data) {
		line_put_or_unknown(text, style, beside);
		buffer_char(text, by == BY_POD ? '/' : ' ');
		place = by == BY_POD ? place : slice_take(place, ID_SHOWN);
	}
	line_put_or_unknown(text, style, place);
}

static void put_fact(struct buffer *text, struct style *style, const struct stats_options *options,
		     const struct stats_row *row)
{
	struct slice fact = slice_of_string(row->fact);

	if (row->fact)
		line_put_or_unknown(text, style,
				    fact_text_shown(style->redact, options->by_fact, fact, &style->scratch));
	else
		buffer_string(text, "none, or not known");
}

void stat_name_put(struct buffer *text, struct style *style, const struct stats_options *options,
		   const struct stats_row *row)
{
	enum stats_by by = options->by;

	if (row->overflow) {
		buffer_format(text, "(others: at least %" PRIu64 " more %s)", row->folded, plurals[by]);
		return;
	}
	switch (by) {
	case BY_ENDPOINT:
		put_endpoint(text, style, row);
		break;
	case BY_HOST:
		line_put_or_unknown(text, style, slice_of_string(row->host));
		break;
	case BY_PATH:
		line_put_or_unknown(text, style, slice_of_string(row->path));
		break;
	case BY_PROCESS:
		put_process(text, style, row);
		break;
	case BY_PEER:
		put_peer(text, &row->conn.sock);
		break;
	case BY_STATUS:
		if (row->status)
			buffer_u64(text, (uint64_t)row->status);
		else
			buffer_string(text, "no answer");
		break;
	case BY_CONNECTION:
		line_put_connection(text, style, &row->conn);
		line_put_program(text, style, &row->conn.owner);
		break;
	case BY_FACT:
		put_fact(text, style, options, row);
		break;
	case BY_TRACE:
		if (row->trace)
			line_put_or_unknown(text, style, slice_of_string(row->trace));
		else
			buffer_string(text, "none, or not known");
		break;
	case BY_CONTAINER:
	case BY_POD:
	case BY_UNIT:
		put_place(text, style, by, row);
		break;
	}
}

void stat_put_rate(struct buffer *text, double value)
{
	stat_put_decimal(text, value, value < 10 ? 2 : value < 1000 ? 1 : 0);
}

/* --- the table ----------------------------------------------------------- */

enum cell {
	CELL_COUNT,
	CELL_ERRORS, /* a count in colour */
	CELL_SIZE,
	CELL_QUANTILE,
	CELL_RATE,
	CELL_IN_FLIGHT,
	CELL_SHARE, /* of the time that all rows took together */
};

#define NUMBER(member) offsetof(struct stats_numbers, member)

static const struct {
	const char *title;
	unsigned int rank;
	enum cell cell;
	size_t number; /* its place in struct stats_numbers; of a quantile the histogram's */
	double share;
	bool if_any; /* left out when no row has it */
	size_t room; /* for most values; tables that follow each other have it from the first on */
} columns[] = {
	{ "COUNT", 0, CELL_COUNT, NUMBER(count), 0, false, 6 },
	{ "RATE/s", 2, CELL_RATE, NUMBER(count), 0, false, 6 },
	{ "INFL", 4, CELL_IN_FLIGHT, 0, 0, false, 4 },
	{ "ERR", 0, CELL_ERRORS, NUMBER(errors), 0, false, 0 },
	{ "4XX", 7, CELL_ERRORS, NUMBER(errors_4xx), 0, false, 0 },
	{ "5XX", 7, CELL_ERRORS, NUMBER(errors_5xx), 0, false, 0 },
	{ "RST", 7, CELL_ERRORS, NUMBER(errors_reset), 0, false, 0 },
	{ "TMO", 7, CELL_ERRORS, NUMBER(errors_timeout), 0, false, 0 },
	{ "GRPC", 1, CELL_ERRORS, NUMBER(errors_grpc), 0, true, 0 }, /* where there are calls of gRPC */
	{ "SQL", 1, CELL_ERRORS, NUMBER(errors_query), 0, true, 0 },
	{ "CLO", 7, CELL_COUNT, NUMBER(closed), 0, true, 0 },
	{ "p50", 0, CELL_QUANTILE, NUMBER(duration), 0.5, false, 8 },
	{ "p90", 4, CELL_QUANTILE, NUMBER(duration), 0.9, false, 8 },
	{ "p99", 1, CELL_QUANTILE, NUMBER(duration), 0.99, false, 8 },
	{ "p99.9", 4, CELL_QUANTILE, NUMBER(duration), 0.999, false, 8 },
	{ "MAX", 1, CELL_QUANTILE, NUMBER(duration), 1, false, 8 },
	{ "TIME%", 3, CELL_SHARE, NUMBER(duration), 0, false, 5 },
	{ "TTFB", 5, CELL_QUANTILE, NUMBER(ttfb), 0.5, false, 8 },
	{ "CLIENT", 4, CELL_QUANTILE, NUMBER(client), 0.5, true, 8 },
	{ "IN", 6, CELL_SIZE, NUMBER(request_bytes), 0, false, 6 },
	{ "OUT", 6, CELL_SIZE, NUMBER(response_bytes), 0, false, 6 },
	/* Where there are calls of language models. */
	{ "TOK-IN", 1, CELL_COUNT, NUMBER(input_tokens), 0, true, 6 },
	{ "TOK-OUT", 1, CELL_COUNT, NUMBER(output_tokens), 0, true, 6 },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
static_assert(COLUMNS == STAT_COLUMNS, "each has its width");

struct table {
	struct buffer *text;
	struct style *style;
	const struct stat_rows *rows;
	const struct stats_options *options;
	uint64_t span_ns;
	unsigned int rank; /* columns up to it are shown */
	size_t widths[COLUMNS];
	struct stat_widths *kept; /* NULL: there is no other table */
	size_t name_width;
	struct buffer cell; /* scratch */
};

static void put_share(struct buffer *cell, uint64_t part_ns, uint64_t all_ns)
{
	if (all_ns)
		stat_put_decimal(cell, (double)part_ns * 100 / (double)all_ns, 1);
	else
		buffer_char(cell, '-');
}

/* One cell in table->cell; plain ASCII. */
static void cell_put(struct table *table, const struct stat_item *item, size_t column)
{
	const void *number = (const char *)&item->numbers + columns[column].number;
	const struct histogram *histogram = number;
	const uint64_t *count = number;
	struct buffer *cell = &table->cell;

	buffer_clear(cell);
	switch (columns[column].cell) {
	case CELL_COUNT:
	case CELL_ERRORS:
		buffer_u64(cell, *count);
		break;
	case CELL_SIZE:
		line_put_size(cell, *count);
		break;
	case CELL_QUANTILE:
		if (histogram->count)
			line_put_latency(cell, histogram_quantile(histogram, columns[column].share));
		else
			buffer_char(cell, '-');
		break;
	case CELL_RATE:
		if (table->span_ns)
			stat_put_rate(cell, stats_rate(*count, table->span_ns));
		else
			buffer_char(cell, '-');
		break;
	case CELL_IN_FLIGHT:
		buffer_u64(cell, item->row->in_flight);
		break;
	case CELL_SHARE:
		put_share(cell, histogram->sum_ns, table->rows->total.duration.sum_ns);
		break;
	}
}

/* Has any row something in it? Of tables that follow each other, had any before? */
static bool is_used(const struct table *table, size_t column)
{
	const void *total = (const char *)&table->rows->total + columns[column].number;
	const struct histogram *histogram = total;
	bool grpc = columns[column].number == NUMBER(errors_grpc);
	bool used = grpc				    ? table->rows->total.grpc > 0
		    : columns[column].cell == CELL_QUANTILE ? histogram->count > 0
							    : *(const uint64_t *)total > 0;

	if (table->kept)
		used = table->kept->used[column] |= used;
	return used;
}

/* Kinds of errors stand apart only where all of them fit; else there is one column for them. */
static bool is_shown(const struct table *table, size_t column)
{
	if (columns[column].number == NUMBER(errors))
		return table->rank < RANK_LAST;
	if (columns[column].if_any && !is_used(table, column))
		return false;
	return columns[column].rank <= table->rank;
}

static size_t numbers_width(const struct table *table)
{
	size_t width = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		width += is_shown(table, i) ? table->widths[i] + 1 : 0;
	return width;
}

static size_t width_begin(const struct table *table, size_t column)
{
	size_t title = strlen(columns[column].title), kept = 0;

	if (table->kept)
		kept = table->kept->columns[column] > columns[column].room ? table->kept->columns[column]
									   : columns[column].room;
	return kept > title ? kept : title;
}

static void table_measure(struct table *table)
{
	size_t wanted = 0, columns_max = table->style->columns;

	for (size_t column = 0; column < COLUMNS; column++) {
		table->widths[column] = width_begin(table, column);
		for (size_t i = 0; i < table->rows->count; i++) {
			cell_put(table, &table->rows->items[i], column);
			if (table->cell.len > table->widths[column])
				table->widths[column] = table->cell.len;
		}
		if (table->kept)
			table->kept->columns[column] = table->widths[column];
	}
	for (size_t i = 0; i < table->rows->count; i++) {
		size_t width;

		buffer_clear(&table->cell);
		stat_name_put(&table->cell, table->style, table->options, table->rows->items[i].row);
		width = text_width(table->cell.data, table->cell.len);
		wanted = width > wanted ? width : wanted;
	}
	table->rank = RANK_LAST;
	table->name_width = wanted;
	if (!columns_max)
		return;
	while (table->rank > 0 &&
	       numbers_width(table) + (wanted < NAME_COLUMNS_MIN ? wanted : NAME_COLUMNS_MIN) > columns_max)
		table->rank--;
	if (numbers_width(table) + wanted > columns_max)
		table->name_width =
			columns_max > numbers_width(table) + 8 ? columns_max - numbers_width(table) : 8;
}

static void put_titles(struct table *table)
{
	struct buffer *text = table->text;
	enum stats_by by = table->options->by;

	line_style_on(text, table->style, STYLE_BOLD);
	for (size_t i = 0; i < COLUMNS; i++)
		if (is_shown(table, i))
			buffer_format(text, "%*s ", (int)table->widths[i], columns[i].title);
	for (const char *name = by == BY_FACT ? table->options->by_fact : stats_by_name(by); *name; name++)
		buffer_char(text, (char)(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name));
	line_style_off(text, table->style);
	buffer_char(text, '\n');
}

/* Errors that there are; those of the caller's making alone are mild. */
static bool cell_has_color(const struct stat_item *item, size_t column, enum style_color *color)
{
	size_t number = columns[column].number;
	uint64_t count = *(const uint64_t *)((const char *)&item->numbers + number);
	bool may_be_mild = number == NUMBER(errors) || number == NUMBER(errors_4xx);

	*color = may_be_mild && count == item->numbers.errors_4xx ? STYLE_YELLOW : STYLE_RED;
	return columns[column].cell == CELL_ERRORS && count;
}

static void put_numbers(struct table *table, const struct stat_item *item)
{
	struct buffer *text = table->text;
	enum style_color color;
	bool colored;

	for (size_t i = 0; i < COLUMNS; i++) {
		if (!is_shown(table, i))
			continue;
		cell_put(table, item, i);
		colored = cell_has_color(item, i, &color);
		buffer_format(text, "%*s", (int)(table->widths[i] - table->cell.len), "");
		if (colored)
			line_style_on(text, table->style, color);
		buffer_put(text, table->cell.data, table->cell.len);
		if (colored)
			line_style_off(text, table->style);
		buffer_char(text, ' ');
	}
}

static void put_row(struct table *table, const struct stat_item *item)
{
	struct buffer *text = table->text;

	put_numbers(table, item);
	buffer_clear(&table->cell);
	stat_name_put(&table->cell, table->style, table->options, item->row);
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
	if (rows->inner)
		buffer_format(text, "; %" PRIu64 " that servers asked for left out", rows->inner);
	line_style_off(text, table->style);
	buffer_char(text, '\n');
}

/* What was lost, on a line of its own for whoever reads the table alone: with -q, or from a file. */
static void put_losses(struct table *table)
{
	if (!table->rows->lost)
		return;
	line_style_on(table->text, table->style, STYLE_RED);
	buffer_string(table->text, "These numbers miss something. Lost: ");
	losses_put(table->text);
	line_style_off(table->text, table->style);
	buffer_char(table->text, '\n');
}

/* An interval without exchanges has a row, too. */
static void put_empty(struct table *table)
{
	struct stats_row none = { .overflow = false };
	struct stat_item item = { .row = &none };

	put_numbers(table, &item);
	buffer_string(table->text, "-\n");
}

void stat_table_put(struct buffer *text, struct style *style, const struct stat_feed *feed,
		    enum stats_window window, const struct stat_rows *rows, struct stat_widths *widths)
{
	struct table table = {
		.kept = widths,
		.text = text,
		.style = style,
		.rows = rows,
		.options = &feed->options,
		.span_ns = stats_span_ns(feed->stats, window),
	};

	put_heading(&table, feed->stats, window);
	put_losses(&table);
	if (rows->count || widths) {
		table_measure(&table);
		put_titles(&table);
	}
	if (widths && !rows->count)
		put_empty(&table);
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
