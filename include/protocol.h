/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of every protocol decoder: what it offers and asks for. A
 * decoder is pure: bytes and holes of one connection go in, in order for each
 * direction; messages come out through callbacks. No I/O, no clock, no globals.
 *
 * Which direction carries requests may not be known at first (a connection
 * joined late): the decoder then learns it from the bytes.
 */
#ifndef HARK_PROTOCOL_H
#define HARK_PROTOCOL_H

#include "frame.h"
#include "message.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

#define HOLE_UNKNOWN_SIZE   UINT64_MAX
#define RESET_ERROR_UNKNOWN UINT32_MAX
/*
 * A thread may lose its processor when its bytes have moved and their record is not written: so much later
 * than what followed a record may come, on a machine that is busy.
 */
#define LATE_NS UINT64_C(500000000)

enum protocol_role { /* of the observed process */
	ROLE_UNKNOWN,
	ROLE_CLIENT, /* sends requests */
	ROLE_SERVER, /* receives requests */
};

/* Things a decoder counts. The names are those of the counters the user sees. */
enum protocol_note {
	NOTE_MESSAGE_REFUSED,	/* messages.refused: what the parser could not take */
	NOTE_RESYNC,		/* protocol.resyncs: searched for the next start line or frame */
	NOTE_BYTES_UNPARSED,	/* bytes.unparsed: passed over while searching */
	NOTE_HEADER_BLOCK_LOST, /* hpack.blocks_lost: header blocks that were lost or cut by a hole */
	NOTE_INFLATE_ERROR,	/* hpack.errors */
	NOTE_HEADER_LIMIT,	/* limit.headers: header list or arena too large */
	NOTE_STREAM_LIMIT,    /* limit.streams: more open streams of HTTP/2, or requests of FastCGI, than are
				 followed */
	NOTE_PIPELINE_LIMIT,  /* limit.pipeline: more unanswered HTTP/1 requests, or statements, than are
				 followed */
	NOTE_STATEMENT_LIMIT, /* limit.statements: prepared statements forgotten */
	NOTE_INTERIM,	      /* messages.interim: 1xx responses */
	NOTE_UPGRADED,	      /* messages.upgraded: CONNECT or 101 */
	NOTE_FACT_LIMIT,      /* limit.facts: facts of bodies that had no room */
	NOTE_BODY_LIMIT,      /* limit.content: bodies not read to their end: they expand too far, or hold
				 too much */
	NOTE_COUNT,
};

/*
 * All pointers passed to a callback are borrowed for the call, but for done().
 * A callback must not feed or free the decoder that calls it.
 */
struct protocol_handler {
	void *ctx;
	/* The head is complete (all header fields are there), or its answer begins before that (then the
	 * message is flagged as partial). The decoder keeps the message. Called at most once a message; not
	 * at all for one whose head never completed and was not answered. */
	void (*head)(void *ctx, struct message *message);
	/* Bytes of the body, chunk framing and padding removed. Counted in body_bytes already. */
	void (*body)(void *ctx, struct message *message, struct slice bytes);
	/* size bytes of the body are missing here, HOLE_UNKNOWN_SIZE: nobody knows how many, or whether any.
	 * May be NULL. */
	void (*hole)(void *ctx, struct message *message, uint64_t size);
	/* The message ended (flags tell how). Takes ownership: free with message_free(). */
	void (*done)(void *ctx, struct message *message);
	/* An interim response (1xx other than 101); borrowed, freed by the decoder afterwards. */
	void (*interim)(void *ctx, const struct message *message);
	/* HTTP/2 and HTTP/3: the stream ended by RST_STREAM, or will never be processed (GOAWAY). Messages of
	 * that stream that were under way have been given to done() with FLAG_RESET before. error: RFC 9113,
	 * 7, or RESET_ERROR_UNKNOWN. */
	void (*reset)(void *ctx, uint32_t key, uint32_t error);
	/* HTTP/2: messages of this kind may have been missed, those that are awaited among them (key 0), or
	 * that of one stream; flags say why. May be NULL. */
	void (*lost)(void *ctx, enum message_kind kind, uint32_t key, unsigned int flags);
	/* HTTP/1: after a 101 or a 2xx to CONNECT both directions leave HTTP/1. `to` is the Upgrade token
	 * ("h2c", "websocket", …), or "connect". The decoder then takes no more input: protocol_ops.feed
	 * returns how many bytes it consumed and the caller carries on with the rest. `request` is the
	 * request that asked (an h2c upgrade continues it as stream 1), NULL when it was not seen. */
	void (*upgrade)(void *ctx, struct slice to, const struct message *request);
	/* The thread that moves the bytes that are being fed: any number but 0 that tells threads apart; 0:
	 * not known. One thread's bytes moved in the order of time. May be NULL. */
	uint32_t (*hand)(void *ctx);
	/* A counter goes up by n. */
	void (*note)(void *ctx, enum protocol_note note, uint64_t n);
	/* HTTP/2, only with config.want_frames: a frame passed; borrowed. Called before what the frame means
	 * (head(), done(), …). May be NULL. */
	void (*frame)(void *ctx, const struct frame *frame);
};

