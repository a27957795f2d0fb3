/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once. A message owns one arena; everything it
 * points to lives there. Bounded: an arena never grows past its limit, and
 * NULL then means "drop and count".
 */
#ifndef HARK_ARENA_H
#define HARK_ARENA_H

#include "slice.h"

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used_bytes;  /* handed out so far */
	size_t limit_bytes; /* 0: no limit */
	size_t held_bytes;  /* taken from the system: blocks are larger than what is used of them */
};

/* Makes an empty arena; allocates nothing yet. Cannot fail. */
void arena_init(struct arena *arena, size_t limit_bytes);

/* Frees everything and leaves the arena empty and usable. */
void arena_fini(struct arena *arena);

/*
 * size bytes, aligned for any type, not zeroed; lives until arena_fini().
 * NULL when the limit is met or memory is out; size 0 gives a valid pointer.
 */
void *arena_alloc(struct arena *arena, size_t size);

/* Copies the bytes into *out. 0, or -ENOMEM with *out untouched. */
int arena_copy(struct arena *arena, struct slice bytes, struct slice *out);

#endif
