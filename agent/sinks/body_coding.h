/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings (RFC 9110, 8.4.1; RFC 7932; RFC 8878) undone, within a bound. */
#ifndef HARK_BODY_CODING_H
#define HARK_BODY_CODING_H

#include "base/buffer.h"
#include "slice.h"

#include <stddef.h>

enum coding_result {
	CODING_WHOLE,	/* the coded data ended */
	CODING_MORE,	/* it goes on: what there is was decoded */
	CODING_LIMIT,	/* it expands beyond the bound: cut */
	CODING_WRONG,	/* it is not what it claims to be; what came before the error is there */
	CODING_UNKNOWN, /* no coding of this name is known */
};

/*
 * Decodes `in` by the coding of this name and appends at most limit_bytes to `out`. Names ignore case;
 * "identity" and the empty name copy.
 */
enum coding_result body_coding_decode(struct slice name, struct slice in, struct buffer *out,
				      size_t limit_bytes);

#endif
