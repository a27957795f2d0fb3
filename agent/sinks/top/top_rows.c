/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of each table, made of what was counted and kept. Quantiles take
 * most of the time: all rows have those that are sorted by, the others have
 * them where they are on the screen.
 */
#include "top.h"

#include "base/counters.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdlib.h>

#define SPARK_LABELS 15 /* columns beside a sparkline, for its name and its last value */

enum {
	NUMBERS_COUNT,
	NUMBERS_RATE,
	NUMBERS_IN_FLIGHT,
	NUMBERS_ERRORS,
	NUMBERS_4XX,
	NUMBERS_5XX,
	NUMBERS_P50,
	NUMBERS_P90,
	NUMBERS_P99,
	NUMBERS_P999,
	NUMBERS_MAX,
	NUMBERS_TTFB,
	NUMBERS_IN,
	NUMBERS_OUT,
	NUMBERS_NAME,
	NUMBERS_COLUMNS
};

/* clang-format off */
#define NUMBERS(name_)                                                        \
	[NUMBERS_COUNT] = { "COUNT", TOP_COUNT, 7, 0, 0, false },             \
	[NUMBERS_RATE] = { "RATE/s", TOP_MILLI, 7, 0, 0, false },             \
	[NUMBERS_IN_FLIGHT] = { "OPEN", TOP_COUNT, 5, 0, 0, false },          \
	[NUMBERS_ERRORS] = { "ERR%", TOP_SHARE, 5, 0, 0, false },             \
	[NUMBERS_4XX] = { "4XX", TOP_COUNT, 6, 160, 0, false },               \
	[NUMBERS_5XX] = { "5XX", TOP_COUNT, 6, 160, 0, false },               \
	[NUMBERS_P50] = { "P50", TOP_LATENCY, 8, 0, 0, false },               \
	[NUMBERS_P90] = { "P90", TOP_LATENCY, 8, 130, 0, false },             \
	[NUMBERS_P99] = { "P99", TOP_LATENCY, 8, 0, 0, false },               \
	[NUMBERS_P999] = { "P99.9", TOP_LATENCY, 8, 160, 0, false },          \
	[NUMBERS_MAX] = { "MAX", TOP_LATENCY, 8, 100, 0, false },             \
	[NUMBERS_TTFB] = { "TTFB", TOP_LATENCY, 8, 130, 0, false },           \
	[NUMBERS_IN] = { "IN", TOP_SIZE, 7, 160, 0, false },                  \
	[NUMBERS_OUT] = { "OUT", TOP_SIZE, 7, 115, 0, false },                \
	[NUMBERS_NAME] = { name_, TOP_TEXT, 0, 0, 0, true },

static const struct top_column endpoint_columns[] = { NUMBERS("ENDPOINT") };
static const struct top_column process_columns[] = { NUMBERS("PROCESS") };

/* clang-format on */

#define COLUMNS(array) array, sizeof(array) / sizeof((array)[0])

static size_t column_of_sort(enum stats_sort sort)
{
	static const uint8_t columns[SORT_COLUMNS] = {
		[SORT_COUNT] = NUMBERS_COUNT,
		[SORT_RATE] = NUMBERS_RATE,
		[SORT_IN_FLIGHT] = NUMBERS_IN_FLIGHT,
		[SORT_ERRORS] = NUMBERS_ERRORS,
		[SORT_P50] = NUMBERS_P50,
		[SORT_P90] = NUMBERS_P90,
		[SORT_P99] = NUMBERS_P99,
		[SORT_P999] = NUMBERS_P999,
		[SORT_MAX] = NUMBERS_MAX,
		[SORT_TTFB] = NUMBERS_TTFB,
		[SORT_REQUEST_BYTES] = NUMBERS_IN,
		[SORT_RESPONSE_BYTES] = NUMBERS_OUT,
		[SORT_NAME] = NUMBERS_NAME,
	};

	return sort < SORT_COLUMNS ? columns[sort] : NUMBERS_COUNT;
}

void top_tables_init(struct sink *sink)
{
	const struct stats_options *stats = sink->config.stats;

	top_table_init(&sink->tables[PAGE_ENDPOINTS], COLUMNS(endpoint_columns));
	top_table_init(&sink->tables[PAGE_PROCESSES], COLUMNS(process_columns));
	top_lists_init(sink);
	if (!stats)
		return;
	sink->tables[PAGE_ENDPOINTS].sort = sink->tables[PAGE_PROCESSES].sort = column_of_sort(stats->sort);
	sink->tables[PAGE_ENDPOINTS].reverse = sink->tables[PAGE_PROCESSES].reverse = stats->reverse;
}

