/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries leave in the order in which they came, so the bytes in use are one
 * run that moves on. Where its end meets the end of the memory, it is moved to
 * the beginning, or to a larger memory when half of this one is in use: what is
 * moved is less than what was added since.
 *
 * Unknown entries are the oldest, so a number stands for all of them.
 */
#include "hpack_table.h"

#include <errno.h>
#include <stdlib.h>

#define OVERHEAD_BYTES 32 /* of an entry (RFC 7541, 4.1) */
#define FIRST_SLOTS    16
#define LEAST_BYTES    512
#define SPARE_BYTES    16384 /* kept for long fields that are in no table */

void hpack_table_init(struct hpack_table *table, size_t max_bytes)
{
	*table = (struct hpack_table){ .max_bytes = max_bytes };
}

void hpack_table_fini(struct hpack_table *table)
{
	free(table->bytes);
	free(table->entries);
	hpack_table_init(table, 0);
}

size_t hpack_table_memory(const struct hpack_table *table)
{
	return table->capacity + table->slots * sizeof(*table->entries);
}

/* 0 is the newest. */
static struct hpack_entry *entry_at(const struct hpack_table *table, size_t age)
{
	return &table->entries[(table->head - age) & (table->slots - 1)];
}

bool hpack_table_find(const struct hpack_table *table, size_t index, struct slice *name, struct slice *value)
{
	const struct hpack_entry *entry;
	const uint8_t *bytes;

	*name = *value = SLICE("");
	if (index > table->count)
		return index - table->count <= table->unknown;
	entry = entry_at(table, index - 1);
	bytes = table->bytes + (entry->at - table->base);
	*name = slice_of(bytes, entry->name_len);
	*value = slice_of(bytes + entry->name_len, entry->value_len);
	return true;
}

/* Moves the bytes in use to the beginning of this memory, or of another one. False: out of memory. */
static bool bytes_move(struct hpack_table *table, size_t capacity)
{
	size_t used = table->next - table->first;
	uint8_t *bytes = capacity == table->capacity ? table->bytes : malloc(capacity);

	if (!bytes)
		return false;
	if (used)
		memmove(bytes, table->bytes + table->first, used);
	if (bytes != table->bytes)
		free(table->bytes);
	table->bytes = bytes;
	table->capacity = capacity;
	table->base += table->first;
	table->first = 0;
	table->next = used;
	return true;
}

uint8_t *hpack_table_room(struct hpack_table *table, size_t len)
{
	size_t used = table->next - table->first, capacity = table->capacity;

	if (table->bytes && len <= capacity - table->next)
		return table->bytes + table->next;
	if (len > SIZE_MAX / 4)
		return NULL;
	if (!table->bytes || used + len > capacity / 2)
		capacity = (used + len) * 2 > LEAST_BYTES ? (used + len) * 2 : LEAST_BYTES;
	return bytes_move(table, capacity) ? table->bytes + table->next : NULL;
}

static bool entries_grow(struct hpack_table *table)
{
	size_t slots = table->slots ? table->slots * 2 : FIRST_SLOTS;
	struct hpack_entry *entries = malloc(slots * sizeof(*entries));

	if (!entries)
		return false;
	for (size_t i = 0; i < table->count; i++)
		entries[i] = *entry_at(table, table->count - 1 - i);
	free(table->entries);
	table->entries = entries;
	table->slots = slots;
	table->head = (table->count - 1) & (slots - 1);
	return true;
}

static void oldest_remove(struct hpack_table *table)
{
	const struct hpack_entry *oldest = entry_at(table, table->count - 1);
	size_t len = (size_t)oldest->name_len + oldest->value_len;

	table->size_bytes -= OVERHEAD_BYTES + len;
	table->first = oldest->at + len - table->base;
	table->count--;
}

/* Until no more than so many bytes are left. */
static void table_shrink(struct hpack_table *table, size_t bytes)
{
	size_t gone = 0;

	if (table->size_bytes > bytes)
		gone = (table->size_bytes - bytes + OVERHEAD_BYTES - 1) / OVERHEAD_BYTES;
	if (gone > table->unknown)
		gone = table->unknown;
	table->unknown -= gone;
	table->size_bytes -= gone * OVERHEAD_BYTES;
	while (table->size_bytes > bytes && table->count)
		oldest_remove(table);
	if (!table->count)
		table->first = table->next;
}

int hpack_table_add(struct hpack_table *table, size_t name_len, size_t value_len)
{
	size_t bytes = OVERHEAD_BYTES + name_len + value_len;

	if (bytes > table->max_bytes || name_len > UINT32_MAX || value_len > UINT32_MAX) {
		table_shrink(table, 0);
		return 0;
	}
	table_shrink(table, table->max_bytes - bytes);
	if (table->count == table->slots && !entries_grow(table))
		return -ENOMEM;
	table->head = (table->head + 1) & (table->slots - 1);
	table->entries[table->head] =
		(struct hpack_entry){ table->base + table->next, (uint32_t)name_len, (uint32_t)value_len };
	table->count++;
	table->next += name_len + value_len;
	table->size_bytes += bytes;
	return 0;
}

void hpack_table_resize(struct hpack_table *table, size_t max_bytes)
{
	table->max_bytes = max_bytes;
	table_shrink(table, max_bytes);
}

void hpack_table_forget(struct hpack_table *table, size_t max_bytes)
{
	table->count = table->first = table->next = 0;
	table->max_bytes = max_bytes;
	table->unknown = max_bytes / OVERHEAD_BYTES;
	table->size_bytes = table->unknown * OVERHEAD_BYTES;
}

void hpack_table_tidy(struct hpack_table *table)
{
	size_t used = table->next - table->first;

	if (table->capacity > SPARE_BYTES && table->capacity / 4 > used + LEAST_BYTES)
		bytes_move(table, used * 2 + LEAST_BYTES);
}
