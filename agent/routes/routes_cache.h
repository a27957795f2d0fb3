/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that come again and again skip the walk through the tree: a table
 * of the last ones, one place each. What is in it holds as long as the tree
 * does not change (its generation).
 */
#ifndef HARK_ROUTES_CACHE_H
#define HARK_ROUTES_CACHE_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct route_cache;
struct endpoint;

struct cache_key {
	const void *host;
	struct slice method, path; /* data NULL: not known, and not kept */
	bool grpc;
	uint64_t generation; /* of the routes, when it is looked for and when it is added */
	uint64_t hash;	     /* by routes_cache_hash() of the others, but for the generation */
};

uint64_t routes_cache_hash(const struct cache_key *key);

struct route_cache *routes_cache_new(void); /* NULL: out of memory, which the others accept */
void routes_cache_free(struct route_cache *cache);

/* NULL: it is not there, or was there only once: learning wants to see what comes twice. */
struct endpoint *routes_cache_find(struct route_cache *cache, const struct cache_key *key);
void routes_cache_add(struct route_cache *cache, const struct cache_key *key, struct endpoint *endpoint);

#endif
