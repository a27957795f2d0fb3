/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of connections: a line for each one when it closes or hark ends. With
 * -v the lines of its exchanges follow it; they are kept until then, bounded in
 * number and bytes, and what was not kept is counted.
 */
#include "sinks.h"

#include "counters.h"
#include "escape.h"
#include "line_text.h"

#include <inttypes.h>
#include <stdlib.h>

/* Out of memory is a case that is handled, not an exit. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define LINES_KEPT_MAX	     1000
#define LINES_KEPT_BYTES_MAX (256 * 1024) /* a connection */

struct kept_lines {
	uint64_t conn_id;
	struct buffer text;
	size_t count;
	uint64_t dropped;
	UT_hash_handle hh;
};

struct sink {
	struct buffer text;
	struct buffer line;
	struct style style;
	struct kept_lines *kept;
	FILE *out;
	int verbose;
	bool titled;
};

static struct sink *conns_text_create(const struct sink_config *config)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->out = config->out;
	sink->verbose = config->verbose;
	style_init(&sink->style, config);
	return sink;
}

static void kept_remove(struct sink *sink, struct kept_lines *kept)
{
	HASH_DEL(sink->kept, kept);
	buffer_fini(&kept->text);
	free(kept);
}

static void conns_text_destroy(struct sink *sink)
{
	struct kept_lines *kept, *next;

	if (!sink)
		return;
	HASH_ITER (hh, sink->kept, kept, next)
		kept_remove(sink, kept);
	fflush(sink->out);
	buffer_fini(&sink->text);
	buffer_fini(&sink->line);
	style_fini(&sink->style);
	free(sink);
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
	if (kept->hh.tbl)
		return kept;
	free(kept);
	return NULL;
}

static void conns_text_exchange(struct sink *sink, const struct exchange *exchange)
{
	struct kept_lines *kept;

	if (sink->verbose == 0)
		return;
	kept = kept_get(sink, exchange->conn->id);
	if (!kept) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	buffer_clear(&sink->line);
	buffer_string(&sink->line, "    ");
	line_text_put(&sink->line, &sink->style, exchange);
	buffer_char(&sink->line, '\n');
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

enum {
	WIDTH_ID = 5,
	WIDTH_PROGRAM = 18,
	WIDTH_ADDRESS = 21,
	WIDTH_ROLE = 6,
	WIDTH_TLS = 8,
	WIDTH_PROTOCOL = 5,
	WIDTH_EXCHANGES = 6,
	WIDTH_BYTES = 7,
	WIDTH_DURATION = 8,
	WIDTH_CLOSED = 6
};

static void put_cell(struct buffer *text, const char *string, size_t width)
{
	size_t start = text->len;

	buffer_string(text, string ? string : "?");
	column_end(text, start, width);
}

static void put_title(struct sink *sink)
{
	struct buffer *text = &sink->text;

	if (sink->titled)
		return;
	style_on(text, &sink->style, STYLE_BOLD);
	put_cell(text, "CONN", WIDTH_ID);
	put_cell(text, "PROGRAM", WIDTH_PROGRAM);
	put_cell(text, "LOCAL", WIDTH_ADDRESS);
	put_cell(text, "PEER", WIDTH_ADDRESS);
	put_cell(text, "ROLE", WIDTH_ROLE);
	put_cell(text, "TLS", WIDTH_TLS);
	put_cell(text, "PROTO", WIDTH_PROTOCOL);
	put_cell(text, "EXCH", WIDTH_EXCHANGES);
	put_cell(text, "BYTES", WIDTH_BYTES);
	put_cell(text, "OPEN", WIDTH_DURATION);
	buffer_string(text, "CLOSED");
	style_off(text, &sink->style);
	buffer_char(text, '\n');
}

static void put_ends(struct sink *sink, const struct conn_facts *conn)
{
	struct buffer *text = &sink->text;
	size_t start = text->len;

	buffer_char(text, '#');
	buffer_u64(text, conn->id);
	column_end(text, start, WIDTH_ID);
	start = text->len;
	put_program(text, &sink->style, &conn->owner);
	column_end(text, start, WIDTH_PROGRAM);
	start = text->len;
	show_endpoint(text, &conn->sock, conn->sock.local, conn->sock.local_port);
	column_end(text, start, WIDTH_ADDRESS);
	start = text->len;
	show_endpoint(text, &conn->sock, conn->sock.peer, conn->sock.peer_port);
	column_end(text, start, WIDTH_ADDRESS);
	put_cell(text, show_role(conn->role), WIDTH_ROLE);
}

static const char *tls_name(const struct conn_facts *conn)
{
	if (conn->tls)
		return conn->tls_library ? conn->tls_library : "yes";
	return conn->tls_unknown ? "?" : "no";
}

/* "h2", or what else is known. */
static const char *protocol_name(const struct conn_facts *conn)
{
	switch (conn->version) {
	case HTTP_VERSION_UNKNOWN:
		return conn->protocol;
	case HTTP_1_0:
		return "h1.0";
	case HTTP_1_1:
		return "h1.1";
	case HTTP_2:
		return "h2";
	}
	return NULL;
}

static void put_life(struct sink *sink, const struct conn_facts *conn)
{
	struct buffer *text = &sink->text;
	size_t start = text->len;

	if (conn->opened_ns && conn->closed_ns >= conn->opened_ns)
		put_latency(text, conn->closed_ns - conn->opened_ns);
	else
		buffer_char(text, '?');
	column_end(text, start, WIDTH_DURATION);
	if (conn->closed_ns || conn->closed_by != CLOSED_UNKNOWN)
		buffer_string(text, show_closed_by(conn->closed_by) ? show_closed_by(conn->closed_by) : "?");
	else
		buffer_char(text, '-');
}

static void put_numbers(struct sink *sink, const struct conn_facts *conn)
{
	struct buffer *text = &sink->text;
	size_t start = text->len;

	buffer_u64(text, conn->exchanges);
	column_end(text, start, WIDTH_EXCHANGES);
	start = text->len;
	put_size(text, conn->moved_bytes);
	column_end(text, start, WIDTH_BYTES);
}

static void put_remarks(struct sink *sink, const struct conn_facts *conn)
{
	struct buffer *text = &sink->text;

	if (conn->flags) {
		buffer_char(text, ' ');
		put_flags(text, &sink->style, conn->flags, NULL);
	}
	if (conn->lost_bytes) {
		buffer_string(text, " lost: ");
		put_size(text, conn->lost_bytes);
	}
	if (conn->muted) {
		buffer_string(text, " muted: ");
		escape_text(text, slice_of_string(conn->muted), sink->style.utf8);
	}
	if (conn->opaque) {
		buffer_string(text, " opaque: ");
		escape_text(text, slice_of_string(conn->opaque), sink->style.utf8);
	}
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

static void conns_text_closed(struct sink *sink, const struct conn_facts *conn)
{
	put_title(sink);
	put_ends(sink, conn);
	put_cell(&sink->text, tls_name(conn), WIDTH_TLS);
	put_cell(&sink->text, protocol_name(conn), WIDTH_PROTOCOL);
	put_numbers(sink, conn);
	put_life(sink, conn);
	put_remarks(sink, conn);
	put_kept(sink, conn->id);
	if (buffer_write(&sink->text, sink->out) == 0)
		sink->titled = true;
}

const struct sink_ops conns_text_sink = {
	.format = "text",
	.view = VIEW_CONNS,
	.create = conns_text_create,
	.exchange = conns_text_exchange,
	.conn_closed = conns_text_closed,
	.destroy = conns_text_destroy,
};
