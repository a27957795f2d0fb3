/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes become one: endpoints of the same method are merged, others move.
 * No memory is needed but for new names of routes.
 */
#include "routes_fold.h"

#include <stdlib.h>

static void entry_rename(struct entry *entry)
{
	char *route = tree_route(entry->node);

	if (!route)
		return; /* the old name is better than none */
	free(entry->endpoint.route);
	entry->endpoint.route = route;
}

void fold_rename(struct node *node)
{
	struct entry *entry;

	LL_FOREACH (node->entries, entry)
		entry_rename(entry);
	for (struct node *child = node->children; child; child = child->hh.next)
		fold_rename(child);
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
		frequent_remove(&tree->frequent, &entry->rank);
		frequent_count(&tree->frequent, &same->rank, entry->rank.count);
		free(entry->endpoint.method);
		free(entry->endpoint.route);
		free(entry);
		tree->endpoints--;
	}
}

/* `from` is in no table any more and goes away. As deep as a path has segments. */
static void node_merge(struct tree *tree, struct node *into, struct node *from)
{
	struct node *child, *next, *same;

	entries_merge(tree, into, from);
	if (!into->children) { /* the table itself, so that no memory is needed */
		into->children = from->children;
		from->children = NULL;
		for (child = into->children; child; child = child->hh.next)
			child->parent = into;
	}
	HASH_ITER (hh, from->children, child, next) {
		HASH_DEL(from->children, child);
		same = tree_child(into, slice_of(child->text, child->len));
		if (same) {
			node_merge(tree, same, child);
			continue;
		}
		child->parent = into;
		HASH_ADD_KEYPTR(hh, into->children, child->text, child->len, child);
	}
	into->varied = into->varied || from->varied || into->above != from->above;
	into->again = true;
	into->mixed = into->mixed || from->mixed;
	into->small = into->small && (!from->hole || from->small);
	into->loose = into->loose || from->loose;
	into->looks |= from->looks;
	into->dirty = true;
	tree_free(tree, from, NULL);
}

struct node *fold_into(struct tree *tree, struct node *child)
{
	struct node *parent = child->parent;
	struct node *hole = tree_add_hole(tree, parent, SLICE(""), SLICE("{id}"), child->suffix);

	if (!hole)
		return NULL;
	hole->looks |= 1u << child->look;
	tree_hole_saw(tree, hole, child->look, slice_of(child->text, child->len - child->suffix.len), false);
	HASH_DEL(parent->children, child);
	tree->generation++;
	node_merge(tree, hole, child);
	return hole;
}

struct node *fold_one(struct tree *tree, struct node *child)
{
	struct node *hole = fold_into(tree, child);

	if (hole)
		fold_rename(hole);
	return hole;
}
