/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that comes in pieces. At most HTTP1_LINE_LIMIT_BYTES of it are kept;
 * the rest is counted.
 */
#ifndef HARK_HTTP1_BUFFER_H
#define HARK_HTTP1_BUFFER_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP1_LINE_TAIL_BYTES 16 /* a version and a line end lie in it */

struct http1_line {
	uint8_t *bytes;
	size_t len, capacity;
	bool overflow;			     /* beyond the limit: the bytes are the first part */
	uint8_t tail[HTTP1_LINE_TAIL_BYTES]; /* the last bytes, with overflow */
	uint64_t first_ns;		     /* when its first byte came */
	uint64_t size;			     /* with what overflowed */
};

/*
 * Appends up to the first LF; *whole: it was there. Returns how many bytes were
 * taken, all of them of this line; 0: out of memory.
 */
size_t http1_line_add(struct http1_line *line, struct slice bytes, uint64_t time_ns, bool *whole);

/* The kept bytes without the line end, borrowed. */
struct slice http1_line_text(const struct http1_line *line);

/* Empties the line; a large buffer is given back. */
void http1_line_clear(struct http1_line *line);

#endif
