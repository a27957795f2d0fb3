/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUIC by name: hark reads nothing that QUIC carries, but its clients' hellos
 * say in the clear, for whoever saw the first packet, what is asked for. Each
 * connection that begins is told of once, as TLS without plaintext is.
 */
#ifndef HARK_TRACKER_QUIC_H
#define HARK_TRACKER_QUIC_H

#include "tracker_table.h"

/* EVENT_DATAGRAM. */
void tracker_quic_datagram(struct tracker *tracker, const struct event_data *event);

/* Did a connection begin on this socket of late? It is then told of by name, or will be. */
bool tracker_quic_began(const struct tracker *tracker, uint64_t socket_id);

/* Those whose hello did not come whole in time are told of without it. */
void tracker_quic_poll(struct tracker *tracker);

/* Nothing more comes: tells of all that were not. */
void tracker_quic_end(struct tracker *tracker);

/* Frees without telling. */
void tracker_quic_free(struct tracker *tracker);

#endif
