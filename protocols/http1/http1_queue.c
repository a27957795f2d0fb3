/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_queue.h"

#include <errno.h>
#include <stdlib.h>

void http1_queue_init(struct http1_queue *queue, size_t limit)
{
	*queue = (struct http1_queue){ .limit = limit ? limit : 1 };
}

void http1_queue_fini(struct http1_queue *queue)
{
	while (queue->count)
		message_free(http1_queue_pop(queue).asked);
	free(queue->items);
	http1_queue_init(queue, queue->limit);
}

static int queue_grow(struct http1_queue *queue)
{
	size_t capacity = queue->capacity ? queue->capacity * 2 : 1; /* few clients pipeline */
	struct http1_request *items = calloc(capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < queue->count; i++)
		items[i] = queue->items[(queue->first + i) % queue->capacity];
	free(queue->items);
	queue->items = items;
	queue->capacity = capacity;
	queue->first = 0;
	return 0;
}

int http1_queue_push(struct http1_queue *queue, struct http1_request request)
{
	if (queue->count == queue->capacity && queue_grow(queue) < 0)
		return -ENOMEM;
	queue->items[(queue->first + queue->count++) % queue->capacity] = request;
	return 0;
}

void http1_queue_ask(struct http1_queue *queue, struct http1_request *request, struct message *asked)
{
	queue->asked_bytes += message_memory(asked);
	request->asked = asked;
}

struct http1_request *http1_queue_find(const struct http1_queue *queue, const struct message *message)
{
	struct http1_request *newest = http1_queue_at(queue, queue->count - 1);

	return newest && newest->message == message ? newest : NULL;
}

void http1_queue_drop_newest(struct http1_queue *queue)
{
	struct message *asked = http1_queue_at(queue, queue->count - 1)->asked;

	queue->count--;
	queue->asked_bytes -= message_memory(asked);
	message_free(asked);
}

struct http1_request http1_queue_pop(struct http1_queue *queue)
{
	struct http1_request request = queue->items[queue->first];

	queue->first = (queue->first + 1) % queue->capacity;
	queue->count--;
	queue->asked_bytes -= message_memory(request.asked);
	return request;
}
