/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections as they come and go: a line for each that is there at the start
 * ("exists"), that begins ("open"), that ends ("close") or is there at hark's
 * end ("stays"), the last two with totals. With -v the lines of its exchanges
 * follow the last one; they are kept until then, bounded in number and bytes,
 * and what was not kept is counted. Who follows one connection (-x) gets them
 * at once.
 *
 * Columns keep the width of their widest cell so far, up to a bound, so that
 * one long name does not set every later line askew. On a terminal those that
 * say least are left out until the others fit, a cell gets wider only while
 * there is room, and is cut otherwise; remarks that do not fit take a line of
 * their own.
 */
#include "sinks.h"

#include "base/counters.h"
#include "base/escape.h"
#include "base/table.h"
#include "fresh_text.h"
#include "line_text.h"
#include "opaque_text.h"
#include "stats/fresh.h"
#include "text_width.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_KEPT_MAX	     1000
#define LINES_KEPT_BYTES_MAX (256 * 1024) /* a connection */
#define WIDTH_MAX	     48		  /* of a column */

struct kept_lines {
	uint64_t conn_id;
	struct buffer text;
	size_t count;
	uint64_t dropped;
	UT_hash_handle hh;
};

/* rank: those of the highest go first where there is no room. */
static const struct {
	const char *title;
	size_t width;
	unsigned int rank;
} columns[] = {
	{ "TIME", 12, 1 }, { "WHAT", 6, 0 }, { "CONN", 5, 0 },	 { "PROGRAM", 18, 0 }, { "LOCAL", 21, 7 },
	{ "PEER", 21, 0 }, { "ROLE", 6, 3 }, { "TLS", 8, 0 },	 { "PROTO", 5, 4 },    { "EXCH", 4, 0 },
	{ "BYTES", 6, 2 }, { "OPEN", 8, 6 }, { "CLOSED", 6, 5 },
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))
#define RANK_LAST    7
#define ID_COLUMNS   150 /* of a terminal that has room for the id behind the last column */

struct sink {
	struct buffer text;
	struct buffer line;
	size_t widths[COLUMN_COUNT];
	size_t column;	   /* of the cell that is being written */
	size_t line_start; /* where the line begins that is being written */
	unsigned int rank; /* columns up to it are shown */
	bool follow;
	struct style style;
	struct kept_lines *kept;
	struct fresh *fresh; /* who makes connections for single exchanges: said at the end */
	FILE *out;
	int verbose;
	bool titled;
};

/* The width of a line with all its cells, but for the space behind the last one. */
static size_t line_width(const struct sink *sink)
{
	size_t width = 0;

	for (size_t i = 0; i < COLUMN_COUNT; i++)
		width += columns[i].rank <= sink->rank ? sink->widths[i] + 1 : 0;
	return width - 1;
}

static int conns_text_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	sink->verbose = config->verbose;
	sink->follow = config->follow;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		sink->widths[i] = columns[i].width;
	line_style_init(&sink->style, config);
	sink->rank = RANK_LAST;
	while (sink->rank && config->columns && line_width(sink) > config->columns)
		sink->rank--;
	sink->fresh = fresh_new();
	return sink->fresh ? 0 : -ENOMEM;
}

static void kept_remove(struct sink *sink, struct kept_lines *kept)
{
	HASH_DEL(sink->kept, kept);
	buffer_fini(&kept->text);
	free(kept);
}

static void conns_text_fini(struct sink *sink)
{
	struct kept_lines *kept, *next;

	HASH_ITER (hh, sink->kept, kept, next)
		kept_remove(sink, kept);
	fresh_free(sink->fresh);
	buffer_fini(&sink->text);
	buffer_fini(&sink->line);
	line_style_fini(&sink->style);
}

static struct kept_lines *kept_find(struct sink *sink, uint64_t conn_id)
{
	struct kept_lines *kept;

	HASH_FIND(hh, sink->kept, &conn_id, sizeof(conn_id), kept);
	return kept;
}

/* NULL: out of memory. */
static struct kept_lines *kept_get(struct sink *sink, uint64_t conn_id)
{
	struct kept_lines *kept = kept_find(sink, conn_id);

	if (kept)
		return kept;
	kept = calloc(1, sizeof(*kept));
	if (!kept)
		return NULL;
	kept->conn_id = conn_id;
	HASH_ADD(hh, sink->kept, conn_id, sizeof(conn_id), kept);
	if (TABLE_ADDED(kept, hh))
		return kept;
	free(kept);
	return NULL;
}

