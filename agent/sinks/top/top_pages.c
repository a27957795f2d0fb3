/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of each table, made of what was counted and kept. Quantiles take
 * most of the time: all rows have those that are sorted by, the others have
 * them where they are on the screen.
 */
#include "top.h"

#include "ascii.h"
#include "base/counters.h"
#include "base/escape.h"
#include "base/hash.h"
#include "sinks/stat/stat_table.h"

#include <inttypes.h>
#include <stdlib.h>

#define NARROW	      80 /* columns below which a name begins with what tells most */
#define ANCESTORS_MAX 3
#define SPARK_LABELS  15 /* columns beside a sparkline, for its name and its last value */

/* clang-format off */
enum { NUMBERS_TIME, NUMBERS_COUNT, NUMBERS_RATE, NUMBERS_IN_FLIGHT, NUMBERS_ERRORS, NUMBERS_4XX, NUMBERS_5XX, NUMBERS_P50,
       NUMBERS_P90, NUMBERS_P99, NUMBERS_P999, NUMBERS_MAX, NUMBERS_TTFB, NUMBERS_NEW, NUMBERS_IN, NUMBERS_OUT, NUMBERS_NAME,
       NUMBERS_COLUMNS };

#define NUMBERS(name_)                                                        \
	[NUMBERS_TIME] = { "TIME%", TOP_PORTION, 6, 0, 0, false },            \
	[NUMBERS_COUNT] = { "COUNT", TOP_COUNT, 7, 0, 0, false },             \
	[NUMBERS_RATE] = { "RATE/s", TOP_MILLI, 7, 90, 0, false },            \
	[NUMBERS_IN_FLIGHT] = { "OPEN", TOP_COUNT, 5, 56, 0, false },         \
	[NUMBERS_ERRORS] = { "ERR%", TOP_SHARE, 5, 48, 0, false },            \
	[NUMBERS_4XX] = { "4XX", TOP_COUNT, 6, 160, 0, false },               \
	[NUMBERS_5XX] = { "5XX", TOP_COUNT, 6, 160, 0, false },               \
	[NUMBERS_P50] = { "P50", TOP_LATENCY, 8, 72, 0, false },              \
	[NUMBERS_P90] = { "P90", TOP_LATENCY, 8, 130, 0, false },             \
	[NUMBERS_P99] = { "P99", TOP_LATENCY, 8, 0, 0, false },               \
	[NUMBERS_P999] = { "P99.9", TOP_LATENCY, 8, 160, 0, false },          \
	[NUMBERS_MAX] = { "MAX", TOP_LATENCY, 8, 100, 0, false },             \
	[NUMBERS_TTFB] = { "TTFB", TOP_LATENCY, 8, 130, 0, false },           \
	[NUMBERS_NEW] = { "NEW%", TOP_COUNT, 5, 110, 0, false },              \
	[NUMBERS_IN] = { "IN", TOP_SIZE, 7, 160, 0, false },                  \
	[NUMBERS_OUT] = { "OUT", TOP_SIZE, 7, 115, 0, false },                \
	[NUMBERS_NAME] = { name_, TOP_TEXT, 0, 0, 0, true },

static const struct top_column endpoint_columns[NUMBERS_COLUMNS] = { NUMBERS("ENDPOINT") };
static const struct top_column process_columns[] = { NUMBERS("PROCESS") };

enum { CONN_ID, CONN_PROGRAM, CONN_PROTOCOL, CONN_STATE, CONN_EXCHANGES, CONN_IN_FLIGHT, CONN_ERRORS,
       CONN_MAX, CONN_CONNECT, CONN_HANDSHAKE, CONN_BYTES, CONN_LOST, CONN_LOCAL, CONN_PEER };

static const struct top_column conn_columns[] = {
	[CONN_ID] = { "CONN", TOP_TEXT, 8, 60, 0, true },
	[CONN_PROGRAM] = { "PROGRAM", TOP_TEXT, 16, 0, 1, true },
	[CONN_PROTOCOL] = { "PROTO", TOP_TEXT, 8, 60, 2, true },
	[CONN_STATE] = { "STATE", TOP_TEXT, 6, 100, 3, true },
	[CONN_EXCHANGES] = { "COUNT", TOP_COUNT, 6, 0, 0, false },
	[CONN_IN_FLIGHT] = { "OPEN", TOP_COUNT, 5, 70, 0, false },
	[CONN_ERRORS] = { "ERR", TOP_COUNT, 5, 100, 0, false },
	[CONN_MAX] = { "MAX", TOP_LATENCY, 8, 76, 0, false },
	[CONN_CONNECT] = { "CONNECT", TOP_LATENCY, 8, 140, 0, false },
	[CONN_HANDSHAKE] = { "TLS-HS", TOP_LATENCY, 8, 110, 0, false },
	[CONN_BYTES] = { "BYTES", TOP_SIZE, 7, 100, 0, false },
	[CONN_LOST] = { "LOST", TOP_SIZE, 7, 130, 0, false },
	[CONN_LOCAL] = { "LOCAL", TOP_TEXT, 22, 150, 4, true },
	[CONN_PEER] = { "PEER", TOP_TEXT, 0, 0, 5, true },
};

