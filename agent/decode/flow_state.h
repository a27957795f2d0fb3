/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer's state does with bytes that come in order. Those below decide and say so (flow_judge.c: what
 * the bytes are; flow_decode.c: what came of decoding them); flow_state.c alone changes the state:
 *
 * state        | bytes                | leads to
 * undetermined | held and judged      | http, hello, muted: by the verdict
 * http         | decoded              | undetermined: refuted, or an upgrade
 *              |                      | tunnel: an upgrade to what somebody reads
 *              |                      | hello: TLS begins between two messages
 * tunnel       | read                 |
 * hello        | counted, hellos read | tls: both were read, or a hole hides it
 *              |                      | http: the server answers in the clear
 * tls          | counted              |
 * muted        | counted              | undetermined: hark listens again
 * ended        | none come            |
 *
 * A library that owns the bytes leads from each to tls (flow_turn_tls()), a lack of memory to muted,
 * flow_end() to ended.
 *
 * Invariants: `decoder` exists exactly in FLOW_HTTP, `hello` in FLOW_HELLO, `tunnel` in FLOW_TUNNEL; bytes
 * are held only in FLOW_UNDETERMINED.
 */
#ifndef HARK_FLOW_STATE_H
#define HARK_FLOW_STATE_H

#include "flow.h"

/* The next bytes of a direction. */
void flow_state_data(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
		     const struct mover *mover);

/* Bytes of a direction are missing (lost), or were not copied. size HOLE_UNKNOWN_SIZE: nobody knows how many.
 */
void flow_state_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost,
		     uint64_t time_ns);

/* The layer is of this protocol. 0 or -ENOMEM: the layer is muted. */
int flow_state_begin(struct flow *flow, const struct protocol_ops *ops);

/* The bytes are TLS from here on: held ones are discarded, messages under way end, no hello is awaited. */
void flow_turn_tls(struct flow *flow);

/* About once a second: what was muted is listened to again. */
void flow_state_expire(struct flow *flow);

/* Messages under way come out. */
void flow_state_end(struct flow *flow, enum protocol_end reason);

/* Frees what the state has; the flow is not used again. */
void flow_state_fini(struct flow *flow);

#endif
