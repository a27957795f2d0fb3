/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker turns events into connections and hands each event to its own.
 *
 * A connection is a socket, found by its id; {pid, fd} and {pid, SSL*} are
 * pointers to it. All time comes from events: EVENT_POLL is the clock, so a
 * recording replays exactly as it ran.
 */
#ifndef HARK_TRACKER_H
#define HARK_TRACKER_H

#include "event.h"
#include "model/pipeline.h"

struct tracker;

/* Copies config, pids and handler. NULL: out of memory. */
struct tracker *tracker_new(const struct pipeline_config *config, const struct pipeline_handler *handler);

/*
 * One event, borrowed for the call. Its own sizes were checked by the source
 * (event_valid()); anything else in it may be hostile.
 */
void tracker_event(struct tracker *tracker, const struct event_header *event);

/* A live run: all probes are there from this time of events on; UINT64_MAX: not yet. */
void tracker_ready(struct tracker *tracker, uint64_t time_ns);

/* When the next EVENT_POLL has something to do though nothing comes, but for what is done once a second;
 * UINT64_MAX: never. */
uint64_t tracker_due_ns(const struct tracker *tracker);

/* Each exchange that is open now, as pending() shows it; borrowed for the call. */
void tracker_each_open(struct tracker *tracker, void (*fn)(void *ctx, const struct exchange *exchange),
		       void *ctx);

/*
 * hark ends: everything under way comes out as in-flight, each
 * connection is closed, in order of appearance.
 */
void tracker_end(struct tracker *tracker);

/* NULL is legal. */
void tracker_free(struct tracker *tracker);

#endif
