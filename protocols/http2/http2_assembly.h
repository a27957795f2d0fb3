/* SPDX-License-Identifier: Apache-2.0 */
/* A header block out of its frames: HEADERS or PUSH_PROMISE, then CONTINUATIONs (RFC 9113, 4.3, 6.10). */
#ifndef HARK_HTTP2_ASSEMBLY_H
#define HARK_HTTP2_ASSEMBLY_H

#include "bytes.h"
#include "http2_frame.h"

#define HTTP2_BLOCK_LIMIT_BYTES 262144 /* of one block, in all its frames */

/* Without padding and priority. */
struct http2_block {
	uint8_t type; /* FRAME_CONTINUATION: the begin was never seen, the stream is right */
	bool end_stream;
	bool lost;  /* bytes are missing; fragment is empty */
	bool cut;   /* lost because there were too many */
	bool ended; /* the direction ended inside: fragment is its first part */
	uint32_t stream;
	uint32_t promised; /* PUSH_PROMISE; 0: lost with the block */
	struct slice fragment;
	uint64_t first_byte_ns;
};

/* A zeroed struct is an assembly without an open block. */
struct http2_assembly {
	bool open;
	struct http2_block block;
	struct bytes fragment; /* of the open block, but for its last frame */
};

enum http2_assembly_verdict {
	ASSEMBLY_MORE,	/* further frames belong to the block */
	ASSEMBLY_WHOLE, /* block is filled, its fragment borrowed until http2_assembly_close() */
	ASSEMBLY_WRONG, /* padding that does not fit: the connection would end here */
};

/*
 * Which bytes [*start, *end) of a block frame's payload belong to the block, without padding, priority and
 * promised stream (RFC 9113, 6.2, 6.6). first: the payload's first byte. False: they do not fit in len bytes.
 */
bool http2_fragment_range(const struct http2_frame *frame, size_t len, uint8_t first, size_t *start,
			  size_t *end);

/* Opens a block with this frame; none may be open. first_byte_ns is of the frame's header. */
void http2_assembly_open(struct http2_assembly *assembly, const struct http2_frame *frame,
			 uint64_t first_byte_ns);

/* Adds a frame's payload, which must stay until the close; lost: it has missing bytes. */
enum http2_assembly_verdict http2_assembly_add(struct http2_assembly *assembly,
					       const struct http2_frame *frame, struct slice payload,
					       bool lost);

/* The direction ended inside a frame of the open block, of which this much of the payload came. */
void http2_assembly_cut(struct http2_assembly *assembly, const struct http2_frame *frame,
			struct slice payload, bool lost);

/* Forgets the block and frees its bytes. */
void http2_assembly_close(struct http2_assembly *assembly);

#endif
