/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk takes the path segment by segment. Text that is a child already is
 * followed without a second look, so known paths cost one table look-up a
 * segment; what is not gets read (routes_segment.h) and becomes a child of its
 * own, or goes to the placeholder.
 *
 * Three things are told by looking ahead: "name/v1" is a service and not an id,
 * "name/_search" at the beginning is an index (Elasticsearch and its kin), and
 * the names of container images span segments up to "manifests", "blobs" or
 * "tags" (OCI distribution specification).
 */
#include "routes_tree.h"

#include "base/hash.h"
#include "routes_fold.h"
#include "routes_learn.h"

#include <stdlib.h>

#define DEPTH_MAX 32 /* segments; the rest is one */
#define TEXT_MAX  (SEGMENT_MAX + 16)

struct slice path_take(struct slice *rest)
{
	const uint8_t *slash = rest->len ? memchr(rest->data, '/', rest->len) : NULL;
	struct slice segment = slash ? slice_take(*rest, (size_t)(slash - rest->data)) : *rest;

	if (slash)
		*rest = slice_drop(*rest, segment.len + 1);
	else
		*rest = (struct slice){ .data = NULL };
	return segment;
}

/* --- nodes -------------------------------------------------------------------------- */

struct node *tree_child(const struct node *node, struct slice text)
{
	struct node *child = NULL;

	if (node->children)
		HASH_FIND(hh, node->children, text.data, text.len, child);
	return child;
}

struct node *tree_add(struct tree *tree, struct node *parent, struct slice text)
{
	struct node *node;

	if (tree->nodes >= tree->node_limit)
		return NULL;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->text = malloc(text.len + 1);
	if (!node->text)
		goto failed;
	if (text.len)
		memcpy(node->text, text.data, text.len);
	node->text[text.len] = '\0';
	node->len = text.len;
	node->parent = parent;
	if (parent) {
		HASH_ADD_KEYPTR(hh, parent->children, node->text, node->len, node);
		if (!TABLE_ADDED(node, hh))
			goto failed;
	}
	if (!parent)
		node->above = ++tree->roots;
	tree->nodes++;
	tree->generation++;
	return node;
failed:
	free(node->text);
	free(node);
	return NULL;
}

void tree_free(struct tree *tree, struct node *node, void (*release)(void *ctx, struct endpoint *endpoint))
{
	struct node *child, *next_child;
	struct entry *entry, *next_entry;

	HASH_ITER (hh, node->children, child, next_child) {
		HASH_DEL(node->children, child);
		tree_free(tree, child, release);
	}
	LL_FOREACH_SAFE(node->entries, entry, next_entry)
	{
		if (release)
			release(tree->config->ctx, &entry->endpoint);
		frequent_remove(&tree->frequent, &entry->rank);
		free(entry->endpoint.method);
		free(entry->endpoint.route);
		free(entry);
		tree->endpoints--;
	}
	free(node->text);
	free(node);
	tree->nodes--;
}

void tree_prune(struct tree *tree, struct node *node)
{
	while (node->parent && !node->entries && !node->children) {
		struct node *parent = node->parent;

		HASH_DEL(parent->children, node);
		tree_free(tree, node, NULL);
		node = parent;
	}
	tree->generation++;
}

char *tree_route(const struct node *node)
{
	size_t len = 0;
	char *route, *at;

	for (const struct node *n = node; n->parent; n = n->parent)
		len += n->len + 1;
	route = malloc(len ? len + 1 : 2);
	if (!route)
		return NULL;
	if (!len) {
		memcpy(route, "/", 2);
		return route;
	}
	at = route + len;
	*at = '\0';
	for (const struct node *n = node; n->parent; n = n->parent) {
		at -= n->len;
		memcpy(at, n->text, n->len);
		*--at = '/';
	}
	return route;
}

/* --- placeholders ----------------------------------------------------------------------- */

static struct slice text_join(uint8_t text[TEXT_MAX], struct slice prefix, struct slice stem,
			      struct slice suffix)
{
	const struct slice parts[] = { prefix, stem, suffix };
	size_t len = 0;

	for (size_t i = 0; i < 3; i++) {
		struct slice part = slice_take(parts[i], TEXT_MAX - len);

		if (part.len)
			memcpy(text + len, part.data, part.len);
		len += part.len;
	}
	return slice_of(text, len);
}

struct node *tree_hole(const struct node *node, struct slice suffix)
{
	uint8_t text[TEXT_MAX];