enum { LIVE_TIME, LIVE_PROGRAM, LIVE_CONN, LIVE_PEER, LIVE_STATUS, LIVE_SIZE, LIVE_TTFB, LIVE_TOOK, LIVE_URL };

static const struct top_column live_columns[] = {
	[LIVE_TIME] = { "TIME", TOP_TIME, 12, 60, 0, false },
	[LIVE_PROGRAM] = { "PROGRAM", TOP_TEXT, 16, 76, 0, true },
	[LIVE_CONN] = { "CONN", TOP_TEXT, 8, 130, 1, true },
	[LIVE_PEER] = { "PEER", TOP_TEXT, 24, 150, 2, true },
	[LIVE_STATUS] = { "CODE", TOP_STATUS, 5, 0, 0, false },
	[LIVE_SIZE] = { "SIZE", TOP_SIZE, 7, 100, 0, false },
	[LIVE_TTFB] = { "TTFB", TOP_LATENCY, 8, 120, 0, false },
	[LIVE_TOOK] = { "TOOK", TOP_LATENCY, 8, 0, 0, false },
	[LIVE_URL] = { "URL", TOP_TEXT, 0, 0, 3, true },
};
/* clang-format on */

#define COLUMNS(array) array, sizeof(array) / sizeof((array)[0])

_Static_assert(NUMBERS_COLUMNS <= TOP_COLUMNS_MAX, "a row has a value a column");

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
		[SORT_TOTAL] = NUMBERS_TIME,
		[SORT_REQUEST_BYTES] = NUMBERS_IN,
		[SORT_RESPONSE_BYTES] = NUMBERS_OUT,
		[SORT_NAME] = NUMBERS_NAME,
	};

	return sort < SORT_COLUMNS ? columns[sort] : NUMBERS_COUNT;
}

/* The first page has another name above its rows with --by. */
static void rows_title(struct sink *sink)
{
	const char *name = top_by_name(sink);
	size_t i;

	memcpy(sink->by_columns, endpoint_columns, sizeof(endpoint_columns));
	for (i = 0; name[i] && i < sizeof(sink->by_title) - 1; i++)
		sink->by_title[i] = (char)(ascii_is_lower((uint8_t)name[i]) ? name[i] - 'a' + 'A' : name[i]);
	sink->by_columns[NUMBERS_NAME].title = sink->by_title;
}

void top_pages_init(struct sink *sink)
{
	const struct stats_options *stats = sink->config.stats;
	struct top_table *tables = sink->tables;

	rows_title(sink);
	top_table_init(&tables[PAGE_ENDPOINTS], sink->by_columns, NUMBERS_COLUMNS);
	top_table_init(&tables[PAGE_PROCESSES], COLUMNS(process_columns));
	top_table_init(&tables[PAGE_CONNECTIONS], COLUMNS(conn_columns));
	top_table_init(&tables[PAGE_LIVE], COLUMNS(live_columns));
	top_table_init(&tables[PAGE_SLOWEST], COLUMNS(live_columns));
	tables[PAGE_CONNECTIONS].sort = CONN_EXCHANGES;
	tables[PAGE_LIVE].sort = LIVE_TIME;
	tables[PAGE_SLOWEST].sort = LIVE_TOOK;
	if (!stats || !stats->sort_given)
		return; /* by TIME%, the first column */
	tables[PAGE_ENDPOINTS].sort = tables[PAGE_PROCESSES].sort = column_of_sort(stats->sort);
	tables[PAGE_ENDPOINTS].reverse = tables[PAGE_PROCESSES].reverse = stats->reverse;
	tables[PAGE_ENDPOINTS].chosen = tables[PAGE_PROCESSES].chosen = true;
}

static void table_empty(struct sink *sink, struct top_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		top_record_drop(&sink->kept, table->rows[i].record);
	top_table_clear(table);
}

