/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of very many things are worth a place in a table of few: those that
 * come most often. What has a place is counted exactly. What has none is
 * counted in a sketch (count-min with conservative update), never too low and
 * by misses / FREQUENT_CELLS too high on average; it takes the place of the
 * least frequent one when it came more often than that.
 *
 * So whoever sends a thousand things once each takes no place from what comes
 * again and again, and what comes again and again gets a place whenever it
 * began to.
 */
#ifndef HARK_FREQUENT_H
#define HARK_FREQUENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FREQUENT_CELLS	 32768 /* of each row of the sketch */
#define FREQUENT_WEIGHTS 65    /* how many bits a count may take */

/* In what has a place. */
struct frequent_item {
	struct frequent_item *prev, *next; /* of about the same count, the longest there first */
	uint64_t count;
	unsigned int weight; /* its list */
};

struct frequent { /* all zero: empty */
	struct frequent_item *lists[FREQUENT_WEIGHTS];
	uint32_t *sketch; /* NULL: nothing was without a place so far */
	uint64_t misses;
};

void frequent_fini(struct frequent *frequent);

/* The item has a place from now on, and came so often before. */
void frequent_add(struct frequent *frequent, struct frequent_item *item, uint64_t count);
/* The item came n times more. */
void frequent_count(struct frequent *frequent, struct frequent_item *item, uint64_t n);
/* The item has no place any more. */
void frequent_remove(struct frequent *frequent, struct frequent_item *item);

/*
 * An item without a place came; hash: of its identity. True: it should have the one of *least, which is in
 * its count within a factor of two of the least; *count is how often it came.
 */
bool frequent_miss(struct frequent *frequent, uint64_t hash, struct frequent_item **least, uint64_t *count);

/* One of the least frequent, within a factor of two; NULL: none has a place. */
struct frequent_item *frequent_least(const struct frequent *frequent);

/* Remembers how often an item that loses its place came. */
void frequent_remember(struct frequent *frequent, uint64_t hash, uint64_t count);

#endif
