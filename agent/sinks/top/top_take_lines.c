/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of what is taken along of an exchange: its bodies, and the command that sends its request again.
 */
#include "top.h"

#include "sinks/body_text.h"

/* A line of the page for each of the text, which is empty then. */
static void add_text(struct sink *sink, struct buffer *text)
{
	struct top_lines *lines = &sink->lines;
	size_t at = 0;

	while (at < text->len && !text->failed) {
		const char *end = memchr(text->data + at, '\n', text->len - at);
		size_t len = end ? (size_t)(end - text->data) - at : text->len - at, start = lines->text.len;

		buffer_put(&lines->text, text->data + at, len);
		top_lines_wrap(lines, start, (size_t)sink->screen.columns, 0, TOP_PLAIN);
		at += len + 1;
	}
	buffer_clear(text);
}

static void add_body(struct sink *sink, const char *mark, const struct message *message)
{
	if (!message || !message->body.len)
		return;
	body_text_put(&sink->text, &sink->style, &sink->bodies, mark, message, BODY_DECODED_MAX);
	add_text(sink, &sink->text);
}

void top_body_lines(struct sink *sink)
{
	const struct exchange *exchange = &sink->taken->exchange;
	struct top_lines *lines = &sink->lines;
	size_t start;

	top_lines_clear(lines);
	start = lines->text.len;
	line_put_or_unknown(&lines->text, &sink->style,
			    exchange->request ? exchange->request->method : slice_of(NULL, 0));
	buffer_char(&lines->text, ' ');
	line_put_url(&lines->text, &sink->style, exchange->request);
	top_lines_wrap(lines, start, (size_t)sink->screen.columns, 0, TOP_BOLD);
	if (!sink->kept.body_max) {
		start = lines->text.len;
		buffer_string(&lines->text,
			      "Bodies are not kept: that costs what they weigh. hark top -vv keeps them.");
		top_lines_wrap(lines, start, (size_t)sink->screen.columns, 0, TOP_CLIENT);
		return;
	}
	start = lines->count;
	add_body(sink, "> ", exchange->request);
	add_body(sink, "< ", exchange->response);
	if (lines->count == start)
		top_lines_string(lines, "No byte of a body was seen", TOP_DIM);
}

void top_copy_lines(struct sink *sink)
{
	struct buffer *text = &sink->text;

	top_lines_clear(&sink->lines);
	buffer_put(text, sink->command.data, sink->command.len);
	add_text(sink, text);
	buffer_string(text, sink->copied ? "\nIt is in the terminal's clipboard, if the terminal allows it. "
					 : "\n");
	buffer_string(text, "As one line it comes when hark ends.\n");
	add_text(sink, text);
}
