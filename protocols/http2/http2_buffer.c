/* SPDX-License-Identifier: Apache-2.0 */
/* Grows by doubling, so that appending byte by byte costs no more than appending at once. */
#include "http2_buffer.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256

int http2_buffer_append(struct http2_buffer *buffer, struct slice bytes, size_t limit_bytes)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
	uint8_t *grown;

	if (bytes.len == 0)
		return 0;
	if (buffer->len > limit_bytes || bytes.len > limit_bytes - buffer->len)
		return -EMSGSIZE;
	while (capacity - buffer->len < bytes.len)
		capacity *= 2;
	if (capacity != buffer->capacity) {
		grown = realloc(buffer->bytes, capacity);
		if (!grown)
			return -ENOMEM;
		buffer->bytes = grown;
		buffer->capacity = capacity;
	}
	memcpy(buffer->bytes + buffer->len, bytes.data, bytes.len);
	buffer->len += bytes.len;
	return 0;
}

void http2_buffer_drop(struct http2_buffer *buffer, size_t n)
{
	if (n == 0)
		return;
	memmove(buffer->bytes, buffer->bytes + n, buffer->len - n);
	buffer->len -= n;
}

void http2_buffer_fini(struct http2_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct http2_buffer){ 0 };
}
