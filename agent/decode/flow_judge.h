/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out to what protocol the bytes of a layer belong that is
 * FLOW_UNDETERMINED. Holds them, and says so as soon as it can; flow_state.c acts on
 * the verdict.
 */
#ifndef HARK_FLOW_JUDGE_H
#define HARK_FLOW_JUDGE_H

#include "flow.h"

enum flow_verdict {
	FLOW_IS_UNKNOWN, /* yet */
	FLOW_IS_HTTP,	 /* flow->ops decodes what is held: it begins there, as the sides tell */
	FLOW_IS_TLS,	 /* what is held is ciphertext */
	FLOW_IS_OTHER,	 /* nothing that anybody could read */
};

/* Bytes came in a direction; turn: the other direction moved last, or nothing did. */
enum flow_verdict flow_judge_data(struct flow *flow, enum event_direction direction, struct slice bytes,
				  uint64_t time_ns, const struct mover *mover, bool turn);

/* Bytes are missing, or (copied: false, lost: false) were not copied. */
enum flow_verdict flow_judge_hole(struct flow *flow, enum event_direction direction, uint64_t size,
				  bool lost);

/* Forgets what both directions hold; it is counted as passed over. */
void flow_judge_drop(struct flow *flow);

/* When it is time: what was muted, because nothing was found in it, is undetermined again. True: it is. */
bool flow_judge_relisten(struct flow *flow);

#endif
