/* SPDX-License-Identifier: Apache-2.0 */
#include "scrub_cuts.h"

#include "base/array.h"

void scrub_cuts_add(struct scrub_cuts *cuts, const uint8_t *bytes, size_t len)
{
	size_t from = (size_t)(bytes - cuts->payload), to = from + len;
	struct scrub_cut *last = cuts->count ? &cuts->items[cuts->count - 1] : NULL, *items;

	if (!len || cuts->all)
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
