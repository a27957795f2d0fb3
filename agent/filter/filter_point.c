/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_point.h"

#include "base/escape.h"

#define TEXT_MAX 1000

/* Characters, which is columns for nearly all that people write. */
static size_t columns_of(const struct buffer *text, size_t start)
{
	size_t columns = 0;

	for (size_t i = start; i < text->len; i++)
		columns += (text->data[i] & 0xc0) != 0x80;
	return columns;
}

void filter_point(struct buffer *out, const char *text, const struct filter_error *error)
{
	struct slice all = slice_of_string(text), wrong = slice_take(slice_drop(all, error->at), error->len);
	size_t start, from, to;

	escape_text(out, slice_of_string(error->message), true);
	if (error->bare && error->guess[0]) {
		buffer_string(out, "; did you mean ");
		escape_text(out, slice_of_string(error->guess), true);
		buffer_char(out, '?');
	}
	buffer_char(out, '\n');
	if (all.len > TEXT_MAX)
		return;
	start = out->len;
	escape_text(out, slice_take(all, error->at), true);
	from = columns_of(out, start);
	escape_text(out, wrong, true);
	to = columns_of(out, start);
	escape_text(out, slice_drop(all, error->at + error->len), true);
	buffer_char(out, '\n');
	for (size_t i = 0; i < to || i == from; i++)
		buffer_char(out, i < from ? ' ' : '^');
	buffer_char(out, '\n');
}
