/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS connections whose plaintext is not seen are told of once, shortly after
 * they began to carry data. In a process that gives its ciphertext to the
 * socket by itself (Node.js, Python's asyncio) a session whose hellos were
 * not seen has no socket: whose plaintext it is nobody can tell, but it is seen.
 */
#ifndef HARK_TRACKER_OPAQUE_H
#define HARK_TRACKER_OPAQUE_H

#include "tracker_table.h"

/* After a record of the session: is its socket known? */
void tracker_opaque_note_session(struct tracker *tracker, struct tls_session *session);

/* After the connection moved: it is told of when its time comes, if it looks opaque. */
void tracker_opaque_watch(struct tracker *tracker, struct conn *conn);

/* Looks whether one of its processes has sessions without a socket, and what TLS its process has. */
void tracker_opaque_learn(struct tracker *tracker, struct conn *conn);

/* Tells of those whose time has come. */
void tracker_opaque_poll(struct tracker *tracker);

#endif
