/* SPDX-License-Identifier: Apache-2.0 */
#include "frequent.h"

#include "table.h"

#include <stdlib.h>

#define SKETCH_ROWS 4

void frequent_fini(struct frequent *frequent)
{
	free(frequent->sketch);
	*frequent = (struct frequent){ .sketch = NULL };
}

static void item_put(struct frequent *frequent, struct frequent_item *item)
{
	item->weight = item->count ? 64 - (unsigned int)__builtin_clzll(item->count) : 0;
	DL_APPEND(frequent->lists[item->weight], item);
}

void frequent_add(struct frequent *frequent, struct frequent_item *item, uint64_t count)
{
	item->count = count;
	item_put(frequent, item);
}

void frequent_count(struct frequent *frequent, struct frequent_item *item, uint64_t n)
{
	item->count += n;
	if (item->count >> item->weight == 0)
		return;
	DL_DELETE(frequent->lists[item->weight], item);
	item_put(frequent, item);
}

void frequent_remove(struct frequent *frequent, struct frequent_item *item)
{
	DL_DELETE(frequent->lists[item->weight], item);
}

struct frequent_item *frequent_least(const struct frequent *frequent)
{
	for (size_t i = 0; i < FREQUENT_WEIGHTS; i++)
		if (frequent->lists[i])
			return frequent->lists[i];
	return NULL;
}

static uint32_t *cell_of(struct frequent *frequent, uint64_t hash, size_t row)
{
	uint64_t mixed = (hash + row) * UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return &frequent->sketch[row * FREQUENT_CELLS + (mixed >> 32) % FREQUENT_CELLS];
}

/* Raises the cells below it to the value. */
static void sketch_raise(struct frequent *frequent, uint64_t hash, uint64_t value)
{
	if (value > UINT32_MAX)
		value = UINT32_MAX;
	for (size_t row = 0; row < SKETCH_ROWS; row++) {
		uint32_t *cell = cell_of(frequent, hash, row);

		*cell = *cell < value ? (uint32_t)value : *cell;
	}
}

static uint32_t sketch_read(struct frequent *frequent, uint64_t hash)
{
	uint32_t least = UINT32_MAX;

	for (size_t row = 0; row < SKETCH_ROWS; row++) {
		uint32_t value = *cell_of(frequent, hash, row);

		least = value < least ? value : least;
	}
	return least;
}

static bool sketch_make(struct frequent *frequent)
{
	if (!frequent->sketch)
		frequent->sketch = calloc((size_t)SKETCH_ROWS * FREQUENT_CELLS, sizeof(*frequent->sketch));
	return frequent->sketch != NULL;
}

bool frequent_miss(struct frequent *frequent, uint64_t hash, struct frequent_item **least, uint64_t *count)
{
	if (!sketch_make(frequent))
		return false;
	frequent->misses++;
	*count = (uint64_t)sketch_read(frequent, hash) + 1;
	sketch_raise(frequent, hash, *count);
	*least = frequent_least(frequent);
	/* The cells also hold a share of many other items: that is not its own. */
	return *least && *count > (*least)->count + frequent->misses / FREQUENT_CELLS;
}

void frequent_remember(struct frequent *frequent, uint64_t hash, uint64_t count)
{
	if (sketch_make(frequent))
		sketch_raise(frequent, hash, count);
}
