/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the HTTP/2 decoder, shared by its files alone. From top to bottom:
 * http2.c, http2_block.c, http2_stream.c, http2_connection.c; none calls one above.
 */
#ifndef HARK_HTTP2_CONNECTION_H
#define HARK_HTTP2_CONNECTION_H

#include "hpack.h"
#include "bytes.h"
#include "http2_wire.h"
#include "protocol.h"

#define PAST_STREAMS  64
#define FIRST_BUCKETS 8

enum http2_half_state {
	HALF_IDLE,   /* nothing of it was seen */
	HALF_UNSEEN, /* a response is under way whose head was missed, and nobody knows its request */
	HALF_OPEN,   /* its message is under way */
	HALF_ENDED,
};

enum http2_half_head {
	HEAD_TOLD,	  /* head() was called */
	HEAD_PROVISIONAL, /* a response of unknown status: it may be an interim one; head() is still to be
			     called */
	HEAD_MISSED,	  /* so nobody is told of it */
};

enum http2_half_keeping {
	BODY_KEPT,    /* where bodies are wanted */
	BODY_CUT,     /* no more of the body can be kept: a hole or the limit */
	BODY_SUSPECT, /* the same, and a loss may have held the message's end */
};

/* One of the two messages of a stream. */
struct http2_half {
	enum http2_half_state state;
	struct message *message;	 /* while open */
	struct bytes body;		 /* what is kept of it, while open */
	size_t held_bytes;		 /* of both, as counted in the connection's */
	enum http2_half_head head;	 /* of the open message, or the one that was */
	enum http2_half_keeping keeping; /* the same */
	bool missed;			 /* ended: nobody was told of it, for all of its head was missed */
};

struct http2_stream {
	uint32_t id;
	bool request_known;	    /* its request was given away, or is under way */
	uint64_t losses[2];	    /* the connection's counts up to which the halves were marked */
	uint64_t request_ns;	    /* first byte of its request; 0: not seen */
	struct http2_half half[2];  /* by enum message_kind */
	struct http2_stream *chain; /* in its bucket */
	struct http2_stream *prev, *next;
};

/* By id, and in the order in which they were added. It needs no memory to take one more, only to stay fast.
 */
struct http2_streams {
	struct http2_stream *first; /* a utlist */
	size_t count;
	struct http2_stream **buckets; /* NULL: first_buckets; else 1 << bits */
	unsigned int bits;
	struct http2_stream *first_buckets[FIRST_BUCKETS];
};

enum http2_past_end {
	PAST_ENDED,   /* both messages did, or the one that was there */
	PAST_STOPPED, /* the response did, and the server wants no more of the request (RFC 9113, 8.1) */
	PAST_MISSED,  /* the response did, and its head was missed */
	PAST_RESET,
	PAST_LEFT_OUT, /* a limit; counted */
};

/* A stream that is no longer followed although one of its messages may still come. */
struct http2_past {
	uint32_t id; /* 0: none */
	enum http2_past_end end;
	bool had_request;
	uint32_t error;
};

/* RFC 9113, 6.8: streams above `last` will never be processed. */
struct http2_goaway {
	bool seen;
	uint32_t last, error;
	unsigned int walks;
};

/* One direction of the connection. */
struct http2_side {
	struct protocol *owner;
	struct http2_wire *wire;
	struct hpack *hpack;
	bool joined_late, had_loss;
	bool framing;		      /* is certain now */
	uint64_t clean_ns;	      /* since then; 0: from the first byte on */
	bool blocks_missed;	      /* maybe, since the newest block: the table is in doubt */
	bool trailers_missed;	      /* maybe, then */
	bool heads_missed;	      /* maybe, since the newest head of a request */
	struct http2_frame block_end; /* the frame that ended the newest block */
};

struct protocol {
	struct protocol_config config;
	struct protocol_handler handler;
	enum protocol_role role;
	struct http2_side side[2]; /* by enum event_direction */
	struct http2_streams streams;
	/* By enum message_kind, how often a loss put all halves in doubt. Each stream takes that in when it
	 * is looked at next, so that a loss does not cost a walk over all of them. */
	uint64_t losses[2];
	size_t open_messages[2]; /* by enum message_kind */
	bool loose_requests;	 /* some request is no longer followed though its client may go on with it */
	struct {
		uint32_t first,
			last; /* of the client's heads, which come in the order of their ids; 0: none */
	} ids;
	size_t held_bytes;		      /* by the messages under way */
	struct http2_past past[PAST_STREAMS]; /* a ring */
	size_t past_next;
	uint32_t past_last;	       /* no higher id was ever in it */
	struct http2_goaway goaway[2]; /* by the parity of the streams it speaks of */
	uint32_t goaway_error;	       /* of the newest GOAWAY that has one: the connection ends of it */
};

