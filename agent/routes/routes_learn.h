/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When words become placeholders: at once, for what they look like and where
 * they stand, or later, for how many there are at one position.
 */
#ifndef HARK_ROUTES_LEARN_H
#define HARK_ROUTES_LEARN_H

#include "routes_tree.h"

/* True: the segment, as a child of node, is an id. next: what follows it, data NULL: nothing. */
bool routes_learn_at_once(const struct tree *tree, const struct node *node, enum look look, struct slice stem,
			  struct slice suffix, struct slice next);

/* The same of a child that was taken for a name. */
bool routes_learn_child_at_once(const struct tree *tree, const struct node *child, struct slice next);

/* Looks at what is new from the node up to the root. True: something was folded, nodes are gone. */
bool routes_learn_from(struct tree *tree, struct node *node);

#endif