	return tree_child(node, text_join(text, SLICE(""), SLICE("{id}"), suffix));
}

struct node *tree_add_hole(struct tree *tree, struct node *node, struct slice prefix,
			   struct slice placeholder, struct slice suffix)
{
	uint8_t buffer[TEXT_MAX];
	struct slice text = text_join(buffer, prefix, placeholder, suffix);
	struct node *hole = tree_child(node, text);

	if (hole)
		return hole;
	hole = tree_add(tree, node, text);
	if (!hole)
		return NULL;
	hole->hole = hole->small = true;
	hole->follow = FOLLOW_HOLE;
	return hole;
}

static uint64_t id_hash(const struct node *node, struct slice text)
{
	while (node->parent)
		node = node->parent;
	return hash_on(node->above, text);
}

bool tree_is_id(const struct tree *tree, const struct node *node, struct slice text)
{
	return tree->ids.count && set_has(&tree->ids, id_hash(node, text));
}

static bool is_small_number(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.len <= 4;
}

/* "iphone-15": rather a name with a number than a number with a name. */
static bool has_separator(struct slice text)
{
	return text.len && (memchr(text.data, '-', text.len) || memchr(text.data, '_', text.len) ||
			    memchr(text.data, '.', text.len));
}

void tree_hole_saw(struct tree *tree, struct node *hole, enum look look, struct slice text, bool strict)
{
	struct node *above = hole->parent;
	bool lower = false;

	for (size_t i = 0; i < text.len; i++)
		lower = lower || (text.data[i] >= 'a' && text.data[i] <= 'z');
	if (lower && look >= LOOK_NOUN && look <= LOOK_CODE) {
		above->dirty = above->dirty || !hole->loose;
		tree->generation += !hole->loose;
		hole->loose = true;
		set_add(&tree->ids, id_hash(hole, text));
	}
	hole->numbers += hole->numbers < NUMBERS_ENOUGH;
	hole->mixed = hole->mixed || (!strict && (look != LOOK_ID || (lower && has_separator(text))));
	hole->small = hole->small && is_small_number(text);
	if (!strict && above->follow == FOLLOW_PAIR)
		hole->follow = FOLLOW_NAMED;
	if (above->hole)
		hole->follow = above->small && hole->small ? FOLLOW_NAMED : FOLLOW_HOLE; /* a date's */
}

/* --- one step of a walk ------------------------------------------------------------------- */

static bool is_system_name(struct slice text)
{
	return text.len > 1 && text.data[0] == '_' && text.data[1] >= 'a' && text.data[1] <= 'z';
}

/* "products/_search" at the root: what comes before is an index, whatever it is called. */
static bool is_index(const struct tree *tree, const struct node *node, const struct segment *segment,
		     struct slice next)
{
	return !node->parent && is_system_name(next) && segment->look != LOOK_RESERVED &&
	       follow_of(tree->words, segment->stem) != FOLLOW_SPACE;
}

/* "catalog/v1", "networking.k8s.io/v1". */
static bool is_service(const struct node *node, enum look look, struct slice next)
{
	bool names_follow = node->follow == FOLLOW_ROOT || node->follow == FOLLOW_SPACE ||
			    node->follow == FOLLOW_SINGULAR || node->follow == FOLLOW_SINGLE;

	return names_follow && look <= LOOK_CODE && next.data && look_is_version(next);
}

static void node_visit(struct node *node, const struct walk *walk)
{
	if (walk->repeated || !node_is_candidate(node))
		return;
	if (node->above != walk->above)
		node->varied = true;
	if (!node->again)
		node->parent->dirty = true;
	node->again = true;
}

static struct node *step_static(struct tree *tree, struct node *node, const struct segment *segment,
				const struct walk *walk)
{
	uint8_t buffer[TEXT_MAX];
	struct slice text = text_join(buffer, segment->prefix, segment->stem, segment->suffix);
	struct node *child = tree_child(node, text);

	if (child) {
		node_visit(child, walk);
		return child;
	}
	child = tree_add(tree, node, text);
	if (!child)
		return NULL;
	child->look = segment->look;
	child->suffix = slice_of(child->text + child->len - segment->suffix.len, segment->suffix.len);
	child->follow = strcmp(node->text, "by") == 0 ? FOLLOW_NAMED : follow_of(tree->words, segment->stem);
	child->above = walk->above;
	child->fixed = walk->grpc;
	node->dirty = node->dirty || child->look >= LOOK_NOUN;
	if (node->parent && node->look == LOOK_NOUN && !node->hole)
		node->parent->dirty = true; /* what is beneath it tells of it */
	return child;
}

