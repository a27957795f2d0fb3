/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the HTTP/3 decoder, shared by its files alone: http3.c calls http3_stream.c, never the other way.
 */
#ifndef HARK_HTTP3_CONNECTION_H
#define HARK_HTTP3_CONNECTION_H

#include "bytes.h"
#include "http3_frame.h"
#include "protocol.h"
#include "qpack.h"

#define HASH_NONFATAL_OOM	    1
#define uthash_nonfatal_oom(stream) ((stream)->unlisted = true)
#include <uthash.h>

#define HTTP3_BLOCKED_MAX 128 /* streams of a direction whose sections wait; peers allow 100 as a rule */

/* Whose bytes a direction of a stream carries. */
enum http3_use {
	USE_UNTYPED,  /* the type of a unidirectional stream is to come */
	USE_MESSAGES, /* of a request stream */
	USE_CONTROL,
	USE_ENCODER,
	USE_PASSED, /* nobody follows them: of no interest, or not to be understood */
};

enum http3_half_state {
	HALF_AWAITED, /* the head is */
	HALF_OPEN,    /* the message is under way */
	HALF_ENDED,
};

/* Was the direction of the stream seen from its first byte? */
enum http3_start {
	START_SEEN,
	START_DOUBTED, /* maybe not: its first frame must prove it */
};

/* One direction of a stream. */
struct http3_half {
	enum http3_use use;
	enum http3_half_state state;
	enum http3_start start;
	struct http3_frames frames;
	struct bytes section; /* of a HEADERS or SETTINGS frame under way, or one that waits for its table */
	bool cut;	      /* it is too long to be kept */
	bool waits;	      /* the section is whole, and insertions that it needs have not come */
	struct bytes behind;  /* what came meanwhile, */
	uint64_t behind_ns;   /* the last of it then */
	bool behind_ends;     /* and the end */
	struct message *message; /* exactly in HALF_OPEN */
	bool provisional;	 /* its status is unknown, so it may be an interim one: nobody was told */
	bool body_cut;		 /* no more of the body can be kept */
	struct bytes body;	 /* what is kept of it */
	uint64_t losses;	 /* the side's count that it was marked up to */
	size_t held_bytes;	 /* as counted in the connection's */
};

struct http3_stream {
	uint64_t id;
	bool unlisted;
	struct http3_half half[2]; /* by enum event_direction */
	UT_hash_handle hh;
};

/* One direction of the connection. */
struct http3_side {
	struct qpack *qpack; /* of what is sent that way */
	bool joined_late, had_loss;
	/*
	 * Since streams may have been missed, the highest that proved its beginning. The client opens them in
	 * order, so those above it began later; what proves itself below may be a body's text.
	 */
	bool proven;
	uint64_t proven_id;
	bool streams_missed;		     /* streams may have begun unseen, or are not followed */
	bool table_allowed;		     /* the SETTINGS of the other direction came */
	uint64_t losses;		     /* of bytes of nobody knows which streams */
	uint64_t inserts_read;		     /* qpack_inserts() when those that wait were tried last */
	uint64_t waiting[HTTP3_BLOCKED_MAX]; /* ids of the streams that do */
	size_t waiting_count;
};

struct protocol {
	struct protocol_config config;
	struct protocol_handler handler;
	enum protocol_role role;
	struct http3_side side[2]; /* by enum event_direction */
	struct http3_stream *streams;
	size_t open_messages;
	size_t held_bytes; /* by the streams */
};

/* Some of a stream's direction, in its place. */
struct http3_place {
	struct protocol *protocol;
	struct http3_stream *stream;
	struct http3_half *half;
	enum event_direction direction;
	uint64_t time_ns;
};

static inline struct http3_side *http3_place_side(const struct http3_place *place)
{
	return &place->protocol->side[place->direction];
}

size_t http3_memory(const struct protocol *protocol);

/* The half's buffers changed: counts them anew. */
void http3_half_weigh(struct protocol *protocol, struct http3_half *half);

/*
 * The section in half->section is whole. 0; -EAGAIN: it waits for its table; -ENODATA: it shows that the
 * stream's beginning was not seen, or cannot be told whose it is: nothing of this direction is to be
 * followed. now: what it refers to in a table that is not there is unknown, nothing waits.
 */
int http3_section_take(const struct http3_place *place, bool now);

/* Bytes of the body; data NULL: so many are missing. */
void http3_body_take(const struct http3_place *place, struct slice bytes);

/* The message ends, with these flags; nothing under way is legal. */
void http3_message_end(const struct http3_place *place, unsigned int flags);

/* Bytes of the message are missing, and nobody knows which. */
void http3_message_doubt(const struct protocol *protocol, struct http3_half *half);

#endif
