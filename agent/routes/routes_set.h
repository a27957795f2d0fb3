/* SPDX-License-Identifier: Apache-2.0 */
/* A set of hashes in bounded memory: what comes when it is full is not kept. */
#ifndef HARK_ROUTES_SET_H
#define HARK_ROUTES_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SET_MAX 65536

struct hash_set { /* all zero: empty */
	uint64_t *hashes;
	size_t capacity, count;
};

void routes_set_add(struct hash_set *set, uint64_t hash);
bool routes_set_has(const struct hash_set *set, uint64_t hash);
void routes_set_fini(struct hash_set *set);

#endif
