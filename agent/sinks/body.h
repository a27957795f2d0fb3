/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kept bytes of a body, made readable: content codings undone, text in
 * UTF-8, secrets hidden; of statements to databases nothing but that there is a text.
 */
#ifndef HARK_BODY_H
#define HARK_BODY_H

#include "base/buffer.h"
#include "base/content_coding.h"
#include "base/redact.h"
#include "content/content.h"
#include "message.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

struct content_message;

/* The memory of one body after the other; all zero: empty. */
struct body_reader {
	struct buffer decoded[2];
	struct buffer text, redacted;
};

struct body {
	enum content_look look; /* text and JSON are UTF-8 */
	struct slice bytes;	/* borrowed from the reader or the message */
	size_t decoded_bytes;	/* with the codings undone, before charset and redaction */
	struct slice codings;	/* those that were undone, as the header names them; empty: none */
	bool kept_part;		/* hark kept the first bytes only, or some are missing */
	bool expands;		/* cut at BODY_DECODED_MAX */
	bool wrong;		/* does not decode to its end */
	bool unknown_coding;	/* shown as it was sent */
};

void body_reader_fini(struct body_reader *reader);

/* The body of a message (message->body.len > 0), valid until the next call. */
struct body body_read(struct body_reader *reader, const struct message *message, const struct redact *redact);

/*
 * What was kept of a message within a body, as text that may be shown, borrowed from the message or `out`.
 * data NULL: it is binary, or nothing was kept.
 */
struct slice body_message_text(const struct content_message *message, const struct redact *redact,
			       struct buffer *out);

/* Is what is shown everything? */
static inline bool body_is_whole(const struct body *body)
{
	return !body->kept_part && !body->expands && !body->wrong && !body->unknown_coding;
}

#endif
