/* SPDX-License-Identifier: Apache-2.0 */
/* An open hash table of hashes; 0 is a free slot. Without memory it counts what it can hold. */
#include "routes_overflow.h"

#include <stdlib.h>

#define CAPACITY_FIRST 64

static uint64_t *slot_of(uint64_t *hashes, size_t capacity, uint64_t hash)
{
	size_t at = hash & (capacity - 1);

	while (hashes[at] && hashes[at] != hash)
		at = (at + 1) & (capacity - 1);
	return &hashes[at];
}

static void overflow_grow(struct overflow *overflow)
{
	size_t capacity = overflow->capacity ? 2 * overflow->capacity : CAPACITY_FIRST;
	uint64_t *hashes = calloc(capacity, sizeof(*hashes));

	if (!hashes)
		return;
	for (size_t i = 0; i < overflow->capacity; i++)
		if (overflow->hashes[i])
			*slot_of(hashes, capacity, overflow->hashes[i]) = overflow->hashes[i];
	free(overflow->hashes);
	overflow->hashes = hashes;
	overflow->capacity = capacity;
}

uint64_t overflow_add(struct overflow *overflow, uint64_t hash)
{
	uint64_t *slot;

	hash += hash == 0;
	if (overflow->count * 2 >= overflow->capacity && overflow->count < OVERFLOW_EXACT)
		overflow_grow(overflow);
	if (!overflow->capacity)
		return 1;
	slot = slot_of(overflow->hashes, overflow->capacity, hash);
	if (!*slot && overflow->count < OVERFLOW_EXACT && overflow->count * 2 < overflow->capacity) {
		*slot = hash;
		overflow->count++;
	}
	return overflow->count ? overflow->count : 1;
}

void overflow_fini(struct overflow *overflow)
{
	free(overflow->hashes);
	*overflow = (struct overflow){ 0 };
}
