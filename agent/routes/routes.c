/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree a host (routes_tree.h), and beside it a flat one for what no template
 * is made of: the user's patterns, "*" and unknown paths. A request walks its
 * host's tree to where its path ends and finds its endpoint there by method.
 * When that was something new, the tree may learn, which moves endpoints; then
 * the same request walks once more.
 */
#include "routes.h"

#include "ascii.h"
#include "base/hash.h"
#include "base/table.h"
#include "routes_cache.h"
#include "routes_learn.h"
#include "routes_pattern.h"
#include "routes_set.h"
#include "routes_walk.h"

#include <errno.h>
#include <stdlib.h>

#define LIMIT_DEFAULT	   1000
#define NODES_PER_ENDPOINT 64
#define HOST_MAX	   255 /* RFC 1035, 2.3.4; what is longer is cut */
#define METHOD_MAX	   64
#define LEARN_ROUNDS	   64

struct host {
	UT_hash_handle hh;
	char *name; /* NULL: not known */
	struct node *root, *fixed;
	size_t key_len;
	uint8_t key[]; /* the name, a byte more in front: unknown is not empty */
};

struct routes {
	struct routes_config config;
	struct pattern *patterns;
	struct words *words;
	struct tree tree;
	struct route_cache *cache;
	struct host *hosts, *last; /* last: of the request before, for most are to the same one */
	struct endpoint rest;
	struct hash_set folded; /* of what is in the rest */
};

/* --- made and freed ----------------------------------------------------------------- */

static int patterns_parse(struct routes *routes)
{
	const struct routes_config *config = &routes->config;

	if (!config->pattern_count)
		return 0;
	routes->patterns = calloc(config->pattern_count, sizeof(*routes->patterns));
	if (!routes->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < config->pattern_count; i++) {
		const char *error;
		size_t at;

		if (routes_pattern_parse(config->patterns[i], &routes->patterns[i], &error, &at) < 0)
			return -EINVAL;
	}
	return 0;
}

struct routes *routes_new(const struct routes_config *config)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	size_t limit = config->limit ? config->limit : LIMIT_DEFAULT;

	if (!routes)
		return NULL;
	routes->config = *config;
	routes->rest.overflow = true;
	routes->words = routes_words_new();
	if (!routes->words || patterns_parse(routes) < 0) {
		routes_free(routes);
		return NULL;
	}
	routes->cache = routes_cache_new();
	routes->tree = (struct tree){ .config = &routes->config,
				      .words = routes->words,
				      .node_limit = limit * NODES_PER_ENDPOINT,
				      .endpoint_limit = limit };
	return routes;
}

static void host_free(struct routes *routes, struct host *host)
{
	if (host->root)
		routes_tree_free(&routes->tree, host->root, routes->config.release);
	if (host->fixed)
		routes_tree_free(&routes->tree, host->fixed, routes->config.release);
	free(host->name);
	free(host);
}

void routes_free(struct routes *routes)
{
	struct host *host, *next;

	if (!routes)
		return;
	HASH_ITER (hh, routes->hosts, host, next) {
		HASH_DEL(routes->hosts, host);
		host_free(routes, host);
	}
	if (routes->config.release && routes->rest.folded)
		routes->config.release(routes->config.ctx, &routes->rest);
	routes_set_fini(&routes->folded);
	routes_set_fini(&routes->tree.ids);
	frequent_fini(&routes->tree.frequent);
	free(routes->patterns);
	routes_words_free(routes->words);
	routes_cache_free(routes->cache);
	free(routes);
}

/* --- hosts --------------------------------------------------------------------------- */

/* Names of hosts differ in no case (RFC 9110, 4.2.3); a NUL would end the string. */
static struct slice host_key(uint8_t key[HOST_MAX + 1], struct slice name)
{
	name = slice_take(name, HOST_MAX);
	key[0] = name.data != NULL;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = ascii_lower(name.data[i]);

		key[i + 1] = c ? c : '?';
	}
	return slice_of(key, name.len + 1);
}

