/* SPDX-License-Identifier: Apache-2.0 */
/* Stretches of a record's payload that must not be kept, in ascending order. */
#ifndef HARK_SCRUB_CUTS_H
#define HARK_SCRUB_CUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scrub_cut {
	size_t from, to;
};

struct scrub_cuts {
	const uint8_t *payload; /* set by the caller; the rest all zero: none */
	struct scrub_cut *items;
	size_t count, capacity;
	bool all; /* the whole payload; also when there was no memory to say less */
};

/* Bytes within the payload; none of them begins before the last one did. */
void scrub_cuts_add(struct scrub_cuts *cuts, const uint8_t *bytes, size_t len);

#endif
