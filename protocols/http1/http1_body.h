/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of the message under way: where it ends, and what of it is kept. Used by
 * http1_parser.c alone.
 */
#ifndef HARK_HTTP1_BODY_H
#define HARK_HTTP1_BODY_H

#include "http1_parser.h"

enum http1_body_verdict {
	HTTP1_BODY_MORE,
	HTTP1_BODY_DONE,    /* the message is complete */
	HTTP1_BODY_REFUSED, /* nobody knows where the body ends */
	HTTP1_BODY_LOST,    /* a hole crossed the end of what is known */
};

/* The head is complete and a body may follow: sets parser->state. */
enum http1_body_verdict http1_body_begin(struct http1_parser *parser);

/* Bytes in one of the BODY states or CHUNK_DATA; *taken says how many were used. */
enum http1_body_verdict http1_body_feed(struct http1_parser *parser, struct slice bytes, size_t *taken);

/* A whole chunk-size line (RFC 9112, 7.1), stripped. */
enum http1_body_verdict http1_body_chunk_size(struct http1_parser *parser, struct slice line);

/* A hole of at most *size bytes of known size, or HOLE_UNKNOWN_SIZE; what is behind the body is left in
 * *size. */
enum http1_body_verdict http1_body_hole(struct http1_parser *parser, uint64_t *size);

#endif
