/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing of one direction of an HTTP/2 connection (RFC 9113, 3.4, 4, 6):
 * bytes and holes in, frames and whole header blocks out. It knows nothing of
 * streams or HPACK.
 */
#ifndef HARK_HTTP2_WIRE_H
#define HARK_HTTP2_WIRE_H

#include "http2_assembly.h"
#include "http2_frame.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct http2_wire;

/* The connection's opinion of a frame header that may not be one. */
enum http2_expectation {
	EXPECTED_NOT,	/* no such frame can come now */
	EXPECTED_MAYBE, /* it fits */
	EXPECTED_SURE,	/* the other direction speaks of the same stream */
};

/* All is borrowed for the call. A callback must not feed or free the wire that calls it. */
struct http2_wire_handler {
	void *ctx;
	/* The client's preface was the first that came: nothing was missed in this direction. */
	void (*preface)(void *ctx);
	/* A frame that is neither DATA nor part of a block. A long payload comes cut, a lost one empty. */
	void (*frame)(void *ctx, const struct http2_frame *frame, struct slice payload, uint64_t time_ns);
	/* A frame of a block ended; after the last one block() comes. */
	void (*fragment)(void *ctx, const struct http2_frame *frame, uint64_t time_ns);
	void (*block)(void *ctx, const struct http2_block *block, uint64_t time_ns);
	/* Some of a DATA frame, padding removed; data NULL: so many bytes are missing. */
	void (*data)(void *ctx, uint32_t stream, struct slice bytes, uint64_t time_ns);
	/* A DATA frame ended. sure: each of its bytes was counted. */
	void (*data_end)(void *ctx, const struct http2_frame *frame, bool sure, uint64_t time_ns);
	/* Framing is lost: what comes next follows a loss that may have held any frame. */
	void (*lost)(void *ctx);
	/* Framing was found again; its first byte came at time_ns. */
	void (*found)(void *ctx, uint64_t time_ns);
	/* For a search. */
	enum http2_expectation (*expected)(void *ctx, const struct http2_frame *frame);
	/* Is the answer to this stream's request there already? */
	bool (*answered)(void *ctx, uint32_t stream);
	/* Counts bytes that were passed over. */
	void (*unparsed)(void *ctx, uint64_t n);
};

struct http2_wire_config {
	bool from_start;    /* the first byte fed is the first of the direction */
	bool maybe_preface; /* this may be the client's direction */
	bool maybe_frames;  /* this may be the server's direction */
};

/* NULL: out of memory. */
struct http2_wire *http2_wire_new(const struct http2_wire_config *config,
				  const struct http2_wire_handler *handler);

void http2_wire_free(struct http2_wire *wire);

/* Takes all bytes; any content is legal. */
void http2_wire_feed(struct http2_wire *wire, struct slice bytes, uint64_t time_ns);

/* size bytes are missing (HOLE_UNKNOWN_SIZE of protocol.h: nobody knows how many). */
void http2_wire_hole(struct http2_wire *wire, uint64_t size, uint64_t time_ns);

/*
 * Nothing more will come. A block under way is given to block() as far as it
 * came; of all else that is cut the bytes go to unparsed(). May be called again.
 */
void http2_wire_end(struct http2_wire *wire, uint64_t time_ns);

/*
 * The other direction shows that this stream began here. When the bytes that a search holds are frames, and
 * one of them is its HEADERS, they are taken for frames.
 */
void http2_wire_confirm(struct http2_wire *wire, uint32_t stream);

/* Time passed: what a search holds will not be proved by more that comes, and a block whose message was
 * answered meanwhile is given to block() as far as it came. See http2_wire.c. */
void http2_wire_tick(struct http2_wire *wire, uint64_t time_ns);

/* SETTINGS_MAX_FRAME_SIZE of the other side; only raises what a search takes for a frame. */
void http2_wire_allow_frame_size(struct http2_wire *wire, uint32_t bytes);

/* Was the begin of the frame under way searched for, and too little came since that fits? */
bool http2_wire_doubtful(const struct http2_wire *wire);

/* Bytes to come of the DATA frame under way, padding included; 0: none, or its padding is not known yet. */
uint32_t http2_wire_data_left(const struct http2_wire *wire);

/* All the memory that it takes. */
size_t http2_wire_memory(const struct http2_wire *wire);

/* True when no header block is under way. */
bool http2_wire_idle(const struct http2_wire *wire);

#endif
