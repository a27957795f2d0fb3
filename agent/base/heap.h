/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least of many things first: a pairing heap. It lives in the things
 * themselves, so that nothing of it can fail for want of memory; adding and
 * looking take one step, taking out about log n of them, whatever the order in
 * which things come.
 */
#ifndef HARK_HEAP_H
#define HARK_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* First of all fields of what is kept. */
struct heap_node {
	struct heap_node *child, *next; /* the first of those that come after it; another one like it */
};

/* a comes before b. Of two that neither comes before the other any may be first. */
typedef bool heap_before(const struct heap_node *a, const struct heap_node *b);

struct heap {
	struct heap_node *first; /* NULL: empty */
};

void heap_add(struct heap *heap, struct heap_node *node, heap_before *before);

/* Takes out the first; NULL: empty. */
struct heap_node *heap_take(struct heap *heap, heap_before *before);

#endif
