/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a pair by their stream. Most connections have a few open ones
 * at a time, which come and go with every exchange: the table for these stands
 * in the pair, a larger one is taken while there are more.
 */
#ifndef HARK_PAIR_KEYS_H
#define HARK_PAIR_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define PAIR_KEYS_BITS 3

struct pair_entry;

struct pair_list { /* of those with one hash */
	struct pair_entry *first;
};

/* All zero: empty. */
struct pair_keys {
	struct pair_list few[1 << PAIR_KEYS_BITS];
	struct pair_list *many; /* in place of `few`; NULL: those are enough */
	unsigned int many_bits;
	size_t count;
};

struct pair_entry *pair_keys_find(const struct pair_keys *keys, uint32_t key); /* NULL: none has it */
/* No entry has this one's key. Without memory for a larger table the lists grow longer. */
void pair_keys_add(struct pair_keys *keys, struct pair_entry *entry);
void pair_keys_remove(struct pair_keys *keys, struct pair_entry *entry);

#endif
