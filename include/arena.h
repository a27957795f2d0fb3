/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once. A message owns one arena; everything it
 * points to lives there. Bounded: an arena never grows past its limit, and
 * NULL then means "drop and count".
 */
#ifndef HARK_ARENA_H
#define HARK_ARENA_H

#include "slice.h"
#include "spares.h"

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>

#define ARENA_ALIGN alignof(max_align_t)
#define ROOM_BYTES  1024 /* of an arena's block, or of a message with the beginning of its arena */

struct arena_block;

struct arena {
	uint8_t *next, *end; /* the newest room: what is free of it */
	struct arena_block *blocks;
	struct spares *rooms; /* of ROOM_BYTES each, where blocks come from; NULL: the system */
	size_t used_bytes;    /* handed out so far */
	size_t limit_bytes;   /* 0: no limit */
	size_t held_bytes;    /* taken from the system: blocks are larger than what is used of them */
};

/* Makes an empty arena; allocates nothing yet. Cannot fail. */
void arena_init(struct arena *arena, size_t limit_bytes);

/* Gives everything back and leaves the arena empty and usable. */
void arena_fini(struct arena *arena);

/* What arena_alloc() does where the newest room does not do. */
void *arena_alloc_block(struct arena *arena, size_t size);

/*
 * size bytes, aligned for any type, not zeroed; lives until arena_fini().
 * NULL when the limit is met or memory is out; size 0 gives a valid pointer.
 */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
	size_t taken = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	uint8_t *result = arena->next;

	if (!result || taken < size || taken > (size_t)(arena->end - result) ||
	    (arena->limit_bytes && taken > arena->limit_bytes - arena->used_bytes))
		return arena_alloc_block(arena, size);
	arena->next = result + taken;
	arena->used_bytes += taken;
	return result;
}

/* Copies the bytes into *out. 0, or -ENOMEM with *out untouched. */
static inline int arena_copy(struct arena *arena, struct slice bytes, struct slice *out)
{
	uint8_t *copy = (uint8_t *)arena_alloc(arena, bytes.len);

	if (!copy)
		return -ENOMEM;
	if (bytes.len)
		memcpy(copy, bytes.data, bytes.len);
	*out = slice_of(copy, bytes.len);
	return 0;
}

#endif
