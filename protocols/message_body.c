/* SPDX-License-Identifier: Apache-2.0 */
#include "message_body.h"

bool message_body_add(struct message *message, struct bytes *kept, struct slice bytes, size_t limit_bytes)
{
	struct slice fits = slice_take(bytes, limit_bytes - kept->len);
	bool whole = bytes_append(kept, fits, limit_bytes) == 0 && fits.len == bytes.len;

	if (!whole)
		message->flags |= FLAG_TRUNCATED;
	message->body = bytes_slice(kept);
	return whole;
}

bool message_body_end(struct message *message, struct bytes *kept)
{
	struct slice body = bytes_slice(kept);
	size_t limit = message->arena.limit_bytes;
	bool copied;

	message->body = slice_of(NULL, 0);
	if (limit && body.len > limit - message->arena.used_bytes) {
		body = slice_take(body, (limit - message->arena.used_bytes) / 16 * 16);
		message->flags |= FLAG_TRUNCATED;
	}
	copied = body.len == 0 || arena_copy(&message->arena, body, &message->body) == 0;
	if (!copied)
		message->flags |= FLAG_TRUNCATED;
	bytes_fini(kept);
	return copied;
}
