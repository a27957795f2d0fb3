/* SPDX-License-Identifier: Apache-2.0 */
/* The content codings of a kept body (coding.h) undone, within a bound. */
#ifndef HARK_CONTENT_CODING_H
#define HARK_CONTENT_CODING_H

#include "buffer.h"
#include "coding.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

#define BODY_DECODED_MAX (1024 * 1024) /* what a body expands to beyond it is cut */

/*
 * Decodes `in` by the coding of this name and appends at most limit_bytes to `out`. Names ignore case;
 * "identity" and the empty name copy.
 */
enum coding_result content_coding_decode(struct slice name, struct slice in, struct buffer *out,
					 size_t limit_bytes);

/* A body whose list of codings was undone, as far as it could be. */
struct content_coding_undone {
	struct slice bytes;   /* borrowed from the buffers, or as given */
	struct slice codings; /* the list, when at least one was undone; else empty */
	bool expands;	      /* cut at the limit */
	bool wrong;	      /* does not decode to its end */
	bool unknown;	      /* one of them is not known: what is left of it is as it was sent */
};

/*
 * Undoes the codings of a Content-Encoding, from the last to the first, of a body of which `part`: only a
 * part is there. The buffers are emptied, and filled with at most limit_bytes each.
 */
struct content_coding_undone content_coding_undo(struct slice list, struct slice in, bool part,
						 struct buffer work[2], size_t limit_bytes);

#endif
