/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From events to connections: looks up whose event it is and hands it on.
 *
 * A known {pid, fd} with another socket id is a new connection (docs/design.md, D2);
 * the old one ends by its own signs. A TLS session belongs to the connection
 * of its socket, or to one without a socket until a record binds it.
 */
#include "tracker.h"

#include "base/counters.h"
#include "model/event_check.h"
#include "tracker_hello.h"
#include "tracker_life.h"
#include "tracker_opaque.h"
#include "tracker_quic.h"
#include "tracker_seek.h"
#include "tracker_table.h"

#include <errno.h>
#include <stdlib.h>

struct tracker *tracker_new(const struct pipeline_config *config, const struct pipeline_handler *handler)
{
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	tracker->pipeline.config = *config;
	tracker->pipeline.handler = *handler;
	tracker->next_sequence = 1;
	tracker->pipeline.watched = &tracker->watched;
	tracker->pipeline.entries = &tracker->entries;
	pipeline_reading_init(&tracker->reading, &tracker->pipeline);
	if (config->want_reads)
		tracker->pipeline.reading = &tracker->reading;
	if (!config->pid_count)
		return tracker;
	tracker->pids = calloc(config->pid_count, sizeof(*tracker->pids));
	if (!tracker->pids) {
		free(tracker);
		return NULL;
	}
	memcpy(tracker->pids, config->pids, config->pid_count * sizeof(*tracker->pids));
	tracker->pipeline.config.pids = tracker->pids;
	return tracker;
}

void tracker_free(struct tracker *tracker)
{
	if (!tracker)
		return;
	tracker->pipeline.handler = (struct pipeline_handler){ .ctx = NULL };
	while (tracker->conns)
		tracker_conn_remove(tracker, tracker->conns);
	while (tracker->sks)
		tracker_sk_remove(tracker, tracker->sks);
	while (tracker->processes)
		tracker_process_remove(tracker, tracker->processes);
	tracker_quic_free(tracker);
	tracker_places_free(tracker);
	spares_fini(&tracker->entries);
	free(tracker->pids);
	free(tracker);
}

/* Notes the process that moves bytes now; its names are looked up again only when something changed. */
static void conn_moved_by(struct tracker *tracker, struct conn *conn, const struct event_data *event)
{
	struct mover *mover = &conn->mover;
	uint64_t done_ns = event_began_ns(event) < event->h.time_ns ? event->h.time_ns : 0;
	int32_t fd = event->sock.fd < 0 && mover->pid == event->h.pid ? mover->fd : event->sock.fd;

	mover->done_ns = done_ns;
	if (mover->pid == event->h.pid && mover->tid == event->h.tid && mover->fd == fd &&
	    conn->mover_names == tracker->names &&
	    memcmp(mover->comm, event->h.comm, sizeof(mover->comm) - 1) == 0)
		return;
	*mover = tracker_mover_of(tracker, &event->h, fd);
	mover->done_ns = done_ns;
	conn->mover_names = tracker->names;
	conn->facts.owner = *mover;
	tracker_fd_claim(tracker, conn, event->h.pid, fd);
}

static void conn_take(struct tracker *tracker, struct conn *conn, const struct event_data *event)
{
	if (conn->life == CONN_MAY_END)
		conn->life = CONN_LIVES;
	if (conn->unread_ns && event->h.flags & EVENT_EOF && event->direction != DIRECTION_SENT)
		conn->unread_ns = 0;
	else if (conn->unread_ns)
		conn->unread_ns = tracker->pipeline.now_ns + TRACKER_UNREAD_NS;
	conn_update_socket(conn, &event->sock);
	conn_learn_origin(conn, event);
	if (!conn->pointers)
		tracker_fd_claim(tracker, conn, event->h.pid, event->sock.fd);
	conn_moved_by(tracker, conn, event);
	tracker_conn_touch(tracker, conn);
}

