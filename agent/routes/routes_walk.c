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
#include "routes_walk.h"

#include "ascii.h"
#include "base/hash.h"
#include "routes_learn.h"

#include <string.h>

#define DEPTH_MAX 32 /* segments; the rest is one */

/* "products/_search" at the root: what comes before is an index, whatever it is called. */
static bool is_index(const struct tree *tree, const struct node *node, const struct segment *segment,
		     struct slice next)
{
	bool system = next.len > 1 && next.data[0] == '_' && ascii_is_lower(next.data[1]);

	return !node->parent && system && segment->look != LOOK_RESERVED &&
	       routes_segment_follow(tree->words, segment->stem) != FOLLOW_SPACE;
}

/* "catalog/v1", "networking.k8s.io/v1". */
static bool is_service(const struct node *node, enum look look, struct slice next)
{
	bool names_follow = node->follow == FOLLOW_ROOT || node->follow == FOLLOW_SPACE ||
			    node->follow == FOLLOW_SINGULAR || node->follow == FOLLOW_SINGLE;

	return names_follow && look <= LOOK_CODE && next.data && routes_segment_is_version(next);
}

static void node_visit(struct node *node, const struct walk *walk)
{
	if (walk->repeated || !routes_tree_is_candidate(node))
		return;
	if (node->state == NODE_ONCE)
		node->parent->dirty = true;
	routes_tree_event(node, node->above == walk->above ? NODE_SEEN : NODE_SEEN_ELSEWHERE);
}

static struct node *step_static(struct tree *tree, struct node *node, const struct segment *segment,
				const struct walk *walk)
{
	uint8_t buffer[NODE_TEXT_MAX];
	struct slice text = routes_tree_text(buffer, segment->prefix, segment->stem, segment->suffix);
	struct node *child = routes_tree_child(node, text);

	if (child) {
		node_visit(child, walk);
		return child;
	}
	child = routes_tree_add(tree, node, text);
	if (!child)
		return NULL;
	child->look = segment->look;
	child->suffix = slice_of(child->text + child->len - segment->suffix.len, segment->suffix.len);
	child->follow = strcmp(node->text, "by") == 0 ? FOLLOW_NAMED
						      : routes_segment_follow(tree->words, segment->stem);
	child->above = walk->above;
	if (walk->grpc)
		routes_tree_event(child, NODE_IS_NAME);
	node->dirty = node->dirty || child->look >= LOOK_NOUN;
	if (node->parent && node->look == LOOK_NOUN && node->state != NODE_PLACEHOLDER)
		node->parent->dirty = true; /* what is beneath it tells of it */
	return child;
}

static struct node *step_new(struct tree *tree, struct node *node, struct slice text, struct slice next,
			     struct walk *walk)
{
	struct segment segment;
	struct node *child;

	routes_segment_read(tree->words, text, &segment);
	if (is_index(tree, node, &segment, next))
		node->follow = FOLLOW_NAMED;
	if (!is_service(node, segment.look, next) &&
	    routes_learn_at_once(tree, node, segment.look, segment.stem, segment.suffix, next)) {
		child = routes_tree_add_placeholder(tree, node, segment.prefix, segment.label,
						    segment.suffix);
		if (child)
			routes_tree_placeholder_saw(tree, child, segment.look, segment.stem, segment.strict);
		walk->above = hash_on(walk->above, text);
		return child;
	}
	child = step_static(tree, node, &segment, walk);
	if (child && is_service(node, segment.look, next))
		routes_tree_event(child, NODE_IS_NAME);
	return child;
}

static struct node *step(struct tree *tree, struct node *node, struct slice text, struct slice next,
			 struct walk *walk)
{
	struct node *child = routes_tree_child(node, text);

	if (!child || child->state == NODE_PLACEHOLDER)
		return step_new(tree, node, text, next, walk);
	if (routes_learn_child_at_once(tree, child, next)) {
		struct node *placeholder = routes_tree_fold_one(tree, child);

		walk->above = hash_on(walk->above, text);
		return placeholder ? placeholder : child;
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

		end = routes_segment_take(&rest);
		if (before && rest.data &&
		    (slice_equal(end, SLICE("manifests")) || slice_equal(end, SLICE("blobs")) ||
		     slice_equal(end, SLICE("tags")) || slice_equal(end, SLICE("referrers"))))
			len = before - 1;
	}
	return len;
}

static struct node *step_placeholder(struct tree *tree, struct node *node, struct slice text,
				     struct walk *walk)
{
	walk->above = hash_on(walk->above, text);
	return routes_tree_add_placeholder(tree, node, SLICE(""), SLICE("{id}"), SLICE(""));
}

/* A path of a repository's file, beneath .../{id}/contents: as deep as it likes. */
static bool is_file_tree(const struct node *node)
{
	return node->parent && node->parent->state == NODE_PLACEHOLDER && strcmp(node->text, "contents") == 0;
}

static struct node *step_any(struct tree *tree, struct node *node, struct walk *walk)
{
	size_t image = image_name(node, walk->rest);
	struct slice text, next, after, extension = { .data = NULL };

	if (image) {
		text = slice_take(walk->rest, image);
		walk->rest = slice_drop(walk->rest, image + 1);
		return step_placeholder(tree, node, text, walk);
	}
	if (is_file_tree(node)) {
		text = walk->rest;
		walk->rest = (struct slice){ .data = NULL };
		return step_placeholder(tree, node, text, walk);
	}
	text = routes_segment_take(&walk->rest);
	after = walk->rest;
	next = routes_segment_take(&after);
	if (walk->grpc && text.len <= SEGMENT_MAX && !memchr(text.data, 0, text.len))
		return step_static(tree, node, &(struct segment){ .look = LOOK_RESERVED, .stem = text },
				   walk);
	if (tree->config->fold_static && !next.data)
		extension = routes_segment_asset(tree->words, text);
	if (extension.data)
		return routes_tree_add_placeholder(tree, node, SLICE(""), SLICE("{file}"), extension);
	return step(tree, node, text, next, walk);
}

struct node *routes_walk(struct tree *tree, struct node *root, struct walk *walk)
{
	struct node *node = root;

	for (size_t depth = 0; node && walk->rest.data; depth++) {
		if (depth == DEPTH_MAX)
			return routes_tree_add_placeholder(tree, node, SLICE(""), SLICE("*"), SLICE(""));
		node = step_any(tree, node, walk);
	}
	return node;
}
