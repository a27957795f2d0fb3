/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as one word of a POSIX shell: as they are where that is safe, else in single quotes; what a
 * terminal must not see, or is no UTF-8, is made by printf(1) from octal escapes.
 */
#ifndef HARK_CURL_WORD_H
#define HARK_CURL_WORD_H

#include "base/buffer.h"
#include "slice.h"

#include <stdbool.h>

/* Can the bytes be a word at all? No argument holds a NUL, and $(…) takes line feeds from its end. */
bool curl_word_possible(struct slice bytes);
/* Nothing but what a terminal may see? */
bool curl_word_is_plain(struct slice bytes);
/* One word of two parts, as in -H 'NAME: VALUE'; either may be empty. */
void curl_word_put(struct buffer *out, struct slice first, struct slice second);
/* The argument of printf(1) that writes the bytes, any, in quotes. */
void curl_word_put_format(struct buffer *out, struct slice bytes);

#endif
