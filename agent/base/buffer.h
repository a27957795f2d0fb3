/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of text: sinks build a line in it and write it with one call.
 * When memory is out the buffer is marked failed, and buffer_write() drops the
 * whole line and counts it: half a line is never written.
 */
#ifndef HARK_BUFFER_H
#define HARK_BUFFER_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct buffer { /* all zero: empty and usable */
	char *data;
	size_t len, capacity;
	bool failed; /* something is missing */
};

/* Frees the memory; the buffer is empty and usable afterwards. */
void buffer_fini(struct buffer *buffer);

/* Makes room for n more bytes. False: out of memory, the buffer is marked failed. */
bool buffer_grow(struct buffer *buffer, size_t n);

/* Writes everything with one fwrite and empties the buffer, also after a failure. 0 or -errno; counted. */
int buffer_write(struct buffer *buffer, FILE *out);

void buffer_u64(struct buffer *buffer, uint64_t value);
/* Nanoseconds as decimal milliseconds with six digits: "0.340000". */
void buffer_ms(struct buffer *buffer, uint64_t ns);
/* Exactly `digits` decimal digits, zeros in front. */
void buffer_digits(struct buffer *buffer, uint64_t value, unsigned int digits);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool buffer_room(struct buffer *buffer, size_t n)
{
	return buffer->capacity - buffer->len >= n || buffer_grow(buffer, n);
}

static inline void buffer_put(struct buffer *buffer, const void *bytes, size_t n)
{
	if (n == 0 || !buffer_room(buffer, n))
		return;
	memcpy(buffer->data + buffer->len, bytes, n);
	buffer->len += n;
}

static inline void buffer_char(struct buffer *buffer, char c)
{
	if (buffer_room(buffer, 1))
		buffer->data[buffer->len++] = c;
}

static inline void buffer_string(struct buffer *buffer, const char *string)
{
	buffer_put(buffer, string, strlen(string));
}

static inline void buffer_clear(struct buffer *buffer)
{
	buffer->len = 0;
	buffer->failed = false;
}

#endif
