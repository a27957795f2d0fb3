/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overwrites secrets in one direction of an HTTP/1 connection. It follows the
 * framing, so that each body is judged by its type, in one piece whatever its
 * chunks are, and so that what nobody can judge is known.
 */
#ifndef HARK_SCRUB_HTTP1_H
#define HARK_SCRUB_HTTP1_H

#include "content/content.h"
#include "base/buffer.h"
#include "base/scrub_text.h"
#include "http1/http1_line.h"
#include "scrub.h"
#include "scrub_cuts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRUB_FIELD_MAX 256 /* so much of a line is looked at for what frames the body */

enum scrub_http1_state {
	HTTP1_START, /* a start line is due */
	HTTP1_NOISE, /* a line that is none */
	HTTP1_HEAD,
	HTTP1_BODY_BEGIN, /* the next head may come instead, for HEAD has a length and no body */
	HTTP1_BODY,
	HTTP1_UNTIL_CLOSE,
	HTTP1_CHUNK_SIZE,
	HTTP1_CHUNK,
	HTTP1_CHUNK_END,
	HTTP1_TRAILER,
	HTTP1_UNKNOWN, /* bytes are missing: all is left out until a start line */
	HTTP1_TUNNEL,  /* of TLS records, behind CONNECT */
	HTTP1_SWITCHED,
};

struct scrub_http1 {
	const struct scrub_config *config;
	struct scrub_cuts *cuts; /* of the scrub_http1_feed() under way */
	enum scrub_http1_state state;
	struct scrub_text text;
	struct buffer start;	       /* the start line so far */
	struct scrub_runs unjudged;    /* its bytes, which are kept if it is one */
	bool doubt;		       /* bytes are missing before: nothing but a start line is believed */
	uint8_t line[SCRUB_FIELD_MAX]; /* the beginning of another line */
	size_t line_len;
	bool extension; /* within the secret value of a chunk's extension */
	uint64_t left;	/* of the body or the chunk */
	size_t begun;	/* bytes of what may be the next head; of a body without end: there were some */
	bool seen;	/* a start line was */
	bool response, asks_connect;
	int status;
	struct http1_framing framing;
	enum content_secrets body;
	bool coded;
	bool h2c; /* with HTTP1_SWITCHED: to HTTP/2 */
};

/* The beginning of a direction. config is borrowed for its life. */
void scrub_http1_init(struct scrub_http1 *http1, const struct scrub_config *config);
void scrub_http1_fini(struct scrub_http1 *http1);

/*
 * Overwrites in bytes, now or in a later call while scrub_http1_open(); notes what must not be kept in cuts.
 * How many it took: all, or up to HTTP1_SWITCHED (RFC 9110, 7.8), behind which another protocol begins.
 */
size_t scrub_http1_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len, struct scrub_cuts *cuts);

/* size bytes are missing; HOLE_UNKNOWN_SIZE: nobody knows how many. */
void scrub_http1_hole(struct scrub_http1 *http1, uint64_t size);

/* Another message begins, for certain, though bytes were missing before. */
void scrub_http1_begin(struct scrub_http1 *http1);

/* The memory that it holds beside the struct itself. */
size_t scrub_http1_memory(const struct scrub_http1 *http1);

/* Bytes of earlier calls may still change. */
bool scrub_http1_open(const struct scrub_http1 *http1);

/* The bytes of a field's name without its colon, which are left out when taken away; NULL: none. */
const struct scrub_runs *scrub_http1_name(const struct scrub_http1 *http1);

/* The bytes that wait are taken away: those that may be secret are overwritten. */
void scrub_http1_force(struct scrub_http1 *http1);

#endif
