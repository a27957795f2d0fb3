/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that end what the kernel is slow to end: it waits, and who wait at the
 * same time wait for the same. They share nothing else with the rest of hark.
 */
#ifndef HARK_CLOSER_H
#define HARK_CLOSER_H

struct closer;

/* fn runs in any of the threads, several at once, or, when none can be had, in the caller's. NULL: errno. */
struct closer *closer_new(void (*fn)(void *item));
/* Waits until every item is closed. NULL is legal. */
void closer_free(struct closer *closer);

/* The item is fn's from here on. */
void closer_give(struct closer *closer, void *item);

#endif
