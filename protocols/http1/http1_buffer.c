/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_buffer.h"

#include "http1_line.h"

#include <stdlib.h>

#define LINE_KEEP_BYTES 4096 /* idle connections are many: only small buffers stay */

static bool line_reserve(struct http1_line *line, size_t needed)
{
	size_t capacity = line->capacity ? line->capacity : 256;
	uint8_t *bytes;

	while (capacity < needed)
		capacity *= 2;
	if (capacity == line->capacity)
		return true;
	bytes = realloc(line->bytes, capacity);
	if (!bytes)
		return false;
	line->bytes = bytes;
	line->capacity = capacity;
	return true;
}

/* The line goes on with these bytes, which are not kept. */
static void line_overflow(struct http1_line *line, struct slice bytes)
{
	size_t keep = sizeof(line->tail);

	if (!line->overflow)
		memcpy(line->tail, line->bytes + line->len - keep, keep);
	line->overflow = true;
	if (bytes.len < keep) {
		memmove(line->tail, line->tail + bytes.len, keep - bytes.len);
		memcpy(line->tail + keep - bytes.len, bytes.data, bytes.len);
		return;
	}
	memcpy(line->tail, bytes.data + bytes.len - keep, keep);
}

size_t http1_line_add(struct http1_line *line, struct slice bytes, uint64_t time_ns, bool *whole)
{
	const uint8_t *lf = memchr(bytes.data, '\n', bytes.len);
	size_t n = lf ? (size_t)(lf - bytes.data) + 1 : bytes.len;
	size_t room = HTTP1_LINE_LIMIT_BYTES - line->len;

	*whole = lf != NULL;
	if (!line->size)
		line->first_ns = time_ns;
	if (n < room)
		room = n;
	if (!line_reserve(line, line->len + room))
		return 0;
	if (room)
		memcpy(line->bytes + line->len, bytes.data, room);
	line->len += room;
	if (n > room)
		line_overflow(line, slice_of(bytes.data + room, n - room));
	line->size += n;
	return n;
}

struct slice http1_line_text(const struct http1_line *line)
{
	return http1_line_strip(slice_of(line->bytes, line->len));
}

void http1_line_clear(struct http1_line *line)
{
	if (line->capacity > LINE_KEEP_BYTES) {
		free(line->bytes);
		line->bytes = NULL;
		line->capacity = 0;
	}
	line->len = 0;
	line->size = 0;
	line->overflow = false;
}
