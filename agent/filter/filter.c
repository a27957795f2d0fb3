/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter once it is parsed: what it lets through, what of that the kernel
 * can decide, and how it reads. A node is a term or a group; negation is a
 * member of either, so that a group of one is no node of its own.
 */
#include "filter.h"

#include "filter_term.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void filter_node_free(struct filter_node *node)
{
	struct filter_node *next;

	if (!node)
		return;
	for (struct filter_node *child = node->first; child; child = next) {
		next = child->next;
		filter_node_free(child);
	}
	for (size_t i = 0; i < node->value_count; i++) {
		filter_pattern_fini(&node->values[i].pattern);
		free(node->values[i].text);
	}
	free(node->values);
	free(node);
}

void filter_node_append(struct filter_node *group, struct filter_node *child)
{
	child->next = NULL;
	if (group->last)
		group->last->next = child;
	else
		group->first = child;
	group->last = child;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	filter_node_free(filter->root);
	free(filter->pids);
	free(filter->ports);
	free(filter);
}

/* --- what of it the kernel can decide ------------------------------------------------------ */

/*
 * The part of a filter that holds of everything that it lets through, as sets
 * of numbers: of terms that must all hold any one set is enough, and their
 * common part is better; of alternatives each must have one; of a negation
 * there is none.
 */
struct ids {
	uint32_t *items; /* sorted, each once */
	size_t count;	 /* 0: there is no set, everything may pass */
};

static int ids_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void ids_drop(struct ids *ids)
{
	free(ids->items);
	*ids = (struct ids){ .items = NULL };
}

static void ids_tidy(struct ids *ids)
{
	size_t kept = 0;

	qsort(ids->items, ids->count, sizeof(*ids->items), ids_compare);
	for (size_t i = 0; i < ids->count; i++)
		if (!kept || ids->items[kept - 1] != ids->items[i])
			ids->items[kept++] = ids->items[i];
	ids->count = kept;
}

/* A range at the end; false: too many, or out of memory. */
static bool ids_append(struct ids *ids, uint64_t low, uint64_t high)
{
	uint32_t *items;

	if (high - low >= FILTER_KERNEL_IDS_MAX - ids->count)
		return false;
	items = realloc(ids->items, (ids->count + (size_t)(high - low) + 1) * sizeof(*items));
	if (!items)
		return false;
	ids->items = items;
	for (; low <= high; low++)
		items[ids->count++] = (uint32_t)low;
	return true;
}

/* A range of processes names none: those of a set must exist. */
static struct ids ids_of_term(const struct filter_node *node)
{
	struct ids ids = { .items = NULL };
	bool single = node->key->decider == FILTER_BY_PIDS;

	for (size_t i = 0; i < node->value_count; i++) {
		const struct filter_value *value = &node->values[i];

		if (!(single && value->low != value->high) && ids_append(&ids, value->low, value->high))
			continue;
		ids_drop(&ids);
		return ids;
	}
	ids_tidy(&ids);
	return ids;
}

/* Keeps what is in both. Nothing is: the filter lets nothing through, and one of the sets says enough. */
static void ids_intersect(struct ids *ids, struct ids *other)
{
	size_t kept = 0, j = 0;

	if (!ids->count) {
		*ids = *other;
		return;
	}
	for (size_t i = 0; i < ids->count && other->count; i++) {
		while (j < other->count && other->items[j] < ids->items[i])
			j++;
		if (j < other->count && other->items[j] == ids->items[i])
			ids->items[kept++] = ids->items[i];
	}
	if (kept)
		ids->count = kept;
	ids_drop(other);
}

static bool ids_unite(struct ids *ids, struct ids *other)
{
	bool fits = other->count > 0;

	for (size_t i = 0; i < other->count && fits; i++)
		fits = ids_append(ids, other->items[i], other->items[i]);
	ids_drop(other);
	if (fits)
		ids_tidy(ids);
	else
		ids_drop(ids);
	return fits;
}

static struct ids ids_of_node(const struct filter_node *node, enum filter_decider decider)
{
	struct ids ids = { .items = NULL };

	if (node->negated)
		return ids;
	if (node->kind == NODE_TERM)
		return node->key->decider == decider ? ids_of_term(node) : ids;
	for (const struct filter_node *child = node->first; child; child = child->next) {
		struct ids of_child = ids_of_node(child, decider);

		if (node->kind == NODE_ALL)
			ids_intersect(&ids, &of_child);
		else if (!ids_unite(&ids, &of_child))
			break;
	}
	return ids;
}

