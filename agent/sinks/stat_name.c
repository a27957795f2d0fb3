/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as text, and text that has to fit. */
#include "stat_table.h"

#include "escape.h"

#include <inttypes.h>
#include <wchar.h>

#define METHOD_COLUMNS 6 /* so that most names begin in one column */

static void put_string(struct buffer *text, const struct style *style, const char *string)
{
	if (string)
		escape_text(text, slice_of_string(string), style->utf8);
	else
		buffer_char(text, '?');
}

static void put_endpoint(struct buffer *text, const struct style *style, const struct stats_row *row)
{
	size_t start = text->len;

	put_string(text, style, row->method);
	column_end(text, start, METHOD_COLUMNS);
	put_string(text, style, row->host);
	if (row->route && row->route[0] == '/')
		put_string(text, style, row->route);
	else if (row->route || !row->method || strcmp(row->method, "CONNECT") != 0) {
		buffer_char(text, ' ');
		put_string(text, style, row->route);
	}
}

static void put_peer(struct buffer *text, const struct event_socket *sock)
{
	if (show_has_address(sock) && !sock->peer_port)
		show_address(text, sock, sock->peer);
	else
		show_endpoint(text, sock, sock->peer, sock->peer_port);
}

static void put_conn(struct buffer *text, const struct style *style, const struct conn_facts *conn)
{
	put_connection(text, style, conn);
	put_program(text, style, &conn->owner);
}

static void put_process(struct buffer *text, const struct style *style, const struct stats_row *row)
{
	put_string(text, style, row->program);
	if (row->pid)
		buffer_format(text, "[%u]", row->pid);
	else
		buffer_string(text, "[?]");
}

static const char *const plurals[] = {
	[BY_ENDPOINT] = "endpoints",	 [BY_HOST] = "hosts",		[BY_PATH] = "paths",
	[BY_PROCESS] = "processes",	 [BY_PEER] = "peers",		[BY_STATUS] = "statuses",
	[BY_CONNECTION] = "connections", [BY_CONTAINER] = "containers",
};

void stat_name_put(struct buffer *text, const struct style *style, enum stats_by by,
		   const struct stats_row *row)
{
	if (row->overflow) {
		buffer_format(text, "(others: at least %" PRIu64 " more %s)", row->folded, plurals[by]);
		return;
	}
	switch (by) {
	case BY_ENDPOINT:
		put_endpoint(text, style, row);
		break;
	case BY_HOST:
		put_string(text, style, row->host);
		break;
	case BY_PATH:
		put_string(text, style, row->path);
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
		put_conn(text, style, &row->conn);
		break;
	case BY_CONTAINER:
		buffer_string(text, row->container ? "" : "none, or not known");
		if (row->container)
			put_string(text, style, row->container);
		break;
	}
}

/* Bytes and columns of the character at the front; what is none counts as one of each. */
static size_t character_at(struct slice text, size_t *width)
{
	uint32_t code_point;
	size_t len = utf8_decode(text, &code_point);
	int columns = len > 1 ? wcwidth((wchar_t)code_point) : 1;

	*width = columns < 0 ? 1 : (size_t)columns;
	return len ? len : 1;
}

size_t text_width(struct slice text)
{
	size_t total = 0, width;

	while (text.len) {
		text = slice_drop(text, character_at(text, &width));
		total += width;
	}
	return total;
}

/* The longest beginning of at most `columns`. */
static struct slice take_columns(struct slice text, size_t columns)
{
	size_t at = 0, used = 0, width;

	while (at < text.len) {
		size_t len = character_at(slice_drop(text, at), &width);

		if (used + width > columns)
			break;
		used += width;
		at += len;
	}
	return slice_take(text, at);
}

/* The longest end of at most `columns`. */
static struct slice take_last_columns(struct slice text, size_t columns)
{
	size_t total = text_width(text), width;

	while (total > columns) {
		text = slice_drop(text, character_at(text, &width));
		total -= width;
	}
	return text;
}

void text_cut_put(struct buffer *buffer, struct slice text, size_t width, bool utf8)
{
	const char *mark = utf8 ? "…" : "..";
	size_t mark_width = utf8 ? 1 : 2;
	struct slice front, back;

	if (text_width(text) <= width) {
		buffer_put(buffer, text.data, text.len);
		return;
	}
	if (width < mark_width)
		return;
	width -= mark_width;
	front = take_columns(text, width - width / 2);
	back = take_last_columns(text, width / 2);
	buffer_put(buffer, front.data, front.len);
	buffer_string(buffer, mark);
	buffer_put(buffer, back.data, back.len);
}

void put_rate(struct buffer *buffer, double value)
{
	unsigned int digits = value < 10 ? 2 : value < 1000 ? 1 : 0;
	uint64_t scale = digits == 2 ? 100 : digits == 1 ? 10 : 1;
	uint64_t scaled = (uint64_t)(value * (double)scale + 0.5);

	buffer_u64(buffer, scaled / scale);
	if (digits == 0)
		return;
	buffer_char(buffer, '.');
	buffer_digits(buffer, scaled % scale, digits);
}
