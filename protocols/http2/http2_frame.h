/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 frame headers (RFC 9113, 4.1): reading one, judging one, and finding
 * the border of frames in a byte stream that was joined late.
 */
#ifndef HARK_HTTP2_FRAME_H
#define HARK_HTTP2_FRAME_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP2_FRAME_HEADER_BYTES 9
#define HTTP2_PREFACE_BYTES	 24
#define HTTP2_DEFAULT_MAX_FRAME	 16384u

/* The client's connection preface (RFC 9113, 3.4), HTTP2_PREFACE_BYTES long. */
extern const char http2_preface[HTTP2_PREFACE_BYTES + 1];

enum http2_frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_PRIORITY = 2,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_WINDOW_UPDATE = 8,
	FRAME_CONTINUATION = 9,
	FRAME_TYPE_COUNT,
};

#define FRAME_FLAG_ACK	       0x01 /* SETTINGS, PING */
#define FRAME_FLAG_END_STREAM  0x01 /* DATA, HEADERS */
#define FRAME_FLAG_END_HEADERS 0x04
#define FRAME_FLAG_PADDED      0x08
#define FRAME_FLAG_PRIORITY    0x20

struct http2_frame {
	uint32_t length; /* of the payload */
	uint8_t type, flags;
	uint32_t stream; /* without the reserved bit */
};

/* Four bytes in network order. */
static inline uint32_t http2_read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Reads the 9 bytes of a frame header. Any content is legal. */
void http2_frame_parse(const uint8_t *nine, struct http2_frame *out);

/*
 * True when the 9 bytes are the header of a frame that a correct peer may
 * send: a type of RFC 9113, no undefined flag, the reserved bit clear, the
 * length and the stream as that type wants them. Stricter than a receiver has
 * to be: extension frames are refused.
 */
bool http2_frame_plausible(const uint8_t *nine_bytes, uint32_t max_frame_size);

/*
 * True unless a receiver has to end the connection because of this header
 * (wrong length or stream for its type; RFC 9113, 6). Extension frames are
 * lawful, undefined flags and the reserved bit are ignored, any size goes.
 */
bool http2_frame_lawful(const struct http2_frame *frame);

static inline bool http2_frame_is_block(uint8_t type)
{
	return type == FRAME_HEADERS || type == FRAME_PUSH_PROMISE || type == FRAME_CONTINUATION;
}

/* May a frame come right behind that one? Nothing stands between the frames of a block (RFC 9113, 4.3). */
bool http2_frame_follows(const struct http2_frame *before, const struct http2_frame *frame);

/*
 * Takes the frame header that the bytes begin with; they are at least so many. True when it is plausible, may
 * follow the one before (NULL: nobody knows that one), and the payload behind it, or what there is of it, is
 * what a correct peer says: errors are small numbers, windows grow. The payload stays.
 */
bool http2_frame_take(struct slice *bytes, uint32_t max_frame_size, const struct http2_frame *before,
		      struct http2_frame *out);

/* Binary data that is not HTTP/2 is full of zeros: an empty DATA frame proves nothing. */
static inline bool http2_frame_proves(const struct http2_frame *frame)
{
	return frame->length > 0 || frame->type != FRAME_DATA;
}

enum http2_chain_verdict {
	CHAIN_NONE,  /* no frame begins here */
	CHAIN_MORE,  /* plausible so far, but the bytes end too early */
	CHAIN_FOUND, /* at least `needed` frames that prove something follow each other */
};

struct http2_chain {
	enum http2_chain_verdict verdict;
	unsigned int frames; /* whole frames that prove something */
	bool exact_end;	     /* the bytes end where a frame ends, after at least one such frame */
};

/* A filter that knows more of the connection than the bytes say. */
struct http2_chain_filter {
	void *ctx;
	bool (*fits)(void *ctx, const struct http2_frame *frame);
};

/*
 * Judges the frames from the first byte on. A frame that the filter refuses is none; filter NULL: none is
 * refused. A DATA frame without payload is
 * legal in a chain but proves nothing: runs of zeros look like it; many of
 * them are no chain. The last frame counts as soon as its header is there.
 */
struct http2_chain http2_chain_judge(struct slice bytes, uint32_t max_frame_size, unsigned int needed,
				     const struct http2_chain_filter *filter);

#endif