void top_pages_fini(struct sink *sink)
{
	for (int i = 0; i < TABLE_COUNT; i++) {
		table_empty(sink, &sink->tables[i]);
		top_table_fini(&sink->tables[i]);
	}
	top_table_fini(&sink->menu_table);
	top_family_fini(&sink->family);
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
	const char *const strings[] = { row->host, row->method, row->route,  row->program, row->operation,
					row->path, row->place,	row->beside, row->trace,   row->fact };
	const struct event_socket *sock = &row->conn.sock;
	uint64_t id = HASH_START + row->pid + row->overflow + (uint64_t)row->status;

	if (sock->family)
		id = hash_on(id + sock->peer_port, slice_of(sock->peer, sizeof(sock->peer)));
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		id = hash_on(id, slice_of_string(strings[i]));
	return id;
}

static void put_operation(struct buffer *text, const struct style *style, const struct stats_row *row)
{
	if (!row->operation)
		return;
	buffer_char(text, ' ');
	escape_text(text, slice_of_string(row->operation), style->utf8);
}

static void put_name(struct sink *sink, struct buffer *text, const struct stats_row *row, bool process)
{
	struct style *style = &sink->style;
	bool narrow = sink->screen.columns < NARROW;

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
	if (top_by(sink) != BY_ENDPOINT) {
		stat_name_put(text, style, sink->config.stats, row);
		return;
	}
	line_put_or_unknown(text, style, slice_of_string(row->method));
	buffer_char(text, ' ');
	if (narrow) { /* what tells most comes first */
		line_put_or_unknown(text, style, slice_of_string(row->route));
		put_operation(text, style, row);
		buffer_char(text, ' ');
		line_put_or_unknown(text, style, slice_of_string(row->host));
		return;
	}
	line_put_or_unknown(text, style, slice_of_string(row->host));
	if (!row->route || row->route[0] != '/')
		buffer_char(text, ' ');
	line_put_or_unknown(text, style, slice_of_string(row->route));
	put_operation(text, style, row);
}

/* The quantiles of a row's durations by column, those of NUMBERS_TTFB of its first bytes; 0: another number.
 */
static const double shares[NUMBERS_COLUMNS] = { [NUMBERS_P50] = 0.5,
						[NUMBERS_P90] = 0.9,
						[NUMBERS_P99] = 0.99,
						[NUMBERS_P999] = 0.999,
						[NUMBERS_TTFB] = 0.5 };

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
	for (size_t i = 0; i < NUMBERS_COLUMNS; i++) {
		const struct histogram *histogram = i == NUMBERS_TTFB ? &numbers->ttfb : &numbers->duration;

		if (shares[i] > 0 &&
		    (sorted_only ? i == making->table->sort : making->table->columns[i].from <= columns))
			row->values[i] =
				histogram->count ? histogram_quantile(histogram, shares[i]) : TOP_UNKNOWN;
	}
	stats_numbers_fini(&window);
}

static void values_of(const struct making *making, struct top_row *row, const struct stats_numbers *numbers)
{
	row->values[NUMBERS_TIME] = numbers->duration.sum_ns;
	row->values[NUMBERS_COUNT] = numbers->count;
	row->values[NUMBERS_RATE] = (uint64_t)(stats_rate(numbers->count, making->span_ns) * 1000);
	row->values[NUMBERS_ERRORS] = top_error_share(numbers->errors, numbers->count);
	row->values[NUMBERS_4XX] = numbers->errors_4xx;
	row->values[NUMBERS_5XX] = numbers->errors_5xx;
	row->values[NUMBERS_IN] = numbers->request_bytes;
	row->values[NUMBERS_OUT] = numbers->response_bytes;
	row->values[NUMBERS_MAX] = numbers->duration.count ? numbers->duration.max_ns : TOP_UNKNOWN;
	row->style = numbers->errors > numbers->errors_4xx ? TOP_SERVER : TOP_CLIENT;
}

static bool is_known(const struct sink *sink, const struct stats_row *row, bool process)
{
	switch (process ? BY_PROCESS : top_by(sink)) {
	case BY_ENDPOINT:
		return row->method && row->route;
	case BY_PROCESS:
		return row->program != NULL;
	case BY_HOST:
		return row->host != NULL;
	case BY_PATH:
		return row->path != NULL;
	case BY_PEER:
		return row->conn.sock.family != 0;
	case BY_STATUS:
		return row->status != 0;
	case BY_TRACE:
		return row->trace != NULL;
	case BY_CONTAINER:
	case BY_POD:
	case BY_UNIT:
		return row->place != NULL;
	case BY_FACT:
		return row->fact != NULL;
	case BY_CONNECTION:
		break;
	}
	return true;
}

