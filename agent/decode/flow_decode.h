/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a layer that works with a decoder: making, feeding, leaving it. */
#ifndef HARK_FLOW_DECODE_H
#define HARK_FLOW_DECODE_H

#include "flow.h"

/* Starts decoding with this protocol. 0, or -ENOMEM (the layer is muted then). */
int flow_decode_start(struct flow *flow, const struct protocol_ops *ops, bool after_upgrade);

/* Bytes in order, whatever the state of the layer. */
void flow_data(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
	       const struct mover *mover);

/* Missing bytes in order, whatever the state; lost: no record stood for them. */
void flow_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost, uint64_t time_ns);

/* Ends the decoder and emits what it had; legal without one. */
void flow_decode_end(struct flow *flow, enum protocol_end reason);

/* Tells the kernel side which bytes nobody need copy. */
void flow_hint_skip(struct flow *flow, enum event_direction direction);

#endif
