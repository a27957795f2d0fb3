/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word that may be an id, and may be a name, has a weight, and a position has
 * a threshold: after the name of a collection ("users") two words are enough,
 * where names of resources are expected it takes many.
 *
 * Beneath a placeholder, names come again and again with different ids above
 * them (/users/1/avatar, /users/2/avatar), ids do not; so a word seen with two
 * ids above it is a name.
 */
#include "routes_learn.h"

#include <stdlib.h>

#define MANY 48 /* children that may be ids: more of them are, wherever it is */

#define CODES_ENOUGH 3

/* Of one word that is not known; the others in relation to it. */
#define WEIGHT_WORD 8

static const unsigned int weights[] = {
	[LOOK_NOUN] = 6,  [LOOK_PLURAL] = 4, [LOOK_WORD] = WEIGHT_WORD, [LOOK_FILE] = 4,
	[LOOK_SLUG] = 12, [LOOK_CODE] = 16,  [LOOK_TITLE] = 16,
};

static const unsigned int thresholds[] = {
	[FOLLOW_NAMED] = 2 * WEIGHT_WORD,    [FOLLOW_PLURAL] = 2 * WEIGHT_WORD,
	[FOLLOW_PAIR] = 2 * WEIGHT_WORD,     [FOLLOW_ENTITY] = 2 * WEIGHT_WORD,
	[FOLLOW_SINGULAR] = 3 * WEIGHT_WORD, [FOLLOW_PLACEHOLDER] = 5 * WEIGHT_WORD,
	[FOLLOW_SINGLE] = 12 * WEIGHT_WORD,  [FOLLOW_SPACE] = 14 * WEIGHT_WORD,
	[FOLLOW_ROOT] = 14 * WEIGHT_WORD,    [FOLLOW_ANY] = 2 * WEIGHT_WORD,
};

static bool is_collection(enum follow follow)
{
	return follow == FOLLOW_NAMED || follow == FOLLOW_PLURAL || follow == FOLLOW_PAIR ||
	       follow == FOLLOW_ANY;
}

static bool is_space(enum follow follow)
{
	return follow == FOLLOW_ROOT || follow == FOLLOW_SPACE;
}

/* Where a word in the plural is the name of a resource. */
static bool names_follow(enum follow follow)
{
	return is_space(follow) || follow == FOLLOW_PLACEHOLDER;
}

/* Words go to the placeholder that words went to before. */
static bool is_loose(const struct node *node, enum look look, struct slice suffix)
{
	const struct node *placeholder = routes_tree_placeholder(node, suffix);

	if (!placeholder)
		return false;
	if (placeholder->looks & 1u << look)
		return true;
	if (placeholder->values != VALUES_WORDS || is_space(node->follow))
		return false;
	return look != LOOK_PLURAL || node->follow == FOLLOW_NAMED || node->follow == FOLLOW_PAIR;
}

/* Numbers and UUIDs alone stood here: words are rather none of them. */
static bool is_typed(const struct node *node, struct slice suffix)
{
	const struct node *placeholder = routes_tree_placeholder(node, suffix);

	return placeholder && placeholder->values <= VALUES_IDS && placeholder->seen >= NUMBERS_ENOUGH;
}

/* A word, known or not, that is followed by something: a segment, or a method behind a colon. */
static bool is_id_by_place(const struct node *node, enum look look, struct slice suffix, bool followed)
{
	enum follow follow = node->follow;
	bool named = follow == FOLLOW_NAMED || follow == FOLLOW_PAIR || follow == FOLLOW_ANY;

	switch (look) {
	case LOOK_RESERVED:
		return follow == FOLLOW_ANY;
	case LOOK_ID:
		return true;
	case LOOK_DECIMAL:
		return !followed || !is_space(follow);
	case LOOK_VERSION:
		return named;
	case LOOK_NOUN:
		return follow == FOLLOW_ANY ||
		       (named && !is_typed(node, suffix) && (followed || is_loose(node, look, suffix)));
	case LOOK_CODE:
		return !is_space(follow) || is_loose(node, look, suffix);
	case LOOK_TITLE:
		return !names_follow(follow) || is_loose(node, look, suffix);
	case LOOK_SLUG:
		return is_collection(follow) || follow == FOLLOW_ENTITY || is_loose(node, look, suffix);
	case LOOK_WORD:
		return ((named || (follow == FOLLOW_PLURAL && followed)) && !is_typed(node, suffix)) ||
		       is_loose(node, look, suffix);
	case LOOK_PLURAL:
	case LOOK_FILE:
		return (named && !is_typed(node, suffix)) || is_loose(node, look, suffix);
	}
	return false;
}

