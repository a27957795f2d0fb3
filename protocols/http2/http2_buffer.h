/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a limit: partial frames, header blocks, bytes
 * that wait for a frame border. A zeroed struct is an empty buffer.
 */
#ifndef HARK_HTTP2_BUFFER_H
#define HARK_HTTP2_BUFFER_H

#include "slice.h"

struct http2_buffer {
	uint8_t *bytes;
	size_t len, capacity;
};

/* 0; -EMSGSIZE: it would pass limit_bytes; -ENOMEM. After an error the buffer is as before. */
int http2_buffer_append(struct http2_buffer *buffer, struct slice bytes, size_t limit_bytes);

/* Drops the first n bytes; n <= len. */
void http2_buffer_drop(struct http2_buffer *buffer, size_t n);

/* Frees the bytes; the buffer is empty and usable. */
void http2_buffer_fini(struct http2_buffer *buffer);

/* Borrowed until the buffer changes. */
static inline struct slice http2_buffer_slice(const struct http2_buffer *buffer)
{
	return slice_of(buffer->bytes, buffer->len);
}

#endif