static void line_put(struct sink *sink, struct buffer *text, const struct exchange *exchange)
{
	buffer_string(text, "    ");
	line_text_put(text, &sink->style, exchange);
	buffer_char(text, '\n');
}

static void line_keep(struct sink *sink, const struct exchange *exchange)
{
	struct kept_lines *kept = kept_get(sink, exchange->conn->id);

	if (!kept) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	buffer_clear(&sink->line);
	line_put(sink, &sink->line, exchange);
	if (sink->line.failed || kept->count == LINES_KEPT_MAX ||
	    sink->line.len > LINES_KEPT_BYTES_MAX - kept->text.len ||
	    !buffer_room(&kept->text, sink->line.len)) {
		kept->text.failed = false;
		kept->dropped++;
		return;
	}
	buffer_put(&kept->text, sink->line.data, sink->line.len);
	kept->count++;
}

/* A wider cell makes its column wider from now on, if the terminal has room for that. */
static void column_widen(struct sink *sink, size_t *width, size_t used)
{
	size_t wanted = used < WIDTH_MAX ? used : WIDTH_MAX, all = line_width(sink);

	if (sink->style.columns && all + wanted - *width > sink->style.columns)
		wanted = all < sink->style.columns ? *width + sink->style.columns - all : *width;
	*width = wanted;
}

/* Ends a cell of plain characters, which is dropped where its column is not shown. Returns where the next
 * cell starts. */
static size_t cell_end(struct sink *sink, size_t start)
{
	size_t used = sink->text.len - start, column = sink->column++, *width = &sink->widths[column];

	if (columns[column].rank > sink->rank) {
		sink->text.len = start;
		return start;
	}
	if (used > *width)
		column_widen(sink, width, used);
	if (sink->style.columns)
		text_cut_middle(&sink->text, start, *width, sink->style.utf8);
	return line_column_end(&sink->text, start, *width);
}

static size_t put_cell(struct sink *sink, const char *string)
{
	size_t start = sink->text.len;

	buffer_string(&sink->text, string ? string : "?");
	return cell_end(sink, start);
}

static void spaces_drop(struct buffer *text)
{
	while (text->len && text->data[text->len - 1] == ' ')
		text->len--;
}

static void put_title(struct sink *sink)
{
	struct buffer *text = &sink->text;

	if (sink->titled)
		return;
	sink->column = 0;
	line_style_on(text, &sink->style, STYLE_BOLD);
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		put_cell(sink, columns[i].title);
	spaces_drop(text);
	line_style_off(text, &sink->style);
	buffer_char(text, '\n');
}

/* The title before the first line, and the columns that each line has. */
static void put_conn(struct sink *sink, const char *what, uint64_t time_ns, const struct conn_facts *conn)
{
	const char *no_tls = conn->tls_unknown ? "?" : "no",
		   *tls = conn->tls_library ? conn->tls_library : "yes";
	struct buffer *text = &sink->text;
	size_t start;

	put_title(sink);
	sink->column = 0;
	start = sink->line_start = text->len;
	if (time_ns)
		wall_clock_local(text, &sink->style.clock, time_ns);
	else
		buffer_char(text, '-');
	cell_end(sink, start);
	start = put_cell(sink, what);
	line_put_number(text, conn);
	start = cell_end(sink, start);
	line_put_program(text, &sink->style, &conn->owner);
	start = cell_end(sink, start);
	address_put_endpoint(text, &conn->sock, conn->sock.local, conn->sock.local_port);
	start = cell_end(sink, start);
	address_put_endpoint(text, &conn->sock, conn->sock.peer, conn->sock.peer_port);
	cell_end(sink, start);
	put_cell(sink, conn_facts_role_name(conn->role));
	start = put_cell(sink, conn->tls ? tls : no_tls);
	line_put_protocol(text, conn->version, conn->protocol);
	cell_end(sink, start);
}

static void put_totals(struct sink *sink, const struct conn_facts *conn)
{
	const char *closed_by = conn_facts_closed_by_name(conn->closed_by);
	struct buffer *text = &sink->text;
	size_t start = text->len;

	buffer_u64(text, conn->exchanges);
	start = cell_end(sink, start);
	line_put_size(text, conn->moved_bytes);
	start = cell_end(sink, start);
	if (conn->opened_ns && conn->closed_ns >= conn->opened_ns)
		line_put_latency(text, conn->closed_ns - conn->opened_ns);
	else
		buffer_char(text, '?');
	start = cell_end(sink, start);
	if (conn->closed_ns || conn->closed_by != CLOSED_UNKNOWN)
		buffer_string(text, closed_by ? closed_by : "?");
	else
		buffer_char(text, '-');
	cell_end(sink, start);
}

