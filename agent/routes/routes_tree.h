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
#include "routes_segment.h"
#include "routes_set.h"

/* Different numbers at one position that make it a placeholder, when no names stand there. */
#define NUMBERS_ENOUGH 2

#define NODE_TEXT_MAX (SEGMENT_MAX + 16)

struct entry {
	struct endpoint endpoint; /* its route is ours, host and method too; first, so that it leads here */
	struct frequent_item rank;
	struct node *node;
	struct entry *next;
};

/* Is it a name, and will it stay one? */
enum node_state {
	NODE_ONCE,   /* seen once */
	NODE_AGAIN,  /* seen more than once */
	NODE_VARIED, /* the same beneath several values of the placeholders above: a name, not an id */
	NODE_FIXED,  /* a name for good */
	NODE_PLACEHOLDER,
};

enum node_event {
	NODE_SEEN,
	NODE_SEEN_ELSEWHERE, /* beneath another value of the placeholders above */
	NODE_IS_NAME,	     /* what stands beside it says so */
};

/*
 * The kinds of values that a placeholder stood for, from the most like ids on; the one least like them
 * counts.
 */
enum placeholder_values {
	VALUES_SMALL, /* numbers of up to four digits, as of years and days */
	VALUES_IDS,   /* numbers, UUIDs and tokens */
	VALUES_MIXED, /* more than these */
	VALUES_WORDS, /* what could be names as well */
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
	enum node_state state;
	enum placeholder_values values; /* of a placeholder */
	unsigned int seen;		/* of a placeholder: how often, up to a few */
	unsigned int looks;		/* of a placeholder: what was learnt to go there, bits by enum look */
	bool dirty;			/* has children that nobody has looked at */
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

/* NULL: no memory, or no room. */
struct node *routes_tree_add(struct tree *tree, struct node *parent, struct slice text);
/* Frees a node that is in no table, and everything beneath, without a word to the user. */
void routes_tree_free(struct tree *tree, struct node *node,
		      void (*release)(void *ctx, struct endpoint *endpoint));

/* Frees an entry that is in no list, without a word to the user. */
void routes_tree_entry_free(struct tree *tree, struct entry *entry);

/* Takes nodes away that lead nowhere, from this one up; the root stays. */
void routes_tree_prune(struct tree *tree, struct node *node);

/* The child with that text; NULL: there is none. */
struct node *routes_tree_child(const struct node *node, struct slice text);

/* The text of a node. */
struct slice routes_tree_text(uint8_t text[NODE_TEXT_MAX], struct slice prefix, struct slice stem,
			      struct slice suffix);

/* The route of a node as text, to be freed; NULL: no memory. */
char *routes_tree_route(const struct node *node);

/* The placeholder that text with this suffix would go to; NULL: there is none. */
struct node *routes_tree_placeholder(const struct node *node, struct slice suffix);
/* The same, made when there is none. NULL: no memory. */
struct node *routes_tree_add_placeholder(struct tree *tree, struct node *node, struct slice prefix,
					 struct slice label, struct slice suffix);

/* Says of a placeholder what stands at it. */
void routes_tree_placeholder_saw(struct tree *tree, struct node *placeholder, enum look look,
				 struct slice text, bool strict);

/* Makes the child, a name that turns out to be an id, part of its placeholder, which is made if need be, with
 * all that is beneath. NULL: no memory, the child stays. */
struct node *routes_tree_fold_one(struct tree *tree, struct node *child);
/* The same for one of many: routes keep their old names until routes_tree_rename(placeholder). */
struct node *routes_tree_fold(struct tree *tree, struct node *child);
void routes_tree_rename(struct node *node);

/* Says of a node, name or placeholder, what happened to it. */
void routes_tree_event(struct node *node, enum node_event event);

/* A word that was an id elsewhere at this host. */
bool routes_tree_is_id(const struct tree *tree, const struct node *node, struct slice text);

/* A word that may turn out to be an id. */
static inline bool routes_tree_is_candidate(const struct node *node)
{
	return node->state < NODE_FIXED && node->look >= LOOK_PLURAL && node->look <= LOOK_CODE;
}

#endif
