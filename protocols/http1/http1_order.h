/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of one HTTP/1 connection, as far as it is known: does the next
 * response answer the oldest request that waits? A pure state machine over
 * events; who queues, pairs and flags acts on what it says (http1_messages.c).
 */
#ifndef HARK_HTTP1_ORDER_H
#define HARK_HTTP1_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http1_order_state {
	ORDER_KNOWN,	   /* the next response answers the oldest request that waits */
	ORDER_JOINED_LATE, /* joined late: requests that nobody saw may be unanswered */
	ORDER_FRAMING,	 /* less was lost than a request is long: the next one, if it begins right behind, is
			    the next */
	ORDER_OWED,	 /* requests were lost, and no answer to them has begun */
	ORDER_PASSED,	 /* the same, and another request went by */
	ORDER_ANSWERED,	 /* a client that waits has all its answers when its next request begins */
	ORDER_TRIAL,	 /* such a request waits: the response that comes without another one proves it */
	ORDER_SUSPECTED, /* what was lost, or came, is more than a client that waits explains */
	ORDER_PIPELINED, /* lost something of a client that does not wait: no quiet point shows */
	ORDER_STATES,
};

enum http1_order_event {
	ORDER_REQUEST,	     /* a request begins */
	ORDER_ANSWER,	     /* a response begins; the oldest request that waits began before it */
	ORDER_STRAY,	     /* a response begins, and no request that was seen waits for it */
	ORDER_LOSE_REQUESTS, /* requests may be missing from here on, and none was answered yet */
	ORDER_LOSE_ANSWERED, /* the same, and an answer to one of them has come before */
	ORDER_LOSE_ANSWERS,  /* responses may be missing from here on */
	ORDER_SUSPECT,
	ORDER_PROVE, /* a request left before the answer to the one before it came */
	ORDER_EVENTS,
};

struct http1_order {
	enum http1_order_state state;
	unsigned int why; /* of the doubt, and of a response without a partner: FLAG_LATE_JOINED, FLAG_GAP */
	unsigned int unproven;	/* why requests may have been missed, until the client is seen to wait, */
	unsigned int proof;	/* so many times more */
	unsigned int tried;	/* why pairs were tried since the last quiet point, proven or not */
	size_t open;		/* requests without an answer when responses were lost */
	bool pipelines;		/* proven */
	bool sure;		/* what was lost held at least one whole request */
	unsigned int strays;	/* since a request began, or responses were lost */
	unsigned int alternate; /* exchanges in a row in which the client was seen to wait */
	size_t passed;		/* requests that went by while an answer was owed */
	uint64_t passed_ns;	/* when the first of them began */
};

/* flag says why there is doubt from the beginning; 0: there is none. */
void http1_order_init(struct http1_order *order, unsigned int flag);

/* The beginning was lost, not older than hark: the first pair may not be one. Right after init. */
void http1_order_distrust(struct http1_order *order);

/*
 * A request begins. True: it may be queued, and its answer paired; *flags then says what the exchange is
 * flagged with, else what the request is.
 */
bool http1_order_request(struct http1_order *order, uint64_t first_ns, unsigned int *flags);

/* Nothing waits, and nothing moved for so long that nothing is outstanding. */
void http1_order_quiet(struct http1_order *order);

/* The request that begins does so behind the whole answer to the one before it, of which nobody doubts. */
void http1_order_waited(struct http1_order *order);

/* For certain the client does not wait. True: what is queued cannot be paired any more. */
bool http1_order_prove(struct http1_order *order);

/* A response begins, and the oldest queued request began before it. second_begun: another one had by then;
 * last: no other is queued. True: the two are a pair; false: nothing that is queued can be paired any more.
 */
bool http1_order_answer(struct http1_order *order, bool second_begun, bool last);

/* A response begins that answers no queued request. contiguous: no search led to it. */
void http1_order_stray(struct http1_order *order, bool contiguous);

/*
 * whole: the loss held at least one whole request; most: and so many at most, HOLE_UNKNOWN_SIZE when nobody
 * knows, 0 when no byte was lost, only the framing; answered: all requests that were seen are. True: what is
 * queued cannot be paired any more.
 */
bool http1_order_lose_requests(struct http1_order *order, bool whole, uint64_t most, bool answered);

/*
 * Less was lost than a request is long, inside of one or (inside: false) at a message border. True: as above.
 */
bool http1_order_lose_framing(struct http1_order *order, bool inside, bool answered);

/* The request that begins does not stand right behind such a loss. True: as above. */
bool http1_order_part(struct http1_order *order, bool answered);

/* open: requests without a whole answer, none of which can be paired any more. */
void http1_order_lose_answers(struct http1_order *order, size_t open);

#endif
