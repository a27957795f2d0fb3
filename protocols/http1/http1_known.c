/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_known.h"

#include <stdlib.h>

#define HEAD_MAX_BYTES 1024 /* idle connections are many */
#define MISSES_MAX     4    /* heads differ each time: then one of */
#define MISSES_PASSED  16   /* so many is kept */

void http1_known_keep(struct http1_known *known, struct slice head, const struct http1_fields *fields)
{
	size_t size = fields->count * sizeof(*fields->items) + head.len;
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
	copy = memcpy(known->fields + fields->count, head.data, head.len);
	for (size_t i = 0; i < fields->count; i++) {
		struct header *field = &known->fields[i];

		*field = fields->items[i];
		field->name.data = copy + (field->name.data - head.data);
		field->value.data = copy + (field->value.data - head.data);
	}
	known->head = slice_of(copy, head.len);
	known->count = fields->count;
	known->framing = fields->framing;
}

void http1_known_fini(struct http1_known *known)
{
	unsigned int misses = known->misses;

	free(known->fields);
	*known = (struct http1_known){ .misses = misses };
}
