/* SPDX-License-Identifier: Apache-2.0 */
/* Writes events to a recording (docs/recording.md). */
#ifndef HARK_RECORD_H
#define HARK_RECORD_H

#include "event.h"

#include <stdint.h>

struct record;

/*
 * Creates or truncates path with mode 0600 ("-": stdout) and writes the header. wall_offset_ns:
 * CLOCK_REALTIME less CLOCK_MONOTONIC. NULL: errno says why, private_file_error()
 * puts it into words.
 */
struct record *record_open(const char *path, int64_t wall_offset_ns);

/* Appends one event (event->size bytes). 0, or -errno of the write. */
int record_write(struct record *record, const struct event_header *event);

/* Flushes and closes. 0, or -errno when anything could not be written. NULL is legal. */
int record_close(struct record *record);

#endif
