/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that ends what the kernel is slow to end. It takes one item after
 * the other and shares nothing else with the rest of hark.
 */
#ifndef HARK_CLOSER_H
#define HARK_CLOSER_H

struct closer;

/* fn runs in the thread, or, when that cannot be had, in the caller's. NULL: errno. */
struct closer *closer_new(void (*fn)(void *item));
/* Waits until every item is closed. NULL is legal. */
void closer_free(struct closer *closer);

/* The item is fn's from here on. */
void closer_give(struct closer *closer, void *item);

#endif
