/* SPDX-License-Identifier: Apache-2.0 */
/* How many columns of a terminal a text takes that was escaped before (escape.h). */
#ifndef HARK_TEXT_WIDTH_H
#define HARK_TEXT_WIDTH_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Columns, by the locale's idea of wide and combining characters; colour codes ("ESC [ ... m") take none. */
size_t text_width(const char *text, size_t len);

/*
 * Cuts what was written since `start` in its middle so that it takes `width` columns at most; where it was
 * cut stands "…", or ".." without utf8. It holds no colour codes. width: 3 at least.
 */
void text_cut_middle(struct buffer *buffer, size_t start, size_t width, bool utf8);

/* Cuts its end instead; width: 2 at least. */
void text_cut_end(struct buffer *buffer, size_t start, size_t width, bool utf8);

#endif
