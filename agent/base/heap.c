/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

static struct heap_node *meld(struct heap_node *a, struct heap_node *b, heap_before *before)
{
	struct heap_node *first = before(b, a) ? b : a, *second = first == a ? b : a;

	second->next = first->child;
	first->child = second;
	return first;
}

void heap_add(struct heap *heap, struct heap_node *node, heap_before *before)
{
	*node = (struct heap_node){ .child = NULL };
	heap->first = heap->first ? meld(heap->first, node, before) : node;
}

/* Neighbours in pairs, then the pairs from the last to the first: that is what keeps later steps few. */
static struct heap_node *meld_all(struct heap_node *list, heap_before *before)
{
	struct heap_node *pairs = NULL, *all = NULL;

	while (list) {
		struct heap_node *a = list, *b = a->next;

		list = b ? b->next : NULL;
		a->next = NULL;
		if (b) {
			b->next = NULL;
			a = meld(a, b, before);
		}
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct heap_node *pair = pairs;

		pairs = pair->next;
		pair->next = NULL;
		all = all ? meld(all, pair, before) : pair;
	}
	return all;
}

struct heap_node *heap_take(struct heap *heap, heap_before *before)
{
	struct heap_node *first = heap->first;

	if (!first)
		return NULL;
	heap->first = meld_all(first->child, before);
	*first = (struct heap_node){ .child = NULL };
	return first;
}
