/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of one direction that wait: for the role to be learnt, for a late
 * request, for the answer to an Upgrade. Bounded; what finds no room, or comes
 * behind a hole, is only counted, as a hole behind the held bytes.
 */
#ifndef HARK_HTTP1_HOLD_H
#define HARK_HTTP1_HOLD_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP1_HOLD_LIMIT_BYTES 65536
#define HTTP1_HOLD_MARKS       16

struct http1_hold {
	uint8_t *bytes;
	size_t len, capacity;
	/* When the bytes came, for each run of bytes; the last mark takes what comes after the table is full.
	 */
	struct {
		size_t end;
		uint64_t time_ns;
		bool turn; /* the first byte is that of a turn (http1_evidence.h) */
	} marks[HTTP1_HOLD_MARKS];
	size_t marks_count;
	uint64_t lost_bytes; /* missing behind the held bytes; HOLE_UNKNOWN_SIZE */
	uint64_t last_ns;    /* time of what was lost or ended last */
	bool finished;	     /* the direction ended behind all this */
};

/* True when nothing waits. */
bool http1_hold_empty(const struct http1_hold *hold);

/* Keeps the bytes. Returns how many found no place (they are in lost_bytes now). */
size_t http1_hold_add(struct http1_hold *hold, struct slice bytes, uint64_t time_ns, bool turn);

/* size bytes are missing here, or HOLE_UNKNOWN_SIZE. */
void http1_hold_lose(struct http1_hold *hold, uint64_t size, uint64_t time_ns);

/* The first held bytes that came at one time; borrowed until the next call. Empty: none. */
struct slice http1_hold_front(const struct http1_hold *hold, uint64_t *time_ns);

/* Drops n bytes from the front. */
void http1_hold_drop(struct http1_hold *hold, size_t n);

/* Frees what is held; the hold is empty and usable. */
void http1_hold_fini(struct http1_hold *hold);

#endif
