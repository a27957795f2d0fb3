/* SPDX-License-Identifier: Apache-2.0 */
/* A body for people: text, indented JSON or a hex dump, and what of it is not shown. */
#ifndef HARK_BODY_TEXT_H
#define HARK_BODY_TEXT_H

#include "body.h"
#include "line_text.h"

/* Writes the first max_bytes of the decoded body, each line behind `mark`; nothing when there is no body. */
void body_text_put(struct buffer *text, const struct style *style, struct body_reader *reader,
		   const char *mark, const struct message *message, size_t max_bytes);

#endif
