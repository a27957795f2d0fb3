/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of one size that come and go with every exchange: a few of those that went are kept for the next
 * ones, so that the steady state allocates nothing. Checkers of memory see each block come and go.
 */
#ifndef HARK_SPARES_H
#define HARK_SPARES_H

#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define SPARES_MAX 0
#elif defined(__has_feature) && defined(__clang__)
#if __has_feature(address_sanitizer)
#define SPARES_MAX 0
#endif
#endif
#ifndef SPARES_MAX
#define SPARES_MAX 512
#endif

struct spare {
	struct spare *next;
};

struct spares { /* all zero: none */
	struct spare *first;
	size_t count;
};

/* A block that was kept, not zeroed; NULL: there is none. spares NULL, here and below: nothing is kept. */
static inline void *spares_find(struct spares *spares)
{
	struct spare *spare = spares ? spares->first : NULL;

	if (!spare)
		return NULL;
	spares->first = spare->next;
	spares->count--;
	return spare;
}

/* The same, or a new one of this size, which all that these spares are given have. NULL: out of memory. */
static inline void *spares_take(struct spares *spares, size_t size)
{
	void *block = spares_find(spares);

	return block ? block : malloc(size);
}

/* Takes the block; NULL is legal. */
static inline void spares_give(struct spares *spares, void *block)
{
	struct spare *spare = (struct spare *)block;

	if (!spare || !spares || spares->count >= SPARES_MAX) {
		free(block);
		return;
	}
	spare->next = spares->first;
	spares->first = spare;
	spares->count++;
}

static inline void spares_fini(struct spares *spares)
{
	while (spares->first) {
		struct spare *spare = spares->first;

		spares->first = spare->next;
		free(spare);
	}
	spares->count = 0;
}

#endif
