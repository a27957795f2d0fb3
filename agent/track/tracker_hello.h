/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections by the client's hello that they carry. A process that has one both in and out relays it; one
 * whose TLS library knows the same hello has its plaintext on that connection.
 */
#ifndef HARK_TRACKER_HELLO_H
#define HARK_TRACKER_HELLO_H

#include "tracker_table.h"

/* After the socket moved: once its hello is read, is it one that its process has on another connection too?
 */
void tracker_hello_watch(struct tracker *tracker, struct conn *conn);

/*
 * The connection of the session that EVENT_TLS_RANDOMS tells of: both of its hellos went over it, the
 * client's the same way. NULL: none is known.
 */
struct conn *tracker_hello_find(const struct tracker *tracker, const struct event_data *randoms);

#endif
