/* SPDX-License-Identifier: Apache-2.0 */
/* A request's way through the tree of its host: what it meets is made, learnt from, and followed. */
#ifndef HARK_ROUTES_WALK_H
#define HARK_ROUTES_WALK_H

#include "routes_tree.h"

/* The path that is asked for, and what the walk knows on its way. */
struct walk {
	struct slice rest; /* without the slash in front */
	uint64_t above;
	bool grpc;
	bool repeated; /* for the same request: it counts once */
};

/* Where a path ends, nodes made as needed; NULL: no memory, or no room. */
struct node *routes_walk(struct tree *tree, struct node *root, struct walk *walk);

#endif
