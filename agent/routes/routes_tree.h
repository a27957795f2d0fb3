/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of one host's paths: a node a segment, endpoints at the nodes where
 * paths end, one a method. The tree knows what was seen; routes_learn.c makes
 * placeholders of it.
 */
#ifndef HARK_ROUTES_TREE_H
#define HARK_ROUTES_TREE_H

#include "base/frequent.h"
#include "base/table.h"
#include "routes.h"
#include "routes_follow.h"
#include "routes_segment.h"
#include "routes_set.h"

/* So many numbers at one position, and nothing else: names are none of them. */
#define NUMBERS_ENOUGH 2

struct entry {
	struct endpoint endpoint; /* its route is ours, host and method too; first, so that it leads here */
	struct frequent_item rank;
	struct node *node;
	struct entry *next;
};

struct node {
	struct node *parent, *children; /* uthash, by text */
	struct entry *entries;
	UT_hash_handle hh;
	char *text; /* as it stands in the route, NUL-terminated */
	size_t len;
	struct slice suffix; /* of text: what stays when it becomes a placeholder */
	enum look look;	     /* of the text */
	enum follow follow;  /* what children are likely to be */
	uint64_t above; /* what stood at the placeholders above when it was first seen; of a root: its number
			 */
	unsigned int looks;   /* of a placeholder: what was learnt to go there, bits by enum look */
	bool hole;	      /* a placeholder */
	bool mixed;	      /* a placeholder of more than numbers, UUIDs and tokens */
	unsigned int numbers; /* how often it was seen, up to a few */
	bool small;	      /* a placeholder of small numbers alone, as of years and days */
	bool loose;	      /* a placeholder that stands for words too, not for numbers alone */
	bool fixed;	      /* will not become a placeholder */
	bool varied; /* was seen beneath several values of the placeholders above: a name, not an id */
	bool again;  /* was seen more than once */
	bool dirty;  /* has children that nobody has looked at */
};

struct tree {
	const struct routes_config *config;
	const struct words *words;
	struct frequent frequent; /* of all endpoints */
	struct hash_set ids;	  /* words that were ids somewhere, with their host */
	uint64_t roots;		  /* how many trees there were */
	uint64_t generation;	  /* counts changes: nodes that come, go or mean something else */
	size_t nodes, node_limit;
	size_t endpoints, endpoint_limit;
};

/* What is asked for, and what the walk knows on its way. */
struct walk {
	struct slice rest; /* without the slash in front */
	uint64_t above;
	bool grpc;
	bool repeated; /* for the same request: it counts once */
};

/* NULL: no memory, or no room. */
struct node *tree_add(struct tree *tree, struct node *parent, struct slice text);
/* Frees a node that is in no table, and everything beneath, without a word to the user. */
void tree_free(struct tree *tree, struct node *node, void (*release)(void *ctx, struct endpoint *endpoint));

/* Takes nodes away that lead nowhere, from this one up; the root stays. */
void tree_prune(struct tree *tree, struct node *node);

/* The child with that text; NULL: there is none. */
struct node *tree_child(const struct node *node, struct slice text);

/* Where a path ends, nodes made as needed; NULL: no memory, or no room. */
struct node *tree_walk(struct tree *tree, struct node *root, struct walk *walk);

/* The route of a node as text, to be freed; NULL: no memory. */
char *tree_route(const struct node *node);

/* The placeholder that text with this suffix would go to; NULL: there is none. */
struct node *tree_hole(const struct node *node, struct slice suffix);
/* The same, made when there is none. NULL: no memory. */
struct node *tree_add_hole(struct tree *tree, struct node *node, struct slice prefix,
			   struct slice placeholder, struct slice suffix);

/* Says of a placeholder what stands at it. */
void tree_hole_saw(struct tree *tree, struct node *hole, enum look look, struct slice text, bool strict);

/* A word that was an id elsewhere at this host. */
bool tree_is_id(const struct tree *tree, const struct node *node, struct slice text);

/* A word that may turn out to be an id. */
static inline bool node_is_candidate(const struct node *node)
{
	return !node->hole && !node->fixed && node->look >= LOOK_PLURAL && node->look <= LOOK_CODE;
}

/* From the root to the next slash; *rest is what follows, without it. */
struct slice path_take(struct slice *rest);

#endif