/* The share of exchanges that a connection was made for, of the whole run: the windows do not have it. */
static uint64_t fresh_share(const struct sink *sink, const struct top_drill *drill)
{
	if (sink->window != WINDOW_RUN || !drill || !drill->exchanges)
		return TOP_UNKNOWN;
	return drill->fresh * 100 / drill->exchanges;
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
	row->errors = numbers.errors;
	row->pid = making->process ? mover_pid_shown(from->pid) : 0;
	row->values[NUMBERS_NEW] = fresh_share(making->sink, from->data);
	row->dim = !from->overflow && !is_known(making->sink, from, making->process);
	row->rank = from->overflow ? 2 : row->dim;
	table->whole += numbers.duration.sum_ns;
	row->source = from;
	if (shares[table->sort] > 0)
		latencies_make(making, row, true);
	put_name(making->sink, &table->names, from, making->process);
	top_table_text(table, row, 0, start);
}

/* --- a tree's sums ------------------------------------------------------------------------ */

/* The process that started this one, as long as its number is nobody else's by now. */
static uint32_t parent_of(struct sink *sink, const struct top_row *row)
{
	const struct top_kin *kin = top_family_find(&sink->family, row->pid);
	const struct stats_row *source = row->source;

	if (!kin || (source && source->program && strcmp(source->program, kin->name) != 0 &&
		     strcmp(source->program, kin->comm) != 0))
		return 0;
	return kin->parent > 1 ? kin->parent : 0;
}

/* Processes that talk no HTTP themselves have a row for what they started, up to a few above the one who
 * does. */
static void ancestors_add(struct sink *sink, struct top_table *table)
{
	for (size_t i = 0; i < table->count && table->count < TOP_KIN_MAX; i++) {
		uint32_t pid = table->rows[i].parent = parent_of(sink, &table->rows[i]);
		const struct top_kin *kin = pid ? top_family_find(&sink->family, pid) : NULL;
		size_t start = table->names.len;
		struct top_row *row;

		if (!kin || table->rows[i].depth == ANCESTORS_MAX || top_tree_row(table, table->count, pid))
			continue;
		row = top_table_add(table, hash_on(HASH_START, SLICE("ancestor")) + pid);
		if (!row)
			return;
		row->pid = pid;
		row->depth = table->rows[i].depth + 1; /* above it; the order makes it anew */
		for (size_t j = 0; j < NUMBERS_COLUMNS; j++)
			row->values[j] =
				shares[j] > 0 || j == NUMBERS_MAX || j == NUMBERS_NEW ? TOP_UNKNOWN : 0;
		line_put_or_unknown(&table->names, &sink->style,
				    slice_of_string(kin->name[0] ? kin->name : kin->comm));
		buffer_format(&table->names, "[%" PRIu32 "]", pid);
		top_table_text(table, row, 0, start);
	}
}

static void row_sum(struct top_row *into, const struct top_row *from)
{
	static const uint8_t columns[] = { NUMBERS_TIME, NUMBERS_COUNT, NUMBERS_RATE, NUMBERS_IN_FLIGHT,
					   NUMBERS_4XX,	 NUMBERS_5XX,	NUMBERS_IN,   NUMBERS_OUT };
	uint64_t max = from->values[NUMBERS_MAX];

	for (size_t i = 0; i < sizeof(columns); i++)
		into->values[columns[i]] += from->values[columns[i]];
	if (max != TOP_UNKNOWN &&
	    (into->values[NUMBERS_MAX] == TOP_UNKNOWN || max > into->values[NUMBERS_MAX]))
		into->values[NUMBERS_MAX] = max;
	into->errors += from->errors;
	into->values[NUMBERS_ERRORS] = top_error_share(into->errors, into->values[NUMBERS_COUNT]);
	if (from->style == TOP_SERVER && from->errors)
		into->style = TOP_SERVER;
}

static void tree_sum(struct sink *sink, struct top_table *table)
{
	size_t own = table->count;
	struct top_row *rows = malloc((own + 1) * sizeof(*rows));

	if (!rows) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	memcpy(rows, table->rows, own * sizeof(*rows));
	ancestors_add(sink, table);
	for (size_t i = 0; i < own; i++) {
		struct top_row *into = top_tree_row(table, table->count, table->rows[i].parent);

		for (int level = 0; into && level < TOP_TREE_LEVELS && into->pid != rows[i].pid; level++) {
			row_sum(into, &rows[i]);
			into = top_tree_row(table, table->count, into->parent);
		}
	}
	free(rows);
}

