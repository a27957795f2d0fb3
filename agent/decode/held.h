/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of one direction that wait for the verdict what they are, each run
 * with its time and mover. Bounded: the oldest go first.
 */
#ifndef HARK_HELD_H
#define HARK_HELD_H

#include "detect.h"
#include "model/mover.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct held_run {
	size_t len;
	uint64_t time_ns;
	struct mover mover;
};

struct held {
	uint8_t *bytes;
	size_t len, capacity;
	struct held_run *runs;
	size_t run_count, run_capacity;
	size_t scanned; /* bytes that a whole search saw already */
};

void held_fini(struct held *held);

/* All the memory that they take. */
static inline size_t held_memory(const struct held *held)
{
	return held->capacity + held->run_capacity * sizeof(*held->runs);
}

/* Appends a copy. 0, or -ENOMEM with nothing changed. */
int held_add(struct held *held, struct slice bytes, uint64_t time_ns, const struct mover *mover);

/* Drops n bytes from the front. */
void held_drop(struct held *held, size_t n);

struct slice held_bytes(const struct held *held);

/*
 * Searches all of it while it is little, or grew by a quarter; else from the last run but one on, for a sign
 * may be cut in two. The result's offset is from the first byte on.
 */
struct detect_result held_search(struct held *held, struct detect_result (*search)(struct slice bytes));

#endif
