/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many different things were seen, in bounded memory: exact up to
 * OVERFLOW_EXACT, no more than that afterwards.
 */
#ifndef HARK_ROUTES_OVERFLOW_H
#define HARK_ROUTES_OVERFLOW_H

#include <stddef.h>
#include <stdint.h>

#define OVERFLOW_EXACT 65536

struct overflow { /* all zero: empty */
	uint64_t *hashes;
	size_t capacity, count;
};

/* Returns how many different hashes there were, at least. */
uint64_t overflow_add(struct overflow *overflow, uint64_t hash);
void overflow_fini(struct overflow *overflow);

#endif
