/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observed bytes are hostile: none reaches a terminal or a JSON file as
 * it came. Two forms, one idea of what is harmless: printable characters of
 * well-formed UTF-8, without controls (C0, C1) and without the invisible ones
 * that reorder or hide text.
 */
#ifndef HARK_ESCAPE_H
#define HARK_ESCAPE_H

#include "buffer.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length of the well-formed character (RFC 3629) at the front, 1 to
 * 4, with its code point; 0: there is none.
 */
size_t escape_utf8_decode(struct slice bytes, uint32_t *code_point);

/*
 * The same, when that character is one that may reach a terminal;
 * 0: none, or it acts on one or hides in it.
 */
size_t escape_utf8_harmless(struct slice bytes);

/* Is everything well-formed UTF-8 without a NUL? */
bool escape_utf8_is_text(struct slice bytes);

/* The bytes without an unfinished character at their end (they were cut there). */
struct slice escape_utf8_trim(struct slice bytes);

/*
 * For people: \n, \r, \t, \\ and \xNN; unambiguous. utf8: harmless characters beyond
 * ASCII pass; else each of their bytes is \xNN.
 */
void escape_text(struct buffer *buffer, struct slice bytes, bool utf8);

/*
 * A JSON string (RFC 8259, 7) with its quotes. Harmful characters become \uNNNN,
 * which gives them back exactly. A byte that is not UTF-8 has no place in JSON
 * and becomes the four characters \xNN. A backslash that was sent stays what it
 * is, but for one in front of x and two hexadecimal digits, which becomes \x5c:
 * so every \xNN in the string is one byte, and no two values look the same.
 */
void escape_json(struct buffer *buffer, struct slice bytes);

/* The same for what is known to be UTF-8 (else it is given in base64): backslashes stay what they are. */
void escape_json_text(struct buffer *buffer, struct slice bytes);

/*
 * For a column of text in a database: as escape_json() has it behind its quotes, but harmful characters
 * become the \xNN of their bytes, too, for what reads the column may print it as it is.
 */
void escape_column(struct buffer *buffer, struct slice bytes);

/* The bytes in base64 (RFC 4648, 4), without quotes. */
void escape_base64(struct buffer *buffer, struct slice bytes);

#endif