/* A string of the bytes; NULL: no memory, or data is NULL. */
static char *string_of(struct slice bytes, size_t max)
{
	char *string;

	if (!bytes.data)
		return NULL;
	bytes = slice_take(bytes, max);
	string = malloc(bytes.len + 1);
	if (!string)
		return NULL;
	for (size_t i = 0; i < bytes.len; i++)
		string[i] = bytes.data[i] ? (char)bytes.data[i] : '?';
	string[bytes.len] = '\0';
	return string;
}

static struct host *host_new(struct routes *routes, struct slice key)
{
	struct host *host = calloc(1, sizeof(*host) + key.len);

	if (!host)
		return NULL;
	host->key_len = key.len;
	memcpy(host->key, key.data, key.len);
	host->root = routes_tree_add(&routes->tree, NULL, SLICE(""));
	host->fixed = routes_tree_add(&routes->tree, NULL, SLICE(""));
	if (!host->root || !host->fixed)
		goto failed;
	host->root->follow = FOLLOW_ROOT;
	if (key.data[0]) {
		host->name = string_of(slice_drop(key, 1), HOST_MAX);
		if (!host->name)
			goto failed;
	}
	HASH_ADD_KEYPTR(hh, routes->hosts, host->key, host->key_len, host);
	if (TABLE_ADDED(host, hh))
		return host;
failed:
	host_free(routes, host);
	return NULL;
}

static struct host *host_known(struct routes *routes, struct slice key)
{
	struct host *host = routes->last;

	if (host && slice_equal(slice_of(host->key, host->key_len), key))
		return host;
	HASH_FIND(hh, routes->hosts, key.data, key.len, host);
	return host;
}

/* Written as in the key: most are. */
static bool host_is(const struct host *host, struct slice name)
{
	return host->key_len == name.len + 1 && host->key[0] == (name.data != NULL) &&
	       slice_equal(slice_of(host->key + 1, name.len), name);
}

static struct host *host_find(struct routes *routes, struct slice name)
{
	uint8_t bytes[HOST_MAX + 1];
	struct host *host = routes->last;
	struct slice key;

	if (host && host_is(host, name))
		return host;
	key = host_key(bytes, name);
	host = host_known(routes, key);
	if (!host && routes->tree.endpoints < routes->tree.endpoint_limit)
		host = host_new(routes, key);
	if (host)
		routes->last = host;
	return host;
}

/* --- endpoints ------------------------------------------------------------------------- */

static bool method_is(const struct endpoint *endpoint, struct slice method)
{
	size_t len;

	if (!endpoint->method || !method.data)
		return !endpoint->method && !method.data;
	method = slice_take(method, METHOD_MAX);
	len = strlen(endpoint->method);
	if (len != method.len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (endpoint->method[i] != (method.data[i] ? (char)method.data[i] : '?'))
			return false;
	return true;
}

static struct entry *entry_find(const struct node *node, struct slice method)
{
	struct entry *entry;

	LL_FOREACH (node->entries, entry)
		if (method_is(&entry->endpoint, method))
			return entry;
	return NULL;
}

static struct entry *entry_new(struct routes *routes, struct host *host, struct node *node,
			       struct slice method, char *route)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->endpoint = (struct endpoint){ .host = host->name,
					     .method = string_of(method, METHOD_MAX),
					     .route = route };
	if (method.data && !entry->endpoint.method) {
		free(entry);
		return NULL;
	}
	entry->node = node;
	LL_PREPEND(node->entries, entry);
	frequent_add(&routes->tree.frequent, &entry->rank, 0);
	routes->tree.endpoints++;
	return entry;
}

/* The endpoint of a node; NULL: no memory, or no room. *made: it is new. */
static struct endpoint *node_endpoint(struct routes *routes, struct host *host, struct node *node,
				      struct slice method, bool named)
{
	struct entry *entry = entry_find(node, method);
	char *route = NULL;

	if (entry)
		return &entry->endpoint;
	if (routes->tree.endpoints >= routes->tree.endpoint_limit)
		return NULL;
	if (named) {
		route = node->parent == host->fixed ? string_of(slice_of(node->text, node->len), node->len)
						    : routes_tree_route(node);
		if (!route)
			return NULL;
	}
	entry = entry_new(routes, host, node, method, route);
	if (!entry)
		free(route);
	return entry ? &entry->endpoint : NULL;
}

/* --- finding ---------------------------------------------------------------------------- */

