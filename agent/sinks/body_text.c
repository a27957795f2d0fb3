/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound counts decoded bytes; indentation comes on top. The line behind
 * the body is written only when something is to be said.
 */
#include "body_text.h"

#include "base/escape.h"
#include "json_indent.h"

#define HEX_LINES_MAX 8 /* binary is not read beyond its head */

static void put_json(struct buffer *text, const struct style *style, const char *mark, struct slice json)
{
	struct buffer indented = { 0 };

	json_indent(json, &indented);
	if (indented.failed)
		line_put_lines(text, style, mark, json, false);
	else
		line_put_lines(text, style, mark, slice_of(indented.data, indented.len), false);
	buffer_fini(&indented);
}

static void put_trouble(struct buffer *text, const struct body *body, const struct message *message)
{
	if (body->unknown_coding)
		buffer_string(text, "; its coding is not known, shown as sent");
	else if (body->wrong && !body->codings.len)
		buffer_string(text, "; does not decode, shown as sent");
	else if (body->wrong)
		buffer_string(text, "; does not decode to its end");
	if (body->expands)
		buffer_string(text, "; expands beyond 1 MiB, cut");
	if (!message->body_known)
		buffer_string(text, "; its end was not seen");
	else if (body->kept_part) {
		buffer_string(text, "; only the first ");
		line_put_size(text, message->body.len);
		buffer_string(text, " were kept");
	}
}

static void put_remark(struct buffer *text, const struct style *style, const char *mark,
		       const struct body *body, const struct message *message, size_t shown)
{
	if (shown == body->bytes.len && body_is_whole(body) && !body->codings.len)
		return;
	buffer_string(text, mark);
	line_style_on(text, style, STYLE_DIM);
	buffer_char(text, '[');
	line_put_size(text, shown);
	buffer_string(text, " shown of ");
	buffer_string(text, body->codings.len && !body_is_whole(body) ? "at least " : "");
	line_put_size(text, body->codings.len || body_is_whole(body) ? body->bytes.len : message->body_bytes);
	if (body->codings.len) {
		buffer_string(text, "; ");
		escape_text(text, body->codings, style->utf8);
		buffer_string(text, ", ");
		line_put_size(text, message->body_bytes);
		buffer_string(text, message->body_known ? " on the wire" : "+ on the wire");
	}
	put_trouble(text, body, message);
	buffer_char(text, ']');
	line_style_off(text, style);
	buffer_char(text, '\n');
}

void body_text_put(struct buffer *text, const struct style *style, struct body_reader *reader,
		   const char *mark, const struct message *message, size_t max_bytes)
{
	struct slice shown;
	struct body body;

	if (!message->body.len)
		return;
	body = body_read(reader, message, style->redact);
	shown = slice_take(body.bytes, max_bytes);
	switch (body.look) {
	case CONTENT_TEXT:
		shown = shown.len < body.bytes.len ? escape_utf8_trim(shown) : shown;
		line_put_lines(text, style, mark, shown, false);
		break;
	case CONTENT_JSON:
		shown = shown.len < body.bytes.len ? escape_utf8_trim(shown) : shown;
		put_json(text, style, mark, shown);
		break;
	case CONTENT_BINARY:
		shown = slice_take(shown, (size_t)HEX_LINE_BYTES * HEX_LINES_MAX);
		line_put_hex(text, mark, shown);
		break;
	}
	put_remark(text, style, mark, &body, message, shown.len);
}
