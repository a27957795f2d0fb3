/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes and what is known of them. When two become one, endpoints of the same
 * method are merged, others move; no memory is needed but for new names of
 * routes.
 */
#include "routes_tree.h"

#include "ascii.h"
#include "base/hash.h"

#include <stdlib.h>

/* --- nodes -------------------------------------------------------------------------- */

struct node *routes_tree_child(const struct node *node, struct slice text)
{
	struct node *child = NULL;

	if (node->children)
		HASH_FIND(hh, node->children, text.data, text.len, child);
	return child;
}

struct node *routes_tree_add(struct tree *tree, struct node *parent, struct slice text)
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

void routes_tree_entry_free(struct tree *tree, struct entry *entry)
{
	frequent_remove(&tree->frequent, &entry->rank);
	free(entry->endpoint.method);
	free(entry->endpoint.route);
	free(entry);
	tree->endpoints--;
}

void routes_tree_free(struct tree *tree, struct node *node,
		      void (*release)(void *ctx, struct endpoint *endpoint))
{
	struct node *child, *next_child;
	struct entry *entry, *next_entry;

	HASH_ITER (hh, node->children, child, next_child) {
		HASH_DEL(node->children, child);
		routes_tree_free(tree, child, release);
	}
	LL_FOREACH_SAFE(node->entries, entry, next_entry)
	{
		if (release)
			release(tree->config->ctx, &entry->endpoint);
		routes_tree_entry_free(tree, entry);
	}
	free(node->text);
	free(node);
	tree->nodes--;
}

void routes_tree_prune(struct tree *tree, struct node *node)
{
	while (node->parent && !node->entries && !node->children) {
		struct node *parent = node->parent;

		HASH_DEL(parent->children, node);
		routes_tree_free(tree, node, NULL);
		node = parent;
	}
	tree->generation++;
}

char *routes_tree_route(const struct node *node)
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

/* --- states ------------------------------------------------------------------------------ */

static const enum node_state states[][3] = {
	[NODE_ONCE] = { [NODE_SEEN] = NODE_AGAIN,
			[NODE_SEEN_ELSEWHERE] = NODE_VARIED,
			[NODE_IS_NAME] = NODE_FIXED },
	[NODE_AGAIN] = { [NODE_SEEN] = NODE_AGAIN,
			 [NODE_SEEN_ELSEWHERE] = NODE_VARIED,
			 [NODE_IS_NAME] = NODE_FIXED },
	[NODE_VARIED] = { [NODE_SEEN] = NODE_VARIED,
			  [NODE_SEEN_ELSEWHERE] = NODE_VARIED,
			  [NODE_IS_NAME] = NODE_FIXED },
	[NODE_FIXED] = { NODE_FIXED, NODE_FIXED, NODE_FIXED },
	[NODE_PLACEHOLDER] = { NODE_PLACEHOLDER, NODE_PLACEHOLDER, NODE_PLACEHOLDER },
};

void routes_tree_event(struct node *node, enum node_event event)
{
	node->state = states[node->state][event];
}

/* --- placeholders ----------------------------------------------------------------------- */

struct slice routes_tree_text(uint8_t text[NODE_TEXT_MAX], struct slice prefix, struct slice stem,
			      struct slice suffix)
{
	const struct slice parts[] = { prefix, stem, suffix };
	size_t len = 0;

	for (size_t i = 0; i < 3; i++) {
		struct slice part = slice_take(parts[i], NODE_TEXT_MAX - len);

		if (part.len)
			memcpy(text + len, part.data, part.len);
		len += part.len;
	}
	return slice_of(text, len);
}

struct node *routes_tree_placeholder(const struct node *node, struct slice suffix)
{
	uint8_t text[NODE_TEXT_MAX];

	return routes_tree_child(node, routes_tree_text(text, SLICE(""), SLICE("{id}"), suffix));
}

struct node *routes_tree_add_placeholder(struct tree *tree, struct node *node, struct slice prefix,
					 struct slice label, struct slice suffix)
{
	uint8_t buffer[NODE_TEXT_MAX];
	struct slice text = routes_tree_text(buffer, prefix, label, suffix);
	struct node *placeholder = routes_tree_child(node, text);

	if (placeholder)
		return placeholder;
	placeholder = routes_tree_add(tree, node, text);
	if (!placeholder)
		return NULL;
	placeholder->state = NODE_PLACEHOLDER;
	placeholder->follow = FOLLOW_PLACEHOLDER;
	return placeholder;
}

static uint64_t id_hash(const struct node *node, struct slice text)
{
	while (node->parent)
		node = node->parent;
	return hash_on(node->above, text);
}

bool routes_tree_is_id(const struct tree *tree, const struct node *node, struct slice text)
{
	return tree->ids.count && routes_set_has(&tree->ids, id_hash(node, text));
}

/* "iphone-15" is rather a name with a number than a number with a name. */
static enum placeholder_values values_of(enum look look, struct slice text, bool strict)
{
	bool lower = false, separated = false, number = true;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		lower |= ascii_is_lower(c);
		separated |= c == '-' || c == '_' || c == '.';
		number &= ascii_is_digit(c);
	}
	if (lower && look >= LOOK_NOUN && look <= LOOK_CODE)
		return VALUES_WORDS;
	if (!strict && (look != LOOK_ID || (lower && separated)))
		return VALUES_MIXED;
	return number && text.len <= 4 ? VALUES_SMALL : VALUES_IDS;
}

