/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of what was kept: connections, the last exchanges, the slowest ones. */
#include "top.h"

#include "base/escape.h"

#include <inttypes.h>

/* clang-format off */
enum { CONN_ID, CONN_PROGRAM, CONN_PROTOCOL, CONN_STATE, CONN_EXCHANGES, CONN_IN_FLIGHT, CONN_ERRORS,
       CONN_MAX, CONN_BYTES, CONN_LOST, CONN_LOCAL, CONN_PEER };

static const struct top_column conn_columns[] = {
	[CONN_ID] = { "CONN", TOP_TEXT, 8, 0, 0, true },
	[CONN_PROGRAM] = { "PROGRAM", TOP_TEXT, 16, 0, 1, true },
	[CONN_PROTOCOL] = { "PROTO", TOP_TEXT, 8, 0, 2, true },
	[CONN_STATE] = { "STATE", TOP_TEXT, 6, 100, 3, true },
	[CONN_EXCHANGES] = { "COUNT", TOP_COUNT, 6, 0, 0, false },
	[CONN_IN_FLIGHT] = { "OPEN", TOP_COUNT, 5, 0, 0, false },
	[CONN_ERRORS] = { "ERR", TOP_COUNT, 5, 100, 0, false },
	[CONN_MAX] = { "MAX", TOP_LATENCY, 8, 0, 0, false },
	[CONN_BYTES] = { "BYTES", TOP_SIZE, 7, 100, 0, false },
	[CONN_LOST] = { "LOST", TOP_SIZE, 7, 130, 0, false },
	[CONN_LOCAL] = { "LOCAL", TOP_TEXT, 22, 130, 4, true },
	[CONN_PEER] = { "PEER", TOP_TEXT, 0, 0, 5, true },
};

enum { LIVE_TIME, LIVE_PROGRAM, LIVE_CONN, LIVE_PEER, LIVE_STATUS, LIVE_SIZE, LIVE_TTFB, LIVE_TOOK, LIVE_URL };

