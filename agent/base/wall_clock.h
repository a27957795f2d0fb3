/* SPDX-License-Identifier: Apache-2.0 */
/* Event time is monotonic; the recorded or measured offset turns it into wall time. */
#ifndef HARK_WALL_CLOCK_H
#define HARK_WALL_CLOCK_H

#include "buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* The second that was formatted last: most lines share it with the line before. */
struct wall_clock {
	int64_t wall_offset_ns;
	bool relative;	    /* times for people are since the first one */
	uint64_t base_ns;   /* that one; 0: none yet */
	uint64_t second_ns; /* its wall time, modulo 2^64 */
	size_t len;	    /* 0: none was formatted */
	char text[40];
};

/* RFC 3339, UTC, nanoseconds: "2026-01-02T03:04:05.000000006Z". */
void wall_clock_utc(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns);
/* Local time of day: "03:04:05.006"; relative: seconds since the first one that was asked for, "+1.000200".
 */
void wall_clock_local(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns);

#endif
