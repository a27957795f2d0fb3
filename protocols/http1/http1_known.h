/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of the head that was read last. Most heads of a direction are, behind their start line, the one
 * before to the last byte: then what was read of it holds again. Where heads differ each time, only one in a
 * while is kept.
 */
#ifndef HARK_HTTP1_KNOWN_H
#define HARK_HTTP1_KNOWN_H

#include "http1_line.h"
#include "message.h"

/* A zeroed one knows no head. */
struct http1_known {
	struct slice head;     /* without its start line, with its empty line; data NULL: none is known */
	struct header *fields; /* in `head` */
	size_t count;
	struct http1_framing framing;
	size_t capacity;     /* bytes of memory that all of it lies in, from `fields` on */
	unsigned int misses; /* heads in a row that were other ones */
};

/* Do the bytes begin with the head that is known? */
static inline bool http1_known_is(const struct http1_known *known, struct slice bytes)
{
	return known->head.data && slice_has_prefix(bytes, known->head);
}

/* Another head was read: a copy is kept, or not, for want of memory too. The fields point into it. */
void http1_known_keep(struct http1_known *known, struct slice head, const struct http1_fields *fields);

void http1_known_fini(struct http1_known *known);

#endif