static struct node *step_new(struct tree *tree, struct node *node, struct slice text, struct slice next,
			     struct walk *walk)
{
	struct segment segment;
	struct node *child;

	segment_read(tree->words, text, &segment);
	if (is_index(tree, node, &segment, next))
		node->follow = FOLLOW_NAMED;
	if (!is_service(node, segment.look, next) && learn_at_once(tree, node, &segment, next)) {
		child = tree_add_hole(tree, node, segment.prefix, segment.placeholder, segment.suffix);
		if (child)
			tree_hole_saw(tree, child, segment.look, segment.stem, segment.strict);
		walk->above = hash_on(walk->above, text);
		return child;
	}
	child = step_static(tree, node, &segment, walk);
	if (child && is_service(node, segment.look, next))
		child->fixed = true;
	return child;
}

static struct node *step(struct tree *tree, struct node *node, struct slice text, struct slice next,
			 struct walk *walk)
{
	struct node *child = tree_child(node, text);

	if (!child || child->hole)
		return step_new(tree, node, text, next, walk);
	if (learn_child_at_once(tree, child, next)) {
		struct node *hole = fold_one(tree, child);

		walk->above = hash_on(walk->above, text);
		return hole ? hole : child;
	}
	node_visit(child, walk);
	return child;
}

/* --- steps that are longer or shorter -------------------------------------------------------- */

/* "library/nginx" of "/v2/library/nginx/manifests/latest": how many bytes; 0: it is none. */
static size_t image_name(const struct node *node, struct slice path)
{
	struct slice rest = path, end = { .data = NULL };
	size_t len = 0;

	if (!node->parent || node->parent->parent || strcmp(node->text, "v2") != 0)
		return 0;
	while (rest.data) {
		size_t before = path.len - rest.len;

		end = path_take(&rest);
		if (before && rest.data &&
		    (slice_equal(end, SLICE("manifests")) || slice_equal(end, SLICE("blobs")) ||
		     slice_equal(end, SLICE("tags")) || slice_equal(end, SLICE("referrers"))))
			len = before - 1;
	}
	return len;
}

static struct node *step_hole(struct tree *tree, struct node *node, struct slice text, struct walk *walk)
{
	walk->above = hash_on(walk->above, text);
	return tree_add_hole(tree, node, SLICE(""), SLICE("{id}"), SLICE(""));
}

static struct node *step_grpc(struct tree *tree, struct node *node, struct slice text,
			      const struct walk *walk)
{
	const struct segment segment = { .look = LOOK_RESERVED, .stem = text };

	return step_static(tree, node, &segment, walk);
}

/* "{file}.css". */
static struct node *step_file(struct tree *tree, struct node *node, struct slice extension)
{
	return tree_add_hole(tree, node, SLICE(""), SLICE("{file}"), extension);
}

/* A path of a repository's file, beneath .../{id}/contents: as deep as it likes. */
static bool is_file_tree(const struct node *node)
{
	return node->parent && node->parent->hole && strcmp(node->text, "contents") == 0;
}

static struct node *step_any(struct tree *tree, struct node *node, struct walk *walk)
{
	size_t image = image_name(node, walk->rest);
	struct slice text, next, after, extension = { .data = NULL };

	if (image) {
		text = slice_take(walk->rest, image);
		walk->rest = slice_drop(walk->rest, image + 1);
		return step_hole(tree, node, text, walk);
	}
	if (is_file_tree(node)) {
		text = walk->rest;
		walk->rest = (struct slice){ .data = NULL };
		return step_hole(tree, node, text, walk);
	}
	text = path_take(&walk->rest);
	after = walk->rest;
	next = path_take(&after);
	if (walk->grpc && text.len <= SEGMENT_MAX && !memchr(text.data, 0, text.len))
		return step_grpc(tree, node, text, walk);
	if (tree->config->fold_static && !next.data)
		extension = segment_asset(tree->words, text);
	return extension.data ? step_file(tree, node, extension) : step(tree, node, text, next, walk);
}

struct node *tree_walk(struct tree *tree, struct node *root, struct walk *walk)
{
	struct node *node = root;

	for (size_t depth = 0; node && walk->rest.data; depth++) {
		if (depth == DEPTH_MAX)
			return tree_add_hole(tree, node, SLICE(""), SLICE("*"), SLICE(""));
		node = step_any(tree, node, walk);
	}
	return node;
}