static const struct top_column live_columns[] = {
	[LIVE_TIME] = { "TIME", TOP_TIME, 12, 0, 0, false },
	[LIVE_PROGRAM] = { "PROGRAM", TOP_TEXT, 16, 0, 0, true },
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

void top_lists_init(struct sink *sink)
{
	top_table_init(&sink->tables[PAGE_CONNECTIONS], COLUMNS(conn_columns));
	top_table_init(&sink->tables[PAGE_LIVE], COLUMNS(live_columns));
	top_table_init(&sink->tables[PAGE_SLOWEST], COLUMNS(live_columns));
	sink->tables[PAGE_CONNECTIONS].sort = CONN_EXCHANGES;
	sink->tables[PAGE_LIVE].sort = LIVE_TIME;
	sink->tables[PAGE_SLOWEST].sort = LIVE_TOOK;
}

/* --- connections ----------------------------------------------------------------------- */

static void put_protocol(struct buffer *text, const struct conn_facts *facts)
{
	const char *version = message_version_name(facts->version);

	buffer_string(text, version ? "h" : facts->protocol ? facts->protocol : "?");
	buffer_string(text, version ? version : "");
	if (facts->tls)
		buffer_string(text, "+tls");
}

static const char *state_of(const struct top_conn *conn)
{
	if (conn->closed || conn->facts.closed_ns)
		return "closed";
	return conn->facts.muted ? "muted" : conn->facts.opaque ? "opaque" : "open";
}

static void put_peer(struct buffer *text, const struct style *style, const struct conn_facts *facts)
{
	if (facts->role == ROLE_CLIENT)
		buffer_string(text, style->utf8 ? "→ " : "> ");
	if (facts->role == ROLE_SERVER)
		buffer_string(text, style->utf8 ? "← " : "< ");
	address_put_endpoint(text, &facts->sock, facts->sock.peer, facts->sock.peer_port);
}

static void conn_texts(struct sink *sink, struct top_table *table, struct top_row *row,
		       const struct top_conn *conn)
{
	const struct conn_facts *facts = &conn->facts;
	struct buffer *names = &table->names;
	size_t start = names->len;

	buffer_format(names, "#%" PRIu64, facts->id);
	top_table_text(table, row, 0, start);
	start = names->len;
	line_put_program(names, &sink->style, &facts->owner);
	top_table_text(table, row, 1, start);
	start = names->len;
	put_protocol(names, facts);
	top_table_text(table, row, 2, start);
	start = names->len;
	buffer_string(names, state_of(conn));
	top_table_text(table, row, 3, start);
	start = names->len;
	address_put_endpoint(names, &facts->sock, facts->sock.local, facts->sock.local_port);
	top_table_text(table, row, 4, start);
	start = names->len;
	put_peer(names, &sink->style, facts);
	top_table_text(table, row, 5, start);
}

static bool conn_is_shown(const struct sink *sink, const struct top_conn *conn)
{
	if (!sink->filter || conn->matched)
		return true;
	return !filter_about_exchanges(sink->filter) &&
	       filter_conn(sink->filter, &conn->facts, &conn->facts.owner);
}

void top_conns_make(struct sink *sink)
{
	struct top_table *table = &sink->tables[PAGE_CONNECTIONS];

	for (struct top_conn *conn = sink->kept.conn_list; conn; conn = conn->next) {
		struct top_row *row = conn_is_shown(sink, conn) ? top_table_add(table, conn->facts.id) : NULL;

		if (!row)
			continue;
		row->values[CONN_EXCHANGES] = conn->exchanges;
		row->values[CONN_IN_FLIGHT] = conn->in_flight;
		row->values[CONN_ERRORS] = conn->errors;
		row->values[CONN_MAX] = conn->max_ns ? conn->max_ns : TOP_UNKNOWN;
		row->values[CONN_BYTES] = conn->facts.moved_bytes;
		row->values[CONN_LOST] = conn->facts.lost_bytes;
		conn_texts(sink, table, row, conn);
	}
}

/* --- exchanges ---------------------------------------------------------------------------- */

static enum top_style style_of_status(int status)
{
	if (status >= 500)
		return TOP_SERVER;
	if (status >= 400)
		return TOP_CLIENT;
	return status >= 300 ? TOP_REDIRECT : status ? TOP_OK : TOP_PLAIN;
}

static void put_request(struct buffer *text, struct style *style, const struct exchange *exchange)
{
	const struct message *request = exchange->request;

	if (request && request->method.data)
		escape_text(text, request->method, style->utf8);
	else
		buffer_char(text, '?');
	buffer_char(text, ' ');
	line_put_url(text, style, request);
	if (exchange->pending)
		buffer_string(text, " [pending]");
	if (!exchange->flags)
		return;
	buffer_char(text, ' ');
	line_put_flags(text, style, exchange->flags,
		       exchange->h2_error_known ? exchange_h2_error_name(exchange->h2_error) : NULL);
}

static void record_texts(struct sink *sink, struct top_table *table, struct top_row *row,
			 const struct exchange *exchange)
{
	struct buffer *names = &table->names;
	size_t start = names->len;

	line_put_program(names, &sink->style, &exchange->mover);
	top_table_text(table, row, 0, start);
	start = names->len;
	buffer_format(names, "#%" PRIu64, exchange->conn->id);
	top_table_text(table, row, 1, start);
	start = names->len;
	put_peer(names, &sink->style, exchange->conn);
	top_table_text(table, row, 2, start);
	start = names->len;
	put_request(names, &sink->style, exchange);
	top_table_text(table, row, 3, start);
}

void top_record_row(struct sink *sink, struct top_table *table, struct top_record *record)
{
	const struct exchange *exchange = &record->exchange;
	struct top_row *row = top_table_add(table, record->serial);
	int status = exchange->response ? exchange->response->status : 0;

	if (!row)
		return;
	row->record = top_record_use(record);
	row->style = style_of_status(status);
	row->values[LIVE_TIME] = exchange->start_ns;
	row->values[LIVE_STATUS] = exchange->pending && !status ? TOP_UNKNOWN : (uint64_t)status;
	row->values[LIVE_SIZE] = exchange->response ? exchange->response->body_bytes : TOP_UNKNOWN;
	row->values[LIVE_TTFB] = exchange->ttfb_known ? exchange->ttfb_ns : TOP_UNKNOWN;
	row->values[LIVE_TOOK] = exchange->pending	    ? exchange->waited_ns
				 : exchange->duration_known ? exchange->duration_ns
							    : TOP_UNKNOWN;
	record_texts(sink, table, row, exchange);
}

void top_live_make(struct sink *sink)
{
	struct top_table *table = &sink->tables[PAGE_LIVE];

	for (size_t i = 0; i < sink->kept.live_count; i++) {
		struct top_record *record = top_live_at(&sink->kept, i);

		/* The other end of one that is listed is its second line, and wanted only as such. */
		if (record->exchange.join == JOIN_SECOND && !sink->config.both_ends)
			continue;
		if (filter_exchange(sink->filter, &record->exchange))
			top_record_row(sink, table, record);
	}
	for (size_t i = 0; i < sink->open_count; i++)
		if (filter_exchange(sink->filter, &sink->open[i]->exchange))
			top_record_row(sink, table, sink->open[i]);
}
