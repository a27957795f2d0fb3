/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks in a list, newest first; an allocation is a bump of the newest
 * block's fill level, or a new block. A request larger than a block gets a
 * block of its own size, behind the newest one.
 */
#include "arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

/* With its head, the largest allocation that glibc gives and takes back without a search. */
#define BLOCK_BYTES 1000

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	alignas(max_align_t) uint8_t bytes[];
};

/* A block that is full with its first allocation goes behind the newest, which may have room left. */
static void block_add(struct arena *arena, struct arena_block *block, size_t capacity)
{
	struct arena_block **place =
		arena->blocks && capacity > BLOCK_BYTES ? &arena->blocks->next : &arena->blocks;

	block->next = *place;
	block->size = capacity;
	block->used = 0;
	*place = block;
	arena->held_bytes += sizeof(*block) + capacity;
}

void arena_init(struct arena *arena, size_t limit_bytes)
{
	*arena = (struct arena){ .limit_bytes = limit_bytes };
}

void arena_fini(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
	arena_init(arena, arena->limit_bytes);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	void *result;

	if (size > SIZE_MAX - BLOCK_BYTES)
		return NULL;
	size = (size + align - 1) / align * align;
	if (arena->limit_bytes && size > arena->limit_bytes - arena->used_bytes)
		return NULL;
	if (!block || block->size - block->used < size) {
		size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;

		block = malloc(sizeof(*block) + capacity);
		if (!block)
			return NULL;
		block_add(arena, block, capacity);
	}
	result = block->bytes + block->used;
	block->used += size;
	arena->used_bytes += size;
	return result;
}

int arena_copy(struct arena *arena, struct slice bytes, struct slice *out)
{
	uint8_t *copy = arena_alloc(arena, bytes.len);

	if (!copy)
		return -ENOMEM;
	if (bytes.len)
		memcpy(copy, bytes.data, bytes.len);
	*out = slice_of(copy, bytes.len);
	return 0;
}
