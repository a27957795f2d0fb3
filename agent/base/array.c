/* SPDX-License-Identifier: Apache-2.0 */
#include "array.h"

#include <stdlib.h>

#define ARRAY_FIRST 4

void *array_room(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
	size_t wanted = *capacity ? 2 * *capacity : ARRAY_FIRST;

	if (count < *capacity)
		return items;
	items = reallocarray(items, wanted, item_bytes);
	if (items)
		*capacity = wanted;
	return items;
}
