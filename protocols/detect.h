/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out to what protocol bytes belong. Pure functions over the held bytes
 * of one direction. Evidence is graded: a verdict is certain; everything weaker
 * is "more".
 */
#ifndef HARK_DETECT_H
#define HARK_DETECT_H

#include "slice.h"

#include <stdbool.h>

struct http1_start_line;

enum detect_kind {
	DETECT_MORE,	       /* cannot tell yet */
	DETECT_HTTP1_REQUEST,  /* a whole request line (RFC 9112, 3) with an HTTP/1.x version */
	DETECT_HTTP1_RESPONSE, /* a whole status line (RFC 9112, 4) */
	DETECT_HTTP2_PREFACE,  /* the 24 bytes of RFC 9113, 3.4: a client's direction */
	DETECT_HTTP2_FRAMES,   /* a chain of at least 3 strictly valid frames (detect_late only; in
				  detect_first: a server's SETTINGS then chained) */
	DETECT_FASTCGI,	       /* a whole BEGIN_REQUEST of FastCGI; in mid-stream with its first parameters */
	DETECT_POSTGRESQL,     /* detect_query_first() alone: how PostgreSQL's clients begin */
	DETECT_MYSQL,	   /* detect_query_first() alone: a server's greeting; under TLS a client's login */
	DETECT_MYSQL_LATE, /* detect_query_turn() alone: a command with a statement's text */
	DETECT_POSTGRESQL_LATE, /* detect_late_query() alone: the end of a statement, by PostgreSQL's server
				 */
	DETECT_TLS,		/* a record header (RFC 8446, 5.1): handshake first, or two that chain */
	DETECT_PROXY,		/* a PROXY protocol preface, v1 or v2: skip `offset` bytes and look again */
	DETECT_OTHER,		/* certainly none of these (detect_first only) */
};

struct detect_result {
	enum detect_kind kind;
	size_t offset; /* where it begins; for DETECT_PROXY how many bytes to skip */
};

/* Judges the first bytes of a direction seen from its start. Only offset 0 counts (or the length of a PROXY
 * preface). */
struct detect_result detect_first(struct slice bytes);

/*
 * Searches bytes that began in mid-stream for the first certain sign, at any
 * offset: a whole start line at a line start, the HTTP/2 preface, a chain of
 * three HTTP/2 frames, a TLS record header that chains to a second one.
 */
struct detect_result detect_late(struct slice bytes);

/*
 * Judges bytes that began a turn, the first that a side moved after the other one: HTTP/1 only if a start
 * line begins with the first byte, with a method that is registered, and the line behind it proves it.
 * `edge`: nobody saw what came before, so the first bytes of a method may be missing. DETECT_OTHER: neither.
 */
struct detect_result detect_turn(struct slice bytes, bool edge);

/* Do the bytes begin as a request does, with a registered method and a blank, whatever comes then? */
bool detect_asks(struct slice bytes);

/* As detect_late(), but HTTP/1 is not looked for. */
struct detect_result detect_late_binary(struct slice bytes);

/* As detect_first() of what asks databases, alone; DETECT_MORE also for what such a server may begin with. */
struct detect_result detect_query_first(struct slice bytes);

/* Judges bytes that began a turn, in mid-stream: all of it is one command of MySQL's with a text, or
 * DETECT_OTHER. */
struct detect_result detect_query_turn(struct slice bytes);

/* As detect_late_binary(), and what asks databases is looked for too. */
struct detect_result detect_late_query(struct slice bytes);

/*
 * Where the first HTTP/1 start line stands that the line behind it proves (a
 * field, or the empty line). At offset 0, where the first bytes of a method may
 * be missing, only well-known methods count. bytes.len: none; *out (see
 * http1_line.h) is then undefined.
 */
size_t detect_find_start_line(struct slice bytes, struct http1_start_line *out);

#endif
