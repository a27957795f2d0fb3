/* SPDX-License-Identifier: Apache-2.0 */
/* Values of facts, alike in each view. */
#ifndef HARK_FACT_TEXT_H
#define HARK_FACT_TEXT_H

#include "buffer.h"
#include "redact.h"
#include "slice.h"

struct fact;

/* "7", "-32601", "0.340000" of milliseconds, "1.500", "true"; nothing for a text. */
void fact_text_put(struct buffer *buffer, const struct fact *fact);
/*
 * The text that is the value of a fact of this name, as it may be shown: REDACTED where a header field of the
 * name is a secret (mcp.session.id), else as by redact_body(). Borrowed from `out`, or the text itself.
 */
struct slice fact_text_shown(const struct redact *redact, const char *name, struct slice text,
			     struct buffer *out);

#endif