struct protocol_config {
	enum protocol_role role;
	/* For each direction: the first byte that will be fed is the first of its stream. */
	bool from_start[2];
	/* HTTP/1: messages may have passed before that byte all the same (a session older than hark). */
	bool joined_late;
	bool beginning_lost; /* HTTP/1: what passed before that byte may be lost, and more with it */
	uint64_t seen_ns; /* HTTP/1: the connection was there then, and nothing moved until the first byte */
	/* HTTP/2 that follows an h2c Upgrade: stream 1's request was made in HTTP/1.1 and has been given
	 * away. For the server the client's preface still comes (RFC 9113, 3; RFC 7540, 3.2). */
	bool after_upgrade;
	struct slice upgrade_settings; /* HTTP2-Settings, base64url, of that request; data NULL: none */
	bool want_frames;	       /* HTTP/2: call frame() */
	bool few_fields;  /* of heads and trailers only the fields are kept that message_asks() wants */
	bool want_bodies; /* keep the first body_limit bytes in message->body, as well as body() */
	size_t body_limit_bytes;
	size_t message_limit_bytes;	/* arena limit a message (head and kept body) */
	size_t stream_limit;		/* HTTP/2: streams followed at once */
	size_t pipeline_limit;		/* HTTP/1: unanswered requests followed at once */
	size_t table_limit_bytes;	/* HPACK: dynamic table sizes above this count as an error */
	struct spares *rooms, *streams; /* for messages, for streams of HTTP/2; outlive both. NULL: none */
	/* HTTP/2: once memory(), with what messages that were given away still take, is so large, further
	 * heads are cut. 0: no limit. */
	size_t memory_limit_bytes;
	const size_t *given_bytes; /* the latter, borrowed for life; NULL: nothing */
};

enum protocol_end {
	END_CLOSED,    /* orderly, by either side */
	END_RESET,     /* TCP reset */
	END_EXIT,      /* the process ended */
	END_IN_FLIGHT, /* hark ends, the connection goes on */
};

/* Of a message that was under way then. */
static inline unsigned int protocol_end_flags(enum protocol_end reason)
{
	switch (reason) {
	case END_CLOSED:
	case END_EXIT:
		return FLAG_CLOSED;
	case END_RESET:
		return FLAG_RESET | FLAG_CLOSED;
	case END_IN_FLIGHT:
		return FLAG_IN_FLIGHT;
	}
	return 0;
}

/* Some of one stream of a connection whose bytes come by streams, in the stream's order. */
struct protocol_piece {
	uint64_t stream;
	struct slice bytes;
	uint64_t missing; /* so many behind them were not copied */
	bool ends;	  /* the stream's direction does, behind these */
};

struct protocol; /* one connection's decoder; each file defines its own behind it */

