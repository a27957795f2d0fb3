/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as cells of a screen. What is shown was escaped (escape.h) and so has
 * no controls; what is left to go wrong is width: wide characters, marks that
 * combine with their neighbour, characters that the C library knows no width
 * of. A cell's text never reaches into the next cell.
 */
#ifndef HARK_TOP_CELLS_H
#define HARK_TOP_CELLS_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#define TOP_MARKS_MAX 2 /* combining marks shown on one character; further ones are written as \u{301} */

/* wchar_t that so many columns need at most, with the NUL. */
#define TOP_CELLS_MAX(columns) ((size_t)(columns) * (1 + TOP_MARKS_MAX) + 1)

/*
 * As much of text as fits, NUL-terminated; what is cut ends with "…" ("~" when not utf8). out has
 * TOP_CELLS_MAX(columns). Returns how many columns are used, at most columns.
 */
int top_cells(struct slice text, bool utf8, int columns, wchar_t *out);

/*
 * Values from the oldest to the newest as bars of 8 heights (6 in ASCII), the largest the highest, 0 a
 * space. out has count + 1.
 */
void top_spark(const uint64_t *values, size_t count, bool utf8, wchar_t *out);

#endif