/* --- http2_connection.c: the sides, and what may have been missed of them --- */
static inline enum event_direction http2_requests_direction(enum protocol_role role)
{
	return role == ROLE_SERVER ? DIRECTION_RECEIVED : DIRECTION_SENT;
}

static inline struct http2_side *http2_kind_side(struct protocol *protocol, enum message_kind kind)
{
	enum event_direction requests = http2_requests_direction(protocol->role);

	return &protocol->side[kind == MESSAGE_REQUEST ? requests : !requests];
}

/* Which messages a side carries; meaningful once the role is known. */
static inline enum message_kind http2_side_kind(const struct http2_side *side)
{
	return side == http2_kind_side(side->owner, MESSAGE_REQUEST) ? MESSAGE_REQUEST : MESSAGE_RESPONSE;
}

/* The bytes of this side until then may be shown to nobody. */
static inline void http2_side_clean(struct http2_side *side, uint64_t time_ns)
{
	if (time_ns > side->clean_ns)
		side->clean_ns = time_ns;
}

/* Why something of this side was missed. 0: nothing can have been. */
static inline unsigned int http2_side_flags(const struct http2_side *side)
{
	return side->had_loss ? FLAG_GAP : side->joined_late ? FLAG_LATE_JOINED : 0u;
}

/* All the memory that the connection takes. */
size_t http2_memory(const struct protocol *protocol);
void http2_role_learn(struct protocol *protocol, const struct http2_side *side, enum message_kind kind,
		      uint64_t time_ns);
/* Why the request of this stream was not seen. 0: it may still come. */
unsigned int http2_request_missed(struct protocol *protocol, uint32_t id);
/* May the head of this stream's response have been missed? stream NULL: of one whose request was not seen. */
bool http2_head_missed(struct protocol *protocol, const struct http2_stream *stream);

/* Frames, only with config.want_frames. */
/* A frame that is not part of a block. payload: see struct frame. */
void http2_tell_frame(struct http2_side *side, const struct http2_frame *seen, struct slice payload,
		      uint64_t time_ns);
/* A frame of a block. The last one is kept until its block was read. */
void http2_tell_fragment(void *ctx, const struct http2_frame *seen, uint64_t time_ns);
/* fields NULL: not known. A block that no frame ended is not told of: its frames were. */
void http2_tell_block(struct http2_side *side, const struct http2_block *block,
		      const struct header_list *fields, uint64_t time_ns);

/* --- http2_block.c --- */
/* ctx: the side; a wire calls it, as http2_tell_fragment(). */
void http2_block_take(void *ctx, const struct http2_block *block, uint64_t time_ns);

/* --- http2_stream.c --- */
struct http2_stream *http2_stream_find(struct protocol *protocol, uint32_t id);
/* NULL, and counted: too many, or out of memory. */
struct http2_stream *http2_stream_add(struct protocol *protocol, uint32_t id);
struct http2_past *http2_past_find(struct protocol *protocol, uint32_t id);
void http2_past_add(struct protocol *protocol, const struct http2_past *past);
/* Takes the message; its head is given away where it counts as told. */
void http2_half_open(struct protocol *protocol, struct http2_stream *stream, enum message_kind kind,
		     struct message *message, enum http2_half_head head);
/* A response without a head: that was missed. 0 or -ENOMEM. */
int http2_half_open_headless(struct protocol *protocol, struct http2_stream *stream, uint64_t time_ns);
/* The half's message grew: counts its memory anew. */
void http2_half_weigh(struct protocol *protocol, struct http2_half *half);
/* Nothing more will be known of the head. */
void http2_half_settle(struct protocol *protocol, struct http2_half *half);
void http2_half_data(struct protocol *protocol, struct http2_half *half, struct slice bytes,
		     uint64_t time_ns);
/* The message ended in good order. The stream may be gone afterwards. */
void http2_half_end(struct protocol *protocol, struct http2_stream *stream, enum message_kind kind,
		    uint64_t time_ns);
/* RST_STREAM or GOAWAY by the side that carries the messages of kind `by`; error may be RESET_ERROR_UNKNOWN.
 * What the other side sent before it knew is no longer followed. The stream is gone afterwards. */
void http2_stream_reset(struct protocol *protocol, struct http2_stream *stream, enum message_kind by,
			uint32_t error);
/* The response is complete and the server wants no more of the request: no error. The stream is gone
 * afterwards. */
void http2_stream_stop(struct protocol *protocol, struct http2_stream *stream);
/* The half is under way in a loss: some or all of what is left of it may be in there. */
void http2_half_suspect(const struct protocol *protocol, struct http2_half *half);
/*
 * Gives away each open message with these flags, and drops all
 * streams. Those that a GOAWAY ends are reset.
 */
void http2_streams_end(struct protocol *protocol, unsigned int flags);
/* The same without callbacks. */
void http2_streams_free(struct protocol *protocol);

#endif
