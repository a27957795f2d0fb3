/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns have least widths and grow with what stands in them. Nothing is cut
 * but, on a terminal, the middle of a URL, after columns that say less.
 * Colour codes are written outside the measured text, so that lines with and
 * without them are the same.
 */
#include "line_text.h"

#include "base/escape.h"
#include "base/url.h"
#include "content/content.h"
#include "model/exchange_times.h"
#include "name_list.h"
#include "query_show.h"
#include "text_width.h"

#include <inttypes.h>
#include <langinfo.h>

/* A terminal that is narrower leaves these out, and then cuts URLs; the rest keeps its place. */
#define COLUMNS_PEER	 150
#define COLUMNS_SIZES	 128
#define COLUMNS_OTHER	 116
#define COLUMNS_PROTOCOL 96

#define URL_WIDTH     36
#define URL_WIDTH_MIN 16
#define STATUS_WIDTH  4
#define SIZES_WIDTH   10
#define LATENCY_WIDTH 8
#define OTHER_WIDTH   18 /* without its program */

void line_style_init(struct style *style, const struct sink_config *config)
{
	*style = (struct style){
		.color = config->color,
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.clock = { .wall_offset_ns = config->wall_offset_ns, .relative = config->relative },
		.redact = config->redact,
		.columns = config->columns,
	};
}

void line_style_fini(struct style *style)
{
	buffer_fini(&style->scratch);
}