/* While the picture stands still (paused) any row may come into sight. */
static void numbers_make(struct sink *sink, struct top_table *table, bool process)
{
	struct top_numbers *numbers = top_numbers_shown(sink);
	struct making making = { .sink = sink,
				 .table = table,
				 .stats = numbers->stats[process ? TOP_PROCESSES : TOP_ENDPOINTS],
				 .process = process };
	size_t from, to;

	making.span_ns = stats_span_ns(making.stats, sink->window);
	stats_each(making.stats, row_make, &making);
	if (process && sink->tree && sink->config.live)
		tree_sum(sink, table);
	top_page_order(sink);
	table->page = table->page ? table->page : (size_t)sink->screen.rows;
	top_table_view(table, &from, &to);
	if (sink->paused) {
		from = 0;
		to = table->count;
	}
	for (size_t i = from; i < to; i++)
		if (table->rows[i].source)
			latencies_make(&making, &table->rows[i], false);
	for (size_t i = 0; i < table->count; i++)
		table->rows[i].source = NULL;
}

/* --- connections ----------------------------------------------------------------------- */

static void put_peer(struct buffer *text, const struct style *style, const struct conn_facts *facts)
{
	if (facts->role == ROLE_CLIENT)
		buffer_string(text, style->utf8 ? "→ " : "> ");
	if (facts->role == ROLE_SERVER)
		buffer_string(text, style->utf8 ? "← " : "< ");
	address_put_endpoint(text, &facts->sock, facts->sock.peer, facts->sock.peer_port);
}

static bool conn_is_shown(const struct sink *sink, const struct top_conn *conn)
{
	if (!sink->filter || conn->matched)
		return true;
	return !filter_about_exchanges(sink->filter) &&
	       filter_conn(sink->filter, &conn->facts, &conn->facts.owner);
}

static void conns_make(struct sink *sink, struct top_table *table)
{
	struct buffer *names = &table->names;

	for (struct top_conn *conn = sink->kept.conn_list; conn; conn = conn->next) {
		struct top_row *row = conn_is_shown(sink, conn) ? top_table_add(table, conn->facts.id) : NULL;
		const struct conn_facts *facts = &conn->facts;
		size_t start = names->len;

		if (!row)
			continue;
		row->values[CONN_EXCHANGES] = conn->exchanges;
		row->values[CONN_IN_FLIGHT] = conn->in_flight;
		row->values[CONN_ERRORS] = conn->errors;
		row->values[CONN_MAX] = conn->max_ns ? conn->max_ns : TOP_UNKNOWN;
		row->values[CONN_CONNECT] = facts->connect_ns ? facts->connect_ns : TOP_UNKNOWN;
		row->values[CONN_HANDSHAKE] = facts->handshake_ns ? facts->handshake_ns : TOP_UNKNOWN;
		row->values[CONN_BYTES] = facts->moved_bytes;
		row->values[CONN_LOST] = facts->lost_bytes;
		line_put_number(names, facts);
		start = top_table_text(table, row, 0, start);
		line_put_program(names, &sink->style, &facts->owner);
		start = top_table_text(table, row, 1, start);
		line_put_protocol(names, facts->version, facts->protocol);
		buffer_string(names, facts->tls ? "+tls" : "");
		start = top_table_text(table, row, 2, start);
		buffer_string(names, conn->closed || facts->closed_ns ? "closed"
				     : facts->muted		      ? "muted"
				     : facts->opaque		      ? "opaque"
								      : "open");
		start = top_table_text(table, row, 3, start);
		address_put_endpoint(names, &facts->sock, facts->sock.local, facts->sock.local_port);
		start = top_table_text(table, row, 4, start);
		put_peer(names, &sink->style, facts);
		top_table_text(table, row, 5, start);
	}
}

/* --- exchanges ---------------------------------------------------------------------------- */

static void put_request(struct buffer *text, struct style *style, const struct exchange *exchange)
{
	const struct message *request = exchange->request;

	line_put_or_unknown(text, style, request ? request->method : slice_of(NULL, 0));
	buffer_char(text, ' ');
	line_put_url(text, style, request);
	if (exchange->pending)
		buffer_string(text, " [pending]");
	if (!exchange->flags)
		return;
	buffer_char(text, ' ');
	line_put_flags(text, style, exchange->flags, exchange_error_name(exchange));
}

