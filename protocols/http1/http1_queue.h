/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests whose response is still to come, first in, first out, bounded. Only
 * what the response parser and an upgrade need of each is kept.
 */
#ifndef HARK_HTTP1_QUEUE_H
#define HARK_HTTP1_QUEUE_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http1_method {
	METHOD_OTHER,
	METHOD_HEAD,	/* its response has no body (RFC 9112, 6.3) */
	METHOD_CONNECT, /* a 2xx makes a tunnel of the connection */
};

struct http1_request {
	enum http1_method method;
	bool guess;	   /* not proven to be a request when it was queued (http1_evidence.h) */
	uint64_t first_ns; /* of its first byte */
	uint32_t hand;	   /* who moved that byte (protocol_handler.hand) */
	bool head_done;
	unsigned int doubt;	       /* flags of its pair, which is not proven; 0: it is certain */
	const struct message *message; /* while it is under way; else NULL. Not the queue's */
	struct message *asked; /* of a request that wants to leave HTTP/1: a copy of what counts; else NULL */
};

struct http1_queue {
	struct http1_request *items; /* a ring of capacity items */
	size_t first, count, capacity, limit;
	size_t asked_bytes; /* the memory of all `asked` */
};

/* Empty, for at most limit requests (at least one). Cannot fail. */
void http1_queue_init(struct http1_queue *queue, size_t limit);
void http1_queue_fini(struct http1_queue *queue);

/* Appends a request without `asked`. -ENOMEM; never called on a full queue. */
int http1_queue_push(struct http1_queue *queue, struct http1_request request);

/* The n-th oldest one, from 0 on, borrowed until the next change; NULL: there are not so many. */
static inline struct http1_request *http1_queue_at(const struct http1_queue *queue, size_t n)
{
	return n < queue->count ? &queue->items[(queue->first + n) % queue->capacity] : NULL;
}

/* The newest one if it is this message's, which is under way; else NULL. */
struct http1_request *http1_queue_find(const struct http1_queue *queue, const struct message *message);

/* The request, one of the queue's without `asked`, is given it. */
void http1_queue_ask(struct http1_queue *queue, struct http1_request *request, struct message *asked);

/* Removes the newest one and what it owns. Never called on an empty queue. */
void http1_queue_drop_newest(struct http1_queue *queue);

/* Removes the oldest one; the caller owns its `asked`. Never called on an empty queue. */
struct http1_request http1_queue_pop(struct http1_queue *queue);

#endif
