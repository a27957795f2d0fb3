/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain bytes of a layer, call by call, for who asks (config.want_calls):
 * taken in the order of their positions, held while nobody knows whether they
 * are ciphertext, then given out or dropped.
 */
#ifndef HARK_CALL_QUEUE_H
#define HARK_CALL_QUEUE_H

#include "model/call.h"
#include "model/pipeline.h"

#include <stdbool.h>
#include <stdint.h>

struct call_item;
struct flow;

/* All zero: empty. */
struct call_queue {
	struct call_item *items; /* oldest first */
	size_t bytes;		 /* held in them */
	uint64_t since_ns;	 /* when the first of them came */
	bool more;		 /* the record that is being taken is not the last of its call */
	enum event_hole hole;	 /* why its rest was not copied */
	uint64_t record;	 /* its number, from 1 on */
};

void call_queue_fini(struct call_queue *queue);

/* Some bytes of a direction, if anybody wants to see calls. */
void call_queue_data(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
		     const struct mover *mover);
/* size bytes were not copied, or (lost) are missing; HOLE_UNKNOWN_SIZE: nobody knows how many. */
void call_queue_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost,
		     uint64_t time_ns);
/* The direction ended; reset: by a call that failed with ECONNRESET or EPIPE. */
void call_queue_end(struct flow *flow, enum event_direction direction, bool reset, uint64_t time_ns);

/* After something came: gives out or drops what the flow's state allows; a call whose end may still come
 * stays. */
void call_queue_judge(struct flow *flow);

/* A poll passed: a call whose end was awaited is whole. */
void call_queue_poll(struct flow *flow);

/* About once a second: what is unknown for as long is given out as such. */
void call_queue_expire(struct flow *flow);

/* The layer ends: everything comes out, but for ciphertext. */
void call_queue_flush(struct flow *flow);

#endif