static void record_row(struct sink *sink, struct top_table *table, struct top_record *record)
{
	const struct exchange *exchange = &record->exchange;
	struct top_row *row = top_table_add(table, record->serial);
	int status = exchange->response ? exchange->response->status : 0;
	struct buffer *names = &table->names;
	size_t start = names->len;

	if (!row)
		return;
	row->record = top_record_use(record);
	row->style = top_style_of_status(status);
	row->dim = !exchange->request;
	row->values[LIVE_TIME] = exchange->start_ns;
	row->values[LIVE_STATUS] = exchange->pending && !status ? TOP_UNKNOWN : (uint64_t)status;
	row->values[LIVE_SIZE] = exchange->response ? exchange->response->body_bytes : TOP_UNKNOWN;
	row->values[LIVE_TTFB] = exchange->ttfb_known ? exchange->ttfb_ns : TOP_UNKNOWN;
	row->values[LIVE_TOOK] = exchange->pending	    ? exchange->waited_ns
				 : exchange->duration_known ? exchange->duration_ns
							    : TOP_UNKNOWN;
	line_put_program(names, &sink->style, &exchange->mover);
	start = top_table_text(table, row, 0, start);
	line_put_number(names, exchange->conn);
	start = top_table_text(table, row, 1, start);
	put_peer(names, &sink->style, exchange->conn);
	start = top_table_text(table, row, 2, start);
	put_request(names, &sink->style, exchange);
	top_table_text(table, row, 3, start);
}

static void live_make(struct sink *sink, struct top_table *table)
{
	for (size_t i = 0; i < sink->kept.live_count; i++) {
		struct top_record *record = top_live_at(&sink->kept, i);

		/* The other end of one that is listed is its second line, and wanted only as such. */
		if (record->exchange.join == JOIN_SECOND && !sink->config.both_ends)
			continue;
		if (filter_exchange(sink->filter, &record->exchange))
			record_row(sink, table, record);
	}
	for (size_t i = 0; i < sink->open_count; i++)
		if (filter_exchange(sink->filter, &sink->open[i]->exchange))
			record_row(sink, table, sink->open[i]);
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

static const struct top_drill *drill_find(struct sink *sink, int stats, uint64_t id)
{
	struct finding finding = { .id = id };

	stats_each(top_numbers_shown(sink)->stats[stats], row_compare, &finding);
	return finding.row ? finding.row->data : NULL;
}

const struct top_drill *top_drill_of(struct sink *sink, const struct top_row *row)
{
	enum top_page page = top_page(sink);

	if (page != PAGE_ENDPOINTS && page != PAGE_PROCESSES)
		return NULL;
	return drill_find(sink, page == PAGE_PROCESSES ? TOP_PROCESSES : TOP_ENDPOINTS, row->id);
}

static void slowest_make(struct sink *sink, struct top_table *table)
{
	const struct top_drill *drill = drill_find(sink, sink->subject_stats, sink->subject_id);

	top_drill_lines(sink, drill);
	for (size_t i = 0; drill && i < drill->slowest.count; i++)
		record_row(sink, table, drill->slowest.items[i]);
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

void top_taken_show(struct sink *sink, enum top_page page, struct top_record *record)
{
	if (sink->depth + 1 == TOP_DEPTH_MAX)
		return;
	top_record_use(record);
	top_record_drop(&sink->kept, sink->taken);
	sink->taken = record;
	if (top_page(sink) != PAGE_BODY && top_page(sink) != PAGE_COPY)
		sink->depth++;
	sink->pages[sink->depth] = page;
	sink->lines.first = 0;
	top_page_make(sink);
}

void top_page_order(struct sink *sink)
{
	struct top_table *table = top_table_shown(sink);

	if (!table)
		return;
	top_table_sort(table);
	if (top_page(sink) == PAGE_PROCESSES && sink->tree)
		top_tree_order(table);
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
		conns_make(sink, table);
		break;
	case PAGE_LIVE:
		live_make(sink, table);
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
	case PAGE_BODY:
		top_body_lines(sink);
		break;
	case PAGE_COPY:
		top_copy_lines(sink);
		break;
	case PAGE_HELP:
		top_help_lines(sink);
		break;
	case PAGE_COUNT:
		break;
	}
	if (table && top_page(sink) != PAGE_ENDPOINTS && top_page(sink) != PAGE_PROCESSES)
		top_table_sort(table);
}
