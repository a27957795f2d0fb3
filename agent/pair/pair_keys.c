/* SPDX-License-Identifier: Apache-2.0 */
#include "pair_keys.h"

#include "pair_entry.h"

#include <stdlib.h>

#define BITS_MORE 3 /* of a larger table */
#define BITS_MAX  12
#define LIST_MAX  4 /* entries a list, about */

static size_t place_of(uint32_t key, unsigned int bits)
{
	return (key * UINT32_C(0x9e3779b1)) >> (32 - bits);
}

static struct pair_list *list_of(struct pair_keys *keys, uint32_t key)
{
	if (keys->many)
		return &keys->many[place_of(key, keys->many_bits)];
	return &keys->few[place_of(key, PAIR_KEYS_BITS)];
}

struct pair_entry *pair_keys_find(const struct pair_keys *keys, uint32_t key)
{
	struct pair_entry *entry = list_of((struct pair_keys *)keys, key)->first;

	while (entry && entry->key != key)
		entry = entry->key_next;
	return entry;
}

static void list_put(struct pair_list *list, struct pair_entry *entry)
{
	entry->key_next = list->first;
	list->first = entry;
}

static void keys_spread(struct pair_keys *keys)
{
	unsigned int bits = keys->many ? keys->many_bits : PAIR_KEYS_BITS, more_bits = bits + BITS_MORE;
	struct pair_list *from = keys->many ? keys->many : keys->few;
	struct pair_list *more = more_bits > BITS_MAX ? NULL : calloc((size_t)1 << more_bits, sizeof(*more));

	if (!more)
		return;
	for (size_t i = 0; i < (size_t)1 << bits; i++) {
		while (from[i].first) {
			struct pair_entry *entry = from[i].first;

			from[i].first = entry->key_next;
			list_put(&more[place_of(entry->key, more_bits)], entry);
		}
	}
	free(keys->many);
	keys->many = more;
	keys->many_bits = more_bits;
}

void pair_keys_add(struct pair_keys *keys, struct pair_entry *entry)
{
	unsigned int bits = keys->many ? keys->many_bits : PAIR_KEYS_BITS;

	if (++keys->count > (size_t)LIST_MAX << bits)
		keys_spread(keys);
	list_put(list_of(keys, entry->key), entry);
}

void pair_keys_remove(struct pair_keys *keys, struct pair_entry *entry)
{
	struct pair_entry **at = &list_of(keys, entry->key)->first;

	while (*at != entry)
		at = &(*at)->key_next;
	*at = entry->key_next;
	if (--keys->count)
		return;
	free(keys->many);
	keys->many = NULL;
}
