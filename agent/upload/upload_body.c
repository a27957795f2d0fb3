/* SPDX-License-Identifier: Apache-2.0 */
#include "upload_body.h"

#include <zlib.h>

#define LEVEL 1 /* three times as fast as the usual one, for a tenth more bytes */
#define GZIP  (15 + 16)
#define PIECE 65536

/* All of the input, and with Z_FINISH the end of the stream. */
static bool pack(z_stream *stream, struct buffer *out, struct slice bytes, int flush)
{
	int result = Z_OK;

	stream->next_in = (Bytef *)bytes.data;
	stream->avail_in = (uInt)bytes.len;
	do {
		if (!buffer_room(out, PIECE))
			return false;
		stream->next_out = (Bytef *)out->data + out->len;
		stream->avail_out = PIECE;
		result = deflate(stream, flush);
		out->len += PIECE - stream->avail_out;
	} while (result == Z_OK && stream->avail_out == 0);
	return result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END;
}

uint64_t upload_body_take(struct upload_body *body, struct upload_queue *queue)
{
	z_stream stream = { .zalloc = NULL };
	bool whole = deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) == Z_OK;
	uint64_t lost;
	size_t len = 0;

	upload_body_clear(body);
	body->endpoint = queue->first->endpoint;
	do {
		const struct upload_chunk *chunk = queue->first;

		whole = whole && pack(&stream, &body->packed, slice_of(chunk->bytes, chunk->len), Z_NO_FLUSH);
		body->items += chunk->items;
		len += chunk->len;
		upload_queue_drop(queue);
	} while (queue->first && queue->first->endpoint == body->endpoint &&
		 len + queue->first->len <= UPLOAD_BODY_BYTES);
	whole = whole && pack(&stream, &body->packed, slice_of(NULL, 0), Z_FINISH);
	(void)deflateEnd(&stream);
	if (whole)
		return 0;
	lost = body->items;
	upload_body_clear(body);
	return lost;
}

struct slice upload_body_bytes(const struct upload_body *body)
{
	return slice_of(body->packed.data, body->packed.len);
}

void upload_body_clear(struct upload_body *body)
{
	buffer_clear(&body->packed);
	body->items = 0;
}

void upload_body_fini(struct upload_body *body)
{
	buffer_fini(&body->packed);
}
