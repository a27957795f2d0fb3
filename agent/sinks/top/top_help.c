/* SPDX-License-Identifier: Apache-2.0 */
/* The page of the keys and the columns. */
#include "top.h"

#define KEYS_WIDTH 27
#define WIDE_MIN   60 /* columns from which on keys and words stand beside each other */

static const struct {
	const char *title, *words;
} column_helps[] = {
	{ "TIME%", "share of the time that all exchanges took together" },
	{ "RATE/s", "exchanges a second" },
	{ "OPEN", "in flight now" },
	{ "ERR%", "4xx, 5xx, reset, timed out" },
	{ "P50 P99",
	  "of the time from the first byte of the request to the last of the answer (within 0.8 %)" },
	{ "TTFB", "to the first byte of the answer, median" },
	{ "NEW%", "exchanges that were the first on a new connection, of the whole run" },
	{ "TLS-HS", "how long the TLS handshake took" },
	{ "rate, p99", "of the last seconds, one character each" },
	{ "{id} {hash} ..", "stands for a segment of the path that differs from request to request" },
	{ "LOST", "what hark wanted to see and could not" },
};

static void add_help(struct sink *sink, const char *what, const char *words)
{
	size_t columns = (size_t)sink->screen.columns, indent = columns < WIDE_MIN ? 2 : KEYS_WIDTH;
	struct top_lines *lines = &sink->lines;
	struct buffer *text = &lines->text;
	size_t start = text->len;

	buffer_string(text, what);
	if (columns < WIDE_MIN) {
		top_lines_add(lines, start, TOP_BOLD);
		start = text->len;
		buffer_string(text, "  ");
	}
	while (text->len - start < indent && !text->failed)
		buffer_char(text, ' ');
	buffer_string(text, words);
	top_lines_wrap(lines, start, columns, indent, TOP_PLAIN);
}

void top_help_lines(struct sink *sink)
{
	top_lines_clear(&sink->lines);
	for (size_t i = 0; i < sink->key_count; i++)
		if (sink->keys[i].help)
			add_help(sink, sink->keys[i].help_keys, sink->keys[i].help);
	add_help(sink, "", "");
	for (size_t i = 0; i < sizeof(column_helps) / sizeof(column_helps[0]); i++)
		add_help(sink, column_helps[i].title, column_helps[i].words);
}
