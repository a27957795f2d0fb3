/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library's record may come somewhat later than the socket's, above all when
 * its probes have just been put in place, so nothing is said at once.
 *
 * Invariant: `opaque` is in the order of opaque_ns, for all wait equally long.
 */
#include "tracker_opaque.h"

#include "base/counters.h"

void tracker_opaque_note_session(struct tracker *tracker, struct tls_session *session)
{
	bool apart = !session->socket_id;
	struct process *process;

	if (apart == session->apart)
		return;
	process = tracker_process_get(tracker, (uint32_t)session->key.pid);
	if (!process)
		return;
	session->apart = apart;
	if (apart)
		process->apart++;
	else if (process->apart)
		process->apart--;
}

/* Once a program: what keeps its TLS from being read. */
static void opaque_look(struct tracker *tracker, struct conn *conn)
{
	const struct pipeline_handler *handler = &tracker->pipeline.handler;
	uint32_t pid = conn->facts.owner.pid;
	struct process *process = pid ? tracker_process_get(tracker, pid) : NULL;

	if (!process)
		return;
	if (!process->tls_looked && handler->unread_why)
		process->unread_why = handler->unread_why(handler->ctx, pid, &process->unread_followed);
	process->tls_looked = true;
	if (conn->unread_why) /* of one that is gone nothing is known, but was before */
		return;
	conn->unread_why = process->unread_why;
	conn->unread_followed = process->unread_followed;
}

void tracker_opaque_watch(struct tracker *tracker, struct conn *conn)
{
	/* From its hello on: the process may be gone when the ciphertext is told, which is at the close. */
	if (!conn->unread_why && conn_looks_encrypted(conn))
		opaque_look(tracker, conn);
	if (conn->opaque_ns || !conn_looks_opaque(conn))
		return;
	conn->opaque_ns = tracker->pipeline.now_ns + CONN_OPAQUE_NS;
	DL_APPEND2(tracker->opaque, conn, opaque_prev, opaque_next);
}

void tracker_opaque_learn(struct tracker *tracker, struct conn *conn)
{
	struct fd_pointer *pointer;

	if (conn_looks_encrypted(conn))
		opaque_look(tracker, conn);

	DL_FOREACH (conn->pointers, pointer)
		if (pointer->process->apart && conn->plaintext == CONN_PLAINTEXT_UNSEEN)
			conn->plaintext = CONN_PLAINTEXT_APART;
}

void tracker_opaque_poll(struct tracker *tracker)
{
	struct conn *conn;

	while ((conn = tracker->opaque) && conn->opaque_ns <= tracker->pipeline.now_ns) {
		tracker_conn_unwatch(tracker, conn);
		tracker_opaque_learn(tracker, conn);
		if (conn_began_before(conn) && conn->unread_followed)
			continue; /* its close tells */
		if (conn_looks_opaque(conn) && conn->plaintext == CONN_PLAINTEXT_UNSEEN)
			conn_tell_opaque(conn);
	}
}
