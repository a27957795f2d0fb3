/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1 connection: what http1.c (bytes, role, waiting) and http1_order.c
 * (which response answers which request) share. Nobody else includes this.
 */
#ifndef HARK_HTTP1_CONNECTION_H
#define HARK_HTTP1_CONNECTION_H

#include "http1_hold.h"
#include "http1_parser.h"
#include "http1_queue.h"
#include "protocol.h"

struct protocol {
	struct protocol_config config;
	struct protocol_handler handler;
	struct http1_hooks hooks;
	enum protocol_role role;
	struct http1_parser parser[2]; /* by direction */
	struct http1_hold hold[2];
	struct http1_queue queue;

	bool unsure;		   /* see above */
	unsigned int unsure_flags; /* why: FLAG_LATE_JOINED, FLAG_GAP */
	bool pipelined;		   /* the client was seen to pipeline */
	bool trial;		   /* no longer unsure, but no response has confirmed it */
	bool answer_due;	   /* requests were lost, and no response came since */
	bool lossy[2];		   /* bytes were lost while the role was not known */
	uint64_t feeds, head_feed; /* counts feed(); that of the last request head */
	bool matched;		   /* the response under way answers the front of the queue */
	uint64_t owed;		   /* empty responses that memory was short for */
	uint64_t beyond; /* requests that the full queue had no room for: answered behind all queued ones */
	bool awaiting;	 /* the last queued request asked to leave HTTP/1: the client's bytes wait */
	bool give_up;	 /* no longer wait for a request */
	bool left;	 /* upgrade() was called */

	bool proven;  /* a request and its answer agreed: this is HTTP/1 (http1_evidence.h) */
	bool refuted; /* it is not; nothing is taken any more */
	bool moved;
	enum event_direction moved_last; /* whose turn it is */
	bool no_memory;
	unsigned int ticks;
	uint64_t now_ns;
};

static inline enum event_direction request_direction(const struct protocol *http1)
{
	return http1->role == ROLE_CLIENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
}

static inline struct http1_parser *request_parser(struct protocol *http1)
{
	return &http1->parser[request_direction(http1)];
}

static inline struct http1_parser *response_parser(struct protocol *http1)
{
	return &http1->parser[!request_direction(http1)];
}

/* Counts; n may be 0. */
static inline void http1_note(struct protocol *http1, enum protocol_note note, uint64_t n)
{
	if (n)
		http1->handler.note(http1->handler.ctx, note, n);
}

/* From here on it is not known which response answers which request; flag says why. */
void http1_order_doubt(struct protocol *http1, unsigned int flag);

/* The hooks by which the parsers ask and tell; ctx is the connection. */
struct http1_hooks http1_order_hooks(struct protocol *http1);

#endif
