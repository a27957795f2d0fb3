/* SPDX-License-Identifier: Apache-2.0 */
#include "upload_queue.h"

#include <errno.h>
#include <stdlib.h>

int upload_queue_add(struct upload_queue *queue, const struct upload_message *message, struct slice bytes,
		     uint64_t now_ns)
{
	struct upload_chunk *chunk = malloc(sizeof(*chunk) + bytes.len);

	if (!chunk)
		return -ENOMEM;
	*chunk = (struct upload_chunk){
		.taken_ns = now_ns,
		.endpoint = message->endpoint,
		.items = message->items,
		.len = bytes.len,
	};
	if (bytes.len)
		memcpy(chunk->bytes, bytes.data, bytes.len);
	if (queue->last)
		queue->last->next = chunk;
	else
		queue->first = chunk;
	queue->last = chunk;
	queue->bytes += bytes.len;
	return 0;
}

void upload_queue_drop(struct upload_queue *queue)
{
	struct upload_chunk *chunk = queue->first;

	queue->first = chunk->next;
	if (!queue->first)
		queue->last = NULL;
	queue->bytes -= chunk->len;
	free(chunk);
}