/* A protocol on a stream: its row in flow_decode.c's table. */
struct protocol_ops {
	const char *name;
	const char *network; /* network.protocol.name of its connections; NULL: "http" */
	/* The Upgrade token after which a connection goes on in it, with the answer to the request that
	 * asked; empty: no Upgrade leads to it for certain. */
	struct slice upgrade;
	bool takes_lost_start; /* a lost beginning is a hole to it, not a late join */
	bool yields_to_tls;    /* TLS may begin where it is idle */
	bool queries;	       /* its messages are statements (version_is_query()) */
	/* Copies config and handler (upgrade_settings is read during the call). NULL: out of memory. */
	struct protocol *(*create)(const struct protocol_config *config,
				   const struct protocol_handler *handler);
	/* Frees without callbacks; NULL is legal. */
	void (*destroy)(struct protocol *protocol);
	/* The next bytes of a direction. All are consumed (returns bytes.len) unless the connection leaves
	 * this protocol inside them (upgrade() was called), or before them (refuted()): then the number
	 * consumed. -ENOMEM: out of memory, the decoder passed over the bytes and will resynchronise; any
	 * content is legal otherwise. */
	long (*feed)(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		     uint64_t time_ns);
	/* size bytes of a direction are missing; HOLE_UNKNOWN_SIZE when nobody knows how many. */
	void (*hole)(struct protocol *protocol, enum event_direction direction, uint64_t size,
		     uint64_t time_ns);
	/* A direction ended (FIN): completes close-delimited bodies. */
	void (*finish)(struct protocol *protocol, enum event_direction direction, uint64_t time_ns);
	/* The connection ended: every message under way goes to done() with its flags. Nothing may be fed
	 * after. */
	void (*end)(struct protocol *protocol, enum protocol_end reason, uint64_t time_ns);
	/* Time passed (one poll): gives up waiting for what another direction should have brought by now.
	 * True while something waits for the next, whether or not bytes come. */
	bool (*tick)(struct protocol *protocol, uint64_t time_ns);
	/* How many of the coming bytes of a direction surely belong to the body now under way, so that nobody
	 * need copy them; 0: unknown or none. */
	uint64_t (*body_left)(const struct protocol *protocol, enum event_direction direction);
	/* True when no message is under way in either direction (a message border). */
	bool (*idle)(const struct protocol *protocol);
	/* ROLE_UNKNOWN until the bytes told. */
	enum protocol_role (*role)(const struct protocol *protocol);
	/* The memory that the decoder and its messages under way take, about. Asked after every record, so it
	 * must not be counted together then. */
	size_t (*memory)(const struct protocol *protocol);
	/* Nothing has moved for a while: gives back what only spares time when more comes. NULL: there is
	 * none. */
	void (*shrink)(struct protocol *protocol);
	/* True when the bytes that were about to be fed show that these are no messages of this protocol:
	 * what was found after a late join was text. feed() took none of them, and takes none any more; what
	 * it had has come out. NULL: the decoder never says so. */
	bool (*refuted)(const struct protocol *protocol);
	/* After upgrade(): bytes of a direction that feed() took earlier but that belong to what follows (a
	 * client may send before it has the answer). They come before anything not consumed. run() gets
	 * those of one time each, in order, borrowed until destroy(). Returns how many more are missing
	 * behind them (0: none; HOLE_UNKNOWN_SIZE). NULL: the decoder never holds any. */
	uint64_t (*held)(const struct protocol *protocol, enum event_direction direction,
			 void (*run)(void *ctx, struct slice bytes, uint64_t time_ns), void *ctx);
	/* Of a protocol over QUIC, whose bytes come by streams: piece() in place of feed() and finish().
	 * hole() then is about bytes of nobody knows which streams. NULL: they come by feed(). */
	void (*piece)(struct protocol *protocol, enum event_direction direction,
		      const struct protocol_piece *piece, uint64_t time_ns);
	/* The stream is over in both directions, with an error code (RFC 9114, 8.1). NULL as piece(). */
	void (*over)(struct protocol *protocol, uint64_t stream, uint64_t error, uint64_t time_ns);
};

/* For decoders: a hole in a body. */
static inline void protocol_body_hole(const struct protocol_handler *handler, struct message *message,
				      uint64_t size)
{
	if (handler->hole)
		handler->hole(handler->ctx, message, size);
}

/* For decoders: a counter goes up by n, which may be 0. */
static inline void protocol_count(const struct protocol_handler *handler, enum protocol_note note, uint64_t n)
{
	if (n)
		handler->note(handler->ctx, note, n);
}

extern const struct protocol_ops http1_protocol;
extern const struct protocol_ops http2_protocol;
extern const struct protocol_ops http3_protocol;
extern const struct protocol_ops fastcgi_protocol;
extern const struct protocol_ops postgresql_protocol;
extern const struct protocol_ops mysql_protocol;

#endif
