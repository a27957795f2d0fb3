/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for people about traffic that hark does not read: what it is, why, what to do. */
#ifndef HARK_OPAQUE_TEXT_H
#define HARK_OPAQUE_TEXT_H

#include "line_text.h"

/* A line of the watch, without its newline; the columns are those of line_text_put(). */
void opaque_text_put(struct buffer *buffer, struct style *style, const struct conn_facts *conn);
void opaque_text_put_unseen(struct buffer *buffer, struct style *style, const struct event_unseen *unseen,
			    const struct mover *program);

/* The same as a sentence on its own; result: RESULT_OPAQUE or RESULT_UNSEEN. */
void opaque_text_tell(struct buffer *buffer, const struct style *style, const struct result *result);

/* What was told of before; all zero: nothing. */
#define OPAQUE_TOLD_MAX 256
struct opaque_told {
	uint64_t hashes[OPAQUE_TOLD_MAX];
	size_t count;
};

/*
 * True the first time that this program is told of for this reason; each: or this process, peer and hello (of
 * a server's clients without the port). When OPAQUE_TOLD_MAX of them were told, nothing is new.
 */
bool opaque_told_first(struct opaque_told *told, const struct style *style, const struct result *result,
		       bool each);

/*
 * The contents of the hello messages, each part with a space before it: " TLS 1.3 sni=example.org
 * alpn=h2,http/1.1?".
 */
void opaque_text_put_hello(struct buffer *buffer, const struct style *style, const struct conn_facts *conn);

#endif
