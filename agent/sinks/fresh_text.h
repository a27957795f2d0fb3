/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are made for single exchanges, in words. */
#ifndef HARK_FRESH_TEXT_H
#define HARK_FRESH_TEXT_H

#include "base/buffer.h"
#include "line_text.h"

struct fresh;

/* A line for each program that makes them, a few at most; nothing where none does. */
void fresh_text_put(struct buffer *text, struct style *style, const struct fresh *fresh);

#endif
