/* SPDX-License-Identifier: Apache-2.0 */
#include "scrub_cuts.h"

#include "base/array.h"

#include <stdlib.h>

void scrub_cuts_add(struct scrub_cuts *cuts, size_t from, size_t to)
{
	struct scrub_cut *last = cuts->count ? &cuts->items[cuts->count - 1] : NULL, *items;

	if (from >= to || cuts->all)
		return;
	if (last && from <= last->to) {
		last->to = to > last->to ? to : last->to;
		return;
	}
	items = array_room(cuts->items, cuts->count, &cuts->capacity, sizeof(*items));
	if (!items) {
		cuts->all = true;
		return;
	}
	cuts->items = items;
	cuts->items[cuts->count++] = (struct scrub_cut){ from, to };
}

void scrub_cuts_fini(struct scrub_cuts *cuts)
{
	free(cuts->items);
	*cuts = (struct scrub_cuts){ .count = 0 };
}
