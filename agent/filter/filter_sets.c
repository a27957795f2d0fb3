/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a filter holds of everything that it lets through, as sets of
 * numbers: of what must all hold any one set is enough, and their common part
 * is better; of alternatives each must have one; of a negation there is none.
 */
#include "filter_term.h"

#include <stdlib.h>
#include <string.h>

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

static struct ids ids_of_term(const struct filter_node *node)
{
	struct ids ids = { .items = NULL };

	for (size_t i = 0; i < node->value_count; i++) {
		if (ids_append(&ids, node->values[i].low, node->values[i].high))
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

static struct ids ids_of_node(const struct filter_node *node, const char *key)
{
	struct ids ids = { .items = NULL };

	if (node->negated)
		return ids;
	if (node->kind == NODE_TERM)
		return strcmp(node->key->name, key) == 0 ? ids_of_term(node) : ids;
	for (const struct filter_node *child = node->first; child; child = child->next) {
		struct ids of_child = ids_of_node(child, key);

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
		pids = ids_of_node(filter->root, "pid");
		ports = ids_of_node(filter->root, "port");
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
