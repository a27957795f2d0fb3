/* SPDX-License-Identifier: Apache-2.0 */
/* What are the held bytes of a layer? The verdict and its consequences. */
#ifndef HARK_FLOW_JUDGE_H
#define HARK_FLOW_JUDGE_H

#include "flow.h"

/* After new bytes were held in a direction: decides if it can. */
void flow_judge(struct flow *flow, enum event_direction direction);

/*
 * Holds bytes of an undetermined layer, within the limits, and judges. turn: the other direction moved last,
 * or nothing did.
 */
void flow_hold(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
	       const struct mover *mover, bool turn);

/* Forgets what a direction holds: it cannot be joined to what follows. */
void flow_drop_held(struct flow *flow, enum event_direction direction);

/* The bytes turned out to be ciphertext. */
void flow_count_ciphertext(struct flow *flow, uint64_t copied, uint64_t skipped);

/* When it is time: listens again to what was muted because nothing was found in it. */
void flow_look_again(struct flow *flow);

void flow_mute(struct flow *flow, const char *reason);

#endif
