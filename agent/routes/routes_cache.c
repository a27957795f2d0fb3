/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys are kept whole and compared: a hash alone would let a client
 * choose whose endpoint it is counted with.
 */
#include "routes_cache.h"

#include "base/hash.h"

#include <stdlib.h>

#define CACHE_SLOTS 1024
#define KEY_MAX	    160 /* of method and path together; longer ones are not kept */

struct slot {
	const void *host;
	struct endpoint *endpoint;
	uint64_t generation;
	uint16_t method_len, path_len;
	bool grpc, twice;
	uint8_t bytes[KEY_MAX]; /* method and path; what is behind them is anything */
};

struct route_cache {
	struct slot slots[CACHE_SLOTS];
};

struct route_cache *routes_cache_new(void)
{
	return calloc(1, sizeof(struct route_cache));
}

void routes_cache_free(struct route_cache *cache)
{
	free(cache);
}

uint64_t routes_cache_hash(const struct cache_key *key)
{
	return hash_words(hash_words((uintptr_t)key->host, key->method), key->path);
}

/* NULL: this key is not kept. */
static struct slot *cache_slot(struct route_cache *cache, const struct cache_key *key)
{
	if (!cache || !key->method.data || !key->path.data || key->method.len > KEY_MAX ||
	    key->path.len > KEY_MAX - key->method.len)
		return NULL;
	return &cache->slots[key->hash % CACHE_SLOTS];
}

static bool slot_is(const struct slot *slot, const struct cache_key *key)
{
	struct slice method = slice_of(slot->bytes, slot->method_len);
	struct slice path = slice_of(slot->bytes + slot->method_len, slot->path_len);

	return slot->endpoint && slot->generation == key->generation && slot->host == key->host &&
	       slot->grpc == key->grpc && slice_equal(method, key->method) && slice_equal(path, key->path);
}

struct endpoint *routes_cache_find(struct route_cache *cache, const struct cache_key *key)
{
	const struct slot *slot = cache_slot(cache, key);

	return slot && slot_is(slot, key) && slot->twice ? slot->endpoint : NULL;
}

void routes_cache_add(struct route_cache *cache, const struct cache_key *key, struct endpoint *endpoint)
{
	struct slot *slot = cache_slot(cache, key);

	if (!slot)
		return;
	if (slot_is(slot, key)) {
		slot->twice = true;
		slot->endpoint = endpoint;
		return;
	}
	slot->host = key->host;
	slot->endpoint = endpoint;
	slot->generation = key->generation;
	slot->method_len = (uint16_t)key->method.len;
	slot->path_len = (uint16_t)key->path.len;
	slot->grpc = key->grpc;
	slot->twice = false;
	if (key->method.len)
		memcpy(slot->bytes, key->method.data, key->method.len);
	if (key->path.len)
		memcpy(slot->bytes + key->method.len, key->path.data, key->path.len);
}