bool routes_learn_at_once(const struct tree *tree, const struct node *node, enum look look, struct slice stem,
			  struct slice suffix, struct slice next)
{
	bool followed = next.data || (suffix.len && suffix.data[0] == ':');

	if (is_id_by_place(node, look, suffix, followed))
		return true;
	if (look == LOOK_NOUN && !is_collection(node->follow) && node->follow != FOLLOW_ENTITY)
		return false;
	return look >= LOOK_NOUN && look <= LOOK_SLUG && !is_space(node->follow) &&
	       routes_tree_is_id(tree, node, stem);
}

bool routes_learn_child_at_once(const struct tree *tree, const struct node *child, struct slice next)
{
	struct slice stem = slice_of(child->text, child->len - child->suffix.len);

	if (child->state >= NODE_FIXED || child->look < LOOK_NOUN)
		return false;
	return routes_learn_at_once(tree, child->parent, child->look, stem, child->suffix, next);
}

/* --- many words at one position ---------------------------------------------------------- */

/*
 * "folder_locks" of /2.0/folder_locks/12 is a name, for what stands beneath it is numbers, UUIDs or tokens.
 * Beneath an id stand names, or another id where its parent is the name of a collection.
 */
static bool holds_ids(const struct node *child)
{
	const struct node *placeholder = routes_tree_placeholder(child, SLICE(""));

	return placeholder && placeholder->values <= VALUES_IDS;
}

static bool may_fold(const struct node *parent, const struct node *child, struct slice suffix)
{
	bool noun = child->look == LOOK_NOUN && child->state < NODE_FIXED && parent->follow == FOLLOW_NAMED;

	if (!(routes_tree_is_candidate(child) || noun) || !slice_equal(child->suffix, suffix))
		return false;
	if (child->look == LOOK_PLURAL && names_follow(parent->follow))
		return false;
	if (!is_collection(parent->follow) && holds_ids(child))
		return false;
	return child->state != NODE_VARIED || is_collection(parent->follow) ||
	       parent->follow == FOLLOW_ENTITY;
}

/* names: only those count, no placeholders. */
static bool shares_children(const struct node *a, const struct node *b, bool names)
{
	for (const struct node *child = a->children; child; child = child->hh.next)
		if (!(names && child->state == NODE_PLACEHOLDER) &&
		    routes_tree_child(b, slice_of(child->text, child->len)))
			return true;
	return false;
}

/* Do candidates have names beneath them in common, or have all of them different ones? */
struct kinship {
	size_t parents, akin;
};

static struct kinship kinship_of(const struct node *node, struct slice suffix)
{
	struct kinship kinship = { 0 };
	size_t tried = 0;

	for (const struct node *a = node->children; a && tried < MANY; a = a->hh.next) {
		bool akin = false;

		if (!may_fold(node, a, suffix) || !a->children)
			continue;
		tried++;
		for (const struct node *b = node->children; b && !akin; b = b->hh.next)
			akin = a != b && b->children && may_fold(node, b, suffix) &&
			       shares_children(a, b, false);
		kinship.parents++;
		kinship.akin += akin;
	}
	return kinship;
}

static unsigned int threshold_of(const struct node *node, struct slice suffix)
{
	unsigned int threshold = thresholds[node->follow];
	struct kinship kinship = kinship_of(node, suffix);

	if (node->follow == FOLLOW_PLACEHOLDER && kinship.akin >= 2)
		threshold = 2 * WEIGHT_WORD;
	if (is_collection(node->follow) && is_typed(node, suffix))
		threshold *= 2;
	if (kinship.parents >= 2 && !kinship.akin)
		threshold *= 2;
	return threshold;
}

static bool is_bare_code(const struct node *parent, const struct node *child, struct slice suffix)
{
	(void)parent;
	return routes_tree_is_candidate(child) && child->look >= LOOK_TITLE &&
	       child->suffix.len == suffix.len;
}

