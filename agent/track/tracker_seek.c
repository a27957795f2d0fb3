/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that sent plaintext without a transfer inside the call hands its ciphertext to memory. While one
 * of a process is looked for, every program that shares its library pays for a probe, so the search has an
 * end: the socket is found, the session ends, it sent enough without being found (its ciphertext goes
 * elsewhere, into another session maybe), or nothing was sent for a while.
 *
 * Invariant: process.sought is how many of its sessions have SEEK_ASKED; those in `seeking` were told of.
 */
#include "tracker_seek.h"

#define SEEK_IDLE_NS   UINT64_C(60000000000)
#define SEEK_MOMENT_NS UINT64_C(1000000000) /* longer than it takes until the probes are there */
#define SEEK_CALLS_MAX 16

static void session_ask(struct tracker *tracker, struct tls_session *session)
{
	struct process *process = tracker_process_get(tracker, (uint32_t)session->key.pid);

	if (!process)
		return;
	session->seek = SEEK_ASKED;
	session->seek_ns = tracker->pipeline.now_ns;
	session->sent = 0;
	process->sought++;
	process->seek_until_ns = tracker->pipeline.now_ns + SEEK_IDLE_NS;
	tracker_process_seek(tracker, process, true);
}

static void session_leave(struct tracker *tracker, struct tls_session *session, enum tls_seek seek)
{
	struct process *process = tracker_process_find(tracker, (uint32_t)session->key.pid);

	session->seek = seek;
	if (process)
		process->sought--;
}

static void session_go_on(struct tracker *tracker, struct tls_session *session)
{
	struct process *process = tracker_process_find(tracker, (uint32_t)session->key.pid);

	if (tracker->pipeline.now_ns - session->seek_ns > SEEK_MOMENT_NS && ++session->sent > SEEK_CALLS_MAX)
		session_leave(tracker, session, SEEK_GIVEN_UP);
	else if (process)
		process->seek_until_ns = tracker->pipeline.now_ns + SEEK_IDLE_NS;
}

void tracker_seek_note(struct tracker *tracker, struct tls_session *session, const struct event_data *event)
{
	bool sent = event->h.type == EVENT_TLS_DATA && event->direction == DIRECTION_SENT && event->len;

	switch (session->seek) {
	case SEEK_NOT:
		if (sent && !session->socket_id)
			session_ask(tracker, session);
		return;
	case SEEK_ASKED:
		if (session->socket_id)
			session_leave(tracker, session, SEEK_NOT);
		else if (sent)
			session_go_on(tracker, session);
		return;
	case SEEK_GIVEN_UP:
		return;
	}
}

/* Those that go on later are looked for anew. */
static void process_rest(struct tracker *tracker, struct process *process)
{
	struct tls_session *session;

	DL_FOREACH2(process->sessions, session, process_next)
	if (session->seek == SEEK_ASKED)
		session_leave(tracker, session, SEEK_NOT);
}

void tracker_seek_sweep(struct tracker *tracker)
{
	struct process *process, *next;

	DL_FOREACH_SAFE2(tracker->seeking, process, next, seek_next)
	{
		if (process->seek_until_ns <= tracker->pipeline.now_ns)
			process_rest(tracker, process);
		if (!process->sought)
			tracker_process_seek(tracker, process, false);
	}
}
