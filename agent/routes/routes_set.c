/* SPDX-License-Identifier: Apache-2.0 */
/* An open hash table of hashes; 0 is a free slot. */
#include "routes_set.h"

#include <stdlib.h>

#define CAPACITY_FIRST 64

/* The slot of a hash, or the free one where it would be; there is a free one always. */
static size_t slot_of(const uint64_t *hashes, size_t capacity, uint64_t hash)
{
	size_t at = (hash ^ hash >> 32) & (capacity - 1);

	while (hashes[at] && hashes[at] != hash)
		at = (at + 1) & (capacity - 1);
	return at;
}

static void set_grow(struct hash_set *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : CAPACITY_FIRST;
	uint64_t *hashes = calloc(capacity, sizeof(*hashes));

	if (!hashes)
		return;
	for (size_t i = 0; i < set->capacity; i++)
		if (set->hashes[i])
			hashes[slot_of(hashes, capacity, set->hashes[i])] = set->hashes[i];
	free(set->hashes);
	set->hashes = hashes;
	set->capacity = capacity;
}

void routes_set_add(struct hash_set *set, uint64_t hash)
{
	size_t at;

	hash += hash == 0;
	if (set->count >= SET_MAX)
		return;
	if (set->count * 2 >= set->capacity)
		set_grow(set);
	if (set->count * 2 >= set->capacity)
		return; /* no memory */
	at = slot_of(set->hashes, set->capacity, hash);
	set->count += set->hashes[at] == 0;
	set->hashes[at] = hash;
}

bool routes_set_has(const struct hash_set *set, uint64_t hash)
{
	hash += hash == 0;
	return set->capacity && set->hashes[slot_of(set->hashes, set->capacity, hash)];
}

void routes_set_fini(struct hash_set *set)
{
	free(set->hashes);
	*set = (struct hash_set){ 0 };
}
