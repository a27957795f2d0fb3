/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of scrub.c and scrub_flow.c: events that wait, and the layers that they belong to. */
#ifndef HARK_SCRUB_FLOW_H
#define HARK_SCRUB_FLOW_H

#include "base/heap.h"
#include "base/table.h"
#include "decode/held.h"
#include "event.h"
#include "model/tls_key.h"
#include "scrub.h"
#include "scrub_cuts.h"
#include "scrub_frames.h"
#include "scrub_http1.h"

#define SCRUB_WAIT_NS UINT64_C(1000000000)

/* An event, and how far it is. */
struct scrub_item {
	struct heap_node node;			  /* while it is ahead */
	uint64_t number;			  /* in order of arrival */
	struct scrub_item *prev, *next;		  /* of all, in order of arrival */
	struct scrub_item *side_prev, *side_next; /* of its direction, while it waits */
	bool ready;
	uint64_t missing; /* bytes before it, lost while nobody knew what the direction is */
	bool turn;	  /* the other direction moved between it and the one before, and all of it is text */
	struct scrub_cuts cuts;
	union {
		struct event_header header;
		struct event_data data;
	} event; /* with its payload behind it */
};

enum scrub_kind {
	SCRUB_UNDETERMINED,
	SCRUB_TEXT,   /* HTTP/1, or text that is kept */
	SCRUB_FRAMES, /* HTTP/2 */
	SCRUB_CIPHER, /* TLS records: nothing to hide */
	SCRUB_DROP,
};

struct scrub_side {
	enum scrub_kind kind;
	bool started, from_start;
	uint64_t next;		  /* the position that is due */
	struct heap ahead;	  /* of struct scrub_item, behind missing bytes, by position */
	struct scrub_item *taken; /* in order; wait for a verdict or for the rest of a block */
	bool is_missing;	  /* the position that is due, since missing_poll */
	uint64_t missing_poll;
	struct held judged; /* the bytes of `taken` while undetermined */
	size_t plain;	    /* bytes of a PROXY preface, which come before the protocol */
	uint64_t since_ns;  /* of the first of `taken` */
	uint64_t last_ns;   /* of its last record */
	uint64_t missing;   /* as of the next item */
	bool binary;	    /* not all of it was text */
	struct scrub_http1 http1;
	struct scrub_frames *frames;
};

struct scrub_key {
	uint64_t socket;
	struct tls_key session;
};

struct scrub_flow {
	struct scrub_key key;
	struct scrub_side side[2];
	const struct scrub_config *config;
	bool http; /* has been seen: only a start line begins a message */
	UT_hash_handle hh;
	struct scrub_flow *prev, *next; /* by last use, oldest first */
	/* scrub.c's. */
	struct scrub_flow *gap_prev, *gap_next; /* of those with missing bytes */
	bool gap_listed;
	struct scrub_flow *wait_prev, *wait_next; /* of those that wait */
	bool wait_listed;
	uint64_t wait_ns;  /* since when */
	size_t held_bytes; /* as counted there */
};

struct scrub_flow *scrub_flow_new(const struct scrub_key *key, const struct scrub_config *config);
/* Nothing may wait. NULL is legal. */
void scrub_flow_free(struct scrub_flow *flow);

/* Takes an item of this direction, which becomes ready now or later. */
void scrub_flow_take(struct scrub_flow *flow, struct scrub_item *item, uint64_t poll);

/* Unmeasured bytes passed. */
void scrub_flow_unknown(struct scrub_flow *flow, enum event_direction direction);

/*
 * A poll passed at this time: missing bytes that will not come, and
 * verdicts that do not, are given up on.
 */
void scrub_flow_poll(struct scrub_flow *flow, uint64_t poll, uint64_t now_ns);

/* Everything that waits becomes ready, unjudged bytes cut out. */
void scrub_flow_force(struct scrub_flow *flow);

/* The memory that it takes, without the items. */
size_t scrub_flow_memory(const struct scrub_flow *flow);

/* Does something wait, behind missing bytes or for a verdict? Polls give it up in time. */
bool scrub_flow_waits(const struct scrub_flow *flow);
/* Does something wait behind missing bytes? Their grace is counted in polls. */
bool scrub_flow_is_missing(const struct scrub_flow *flow);

#endif