void routes_tree_placeholder_saw(struct tree *tree, struct node *placeholder, enum look look,
				 struct slice text, bool strict)
{
	enum placeholder_values values = values_of(look, text, strict);
	struct node *above = placeholder->parent;

	if (values == VALUES_WORDS) {
		if (placeholder->values != VALUES_WORDS) {
			above->dirty = true;
			tree->generation++;
		}
		routes_set_add(&tree->ids, id_hash(placeholder, text));
	}
	placeholder->seen += placeholder->seen < NUMBERS_ENOUGH;
	if (values > placeholder->values)
		placeholder->values = values;
	if (!strict && above->follow == FOLLOW_PAIR)
		placeholder->follow = FOLLOW_NAMED;
	if (above->state == NODE_PLACEHOLDER) /* a date's */
		placeholder->follow = above->values == VALUES_SMALL && placeholder->values == VALUES_SMALL
					      ? FOLLOW_NAMED
					      : FOLLOW_PLACEHOLDER;
}

/* --- a name goes to the placeholder beside it, with all that is beneath -------------------------- */

static void entry_rename(struct entry *entry)
{
	char *route = routes_tree_route(entry->node);

	if (!route)
		return; /* the old name is better than none */
	free(entry->endpoint.route);
	entry->endpoint.route = route;
}

void routes_tree_rename(struct node *node)
{
	struct entry *entry;

	LL_FOREACH (node->entries, entry)
		entry_rename(entry);
	for (struct node *child = node->children; child; child = child->hh.next)
		routes_tree_rename(child);
}

static struct entry *entry_same(struct node *node, const struct entry *as)
{
	struct entry *entry;

	LL_FOREACH (node->entries, entry) {
		const char *a = entry->endpoint.method, *b = as->endpoint.method;

		if (a == b || (a && b && strcmp(a, b) == 0))
			return entry;
	}
	return NULL;
}

static void entries_merge(struct tree *tree, struct node *into, struct node *from)
{
	struct entry *entry, *next, *same;

	LL_FOREACH_SAFE(from->entries, entry, next)
	{
		LL_DELETE(from->entries, entry);
		same = entry_same(into, entry);
		if (!same) {
			entry->node = into;
			LL_PREPEND(into->entries, entry);
			continue;
		}
		if (tree->config->merge)
			tree->config->merge(tree->config->ctx, &same->endpoint, &entry->endpoint);
		frequent_count(&tree->frequent, &same->rank, entry->rank.count);
		routes_tree_entry_free(tree, entry);
	}
}

/* `from` is in no table any more and goes away. As deep as a path has segments. */
static void node_merge(struct tree *tree, struct node *into, struct node *from)
{
	struct node *child, *next, *same;
	bool elsewhere;

	entries_merge(tree, into, from);
	if (!into->children) { /* the table itself, so that no memory is needed */
		into->children = from->children;
		from->children = NULL;
		for (child = into->children; child; child = child->hh.next)
			child->parent = into;
	}
	HASH_ITER (hh, from->children, child, next) {
		HASH_DEL(from->children, child);
		same = routes_tree_child(into, slice_of(child->text, child->len));
		if (same) {
			node_merge(tree, same, child);
			continue;
		}
		child->parent = into;
		HASH_ADD_KEYPTR(hh, into->children, child->text, child->len, child);
		if (!TABLE_ADDED(child, hh)) { /* no memory for the table to grow: it does so later */
			into->children->hh.tbl->noexpand = 1;
			HASH_ADD_KEYPTR(hh, into->children, child->text, child->len, child);
			into->children->hh.tbl->noexpand = 0;
		}
	}
	elsewhere = from->state == NODE_VARIED || into->above != from->above;
	routes_tree_event(into, elsewhere ? NODE_SEEN_ELSEWHERE : NODE_SEEN);
	if (from->values > into->values)
		into->values = from->values;
	into->looks |= from->looks;
	into->dirty = true;
	routes_tree_free(tree, from, NULL);
}

struct node *routes_tree_fold(struct tree *tree, struct node *child)
{
	struct node *parent = child->parent;
	struct node *placeholder =
		routes_tree_add_placeholder(tree, parent, SLICE(""), SLICE("{id}"), child->suffix);

	if (!placeholder)
		return NULL;
	placeholder->looks |= 1u << child->look;
	routes_tree_placeholder_saw(tree, placeholder, child->look,
				    slice_of(child->text, child->len - child->suffix.len),
				    child->look == LOOK_DECIMAL);
	HASH_DEL(parent->children, child);
	tree->generation++;
	node_merge(tree, placeholder, child);
	return placeholder;
}

struct node *routes_tree_fold_one(struct tree *tree, struct node *child)
{
	struct node *placeholder = routes_tree_fold(tree, child);

	if (placeholder)
		routes_tree_rename(placeholder);
	return placeholder;
}
