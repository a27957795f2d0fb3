/* SPDX-License-Identifier: Apache-2.0 */
#include "top_tree.h"

#include "base/counters.h"
#include "library/process_event.h"

#include <stdlib.h>

void top_family_fini(struct top_family *family)
{
	struct top_kin *kin, *next;

	HASH_ITER (hh, family->kin, kin, next) {
		HASH_DEL(family->kin, kin);
		free(kin);
	}
}

const struct top_kin *top_family_find(struct top_family *family, uint32_t pid)
{
	struct event_process process;
	struct top_kin *kin;

	HASH_FIND(hh, family->kin, &pid, sizeof(pid), kin);
	if (kin || process_event_read(pid, &process) < 0)
		return kin;
	if (HASH_COUNT(family->kin) >= TOP_KIN_MAX)
		top_family_fini(family);
	kin = calloc(1, sizeof(*kin));
	if (!kin) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	kin->pid = pid;
	kin->parent = process.parent;
	memcpy(kin->name, process.name, sizeof(kin->name));
	memcpy(kin->comm, process.h.comm, sizeof(kin->comm));
	HASH_ADD(hh, family->kin, pid, sizeof(kin->pid), kin);
	if (TABLE_ADDED(kin, hh))
		return kin;
	free(kin);
	return NULL;
}

struct top_row *top_tree_row(struct top_table *table, size_t count, uint32_t pid)
{
	for (size_t i = 0; pid && i < count; i++)
		if (table->rows[i].pid == pid)
			return &table->rows[i];
	return NULL;
}

struct ordering {
	struct top_table *table;
	struct top_row *out;
	size_t count;
	size_t *child,
		*sibling; /* of each row, the first and the next one; its own number plus one, 0: none */
	bool *placed;
};

/* Rows that are too deep stand at the left, where they are come by later. */
static void place(struct ordering *ordering, size_t at, unsigned int depth, uint64_t rails, bool last)
{
	struct top_row *row = &ordering->out[ordering->count++];

	ordering->placed[at] = true;
	*row = ordering->table->rows[at];
	row->depth = depth;
	row->rails = rails;
	row->last = last;
	if (depth + 1 >= TOP_TREE_LEVELS)
		return;
	for (size_t child = ordering->child[at]; child; child = ordering->sibling[child - 1])
		if (!ordering->placed[child - 1])
			place(ordering, child - 1, depth + 1,
			      last || !depth ? rails : rails | UINT64_C(1) << depth,
			      !ordering->sibling[child - 1]);
}

static void ordering_fill(struct ordering *ordering)
{
	struct top_table *table = ordering->table;
	bool *is_child = calloc(table->count + 1, sizeof(*is_child));

	if (!is_child)
		return;
	for (size_t i = table->count; i-- > 0;) {
		struct top_row *parent = top_tree_row(table, table->count, table->rows[i].parent);
		size_t at = parent ? (size_t)(parent - table->rows) : i;

		if (at == i)
			continue;
		is_child[i] = true;
		ordering->sibling[i] = ordering->child[at];
		ordering->child[at] = i + 1;
	}
	for (size_t i = 0; i < table->count; i++)
		if (!is_child[i])
			place(ordering, i, 0, 0, true);
	for (size_t i = 0; i < table->count; i++) /* circles, and what lies too deep */
		if (!ordering->placed[i])
			place(ordering, i, 0, 0, true);
	free(is_child);
}

void top_tree_order(struct top_table *table)
{
	size_t room = table->count + 1;
	struct ordering ordering = { .table = table,
				     .out = calloc(room, sizeof(*ordering.out)),
				     .child = calloc(room, sizeof(*ordering.child)),
				     .sibling = calloc(room, sizeof(*ordering.sibling)),
				     .placed = calloc(room, sizeof(*ordering.placed)) };

	if (ordering.out && ordering.child && ordering.sibling && ordering.placed)
		ordering_fill(&ordering);
	if (ordering.count == table->count)
		memcpy(table->rows, ordering.out, table->count * sizeof(*table->rows));
	else
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	free(ordering.out);
	free(ordering.child);
	free(ordering.sibling);
	free(ordering.placed);
	top_table_selection(table);
}
