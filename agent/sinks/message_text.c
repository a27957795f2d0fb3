/* SPDX-License-Identifier: Apache-2.0 */
#include "message_text.h"

#include "base/escape.h"
#include "base/fact_text.h"
#include "body.h"

#include <inttypes.h>
#include <string.h>

#define BEGIN_BYTES   120 /* of what a message holds, in its line */
#define HEX_LINES_MAX 8

static void put_ellipsis(struct buffer *text, const struct style *style)
{
	buffer_string(text, style->utf8 ? "…" : "...");
}

static void put_value(struct buffer *text, struct style *style, const struct fact *fact)
{
	struct slice value = fact->cut ? escape_utf8_trim(fact->text) : fact->text;

	if (fact->kind == FACT_TEXT)
		escape_text(text, fact_text_shown(style->redact, fact->name, value, &style->scratch),
			    style->utf8);
	else
		fact_text_put(text, fact);
	if (fact->cut)
		put_ellipsis(text, style);
}

void message_text_facts(struct buffer *text, struct style *style, const struct fact *facts)
{
	for (const struct fact *fact = facts; fact; fact = fact->next) {
		buffer_string(text, "    ");
		line_put_styled(text, style, STYLE_DIM, "= ");
		line_put_styled(text, style, STYLE_CYAN, fact->name);
		buffer_string(text, ": ");
		put_value(text, style, fact);
		buffer_char(text, '\n');
	}
}

static void put_begin(struct buffer *text, struct style *style, const struct content_message *message)
{
	struct slice body = body_message_text(message, style->redact, &style->scratch),
		     begin = slice_take(body, BEGIN_BYTES);

	if (!body.data)
		return;
	begin = begin.len < body.len ? escape_utf8_trim(begin) : begin;
	escape_text(text, begin, style->utf8);
	if (begin.len < body.len)
		put_ellipsis(text, style);
}

static void put_whole(struct buffer *text, struct style *style, const struct content_message *message,
		      size_t max_bytes)
{
	const char *mark = message->kind == MESSAGE_REQUEST ? "    >| " : "    <| ";
	struct slice body = body_message_text(message, style->redact, &style->scratch),
		     shown = slice_take(body, max_bytes);

	if (body.data)
		line_put_lines(text, style, mark, shown.len < body.len ? escape_utf8_trim(shown) : shown,
			       false);
	else
		line_put_hex(
			text, mark,
			slice_take(slice_take(message->body, max_bytes), HEX_LINE_BYTES * HEX_LINES_MAX));
}

void message_text_put(struct buffer *text, struct style *style, const struct result *result, bool whole,
		      size_t max_bytes)
{
	const struct content_message *message = result->message;
	size_t start;

	line_put_when_and_program(text, style, message->time_ns, result->mover);
	line_put_connection(text, style, result->conn);
	start = text->len;
	buffer_string(text, message->protocol);
	start = line_column_end(text, start, 9);
	buffer_string(text, message->kind == MESSAGE_REQUEST ? "> " : "< ");
	line_style_on(text, style, STYLE_BOLD);
	if (message->type.data)
		escape_text(text, message->type, style->utf8);
	line_style_off(text, style);
	if (message->number)
		buffer_format(text, " #%" PRIu64, message->number);
	if (message->id.data) {
		buffer_string(text, " id ");
		escape_text(text, message->id, style->utf8);
	}
	start = line_column_end(text, start, 14);
	if (message->bytes != READER_UNKNOWN_SIZE)
		line_put_size(text, message->bytes);
	else
		buffer_char(text, '?');
	start = line_column_end(text, start, 5);
	line_put_url(text, style, result->exchange->request);
	line_column_end(text, start, 24);
	if (!whole)
		put_begin(text, style, message);
	if (message->flags) {
		buffer_char(text, ' ');
		line_put_flags(text, style, message->flags, NULL);
	}
	buffer_char(text, '\n');
	message_text_facts(text, style, message->facts);
	if (whole && message->body.len)
		put_whole(text, style, message, max_bytes);
}