static const struct pattern *pattern_find(const struct routes *routes, struct slice method, struct slice path)
{
	for (size_t i = 0; path.data && i < routes->config.pattern_count; i++)
		if (routes_pattern_matches(&routes->patterns[i], method, path))
			return &routes->patterns[i];
	return NULL;
}

/* A route that is what it is: a pattern's, "*", or none (data NULL). */
static struct endpoint *find_fixed(struct routes *routes, struct host *host, struct slice method,
				   struct slice route)
{
	struct node *node = host->fixed;

	if (route.data) {
		node = routes_tree_child(host->fixed, route);
		if (!node && routes->tree.endpoints < routes->tree.endpoint_limit)
			node = routes_tree_add(&routes->tree, host->fixed, route);
	}
	return node ? node_endpoint(routes, host, node, method, route.data != NULL) : NULL;
}

static struct endpoint *find_in_tree(struct routes *routes, struct host *host, struct slice method,
				     struct slice path, bool grpc)
{
	struct tree *tree = &routes->tree;
	size_t node_limit = tree->node_limit;
	struct endpoint *endpoint = NULL;

	for (int round = 0; round < LEARN_ROUNDS; round++) {
		struct walk walk = { .rest = routes_segment_all(path), .grpc = grpc, .repeated = round > 0 };
		struct node *node;

		if (tree->endpoints >= tree->endpoint_limit)
			tree->node_limit = 0; /* nothing new, so nothing for it */
		node = routes_walk(tree, host->root, &walk);
		endpoint = node ? node_endpoint(routes, host, node, method, true) : NULL;
		tree->node_limit = node_limit;
		if (!endpoint || round + 1 == LEARN_ROUNDS || !routes_learn_from(tree, node))
			break;
	}
	return endpoint;
}

/* Endpoints without room, told apart by what their segments look like. */
static uint64_t rest_hash(struct routes *routes, struct slice host, struct slice method, struct slice path)
{
	uint8_t key[HOST_MAX + 1];
	uint64_t hash = hash_on(hash_on(HASH_START, host_key(key, host)), method);
	struct slice rest = routes_segment_all(path);

	while (rest.data) {
		struct segment segment;

		routes_segment_read(routes->words, routes_segment_take(&rest), &segment);
		hash = hash_on(hash, segment.prefix);
		hash = hash_on(hash, segment.look >= LOOK_CODE ? segment.label : segment.stem);
		hash = hash_on(hash, segment.suffix);
	}
	return hash;
}

static struct endpoint *rest_fold(struct routes *routes, uint64_t hash)
{
	routes_set_add(&routes->folded, hash);
	routes->rest.folded = routes->folded.count ? routes->folded.count : 1;
	return &routes->rest;
}

static struct entry *entry_of(struct endpoint *endpoint)
{
	return (struct entry *)endpoint;
}

static struct entry *entry_of_rank(struct frequent_item *rank)
{
	return (struct entry *)((char *)rank - offsetof(struct entry, rank));
}

/* A host of which nothing is left. */
static void host_prune(struct routes *routes, struct host *host)
{
	if (host->root->children || host->root->entries || host->fixed->children || host->fixed->entries)
		return;
	HASH_DEL(routes->hosts, host);
	if (routes->last == host)
		routes->last = NULL;
	host_free(routes, host);
}

/* The endpoint makes room; what it counted goes on in the rest. */
static void entry_evict(struct routes *routes, struct entry *entry)
{
	struct endpoint *endpoint = &entry->endpoint;
	uint8_t key[HOST_MAX + 1];
	struct host *host = host_known(routes, host_key(key, slice_of_string(endpoint->host)));
	struct node *node = entry->node;
	uint64_t hash;

	hash = hash_on(hash_on(HASH_START, slice_of_string(endpoint->host)),
		       slice_of_string(endpoint->method));
	rest_fold(routes, hash_on(hash, slice_of_string(endpoint->route)));
	if (routes->config.merge)
		routes->config.merge(routes->config.ctx, &routes->rest, endpoint);
	LL_DELETE(node->entries, entry);
	routes_tree_entry_free(&routes->tree, entry);
	routes_tree_prune(&routes->tree, node);
	if (host)
		host_prune(routes, host);
}

