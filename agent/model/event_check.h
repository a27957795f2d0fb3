/* SPDX-License-Identifier: Apache-2.0 */
/* Events as sources (source_bpf, source_file) hand them on, once they were checked. */
#ifndef HARK_EVENT_CHECK_H
#define HARK_EVENT_CHECK_H

#include "event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes each event in order, borrowed for the call. Return less than 0 to stop (that value comes back). */
typedef int event_fn(void *ctx, const struct event_header *event);

/*
 * Is this record, of which size bytes are there, one that the pipeline may
 * read? Checks type, sizes and that the payload lies inside.
 */
bool event_valid(const struct event_header *event, size_t size);

/* The time of a record's bytes: what a TLS call sends begins when that is entered. */
uint64_t event_began_ns(const struct event_data *event);

#endif