static void tracker_socket_data(struct tracker *tracker, const struct event_data *event)
{
	struct conn *conn;

	if (!event->sock.id && !event->sock.sk)
		return;
	conn = tracker_socket(tracker, &event->h, &event->sock);
	if (conn && conn_is_earlier(conn, event)) {
		tracker_begin_again(tracker, conn, &event->sock);
		conn = tracker_socket(tracker, &event->h, &event->sock);
	}
	if (!conn)
		return;
	conn_take(tracker, conn, event);
	conn_socket_data(conn, event);
	tracker_hello_watch(tracker, conn);
	conn_weigh_flow(conn, &conn->socket_flow);
	tracker_conn_charge(tracker, conn);
}

static struct tls_session *session_find(const struct tracker *tracker, const struct event_data *event)
{
	struct tls_key key = tls_key_of(event);
	struct tls_session *session;

	HASH_FIND(hh, tracker->sessions, &key, sizeof(key), session);
	return session;
}

static struct tls_session *session_link(struct tracker *tracker, struct tls_session *session)
{
	struct process *process = tracker_process_get(tracker, (uint32_t)session->key.pid);

	if (!process)
		return NULL;
	HASH_ADD(hh, tracker->sessions, key, sizeof(session->key), session);
	if (!TABLE_ADDED(session, hh))
		return NULL;
	DL_APPEND2(process->sessions, session, process_prev, process_next);
	tracker_process_settle(tracker, process);
	return session;
}

static struct tls_session *session_new(struct tracker *tracker, const struct event_data *event)
{
	struct tls_key key = tls_key_of(event);
	struct tls_session *session = tls_session_new(&tracker->pipeline, key);
	struct event_socket nowhere = { .fd = -1 };
	bool known = event->sock.id != 0;
	struct conn *conn;

	if (!session || !session_link(tracker, session)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		tls_session_free(session);
		return NULL;
	}
	conn = tracker_socket(tracker, &event->h, known ? &event->sock : &nowhere);
	if (!conn) {
		tracker_session_unlink(tracker, session);
		tls_session_free(session);
		return NULL;
	}
	session->socket_id = event->sock.id;
	session->by_kernel = tls_is_kernel(event);
	conn_add_session(conn, session);
	return session;
}

/* The session's socket became known: its connection gets it, or goes over into the one that has it. */
static void session_bind(struct tracker *tracker, struct tls_session *session, const struct event_data *event)
{
	struct conn *socketless = session->conn;
	struct conn *conn = tracker_socket_find(tracker, &event->sock);

	session->socket_id = event->sock.id;
	if (!conn && tracker_conn_set_id(tracker, socketless, event->sock.id) == 0) {
		tracker_adopt_states(tracker, socketless, &event->sock);
		return;
	}
	if (!conn || conn == socketless)
		return;
	conn_absorb(conn, socketless);
	conn_report_opened(conn);
	counter_add(COUNTER_CONNECTIONS_CLOSED, 1);
	tracker_conn_remove(tracker, socketless);
}

/* The same object on another socket counts on; one that begins anew counts from 0. */
static struct tls_session *session_replace(struct tracker *tracker, struct tls_session *session,
					   const struct event_data *event)
{
	uint64_t next[2] = { session->flow.side[0].stream.next, session->flow.side[1].stream.next };
	bool goes_on = session->socket_id != event->sock.id && event->sock.id;

	tracker_session_end(tracker, session, END_CLOSED);
	session = session_new(tracker, event);
	for (int i = 0; session && goes_on && i < 2; i++)
		stream_continue(&session->flow.side[i].stream, next[i]);
	return session;
}

/*
 * A program with kernel TLS may move some bytes by its library and others by itself (sendfile(2)). Nobody
 * knows where in the one session those of the other belong: there they are a hole of unknown size.
 */
static void session_miss_others(struct tls_session *session, const struct event_data *event)
{
	struct tls_session *other;

	DL_FOREACH (event->len ? session->conn->sessions : NULL, other)
		if (other->plaintext && other->by_kernel != session->by_kernel)
			flow_unknown(&other->flow, event, &session->conn->mover);
}

