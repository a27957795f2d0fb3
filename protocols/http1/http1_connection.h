/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1 connection: what http1.c (bytes, role, waiting) and
 * http1_messages.c (which response answers which request) share. Nobody else includes this.
 */
#ifndef HARK_HTTP1_CONNECTION_H
#define HARK_HTTP1_CONNECTION_H

#include "http1_hold.h"
#include "http1_order.h"
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

	struct http1_order order;
	enum http1_method method;   /* of the request under way */
	const struct message *told; /* a request whose head was told before it was complete */
	unsigned int missed;	    /* why the requests of responses that begin now were not seen */
	bool matched;		    /* the response under way answers the front of the queue */
	size_t cut;		    /* requests whose answer was cut and not yet told as lost */
	uint64_t owed;		    /* empty responses that memory was short for */
	uint64_t beyond;      /* requests behind all queued ones that found no room: they are only counted */
	uint64_t answered_ns; /* when the last whole pair ended */
	uint64_t asked_ns;    /* when the last request ended, */
	uint64_t asked_feed;  /* and the feed that it ended in */
	uint64_t requests_ns; /* all bytes of requests that moved before this were fed */
	uint32_t requests_hand; /* who moved the ones that tell */
	uint64_t lost_size;	/* of the hole that is being told; 0: framing was lost otherwise */
	uint64_t smallest;	/* head of a request so far; 0: none */
	bool lost_border;	/* and it began at a message border, */
	bool lost_begun;	/* or inside of a start line, */
	bool lost_inside;	/* or inside of a message */

	uint64_t moved_ns;  /* when the last bytes moved, or the connection was first seen */
	uint64_t feeds;	    /* runs of bytes that moved at one time, so far */
	uint32_t hand;	    /* who moved the bytes that are being fed; 0: not known */
	bool rested[2];	    /* nothing had moved for long before the bytes that wait for the role */
	bool lossy[2];	    /* bytes were lost while the role was not known */
	bool awaiting;	    /* the last queued request asked to leave HTTP/1: the client's bytes wait */
	bool waited;	    /* the response in front of its hold waits no longer for a request */
	unsigned int ticks; /* while it waits */
	bool left;	    /* upgrade() was called */
	bool proven;	    /* a request and its answer agreed: this is HTTP/1 (http1_evidence.h) */
	bool refuted;	    /* it is not; nothing is taken any more */
	bool moved;
	enum event_direction moved_last; /* whose turn it is */
	bool no_memory;
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

/*
 * True when a response of this time and hand began before a request of that time and hand, so that it cannot
 * be its answer. Two threads of a client may be seen in the wrong order by a little.
 */
bool http1_before(const struct protocol *http1, uint64_t response_ns, uint32_t response_hand,
		  uint64_t request_ns, uint32_t request_hand);

/* The hooks by which the parsers ask and tell; ctx is the connection. */
struct http1_hooks http1_message_hooks(struct protocol *http1);

#endif
