/* SPDX-License-Identifier: Apache-2.0 */
/* Stretches of a record's payload that must not be kept, in ascending order. */
#ifndef HARK_SCRUB_CUTS_H
#define HARK_SCRUB_CUTS_H

#include <stdbool.h>
#include <stddef.h>

struct scrub_cut {
	size_t from, to;
};

/* All zero: none. */
struct scrub_cuts {
	struct scrub_cut *items;
	size_t count, capacity;
	bool all; /* the whole payload; also when there was no memory to say less */
};

/* None of them begins before the last one did. */
void scrub_cuts_add(struct scrub_cuts *cuts, size_t from, size_t to);
void scrub_cuts_fini(struct scrub_cuts *cuts);

#endif
