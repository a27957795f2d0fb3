/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library's record may come somewhat later than the socket's, above all when
 * its probes have just been put in place, so nothing is said at once.
 *
 * Invariant: `opaque` is in the order of opaque_ns, for all wait equally long.
 */
#include "tracker_opaque.h"

#define OPAQUE_WAIT_NS UINT64_C(400000000)

void opaque_note_session(struct tracker *tracker, struct tls_session *session)
{
	bool apart = !session->socket_id;
	struct process *process;

	if (apart == session->apart)
		return;
	process = process_get(tracker, (uint32_t)session->key.pid);
	if (!process)
		return;
	session->apart = apart;
	if (apart)
		process->apart++;
	else if (process->apart)
		process->apart--;
}

void opaque_watch(struct tracker *tracker, struct conn *conn)
{
	if (conn->opaque_ns || !conn_looks_opaque(conn))
		return;
	conn->opaque_ns = tracker->pipeline.now_ns + OPAQUE_WAIT_NS;
	DL_APPEND2(tracker->opaque, conn, opaque_prev, opaque_next);
}

void opaque_unwatch(struct tracker *tracker, struct conn *conn)
{
	if (!conn->opaque_ns)
		return;
	conn->opaque_ns = 0;
	DL_DELETE2(tracker->opaque, conn, opaque_prev, opaque_next);
}

void opaque_learn(struct conn *conn)
{
	struct fd_pointer *pointer;

	DL_FOREACH (conn->pointers, pointer)
		conn->unbound = conn->unbound || pointer->process->apart;
}

void opaque_poll(struct tracker *tracker)
{
	struct conn *conn;

	while ((conn = tracker->opaque) && conn->opaque_ns <= tracker->pipeline.now_ns) {
		opaque_unwatch(tracker, conn);
		opaque_learn(conn);
		if (conn_looks_opaque(conn) && !conn->unbound)
			conn_tell_opaque(conn);
	}
}