typedef bool may_fold_fn(const struct node *parent, const struct node *child, struct slice suffix);

/* Folds what may be folded. True: something was. */
static bool fold_all(struct tree *tree, struct node *node, struct slice suffix, may_fold_fn *may)
{
	struct node *child, *next, *placeholder;

	HASH_ITER (hh, node->children, child, next)
		if (may(node, child, suffix) && !routes_tree_fold(tree, child))
			break;
	placeholder = routes_tree_placeholder(node, suffix);
	if (placeholder)
		routes_tree_rename(placeholder);
	return placeholder != NULL;
}

/* Where an API begins, names have letters alone: a few domains or codes are enough. */
static bool learn_codes(struct tree *tree, struct node *node)
{
	size_t codes = 0;

	if (node->follow != FOLLOW_ROOT)
		return false;
	for (struct node *child = node->children; child; child = child->hh.next)
		codes += is_bare_code(node, child, SLICE(""));
	if (codes < CODES_ENOUGH)
		return false;
	fold_all(tree, node, SLICE(""), is_bare_code);
	return true;
}

static bool learn_suffix(struct tree *tree, struct node *node, struct slice of_child)
{
	unsigned int weight = 0;
	size_t count = 0;
	uint8_t copy[SEGMENT_MAX + 16];
	struct slice suffix = slice_take(of_child, sizeof(copy));

	for (const struct node *child = node->children; child; child = child->hh.next) {
		bool once = node->follow == FOLLOW_PLACEHOLDER && child->state == NODE_ONCE;

		if (!may_fold(node, child, suffix))
			continue;
		count++;
		weight += weights[child->look] / (once ? 2 : 1);
	}
	if (count < 2 || (count < MANY && weight < threshold_of(node, suffix)))
		return false;
	if (suffix.len) /* it is a child's, which goes away */
		memcpy(copy, suffix.data, suffix.len);
	return fold_all(tree, node, slice_of(copy, suffix.len), may_fold);
}

/* "blog" of /apps/blog/logs, where there is an /apps/{id}/logs: an id that is a known word. */
static bool is_akin_to_placeholder(const struct node *child)
{
	const struct node *placeholder;

	if (child->look != LOOK_NOUN || child->state == NODE_FIXED ||
	    !(is_collection(child->parent->follow) || child->parent->follow == FOLLOW_ENTITY))
		return false;
	placeholder = routes_tree_placeholder(child->parent, child->suffix);
	return placeholder && placeholder != child && shares_children(child, placeholder, true);
}

/* Folds one child that is an id by what was learnt since it came. */
static bool learn_late(struct tree *tree, struct node *node)
{
	for (struct node *child = node->children; child; child = child->hh.next) {
		struct slice next = child->children ? SLICE("followed") : (struct slice){ .data = NULL };

		if (routes_learn_child_at_once(tree, child, next) || is_akin_to_placeholder(child))
			return routes_tree_fold_one(tree, child) != NULL;
	}
	return false;
}

static bool learn_node(struct tree *tree, struct node *node)
{
	if (learn_late(tree, node) || learn_codes(tree, node))
		return true;
	for (struct node *child = node->children; child; child = child->hh.next) {
		bool first = true;

		if (!may_fold(node, child, child->suffix))
			continue;
		for (struct node *b = node->children; b != child && first; b = b->hh.next)
			first = !may_fold(node, b, child->suffix);
		if (first && learn_suffix(tree, node, child->suffix))
			return true;
	}
	return false;
}

/* Learns from the nodes that merging made dirty. */
static void learn_below(struct tree *tree, struct node *node)
{
	if (node->dirty) {
		node->dirty = false;
		while (learn_node(tree, node))
			;
	}
	for (struct node *child = node->children; child; child = child->hh.next)
		learn_below(tree, child);
}

bool routes_learn_from(struct tree *tree, struct node *node)
{
	for (; node; node = node->parent) {
		if (!node->dirty)
			continue;
		node->dirty = false;
		if (!learn_node(tree, node))
			continue;
		node->dirty = true;
		learn_below(tree, node);
		return true;
	}
	return false;
}