static void tracker_tls(struct tracker *tracker, const struct event_data *event)
{
	struct tls_session *session = session_find(tracker, event);
	struct conn *conn;

	if (session && tls_session_is_other(session, event))
		session = session_replace(tracker, session, event);
	else if (!session)
		session = session_new(tracker, event);
	if (!session)
		return;
	if (event->sock.id && !session->socket_id)
		session_bind(tracker, session, event);
	conn = session->conn;
	conn_take(tracker, conn, event);
	conn_mark_tls(conn, tls_library(event));
	if (event->h.type == EVENT_TLS_BIND && event->h.flags & EVENT_FROM_START && event->offset &&
	    event->h.time_ns > event->offset)
		conn->facts.handshake_ns = event->h.time_ns - event->offset;
	if (event->h.type != EVENT_TLS_BIND)
		tls_session_record(session, event, &conn->mover);
	session_miss_others(session, event);
	conn_weigh_flow(conn, &session->flow);
	conn_wake_session(conn, session);
	tracker_conn_charge(tracker, conn);
	/* A library of HTTP/3 has no socket of TCP, and leaves none without a reader. */
	if (tls_is_http3(event))
		return;
	tracker_seek_note(tracker, session, event);
	tracker_opaque_note_session(tracker, session);
}

/* The session's hellos: the connection that carried them is its own, as if a transfer had shown it. */
static void tracker_tls_randoms(struct tracker *tracker, const struct event_data *event)
{
	const struct conn *conn = tracker_hello_find(tracker, event);
	struct event_data bind = *event;

	if (!conn)
		return;
	bind.h.type = EVENT_TLS_BIND;
	bind.h.flags &= EVENT_PID_VALID;
	bind.sock = conn->facts.sock;
	bind.sock.id = conn->socket_id;
	bind.pos = bind.offset = 0;
	bind.direction = DIRECTION_SENT;
	tracker_tls(tracker, &bind);
}

static void tracker_tls_free(struct tracker *tracker, const struct event_data *event)
{
	struct tls_session *session = session_find(tracker, event);

	if (!session)
		return;
	if (event->h.flags & EVENT_OFFSET_KNOWN) {
		tls_session_stood(session, event, &session->conn->mover);
		conn_weigh_flow(session->conn, &session->flow);
	}
	tracker_session_end(tracker, session, END_CLOSED);
}

static void tracker_unseen(struct tracker *tracker, const struct event_unseen *event)
{
	struct conn_facts conn = { .sock = event->sock, .tls_unknown = true };
	struct result result = result_of_conn(RESULT_UNSEEN, &conn);

	if (event->kind == UNSEEN_RINGS)
		tracker_process_unheard(tracker, event->h.pid);
	if (event->kind == UNSEEN_RINGS || !tracker_wants(tracker, event->h.pid))
		return;
	if (event->kind == UNSEEN_UDP_443 && tracker_quic_began(tracker, event->sock.id))
		return;
	conn.owner = tracker_mover_of(tracker, &event->h, event->sock.fd);
	result.unseen = event;
	pipeline_tell(&tracker->pipeline, &result);
}

/* A handshake's, whose connection may not be known yet. */
static void tracker_secret(struct tracker *tracker, const struct event_secret *event)
{
	struct conn_facts conn = { .sock = { .fd = -1 }, .tls = true };
	struct result result = result_of_conn(RESULT_SECRET, &conn);

	if (!tracker_wants(tracker, event->h.pid))
		return;
	conn.owner = tracker_mover_of(tracker, &event->h, -1);
	result.secret = event;
	pipeline_tell(&tracker->pipeline, &result);
}

static void tracker_data(struct tracker *tracker, const struct event_data *event)
{
	if (!tracker_wants(tracker, event->h.pid))
		return;
	switch (event->h.type) {
	case EVENT_SOCKET_DATA:
		tracker_socket_data(tracker, event);
		return;
	case EVENT_TLS_FREE:
		tracker_tls_free(tracker, event);
		return;
	case EVENT_TLS_RANDOMS:
		tracker_tls_randoms(tracker, event);
		return;
	default:
		tracker_tls(tracker, event);
	}
}

