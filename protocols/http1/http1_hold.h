/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes and holes of one direction that wait: for the role to be learnt, for
 * a late request, for the answer to an Upgrade. Each run keeps its time and
 * its mover. Bounded; what finds no room is a hole behind the rest.
 */
#ifndef HARK_HTTP1_HOLD_H
#define HARK_HTTP1_HOLD_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP1_HOLD_LIMIT_BYTES 65536
#define HTTP1_HOLD_LIMIT_RUNS  1024

struct http1_run {
	size_t len;    /* of bytes; 0: a hole */
	uint64_t lost; /* of a hole; HOLE_UNKNOWN_SIZE */
	uint64_t time_ns;
	uint32_t hand; /* who moved them; protocol_handler.hand */
	bool turn;     /* the first byte is that of a turn (http1_evidence.h) */
};

struct http1_hold {
	struct bytes bytes; /* those that wait, from bytes_at on */
	size_t bytes_at;
	struct http1_run *runs; /* run_count of them wait, from run_at on */
	size_t run_at, run_count, run_capacity;
	uint64_t last_ns; /* time of the direction's end */
	bool finished;	  /* the direction ended behind all this */
};

/* How many bytes wait. */
static inline size_t http1_hold_len(const struct http1_hold *hold)
{
	return hold->bytes.len - hold->bytes_at;
}

/* True when nothing waits. */
static inline bool http1_hold_empty(const struct http1_hold *hold)
{
	return !hold->run_count && !hold->finished;
}

/* Keeps the bytes. Returns how many found no place; a hole stands for them, unless the hold is empty. */
size_t http1_hold_add(struct http1_hold *hold, struct slice bytes, uint64_t time_ns, uint32_t hand,
		      bool turn);

/* size bytes are missing here, or HOLE_UNKNOWN_SIZE. An empty hold may stay empty (out of memory). */
void http1_hold_lose(struct http1_hold *hold, uint64_t size, uint64_t time_ns);

/* The oldest run; NULL: none. Borrowed until the next call. */
static inline const struct http1_run *http1_hold_front(const struct http1_hold *hold)
{
	return hold->run_count ? &hold->runs[hold->run_at] : NULL;
}

/* Drops n bytes of the oldest run, or the hole that it is. */
void http1_hold_drop(struct http1_hold *hold, size_t n);

/* The bytes in front of the first hole, borrowed; *lost: what is missing behind them. */
struct slice http1_hold_bytes(const struct http1_hold *hold, uint64_t *lost);

/* Frees what is held; the hold is empty and usable. */
void http1_hold_fini(struct http1_hold *hold);

#endif