static void table_empty(struct sink *sink, struct top_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		top_record_drop(&sink->kept, table->rows[i].record);
	top_table_clear(table);
}

void top_tables_fini(struct sink *sink)
{
	for (int i = 0; i < TABLE_COUNT; i++) {
		table_empty(sink, &sink->tables[i]);
		top_table_fini(&sink->tables[i]);
	}
}

/* --- endpoints and processes --------------------------------------------------------- */

struct making {
	struct sink *sink;
	struct top_table *table;
	struct stats *stats;
	bool process;
	uint64_t span_ns;
};

/* The same row has the same number in every picture. */
static uint64_t row_id(const struct stats_row *row)
{
	const char *const strings[] = { row->host, row->method, row->route, row->program };
	uint64_t id = HASH_START + row->pid + row->overflow;

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		id = hash_on(id, slice_of_string(strings[i]));
	return id;
}

static void put_name(struct buffer *text, const struct style *style, const struct stats_row *row,
		     bool process)
{
	if (row->overflow) {
		buffer_format(text, "(%" PRIu64 " others or more)", row->folded);
		return;
	}
	if (process) {
		line_put_or_unknown(text, style, slice_of_string(row->program));
		if (mover_pid_shown(row->pid))
			buffer_format(text, "[%" PRIu32 "]", row->pid);
		return;
	}
	line_put_or_unknown(text, style, slice_of_string(row->method));
	buffer_char(text, ' ');
	line_put_or_unknown(text, style, slice_of_string(row->host));
	if (!row->route || row->route[0] != '/')
		buffer_char(text, ' ');
	line_put_or_unknown(text, style, slice_of_string(row->route));
}

static uint64_t quantile_of(const struct histogram *histogram, double share)
{
	return histogram->count ? histogram_quantile(histogram, share) : TOP_UNKNOWN;
}

/* The value of a column that needs a histogram's buckets. */
static uint64_t latency_of(const struct stats_numbers *numbers, size_t column)
{
	switch (column) {
	case NUMBERS_P50:
		return quantile_of(&numbers->duration, 0.5);
	case NUMBERS_P90:
		return quantile_of(&numbers->duration, 0.9);
	case NUMBERS_P99:
		return quantile_of(&numbers->duration, 0.99);
	case NUMBERS_P999:
		return quantile_of(&numbers->duration, 0.999);
	case NUMBERS_TTFB:
		return quantile_of(&numbers->ttfb, 0.5);
	}
	return TOP_UNKNOWN;
}

static bool is_latency(size_t column)
{
	return (column >= NUMBERS_P50 && column <= NUMBERS_P999) || column == NUMBERS_TTFB;
}

/* All of a row's latencies that are shown, or the one that is sorted by alone. */
static void latencies_make(const struct making *making, struct top_row *row, bool sorted_only)
{
	const struct stats_row *from = row->source;
	const struct stats_numbers *numbers = &from->run;
	struct stats_numbers window = { 0 };
	int columns = making->sink->screen.columns;

	if (making->sink->window != WINDOW_RUN) {
		numbers = &window;
		if (stats_window(making->stats, from, making->sink->window, &window) < 0)
			counter_add(COUNTER_LIMIT_MEMORY, 1);
	}
	for (size_t i = 0; i < NUMBERS_COLUMNS; i++)
		if (is_latency(i) &&
		    (sorted_only ? i == making->table->sort : making->table->columns[i].from <= columns))
			row->values[i] = latency_of(numbers, i);
	stats_numbers_fini(&window);
}

static void values_of(const struct making *making, struct top_row *row, const struct stats_numbers *numbers)
{
	row->values[NUMBERS_COUNT] = numbers->count;
	row->values[NUMBERS_RATE] = (uint64_t)(stats_rate(numbers->count, making->span_ns) * 1000);
	row->values[NUMBERS_ERRORS] = numbers->count ? numbers->errors * 1000 / numbers->count : 0;
	/* One error in many exchanges is not nothing. */
	if (numbers->errors && row->values[NUMBERS_ERRORS] == 0)
		row->values[NUMBERS_ERRORS] = 1;
	row->values[NUMBERS_4XX] = numbers->errors_4xx;
	row->values[NUMBERS_5XX] = numbers->errors_5xx;
	row->values[NUMBERS_IN] = numbers->request_bytes;
	row->values[NUMBERS_OUT] = numbers->response_bytes;
	row->values[NUMBERS_MAX] = numbers->duration.count ? numbers->duration.max_ns : TOP_UNKNOWN;
	row->style = numbers->errors > numbers->errors_4xx ? TOP_SERVER : TOP_CLIENT;
}

