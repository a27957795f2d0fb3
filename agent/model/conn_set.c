/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_set.h"

#include "base/table.h"

#include <stdlib.h>

struct conn_set_item {
	uint64_t id;
	UT_hash_handle hh;
};

bool conn_set_add(struct conn_set *set, uint64_t id)
{
	struct conn_set_item *item;

	HASH_FIND(hh, set->items, &id, sizeof(id), item);
	if (item)
		return true;
	if (HASH_COUNT(set->items) >= CONN_SET_MAX)
		return false;
	item = calloc(1, sizeof(*item));
	if (!item)
		return false;
	item->id = id;
	HASH_ADD(hh, set->items, id, sizeof(item->id), item);
	if (TABLE_ADDED(item, hh))
		return true;
	free(item);
	return false;
}

bool conn_set_remove(struct conn_set *set, uint64_t id)
{
	struct conn_set_item *item;

	HASH_FIND(hh, set->items, &id, sizeof(id), item);
	if (!item)
		return false;
	HASH_DEL(set->items, item);
	free(item);
	return true;
}

void conn_set_fini(struct conn_set *set)
{
	struct conn_set_item *item, *next;

	HASH_ITER (hh, set->items, item, next) {
		HASH_DEL(set->items, item);
		free(item);
	}
}