void line_style_on(struct buffer *buffer, const struct style *style, enum style_color color)
{
	static const char *const codes[] = {
		[STYLE_DIM] = "\033[2m",    [STYLE_BOLD] = "\033[1m",	 [STYLE_RED] = "\033[31m",
		[STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m", [STYLE_CYAN] = "\033[36m",
	};

	if (style->color)
		buffer_string(buffer, codes[color]);
}

void line_style_off(struct buffer *buffer, const struct style *style)
{
	if (style->color)
		buffer_string(buffer, "\033[0m");
}

void line_put_styled(struct buffer *buffer, const struct style *style, enum style_color color,
		     const char *string)
{
	line_style_on(buffer, style, color);
	buffer_string(buffer, string);
	line_style_off(buffer, style);
}

size_t line_column_end(struct buffer *buffer, size_t start, size_t width)
{
	size_t used = buffer->len > start ? text_width(buffer->data + start, buffer->len - start) : 0;
	size_t blanks = used < width ? width - used + 1 : 1;
	static const char eight[8] = { "        " };

	if (!buffer_room(buffer, blanks + sizeof(eight)))
		return buffer->len;
	for (size_t i = 0; i < blanks; i += sizeof(eight))
		memcpy(buffer->data + buffer->len + i, eight, sizeof(eight));
	buffer->len += blanks;
	return buffer->len;
}

void line_put_program(struct buffer *buffer, const struct style *style, const struct mover *mover)
{
	line_put_or_unknown(buffer, style, mover_program(mover));
	buffer_char(buffer, '[');
	if (mover_pid_shown(mover->pid))
		buffer_u64(buffer, mover->pid);
	else
		buffer_char(buffer, '?');
	buffer_char(buffer, ']');
}

void line_put_size(struct buffer *buffer, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	unsigned int unit = 0;

	if (bytes < 10000) {
		buffer_u64(buffer, bytes);
		return;
	}
	for (; bytes >= 1024 * 1024; bytes /= 1024)
		unit++;
	buffer_format(buffer, "%" PRIu64 ".%" PRIu64 "%c", bytes / 1024, bytes % 1024 * 10 / 1024,
		      units[unit]);
}

static void put_fraction(struct buffer *buffer, uint64_t whole, uint64_t fraction, unsigned int digits)
{
	buffer_u64(buffer, whole);
	buffer_char(buffer, '.');
	buffer_digits(buffer, fraction, digits);
}

void line_put_latency(struct buffer *buffer, uint64_t ns)
{
	uint64_t us = ns / 1000;

	if (us < 100)
		put_fraction(buffer, 0, us, 3);
	else if (us < 10000)
		put_fraction(buffer, us / 1000, us % 1000 / 10, 2);
	else if (us < 1000000)
		buffer_u64(buffer, us / 1000);
	else
		put_fraction(buffer, us / 1000000, us % 1000000 / 100000, 1);
	buffer_string(buffer, us < 1000000 ? " ms" : " s");
}

void line_put_flags(struct buffer *buffer, const struct style *style, unsigned int flags, const char *error)
{
	struct name_list list = { .buffer = buffer, .between = ",", .quote = "" };

	if (!flags && !error)
		return;
	line_style_on(buffer, style, STYLE_YELLOW);
	buffer_char(buffer, '[');
	exchange_flags_each(flags, name_list_add, &list);
	if (error) {
		buffer_string(buffer, list.count ? " " : "");
		buffer_string(buffer, error);
	}
	buffer_char(buffer, ']');
	line_style_off(buffer, style);
}

void line_put_protocol(struct buffer *buffer, enum http_version version, const char *name)
{
	const char *number = message_version_name(version);

	buffer_string(buffer, number ? "h" : name ? name : "?");
	buffer_string(buffer, number ? number : "");
}

/* "h2+tls:5": protocol, TLS, stream. */
static void put_protocol(struct buffer *buffer, const struct exchange *exchange)
{
	enum http_version version = exchange_version(exchange);

	line_put_protocol(buffer, version,
			  version == POSTGRESQL_3 ? "pgsql" : message_protocol_name(version));
	if (exchange->conn->tls)
		buffer_string(buffer, "+tls");
	else if (exchange->conn->tls_unknown)
		buffer_string(buffer, "+?");
	if (!exchange->key || version_is_query(exchange_version(exchange)))
		return;
	buffer_char(buffer, ':');
	buffer_u64(buffer, message_stream(exchange_version(exchange), exchange->key));
}

void line_put_url(struct buffer *buffer, struct style *style, const struct message *request)
{
	struct url url = { 0 };

	if (request)
		url_of_request(request, &url);
	escape_text(buffer, url.authority, style->utf8);
	if (url.path.data)
		escape_text(buffer, redact_target(style->redact, url.path, &style->scratch), style->utf8);
	else if (!url.authority_form || !url.authority.data)
		/* A '?' of its own: behind a host it could be taken for an empty query. */
		buffer_string(buffer, url.authority.data ? " ?" : "?");
	if (url.path.data && url.query.data) {
		buffer_char(buffer, '?');
		escape_text(buffer, redact_target(style->redact, url.query, &style->scratch), style->utf8);
	}
}

static enum style_color status_color(int status)
{
	if (status >= 500)
		return STYLE_RED;
	if (status >= 400)
		return STYLE_YELLOW;
	return status >= 300 ? STYLE_CYAN : STYLE_GREEN;
}

/*
 * "200 grpc:5": a gRPC call that failed is no green 200. What is
 * not there of a pending one may still come.
 */
static void put_status(struct buffer *buffer, struct style *style, const struct exchange *exchange)
{
	const struct message *response = exchange->response;
	const struct content *content = response ? exchange_content_again(&style->last_type, exchange) : NULL;
	int outcome = exchange_outcome_of(exchange, content);

	if (!response || response->status <= 0) {
		buffer_string(buffer, exchange->pending && !response ? "..." : "?");
		return;
	}
	line_style_on(buffer, style, outcome > 0 ? STYLE_RED : status_color(response->status));
	buffer_u64(buffer, (uint64_t)response->status);
	if (outcome > 0)
		buffer_format(buffer, " %s:%d", content->name, outcome);
	line_style_off(buffer, style);
}

/* "?" when nothing is known, "612+" when there was more than that. */
static void put_body_size(struct buffer *buffer, const struct message *message)
{
	if (!message || (!message->body_known && message->body_bytes == 0)) {
		buffer_char(buffer, '?');
		return;
	}
	line_put_size(buffer, message->body_bytes);
	if (!message->body_known)
		buffer_char(buffer, '+');
}

void line_put_when_and_program(struct buffer *buffer, struct style *style, uint64_t time_ns,
			       const struct mover *mover)
{
	size_t start = buffer->len;

	line_style_on(buffer, style, STYLE_DIM);
	if (time_ns)
		wall_clock_local(buffer, &style->clock, time_ns);
	else
		buffer_char(buffer, '?');
	line_style_off(buffer, style);
	start = line_column_end(buffer, start, 12);
	line_put_program(buffer, style, mover);
	line_column_end(buffer, start, 16);
}

static bool has_room(const struct style *style, size_t columns)
{
	return !style->columns || style->columns >= columns;
}

void line_put_number(struct buffer *buffer, const struct conn_facts *conn)
{
	buffer_char(buffer, '#');
	buffer_u64(buffer, conn->number ? conn->number : conn->id);
}

void line_put_connection_id(struct buffer *buffer, const struct conn_facts *conn)
{
	size_t start = buffer->len;

	line_put_number(buffer, conn);
	line_column_end(buffer, start, 7);
}

void line_put_connection(struct buffer *buffer, const struct style *style, const struct conn_facts *conn)
{
	static const char *const arrows[][2] = {
		[ROLE_UNKNOWN] = { "?", "?" }, [ROLE_CLIENT] = { "->", "→" }, [ROLE_SERVER] = { "<-", "←" }
	};
	size_t start;

	line_put_connection_id(buffer, conn);
	start = buffer->len;
	buffer_string(buffer, arrows[conn->role][style->utf8]);
	start = line_column_end(buffer, start, 2);
	if (!has_room(style, COLUMNS_PEER))
		return;
	address_put_endpoint(buffer, &conn->sock, conn->sock.peer, conn->sock.peer_port);
	line_column_end(buffer, start, 15);
}

/* Most exchanges come from a connection that had one before. */
static void put_connection_again(struct buffer *buffer, struct style *style, const struct conn_facts *conn)
{
	const struct event_socket *sock = &conn->sock;
	struct line_kept *kept = &style->kept[conn->id % LINE_KEPT];
	size_t start = buffer->len;

	if (kept->len && kept->id == conn->id && kept->role == conn->role && kept->family == sock->family &&
	    kept->protocol == sock->protocol && kept->peer_port == sock->peer_port &&
	    memcmp(kept->peer, sock->peer, sizeof(kept->peer)) == 0) {
		buffer_put(buffer, kept->text, kept->len);
		return;
	}
	line_put_connection(buffer, style, conn);
	kept->len = 0;
	if (buffer->failed || buffer->len - start > sizeof(kept->text))
		return;
	*kept = (struct line_kept){
		.id = conn->id,
		.family = sock->family,
		.protocol = sock->protocol,
		.peer_port = sock->peer_port,
		.role = (uint8_t)conn->role,
		.len = (uint8_t)(buffer->len - start),
	};
	memcpy(kept->peer, sock->peer, sizeof(kept->peer));
	memcpy(kept->text, buffer->data + start, kept->len);
}

void line_put_or_unknown(struct buffer *buffer, const struct style *style, struct slice bytes)
{
	if (bytes.data)
		escape_text(buffer, bytes, style->utf8);
	else
		buffer_char(buffer, '?');
}

void line_put_field(struct buffer *buffer, struct style *style, const char *mark, const struct header *header)
{
	buffer_string(buffer, "    ");
	line_put_styled(buffer, style, STYLE_DIM, mark);
	line_style_on(buffer, style, STYLE_CYAN);
	line_put_or_unknown(buffer, style, header->name);
	line_style_off(buffer, style);
	buffer_string(buffer, ": ");
	line_put_or_unknown(buffer, style,
			    redact_value(style->redact, header->name, header->value, &style->scratch));
	buffer_char(buffer, '\n');
}

void line_put_lines(struct buffer *buffer, const struct style *style, const char *mark, struct slice bytes,
		    bool ends)
{
	while (bytes.len) {
		const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
		size_t len = end ? (size_t)(end - bytes.data) + 1 : bytes.len;

		buffer_string(buffer, mark);
		escape_text(buffer, slice_take(bytes, end && !ends ? len - 1 : len), style->utf8);
		buffer_char(buffer, '\n');
		bytes = slice_drop(bytes, len);
	}
}

void line_put_hex(struct buffer *buffer, const char *mark, struct slice bytes)
{
	for (size_t offset = 0; offset < bytes.len; offset += HEX_LINE_BYTES) {
		struct slice line = slice_take(slice_drop(bytes, offset), HEX_LINE_BYTES);

		buffer_format(buffer, "%s%06zx ", mark, offset);
		for (size_t i = 0; i < HEX_LINE_BYTES; i++) {
			buffer_string(buffer, i == HEX_LINE_BYTES / 2 ? " " : "");
			if (i < line.len)
				buffer_format(buffer, " %02x", line.data[i]);
			else
				buffer_string(buffer, "   ");
		}
		buffer_string(buffer, "  |");
		for (size_t i = 0; i < line.len; i++)
			buffer_char(buffer,
				    line.data[i] >= ' ' && line.data[i] < 0x7f ? (char)line.data[i] : '.');
		buffer_string(buffer, "|\n");
	}
}

/* The URL gets what the columns before and behind it leave, and its middle is cut when that is too little. */
static size_t url_fit(struct buffer *buffer, const struct style *style, size_t line_start, size_t start,
		      bool joined)
{
	size_t before, behind = STATUS_WIDTH + LATENCY_WIDTH, width = URL_WIDTH;

	if (style->columns) {
		before = text_width(buffer->data + line_start, start - line_start);
		behind += has_room(style, COLUMNS_SIZES) ? SIZES_WIDTH : 0;
		behind += joined && has_room(style, COLUMNS_OTHER) ? OTHER_WIDTH : 0;
		width = style->columns > before + behind + URL_WIDTH_MIN ? style->columns - before - behind
									 : URL_WIDTH_MIN;
		text_cut_middle(buffer, start, width - 1, style->utf8);
		width = width < URL_WIDTH + 1 ? width - 1 : URL_WIDTH;
	}
	return line_column_end(buffer, start, width);
}

/* A statement: its text, how it ended, how many rows. */
static void put_query(struct buffer *buffer, struct style *style, const struct exchange *exchange,
		      size_t line_start)
{
	struct slice code = exchange_error_code(exchange);
	size_t start = buffer->len;

	query_show_text(buffer, exchange, style->redact, style->utf8);
	start = url_fit(buffer, style, line_start, start, exchange->other != NULL);
	if (code.data) {
		line_style_on(buffer, style, STYLE_RED);
		escape_text(buffer, code, style->utf8);
		line_style_off(buffer, style);
	} else if (exchange->response && exchange->answer_done && !(exchange->flags & FLAG_UNANSWERED)) {
		line_put_styled(buffer, style, STYLE_GREEN, "ok");
	} else {
		buffer_string(buffer, exchange->pending ? "..." : "?");
	}
	start = line_column_end(buffer, start, 5);
	query_show_rows(buffer, exchange);
	line_column_end(buffer, start, 9);
}

/* Method, URL, status, sizes. */
static void put_what(struct buffer *buffer, struct style *style, const struct exchange *exchange,
		     size_t line_start)
{
	const struct message *request = exchange->request, *response = exchange->response;
	size_t start = buffer->len;

	if (version_is_query(exchange_version(exchange))) {
		put_query(buffer, style, exchange, line_start);
		return;
	}

	line_style_on(buffer, style, STYLE_BOLD);
	line_put_or_unknown(buffer, style, request ? request->method : slice_of(NULL, 0));
	line_style_off(buffer, style);
	start = line_column_end(buffer, start, 4);
	line_put_url(buffer, style, request);
	start = url_fit(buffer, style, line_start, start, exchange->other != NULL);
	put_status(buffer, style, exchange);
	start = line_column_end(buffer, start, 3);
	if (!has_room(style, COLUMNS_SIZES))
		return;
	put_body_size(buffer, request);
	buffer_char(buffer, '/');
	put_body_size(buffer, response);
	if (exchange->pending && response && response->body_known)
		buffer_char(buffer, '+');
	line_column_end(buffer, start, 9);
}

/* Which of the three it waits for: the request's end, an answer, the answer's end. */
static void put_pending(struct buffer *buffer, const struct style *style, const struct exchange *exchange)
{
	const char *what = exchange->response						      ? "receiving"
			   : exchange->request->last_byte_ns && exchange->request->body_known ? "waiting"
											      : "sending";

	line_style_on(buffer, style, STYLE_YELLOW);
	buffer_string(buffer, "[pending: ");
	buffer_string(buffer, what);
	buffer_string(buffer, " for ");
	line_put_latency(buffer, exchange->waited_ns);
	buffer_char(buffer, ']');
	line_style_off(buffer, style);
}

/* The other end of a joined exchange: who, and how long it took for that. */
static void put_other(struct buffer *buffer, const struct style *style, const struct exchange *other)
{
	if (!has_room(style, COLUMNS_OTHER))
		return;
	buffer_string(buffer, other->conn->role == ROLE_SERVER ? " (server " : " (client ");
	if (has_room(style, COLUMNS_PEER)) {
		line_put_program(buffer, style, &other->mover);
		buffer_char(buffer, ' ');
	}
	if (other->duration_known)
		line_put_latency(buffer, other->duration_ns);
	else
		buffer_char(buffer, '?');
	buffer_char(buffer, ')');
}

void line_text_put(struct buffer *buffer, struct style *style, const struct exchange *exchange)
{
	const char *error = exchange_error_name(exchange);
	size_t line_start = buffer->len, start;

	line_put_when_and_program(buffer, style, exchange->start_ns, &exchange->mover);
	put_connection_again(buffer, style, exchange->conn);
	if (has_room(style, COLUMNS_PROTOCOL)) {
		start = buffer->len;
		put_protocol(buffer, exchange);
		line_column_end(buffer, start, 9);
	}
	put_what(buffer, style, exchange, line_start);
	start = buffer->len;
	if (exchange->pending)
		put_pending(buffer, style, exchange);
	else if (exchange->duration_known)
		line_put_latency(buffer, exchange->duration_ns);
	else
		buffer_char(buffer, '?');
	if (exchange->other)
		put_other(buffer, style, exchange->other);
	if (!exchange->flags && !exchange->error_known)
		return;
	line_column_end(buffer, start, 8);
	if (exchange->error_known && !error)
		error = "unknown error";
	line_put_flags(buffer, style, exchange->flags, error);
}

bool line_put_times(struct buffer *buffer, const struct exchange *exchange)
{
	const struct exchange *other = exchange->other;
	bool of_other = other && other->conn->role == ROLE_CLIENT;
	struct exchange_times times = exchange_times_of(of_other ? other : exchange);
	const char *between = of_other ? "client: " : "";

	for (int part = 0; part < PART_COUNT; part++) {
		if (!exchange_times_has(&times, part))
			continue;
		buffer_format(buffer, "%s%s ", between, exchange_part_names[part]);
		line_put_latency(buffer, times.ns[part]);
		between = ", ";
	}
	return times.known != 0;
}
