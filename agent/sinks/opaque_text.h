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

/*
 * True: program, peer, hello or reason of the result are others than those in `last`, where they are put
 * then. Of a server's clients the port does not count. Also true when memory is out.
 */
bool opaque_text_differs(struct buffer *last, const struct style *style, const struct result *result);

/*
 * The contents of the hello messages, each part with a space before it: " TLS 1.3 sni=example.org
 * alpn=h2,http/1.1?".
 */
void opaque_text_put_hello(struct buffer *buffer, const struct style *style, const struct conn_facts *conn);

#endif