static struct endpoint *find_at_host(struct routes *routes, struct host *host, struct slice method,
				     struct slice path, bool grpc)
{
	const struct pattern *pattern = pattern_find(routes, method, path);

	if (pattern)
		return find_fixed(routes, host, method, pattern->path);
	if (!path.data || slice_equal(path, SLICE("*")))
		return find_fixed(routes, host, method, path);
	return find_in_tree(routes, host, method, path, grpc);
}

bool routes_shed(struct routes *routes)
{
	struct frequent_item *least = frequent_least(&routes->tree.frequent);

	if (least)
		entry_evict(routes, entry_of_rank(least));
	return least != NULL;
}

static struct endpoint *find_known(struct routes *routes, struct slice host_name, struct slice method,
				   struct slice path, bool grpc)
{
	struct host *host = host_find(routes, host_name);
	struct cache_key key = { .host = host, .method = method, .path = path, .grpc = grpc };
	struct endpoint *endpoint;

	if (!host)
		return NULL;
	key.generation = routes->tree.generation;
	key.hash = routes_cache_hash(&key);
	endpoint = routes_cache_find(routes->cache, &key);
	if (endpoint)
		return endpoint;
	endpoint = find_at_host(routes, host, method, path, grpc);
	key.generation = routes->tree.generation;
	if (endpoint)
		routes_cache_add(routes->cache, &key, endpoint);
	return endpoint;
}

struct endpoint *routes_find(struct routes *routes, struct slice host, struct slice method, struct slice path,
			     bool grpc)
{
	struct endpoint *endpoint = find_known(routes, host, method, path, grpc);
	struct frequent_item *least;
	uint64_t hash, count = 0;

	if (!endpoint) {
		hash = rest_hash(routes, host, method, path);
		if (routes->tree.endpoints < routes->tree.endpoint_limit ||
		    !frequent_miss(&routes->tree.frequent, hash, &least, &count))
			return rest_fold(routes, hash);
		entry_evict(routes, entry_of_rank(least));
		endpoint = find_known(routes, host, method, path, grpc);
		if (!endpoint)
			return rest_fold(routes, hash);
	}
	frequent_count(&routes->tree.frequent, &entry_of(endpoint)->rank, count ? count : 1);
	return endpoint;
}

struct endpoint *routes_find_again(struct routes *routes, struct routes_memo *memo, struct slice host,
				   struct slice method, struct slice path, bool grpc)
{
	bool same = memo->endpoint && memo->generation == routes->tree.generation && memo->grpc == grpc;
	struct endpoint *before = memo->endpoint;

	if (same && memo->twice) {
		frequent_count(&routes->tree.frequent, &entry_of(before)->rank, 1);
		return before;
	}
	memo->endpoint = routes_find(routes, host, method, path, grpc);
	if (memo->endpoint->overflow) {
		*memo = (struct routes_memo){ .endpoint = NULL };
		return &routes->rest;
	}
	memo->twice = same && memo->endpoint == before && memo->generation == routes->tree.generation;
	memo->generation = routes->tree.generation;
	memo->grpc = grpc;
	return memo->endpoint;
}

struct endpoint *routes_find_uncounted(struct routes *routes, struct slice host, struct slice method,
				       struct slice path, bool grpc)
{
	struct endpoint *endpoint = find_known(routes, host, method, path, grpc);

	return endpoint ? endpoint : rest_fold(routes, rest_hash(routes, host, method, path));
}

/* --- all of them ------------------------------------------------------------------------- */

static void node_each(struct node *node, void (*fn)(void *ctx, struct endpoint *endpoint), void *ctx)
{
	struct entry *entry;

	LL_FOREACH (node->entries, entry)
		fn(ctx, &entry->endpoint);
	for (struct node *child = node->children; child; child = child->hh.next)
		node_each(child, fn, ctx);
}

void routes_each(struct routes *routes, void (*fn)(void *ctx, struct endpoint *endpoint), void *ctx)
{
	for (struct host *host = routes->hosts; host; host = host->hh.next) {
		node_each(host->fixed, fn, ctx);
		node_each(host->root, fn, ctx);
	}
	if (routes->rest.folded)
		fn(ctx, &routes->rest);
}
