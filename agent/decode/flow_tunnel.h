/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tunnel behind an Upgrade that a content has a row for (content.h: WebSocket): its bytes are the
 * bodies of the handshake's exchange, which is over. Heads are kept for who reads them, and for the filter.
 */
#ifndef HARK_FLOW_TUNNEL_H
#define HARK_FLOW_TUNNEL_H

#include "flow.h"

struct tunnel;

/* A tunnel to `to`, asked for and answered by these, which are copied. NULL: nobody reads what goes through,
 * or memory is out, which is counted. */
struct tunnel *flow_tunnel_new(struct flow *flow, struct slice to, const struct message *request,
			       const struct message *response);
/* Its readers learn that it ended; NULL is legal. */
void flow_tunnel_free(struct tunnel *tunnel);

void flow_tunnel_data(struct tunnel *tunnel, enum event_direction direction, struct slice bytes,
		      uint64_t time_ns, const struct mover *mover);
void flow_tunnel_hole(struct tunnel *tunnel, enum event_direction direction, uint64_t size, uint64_t time_ns);

size_t flow_tunnel_memory(const struct tunnel *tunnel); /* NULL is legal */

#endif
