/* SPDX-License-Identifier: Apache-2.0 */
#include "counted.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct counted {
	size_t size;
	alignas(max_align_t) uint8_t bytes[];
};

static struct counted *counted_of(void *bytes)
{
	return bytes ? (struct counted *)((uint8_t *)bytes - offsetof(struct counted, bytes)) : NULL;
}

void *counted_realloc(void *bytes, size_t size, void *held)
{
	struct counted *old = counted_of(bytes), *counted;
	size_t before = old ? sizeof(*old) + old->size : 0, *held_bytes = held;

	if (size > SIZE_MAX - sizeof(*counted))
		return NULL;
	counted = realloc(old, sizeof(*counted) + size);
	if (!counted)
		return NULL;
	counted->size = size;
	*held_bytes += sizeof(*counted) + size - before;
	return counted->bytes;
}

void *counted_malloc(size_t size, void *held)
{
	return counted_realloc(NULL, size, held);
}

void *counted_calloc(size_t count, size_t size, void *held)
{
	void *bytes = size && count > SIZE_MAX / size ? NULL : counted_malloc(count * size, held);

	if (bytes)
		memset(bytes, 0, count * size);
	return bytes;
}

void counted_free(void *bytes, void *held)
{
	struct counted *counted = counted_of(bytes);
	size_t *held_bytes = held;

	if (!counted)
		return;
	*held_bytes -= sizeof(*counted) + counted->size;
	free(counted);
}
