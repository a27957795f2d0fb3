/* SPDX-License-Identifier: Apache-2.0 */
/* How connections begin and end: socket states, exec and exit, time. */
#ifndef HARK_TRACKER_LIFE_H
#define HARK_TRACKER_LIFE_H

#include "tracker_table.h"

/* TCP that is over may still be read from, while there is something: it ends when nothing was for so long. */
#define TRACKER_UNREAD_NS UINT64_C(1000000000)

/* Does the user want to see this process? */
bool tracker_wants(const struct tracker *tracker, uint32_t pid);

struct mover tracker_mover_of(struct tracker *tracker, const struct event_header *event, int32_t fd);

/* The connection of this socket, by id or by what the states told; NULL: none. */
struct conn *tracker_socket_find(struct tracker *tracker, const struct event_socket *sock);

/* Hands what the states told about this socket to the connection. */
void tracker_adopt_states(struct tracker *tracker, struct conn *conn, const struct event_socket *sock);

/* The connection of a socket that just moved bytes; made if need be. NULL: out of memory. */
struct conn *tracker_socket(struct tracker *tracker, const struct event_header *event,
			    const struct event_socket *sock);

/* Ends it (conn_end()) and removes it. */
void tracker_close(struct tracker *tracker, struct conn *conn, enum protocol_end reason);

/* A record shows that conn's socket has another connection by now: it ends, and the next of the socket is
 * new. */
void tracker_begin_again(struct tracker *tracker, struct conn *conn, const struct event_socket *sock);

/* While more is held than the budget allows, connections come out as truncated and are forgotten. */
void tracker_shed(struct tracker *tracker);

/* A connection that was there when hark began; once for each process that holds it. */
void tracker_seen(struct tracker *tracker, const struct event_state *event);

void tracker_state(struct tracker *tracker, const struct event_state *event);
void tracker_exec(struct tracker *tracker, const struct event_process *event);
void tracker_fork(struct tracker *tracker, const struct event_process *event);
void tracker_cgroup(struct tracker *tracker, const struct event_cgroup *event);
void tracker_names(struct tracker *tracker, const struct event_names *event);
void tracker_exit(struct tracker *tracker, const struct event_process *event);

/* EVENT_POLL: the clock. */
void tracker_poll(struct tracker *tracker);

#endif