/* The id of the connection, which names it in other runs, too: not on a narrow terminal. */
static void put_id(struct sink *sink, const struct conn_facts *conn)
{
	if (conn->number && (!sink->style.columns || sink->style.columns >= ID_COLUMNS))
		buffer_format(&sink->text, " id %" PRIu64, conn->id);
}

/* Remarks that do not fit behind the cells stand below them. */
static void remarks_fit(struct sink *sink, size_t start)
{
	struct buffer *text = &sink->text;
	size_t len = text->len - start;

	if (!sink->style.columns || !len || text->failed ||
	    text_width(text->data + sink->line_start, text->len - sink->line_start) <= sink->style.columns)
		return;
	buffer_string(text, "\n   ");
	if (text->failed)
		return;
	memmove(text->data + start + 4, text->data + start, len);
	memcpy(text->data + start, "\n   ", 4);
}

static void put_remarks(struct sink *sink, const struct conn_facts *conn)
{
	struct buffer *text = &sink->text;
	size_t start;

	spaces_drop(text);
	put_id(sink, conn);
	start = text->len;
	if (conn->flags) {
		buffer_char(text, ' ');
		line_put_flags(text, &sink->style, conn->flags, NULL);
	}
	if (conn->lost_bytes) {
		buffer_string(text, " lost: ");
		line_put_size(text, conn->lost_bytes);
	}
	if (conn->muted) {
		buffer_string(text, " muted: ");
		escape_text(text, slice_of_string(conn->muted), sink->style.utf8);
	}
	if (conn->opaque) {
		if (conn->tls_version || conn->sni[0])
			opaque_text_put_hello(text, &sink->style, conn);
		buffer_string(text, " opaque: ");
		escape_text(text, slice_of_string(conn->opaque), sink->style.utf8);
	}
	remarks_fit(sink, start);
	buffer_char(text, '\n');
}

static void put_kept(struct sink *sink, uint64_t conn_id)
{
	struct kept_lines *kept = kept_find(sink, conn_id);

	if (!kept)
		return;
	buffer_put(&sink->text, kept->text.data, kept->text.len);
	if (kept->dropped)
		buffer_format(&sink->text, "    (%" PRIu64 " more exchanges, not kept)\n", kept->dropped);
	kept_remove(sink, kept);
}

static void sink_write(struct sink *sink)
{
	if (buffer_write(&sink->text, sink->out) == 0)
		sink->titled = true;
}

static void conns_text_opened(struct sink *sink, const struct result *result)
{
	const struct conn_facts *conn = result->conn;

	put_conn(sink, conn->existing ? "exists" : "open", conn->seen_ns, conn);
	spaces_drop(&sink->text);
	put_id(sink, conn);
	buffer_char(&sink->text, '\n');
	sink_write(sink);
}

static void conns_text_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;

	fresh_count(sink->fresh, exchange);
	if (sink->verbose == 0)
		return;
	if (!sink->follow) {
		line_keep(sink, exchange);
		return;
	}
	put_title(sink);
	line_put(sink, &sink->text, exchange);
	sink_write(sink);
}

static void conns_text_closed(struct sink *sink, const struct result *result)
{
	const struct conn_facts *conn = result->conn;

	put_conn(sink, conn->closed_ns ? "close" : "stays", conn->closed_ns, conn);
	put_totals(sink, conn);
	put_remarks(sink, conn);
	put_kept(sink, conn->id);
	sink_write(sink);
}

static void conns_text_draw(struct sink *sink, bool last)
{
	if (!last)
		return;
	fresh_text_put(&sink->text, &sink->style, sink->fresh);
	buffer_write(&sink->text, sink->out);
}

const struct sink_ops conns_text_sink = {
	.format = "text",
	.view = VIEW_CONNS,
	.each_end = true,
	.size = sizeof(struct sink),
	.init = conns_text_init,
	.show = {
		[RESULT_EXCHANGE] = conns_text_exchange,
		[RESULT_CONN_OPENED] = conns_text_opened,
		[RESULT_CONN_CLOSED] = conns_text_closed,
	},
	.draw = conns_text_draw,
	.fini = conns_text_fini,
};