/* Events of several processors come nearly in order; those of user space tell nothing. */
static void tracker_note_lost(struct tracker *tracker, const struct event_header *event)
{
	struct pipeline *pipeline = &tracker->pipeline;

	if (event->flags & EVENT_SYNTHETIC)
		return;
	if (!pipeline->lost_told || (int32_t)(event->lost - pipeline->lost) > 0)
		pipeline->lost = event->lost;
	pipeline->lost_told = true;
}

void tracker_event(struct tracker *tracker, const struct event_header *event)
{
	if (event->time_ns > tracker->pipeline.now_ns)
		tracker->pipeline.now_ns = event->time_ns;
	tracker_note_lost(tracker, event);
	switch (event->type) {
	case EVENT_SOCKET_DATA:
	case EVENT_TLS_DATA:
	case EVENT_TLS_BIND:
	case EVENT_TLS_REFUSED:
	case EVENT_TLS_FREE:
	case EVENT_TLS_EARLY:
	case EVENT_TLS_RANDOMS:
	case EVENT_STREAM_DATA:
	case EVENT_STREAM_OVER:
		tracker_data(tracker, (const struct event_data *)event);
		break;
	case EVENT_SOCKET_STATE:
		tracker_state(tracker, (const struct event_state *)event);
		break;
	case EVENT_SOCKET_SEEN:
		tracker_seen(tracker, (const struct event_state *)event);
		break;
	case EVENT_EXEC:
		tracker_exec(tracker, (const struct event_process *)event);
		break;
	case EVENT_FORK:
		tracker_fork(tracker, (const struct event_process *)event);
		break;
	case EVENT_CGROUP:
		tracker_cgroup(tracker, (const struct event_cgroup *)event);
		break;
	case EVENT_NAMES:
		tracker_names(tracker, (const struct event_names *)event);
		break;
	case EVENT_UNSEEN:
		tracker_unseen(tracker, (const struct event_unseen *)event);
		break;
	case EVENT_TLS_SECRET:
		tracker_secret(tracker, (const struct event_secret *)event);
		break;
	case EVENT_DATAGRAM:
		tracker_quic_datagram(tracker, (const struct event_data *)event);
		break;
	case EVENT_EXIT:
		tracker_exit(tracker, (const struct event_process *)event);
		break;
	case EVENT_POLL:
		tracker_quic_poll(tracker);
		tracker_poll(tracker);
		break;
	}
	tracker_shed(tracker);
}

void tracker_ready(struct tracker *tracker, uint64_t time_ns)
{
	tracker->pipeline.ready_ns = time_ns;
}

uint64_t tracker_due_ns(const struct tracker *tracker)
{
	const struct pipeline *pipeline = &tracker->pipeline;
	uint64_t due_ns = UINT64_MAX, pair_ns;
	struct pair *pair;

	if (tracker->awake || tracker->exited || tracker->ending || tracker->opaque || tracker->quic)
		return pipeline->now_ns + PIPELINE_LOOK_NS;
	if (!pipeline->config.pending_ns)
		return UINT64_MAX;
	DL_FOREACH2(tracker->watched, pair, watch_next)
	{
		pair_ns = pair_pending_due_ns(pair);
		due_ns = pair_ns < due_ns ? pair_ns : due_ns;
	}
	return due_ns;
}

void tracker_each_open(struct tracker *tracker, void (*fn)(void *ctx, const struct exchange *exchange),
		       void *ctx)
{
	struct pair *pair;

	DL_FOREACH2(tracker->watched, pair, watch_next)
	{
		pair_each_open(pair, fn, ctx);
	}
}

static int conn_by_sequence(const struct conn *a, const struct conn *b)
{
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

void tracker_end(struct tracker *tracker)
{
	tracker_quic_end(tracker);
	DL_SORT(tracker->conns, conn_by_sequence);
	while (tracker->conns) {
		struct conn *conn = tracker->conns;

		tracker_close(tracker, conn, conn->life == CONN_LIVES ? END_IN_FLIGHT : conn->close_reason);
	}
}
