/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic table of HPACK (RFC 7541, 2.3.2 and 4), of which the oldest entries may be unknown. Names and
 * values stand in one run of bytes, one entry behind the other, so that a new one takes no memory of its own.
 */
#ifndef HARK_HPACK_TABLE_H
#define HARK_HPACK_TABLE_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hpack_entry {
	size_t at; /* of its name, behind which its value is; a place in all bytes that the table ever had */
	uint32_t name_len, value_len;
};

struct hpack_table {
	uint8_t *bytes;
	size_t capacity;
	size_t base;	    /* what bytes[0] is the place of */
	size_t first, next; /* the bytes in use, and what is free behind them */

	struct hpack_entry *entries; /* a ring, the newest at `head`; its slots are a power of two */
	size_t slots, head, count;

	size_t unknown;	   /* entries older than those; each counts as if it were empty */
	size_t size_bytes; /* as RFC 7541, 4.1 counts */
	size_t max_bytes;  /* of those */
};

/* An empty table that takes no memory. */
void hpack_table_init(struct hpack_table *table, size_t max_bytes);
void hpack_table_fini(struct hpack_table *table);

/* All memory that it takes beside the struct. */
size_t hpack_table_memory(const struct hpack_table *table);

/*
 * The entry of an index, 1 is the newest. False: there is none. Borrowed until the next call of another
 * function. An unknown one has an empty name and an empty value.
 */
bool hpack_table_find(const struct hpack_table *table, size_t index, struct slice *name, struct slice *value);

/* So many free bytes, to write a name and a value into; NULL: out of memory. Other pointers are stale then.
 */
uint8_t *hpack_table_room(struct hpack_table *table, size_t len);

/*
 * A new entry, of which name and value, one behind the other, were written into the room; it stays where it
 * is, also when it is too large for the table, which is empty then (RFC 7541, 4.4). 0 or -ENOMEM.
 */
int hpack_table_add(struct hpack_table *table, size_t name_len, size_t value_len);

/* The size that the encoder announced (RFC 7541, 4.3). */
void hpack_table_resize(struct hpack_table *table, size_t max_bytes);

/* Forgets all entries; as many as a table of this size may hold are unknown. */
void hpack_table_forget(struct hpack_table *table, size_t max_bytes);

/* Between blocks: gives back what only long fields took. */
void hpack_table_tidy(struct hpack_table *table);

#endif
