/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocation is a bump inside the newest room, or a new block, which is the newest room then. A request
 * larger than a block gets a block of its own size, and the newest room stays.
 */
#include "arena.h"

#include <errno.h>
#include <stdlib.h>

/* With its head, the largest allocation that glibc gives and takes back without a search. */
#define BLOCK_BYTES 1008

struct arena_block {
	struct arena_block *next;
	size_t capacity;
	alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t limit_bytes)
{
	*arena = (struct arena){ .limit_bytes = limit_bytes };
}

void arena_fini(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *next = block->next;

		if (block->capacity == BLOCK_BYTES)
			spares_give(arena->rooms, block);
		else
			free(block);
		block = next;
	}
	*arena = (struct arena){ .limit_bytes = arena->limit_bytes, .rooms = arena->rooms };
}

void *arena_alloc_block(struct arena *arena, size_t size)
{
	struct arena_block *block;
	size_t capacity;

	if (size > SIZE_MAX - BLOCK_BYTES)
		return NULL;
	size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (arena->limit_bytes && size > arena->limit_bytes - arena->used_bytes)
		return NULL;
	capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	_Static_assert(sizeof(*block) + BLOCK_BYTES == ROOM_BYTES, "a room");
	block = capacity == BLOCK_BYTES ? spares_find(arena->rooms) : NULL;
	if (!block)
		block = malloc(sizeof(*block) + capacity);
	if (!block)
		return NULL;
	block->capacity = capacity;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->held_bytes += sizeof(*block) + capacity;
	arena->used_bytes += size;
	if (size <= BLOCK_BYTES) {
		arena->next = block->bytes + size;
		arena->end = block->bytes + capacity;
	}
	return block->bytes;
}
