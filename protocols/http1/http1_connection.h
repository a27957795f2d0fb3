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

/*
 * Is this HTTP/1 at all (http1_evidence.h)? A request and its answer that agree prove it for good; what
 * contradicts all that spoke for it so far refutes it, and nothing is taken any more.
 */
enum http1_proof {
	HTTP1_UNPROVEN,
	HTTP1_PROVEN,
	HTTP1_REFUTED,
};

/*
 *	                asked                     the answer leaves
 *	STAYS ---------------------------> ASKED -------------------> LEFT
 *	  ^                                  | any other answer, or it is lost
 *	  `----------------------------------'
 *
 * A 101 leaves from STAYS too: nobody saw its request.
 */
enum http1_upgrade {
	HTTP1_UPGRADE_STAYS,
	HTTP1_UPGRADE_ASKED, /* by the newest request that is queued: the client's bytes wait */
	HTTP1_UPGRADE_LEFT,  /* upgrade() was called: nothing is taken any more */
};

/* For how long the response in front of its hold has waited for its request. */
enum http1_patience {
	HTTP1_WAITS,
	HTTP1_WAITS_A_TICK, /* since the tick at waits_ns, for LATE_NS */
	HTTP1_WAITED,	    /* long enough: one response begins without */
};

/* Whose bytes moved last. */
enum http1_whose_turn {
	HTTP1_TURN_NOBODY,
	HTTP1_TURN_SENDER,
	HTTP1_TURN_RECEIVER,
};

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
	uint64_t smallest;	/* head of a request so far; 0: none */
	struct {
		uint64_t size;		/* of the one that is being told; 0: framing was lost otherwise */
		enum http1_place place; /* of the one that was told last */
	} hole;

	uint64_t moved_ns; /* when the last bytes moved, or the connection was first seen */
	uint64_t feeds;	   /* runs of bytes that moved at one time, so far */
	uint32_t hand;	   /* who moved the bytes that are being fed; 0: not known */
	bool rested[2];	   /* nothing had moved for long before the bytes that wait for the role */
	bool lossy[2];	   /* bytes were lost while the role was not known */
	enum http1_proof proof;
	enum http1_upgrade upgrade;
	enum http1_patience patience;
	uint64_t waits_ns;
	enum http1_whose_turn turn;
	bool no_memory;
};

static inline enum event_direction http1_request_direction(const struct protocol *http1)
{
	return http1->role == ROLE_CLIENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
}

static inline struct http1_parser *http1_request_parser(struct protocol *http1)
{
	return &http1->parser[http1_request_direction(http1)];
}

static inline struct http1_parser *http1_response_parser(struct protocol *http1)
{
	return &http1->parser[!http1_request_direction(http1)];
}

/* The hooks by which the parsers ask and tell; ctx is the connection. */
struct http1_hooks http1_message_hooks(struct protocol *http1);

#endif
