/* SPDX-License-Identifier: Apache-2.0 */
#include "fresh_text.h"

#include "base/escape.h"
#include "stats/fresh.h"

#include <inttypes.h>

#define LINES_MAX 3

static void put_program(struct buffer *text, struct style *style, const struct fresh_pair *pair)
{
	line_put_or_unknown(text, style,
			    slice_of(pair->program[0] ? pair->program : NULL, strlen(pair->program)));
	if (pair->pid)
		buffer_format(text, "[%" PRIu32 "]", pair->pid);
}

static void put_peer(struct buffer *text, const struct fresh_pair *pair)
{
	if (pair->peer.peer_port)
		address_put_endpoint(text, &pair->peer, pair->peer.peer, pair->peer.peer_port);
	else
		address_put(text, &pair->peer, pair->peer.peer);
}

static void put_part(struct buffer *text, const char *name, uint64_t total_ns, uint64_t count)
{
	if (!count)
		return;
	buffer_string(text, name);
	line_put_latency(text, total_ns / count);
}

static void put_line(struct buffer *text, struct style *style, const struct fresh_pair *pair)
{
	line_style_on(text, style, STYLE_YELLOW);
	if (pair->role == ROLE_CLIENT) {
		put_program(text, style, pair);
		buffer_string(text, " to ");
		put_peer(text, pair);
	} else {
		put_peer(text, pair);
		buffer_string(text, " to ");
		put_program(text, style, pair);
	}
	buffer_format(text, ": a new %sconnection a call, %" PRIu64 " for %" PRIu64 " exchanges",
		      pair->fresh_tls * 2 > pair->fresh ? "TLS " : "", pair->fresh, pair->exchanges);
	put_part(text, ", connect ", pair->connect_ns, pair->connects);
	put_part(text, ", TLS handshake ", pair->handshake_ns, pair->handshakes);
	buffer_string(text, pair->connects || pair->handshakes ? " each" : "");
	line_style_off(text, style);
	buffer_char(text, '\n');
}

void fresh_text_put(struct buffer *text, struct style *style, const struct fresh *fresh)
{
	const struct fresh_pair *pairs[LINES_MAX];
	size_t count = fresh_habits(fresh, pairs, LINES_MAX);

	for (size_t i = 0; i < count; i++)
		put_line(text, style, pairs[i]);
}
