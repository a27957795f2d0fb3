/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a body, made readable: content codings undone, text in
 * UTF-8, secrets of forms hidden.
 */
#ifndef HARK_BODY_H
#define HARK_BODY_H

#include "buffer.h"
#include "message.h"
#include "redact.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

#define BODY_DECODED_MAX (1024 * 1024) /* what expands beyond it is cut */

enum body_kind {
	BODY_TEXT, /* UTF-8 */
	BODY_JSON, /* UTF-8 that its type calls JSON */
	BODY_BINARY,
};

/* The memory of one body after the other; all zero: empty. */
struct body_reader {
	struct buffer decoded[2];
	struct buffer text, redacted;
};

struct body {
	enum body_kind kind;
	struct slice bytes;   /* borrowed from the reader or the message */
	struct slice codings; /* those that were undone, as the header names them; empty: none */
	bool kept_part;	      /* hark kept the first bytes only, or some are missing */
	bool expands;	      /* cut at BODY_DECODED_MAX */
	bool wrong;	      /* does not decode to its end */
	bool unknown_coding;  /* shown as it was sent */
};

void body_reader_fini(struct body_reader *reader);

/* The body of a message (message->body.len > 0), valid until the next call. */
struct body body_read(struct body_reader *reader, const struct message *message, const struct redact *redact);

/* Is what is shown everything? */
static inline bool body_is_whole(const struct body *body)
{
	return !body->kept_part && !body->expands && !body->wrong && !body->unknown_coding;
}

/* JSON with an element a line, its values byte for byte as they are; also when it is cut or wrong. */
void body_indent_json(struct slice json, struct buffer *out);

#endif
