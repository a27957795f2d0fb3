/* SPDX-License-Identifier: Apache-2.0 */
/* A layer that turned to TLS by its bytes, until both hellos were read. */
#ifndef HARK_FLOW_HELLO_H
#define HARK_FLOW_HELLO_H

#include "flow.h"

/*
 * The bytes are TLS (flow_turn_tls()), and their hellos are awaited. fresh: TLS begins with the next bytes of
 * either direction; else with what is held.
 */
void flow_begin_tls(struct flow *flow, bool fresh);

/* Bytes or a hole in FLOW_TLS; legal when no hello is awaited. */
void flow_hello_data(struct flow *flow, enum event_direction direction, struct slice bytes);
void flow_hello_hole(struct flow *flow, enum event_direction direction);

#endif
