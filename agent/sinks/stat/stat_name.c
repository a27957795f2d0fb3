/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as text, and text that has to fit. */
#include "stat_table.h"

#include <inttypes.h>

#define METHOD_COLUMNS 6 /* so that most names begin in one column */

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
	case BY_CONTAINER:
		buffer_string(text, row->container ? "" : "none, or not known");
		if (row->container)
			line_put_or_unknown(text, style, slice_of_string(row->container));
		break;
	}
}

void stat_put_rate(struct buffer *buffer, double value)
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
