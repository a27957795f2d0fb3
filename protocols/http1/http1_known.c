/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_known.h"

#include <stdlib.h>

#define HEAD_MAX_BYTES 1024 /* idle connections are many */
#define MISSES_MAX     4    /* heads differ each time: then one of */
#define MISSES_PASSED  16   /* so many is kept */

void http1_known_keep(struct http1_known *known, struct slice head, const struct header *fields, size_t count,
		      const struct http1_framing *framing)
{
	size_t size = count * sizeof(*fields) + head.len;
	uint8_t *copy;

	known->misses++;
	if (head.len > HEAD_MAX_BYTES || (known->misses > MISSES_MAX && known->misses % MISSES_PASSED))
		return;
	if (size > known->capacity) {
		http1_known_fini(known);
		known->fields = malloc(size);
		if (!known->fields)
			return;
		known->capacity = size;
	}
	copy = memcpy(known->fields + count, head.data, head.len);
	http1_fields_move(known->fields, fields, count, head.data, copy);
	known->head = slice_of(copy, head.len);
	known->count = count;
	known->framing = *framing;
}

void http1_known_fini(struct http1_known *known)
{
	unsigned int misses = known->misses;

	free(known->fields);
	*known = (struct http1_known){ .misses = misses };
}