void filter_sets_make(struct filter *filter)
{
	struct ids pids = { .items = NULL }, ports = { .items = NULL };

	free(filter->pids);
	free(filter->ports);
	filter->pids = NULL;
	filter->ports = NULL;
	if (filter->root) {
		pids = ids_of_node(filter->root, FILTER_BY_PIDS);
		ports = ids_of_node(filter->root, FILTER_BY_PORTS);
	}
	filter->pids = pids.items;
	filter->pid_count = pids.count;
	if (ports.count)
		filter->ports = calloc(ports.count, sizeof(*filter->ports));
	filter->port_count = filter->ports ? ports.count : 0;
	for (size_t i = 0; i < filter->port_count; i++)
		filter->ports[i] = (uint16_t)ports.items[i];
	ids_drop(&ports);
}

/* --- one filter and another ------------------------------------------------------------------ */

/* Takes the node; of one of which all must hold, what is in it. */
static void group_add(struct filter_node *group, struct filter_node *node)
{
	struct filter_node *child;

	if (node->kind != NODE_ALL || node->negated) {
		filter_node_append(group, node);
		return;
	}
	while ((child = node->first)) {
		node->first = child->next;
		filter_node_append(group, child);
	}
	filter_node_free(node);
}

int filter_add(struct filter *filter, struct filter *more)
{
	struct filter_node *both = NULL;
	int error = 0;

	if (filter->root && more->root) {
		both = calloc(1, sizeof(*both));
		error = both ? 0 : -ENOMEM;
	} else if (more->root) {
		filter->root = more->root;
		more->root = NULL;
	}
	if (both) {
		both->kind = NODE_ALL;
		group_add(both, filter->root);
		group_add(both, more->root);
		filter->root = both;
		more->root = NULL;
	}
	filter_free(more);
	filter_sets_make(filter);
	return error;
}

/* --- matching -------------------------------------------------------------------- */

static enum filter_answer answer_not(enum filter_answer answer)
{
	return FILTER_YES - answer;
}

static enum filter_answer term_answer(const struct filter_node *node, struct filter_subject *subject)
{
	enum filter_decider decider = node->key->decider;
	bool of_address = decider == FILTER_BY_PORTS || decider == FILTER_BY_ADDRESS;
	enum filter_answer best = FILTER_NO;

	for (size_t i = 0; i < node->value_count && best != FILTER_YES; i++) {
		enum filter_answer one = node->key->match(&node->values[i], subject);

		best = one > best ? one : best;
	}
	if (best != FILTER_UNKNOWN || (subject->any_address && of_address))
		return best;
	/* More of an exchange than it has will not become known. */
	return subject->exchange ? FILTER_NO : best;
}

static enum filter_answer node_answer(const struct filter_node *node, struct filter_subject *subject)
{
	bool all = node->kind == NODE_ALL;
	enum filter_answer result = all ? FILTER_YES : FILTER_NO, settled = answer_not(result);

	if (node->kind == NODE_TERM)
		result = term_answer(node, subject);
	for (const struct filter_node *child = node->first; child && result != settled; child = child->next) {
		enum filter_answer one = node_answer(child, subject);

		if (all ? one < result : one > result)
			result = one;
	}
	return node->negated ? answer_not(result) : result;
}

bool filter_exchange(const struct filter *filter, const struct exchange *exchange)
{
	struct filter_subject subject = { .exchange = exchange,
					  .conn = exchange->conn,
					  .mover = &exchange->mover };

	return !filter || !filter->root || node_answer(filter->root, &subject) == FILTER_YES;
}

enum filter_answer filter_conn_answer(const struct filter *filter, const struct conn_facts *conn,
				      const struct mover *mover)
{
	struct filter_subject subject = { .conn = conn, .mover = mover };

	return !filter || !filter->root ? FILTER_YES : node_answer(filter->root, &subject);
}

bool filter_conn(const struct filter *filter, const struct conn_facts *conn, const struct mover *mover)
{
	return filter_conn_answer(filter, conn, mover) != FILTER_NO;
}

bool filter_container(const struct filter *filter, const struct container *container)
{
	const struct mover somebody = { .container = container };

	return filter_conn(filter, NULL, &somebody);
}

/* --- what it is about --------------------------------------------------------------- */

static bool node_uses(const struct filter_node *node, const struct filter_key *key)
{
	if (node->kind == NODE_TERM)
		return node->key == key;
	for (const struct filter_node *child = node->first; child; child = child->next)
		if (node_uses(child, key))
			return true;
	return false;
}

