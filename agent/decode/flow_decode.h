/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's decoder: making, feeding, ending it. What it leads to, flow_state.c decides. */
#ifndef HARK_FLOW_DECODE_H
#define HARK_FLOW_DECODE_H

#include "flow.h"

/* The fate of bytes that were to be decoded. */
enum flow_fed {
	FLOW_FED,	   /* all were taken */
	FLOW_FED_TLS,	   /* none: TLS begins with them */
	FLOW_FED_HTTP1,	   /* none: HTTP/1 begins with them, though the client spoke HTTP/2 */
	FLOW_FED_REFUTED,  /* none: the layer is no HTTP, what the decoder found was text */
	FLOW_FED_UPGRADED, /* some: behind them the connection leaves the protocol, for flow->leaves_for */
};

/* Makes a decoder of this protocol; while the flow leaves another, for what goes on there. 0, or -ENOMEM,
 * which is counted. */
int flow_decode_start(struct flow *flow, const struct protocol_ops *ops);

/* Are these the first bytes of the direction, and a response of HTTP/1? */
bool flow_decode_answers(const struct flow *flow, enum event_direction direction, struct slice bytes);

/* Feeds the next bytes of a direction; what was taken is dropped from *bytes. */
enum flow_fed flow_decode_feed(struct flow *flow, enum event_direction direction, struct slice *bytes,
			       uint64_t time_ns, const struct mover *mover);

/*
 * Adds what the decoder took before it knew that it is not its own, as this mover's, for only its time is
 * known. Returns how many bytes more are missing behind it.
 */
uint64_t flow_decode_carry(const struct flow *flow, enum event_direction direction, struct held *carried,
			   const struct mover *mover);

/* Ends the decoder, and its messages under way come out with these flags; legal without one. */
void flow_decode_end(struct flow *flow, enum protocol_end reason, unsigned int flags);

/* Tells the kernel side which bytes nobody need copy. */
void flow_decode_hint_skip(struct flow *flow, enum event_direction direction);

#endif
