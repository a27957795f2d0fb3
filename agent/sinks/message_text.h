/* SPDX-License-Identifier: Apache-2.0 */
/* What bodies said, for people: facts as lines under an exchange, and messages as lines of their own. */
#ifndef HARK_MESSAGE_TEXT_H
#define HARK_MESSAGE_TEXT_H

#include "content/reader.h"
#include "line_text.h"

/* A line for each fact. */
void message_text_facts(struct buffer *text, struct style *style, const struct fact *facts);
/* The line of a RESULT_MESSAGE, with the beginning of what it holds; whole: all that was kept of that, up to
 * max_bytes, under it. */
void message_text_put(struct buffer *text, struct style *style, const struct result *result, bool whole,
		      size_t max_bytes);

#endif