static void row_make(void *ctx, struct stats_row *from)
{
	struct making *making = ctx;
	struct top_table *table = making->table;
	struct top_row *row = top_table_add(table, row_id(from));
	struct stats_numbers numbers;
	size_t start = table->names.len;

	if (!row)
		return;
	stats_window_counts(making->stats, from, making->sink->window, &numbers);
	values_of(making, row, &numbers);
	row->values[NUMBERS_IN_FLIGHT] = from->in_flight;
	row->last = from->overflow;
	row->source = from;
	if (is_latency(table->sort))
		latencies_make(making, row, true);
	put_name(&table->names, &making->sink->style, from, making->process);
	top_table_text(table, row, 0, start);
}

/* While the picture stands still (paused) any row may come into sight. */
static void numbers_make(struct sink *sink, struct top_table *table, bool process)
{
	struct top_numbers *numbers = top_numbers_shown(sink);
	struct making making = { .sink = sink,
				 .table = table,
				 .stats = process ? numbers->processes : numbers->endpoints,
				 .process = process };
	size_t from, to;

	making.span_ns = stats_span_ns(making.stats, sink->window);
	stats_each(making.stats, row_make, &making);
	top_table_sort(table);
	table->page = table->page ? table->page : (size_t)sink->screen.rows;
	top_table_view(table, &from, &to);
	if (sink->paused) {
		from = 0;
		to = table->count;
	}
	for (size_t i = from; i < to; i++)
		latencies_make(&making, &table->rows[i], false);
	for (size_t i = 0; i < table->count; i++)
		table->rows[i].source = NULL;
}

/* --- what hangs on a row -------------------------------------------------- */

struct finding {
	uint64_t id;
	const struct stats_row *row;
};

static void row_compare(void *ctx, struct stats_row *row)
{
	struct finding *finding = ctx;

	if (row_id(row) == finding->id)
		finding->row = row;
}

static void slowest_make(struct sink *sink, struct top_table *table)
{
	struct top_numbers *numbers = top_numbers_shown(sink);
	struct finding finding = { .id = sink->subject_id };
	const struct top_slowest *slowest;

	stats_each(sink->subject_process ? numbers->processes : numbers->endpoints, row_compare, &finding);
	slowest = finding.row ? finding.row->data : NULL;
	for (size_t i = 0; slowest && i < slowest->count; i++)
		top_record_row(sink, table, slowest->items[i]);
}

static void summary_make(struct sink *sink)
{
	const struct top_history *history = &top_numbers_shown(sink)->history;
	struct top_summary *summary = &sink->summary;
	int room = sink->screen.columns / 2 - SPARK_LABELS;

	top_history_totals(history, sink->window, &summary->totals);
	summary->run_ns = history->now_ns - history->first_ns;
	summary->in_flight = sink->in_flight;
	summary->count = room < 1 ? 0 : room >= TOP_HISTORY_SECONDS ? TOP_HISTORY_SECONDS - 1 : (size_t)room;
	top_history_values(history, summary->count, summary->rates, summary->p99s);
}

void top_page_make(struct sink *sink)
{
	struct top_table *table = top_table_shown(sink);

	summary_make(sink);
	if (table)
		table_empty(sink, table);
	switch (top_page(sink)) {
	case PAGE_ENDPOINTS:
		numbers_make(sink, table, false);
		break;
	case PAGE_PROCESSES:
		numbers_make(sink, table, true);
		break;
	case PAGE_CONNECTIONS:
		top_conns_make(sink);
		break;
	case PAGE_LIVE:
		top_live_make(sink);
		break;
	case PAGE_SLOWEST:
		slowest_make(sink, table);
		break;
	case PAGE_EXCHANGE:
		top_exchange_lines(sink);
		break;
	case PAGE_CONNECTION:
		top_connection_lines(sink);
		break;
	case PAGE_HELP:
	case PAGE_COUNT:
		break;
	}
	if (table && top_page(sink) != PAGE_ENDPOINTS && top_page(sink) != PAGE_PROCESSES)
		top_table_sort(table);
}