static const struct filter_value *node_whole(const struct filter_node *node, const char **key)
{
	const struct filter_value *found = NULL;

	if (node->kind == NODE_TERM) {
		*key = node->key->name;
		if (node->negated || (strcmp(*key, "url") != 0 && strcmp(*key, "path") != 0))
			return NULL;
		return node->values[0].pattern.kind == PATTERN_EXACT ? &node->values[0] : NULL;
	}
	for (const struct filter_node *child = node->first; child && !found; child = child->next)
		found = node_whole(child, key);
	return found;
}

const char *filter_whole_text(const struct filter *filter, const char **key)
{
	const struct filter_value *value = filter && filter->root ? node_whole(filter->root, key) : NULL;

	return value ? value->text : NULL;
}

bool filter_uses(const struct filter *filter, const struct filter_key *key)
{
	return filter && filter->root && node_uses(filter->root, key);
}

static bool is_about(const struct filter *filter, enum filter_decider decider)
{
	for (size_t i = 0; i < filter_key_count; i++)
		if (filter_keys[i].decider == decider && filter_uses(filter, &filter_keys[i]))
			return true;
	return false;
}

bool filter_wants_bodies(const struct filter *filter)
{
	return is_about(filter, FILTER_BY_BODIES);
}

bool filter_wants_fields(const struct filter *filter)
{
	return is_about(filter, FILTER_BY_FIELDS) || filter_wants_bodies(filter);
}

static bool node_asks_flag(const struct filter_node *node, unsigned int flags)
{
	if (node->negated)
		return false;
	for (size_t i = 0; i < node->value_count; i++)
		if (strcmp(node->key->name, "flag") == 0 && (node->values[i].low & flags))
			return true;
	for (const struct filter_node *child = node->first; child; child = child->next)
		if (node_asks_flag(child, flags))
			return true;
	return false;
}

bool filter_asks_flag(const struct filter *filter, unsigned int flags)
{
	return filter && filter->root && node_asks_flag(filter->root, flags);
}

static bool node_asks_version(const struct filter_node *node, bool (*is)(enum http_version version))
{
	if (node->negated)
		return false;
	for (size_t i = 0; i < node->value_count; i++)
		if (strcmp(node->key->name, "proto") == 0 && is((enum http_version)node->values[i].low))
			return true;
	for (const struct filter_node *child = node->first; child; child = child->next)
		if (node_asks_version(child, is))
			return true;
	return false;
}

bool filter_asks_version(const struct filter *filter, bool (*is)(enum http_version version))
{
	return filter && filter->root && node_asks_version(filter->root, is);
}

bool filter_wants_facts(const struct filter *filter)
{
	return is_about(filter, FILTER_BY_FACTS);
}

bool filter_about_exchanges(const struct filter *filter)
{
	return is_about(filter, FILTER_BY_EXCHANGE) || filter_wants_fields(filter) ||
	       filter_wants_facts(filter);
}

bool filter_lacks_address(const struct filter *filter, const struct exchange *exchange)
{
	struct filter_subject subject = {
		.exchange = exchange, .conn = exchange->conn, .mover = &exchange->mover, .any_address = true
	};

	return !exchange->conn->sock.family && filter && filter->root &&
	       node_answer(filter->root, &subject) == FILTER_UNKNOWN;
}

void filter_kernel(const struct filter *filter, struct filter_kernel *kernel)
{
	*kernel = (struct filter_kernel){ .pids = NULL };
	if (!filter)
		return;
	*kernel = (struct filter_kernel){ .pids = filter->pids,
					  .pid_count = filter->pid_count,
					  .ports = filter->ports,
					  .port_count = filter->port_count,
					  .containers = is_about(filter, FILTER_BY_CONTAINERS) };
}

bool filter_key_in_kernel(const struct filter_key *key)
{
	return key->decider <= FILTER_BY_CONTAINERS;
}

bool filter_key_decided(const struct filter_key *key, const struct filter_kernel *kernel)
{
	switch (key->decider) {
	case FILTER_BY_PIDS:
		return kernel->pid_count > 0;
	case FILTER_BY_PORTS:
		return kernel->port_count > 0;
	case FILTER_BY_CONTAINERS:
		return kernel->containers;
	case FILTER_BY_ADDRESS:
	case FILTER_BY_CONN:
	case FILTER_BY_EXCHANGE:
	case FILTER_BY_FIELDS:
	case FILTER_BY_BODIES:
	case FILTER_BY_FACTS:
		break;
	}
	return false;
}
