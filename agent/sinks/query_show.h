/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shown of a statement. Its literals are secrets until the user says otherwise, and so is the message
 * of an error, in which servers repeat them.
 */
#ifndef HARK_QUERY_SHOW_H
#define HARK_QUERY_SHOW_H

#include "base/buffer.h"
#include "base/redact.h"
#include "model/exchange.h"

#include <stdbool.h>

/* The text: with its literals where nothing is redacted; data NULL: not known. Borrowed. */
struct slice query_show_statement(const struct exchange *exchange, const struct redact *redact);
/* The message of an error, where nothing is redacted; data NULL: there is none to show. Borrowed. */
struct slice query_show_error(const struct exchange *exchange, const struct redact *redact);
/* The text as one line, escaped; where it is not known, what else is. */
void query_show_text(struct buffer *buffer, const struct exchange *exchange, const struct redact *redact,
		     bool utf8);
/* "1 row", "3 changed"; "-" where there are none to speak of, or nobody knows. */
void query_show_rows(struct buffer *buffer, const struct exchange *exchange);

#endif
