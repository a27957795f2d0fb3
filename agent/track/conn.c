/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow of a connection's own socket bytes knows what these are
 * (docs/design.md, D7). This file draws the consequences: the mark for the
 * kernel side, given once, and the facts for the sinks.
 *
 * Invariant: when the socket's bytes are TLS they are only counted; what is
 * decoded then comes from the sessions.
 */
#include "conn.h"

#include "base/counters.h"
#include "decode/flow_state.h"

#include <netinet/in.h>
#include <stdlib.h>

/*
 * A cookie that was made inside an interrupted making of one counts down from 2^64: it is brought below 2^53,
 * with the rest above CONN_ID_OWN, where run numbers count up.
 */
static uint64_t id_of_socket(uint64_t socket_id)
{
	return socket_id < CONN_ID_OWN ? socket_id : socket_id & (2 * CONN_ID_OWN - 1);
}

#define ORIGIN_NEAR_BYTES (16u << 20) /* counters that changed while they were read are off by less */

/* With its entries in the tables, about. */
#define CONN_BYTES    (sizeof(struct conn) + 1024)
#define SESSION_BYTES (sizeof(struct tls_session) + 256)

struct conn *conn_new(const struct pipeline *pipeline, uint64_t sequence, const struct event_socket *sock)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->pipeline = pipeline;
	conn->sequence = sequence;
	conn->facts.id = sock->id ? id_of_socket(sock->id) : CONN_ID_OWN + sequence;
	conn->facts.number = sequence;
	conn->facts.seen_ns = pipeline->now_ns;
	conn->began_before = !pipeline->poll;
	conn->facts.sock = *sock;
	conn->facts.owner.fd = sock->fd;
	conn->facts.tls_unknown = true;
	conn->muted_mark = MARK_HEARD;
	conn->socket_id = sock->id;
	conn->last_ns = pipeline->now_ns;
	conn->held_bytes = CONN_BYTES;
	flow_init(&conn->socket_flow, pipeline, &conn->facts, NULL);
	counter_add(COUNTER_CONNECTIONS_OPENED, 1);
	return conn;
}

void conn_free(struct conn *conn)
{
	struct tls_session *session, *tmp;

	if (!conn)
		return;
	DL_FOREACH_SAFE(conn->sessions, session, tmp)
	tls_session_free(session);
	flow_fini(&conn->socket_flow);
	free(conn);
}

static void conn_mark(const struct conn *conn, enum mark mark)
{
	if (conn->socket_id && conn->pipeline->handler.mark)
		conn->pipeline->handler.mark(conn->pipeline->handler.ctx, conn->socket_id, mark);
}

void conn_learn_id(struct conn *conn, uint64_t socket_id)
{
	conn->socket_id = socket_id;
	conn->facts.sock.id = socket_id;
	if (!conn->reported && !conn->facts.exchanges)
		conn->facts.id = id_of_socket(socket_id);
	if (conn->ciphertext) /* its plaintext came first, when there was no socket to tell of */
		conn_mark(conn, MARK_CIPHERTEXT);
}

static void conn_tell(const struct conn *conn, enum result_kind kind)
{
	struct result result = result_of_conn(kind, &conn->facts);

	pipeline_tell(conn->pipeline, &result);
}

void conn_report_opened(struct conn *conn)
{
	if (conn->reported)
		return;
	conn->reported = true;
	conn_tell(conn, RESULT_CONN_OPENED);
}

/*
 * The mute of one direction that was searched in vain is told when a poll has emptied the ring: what ends it
 * may be there already, and then the kernel side would leave out bytes that come later.
 */
static void conn_settle_muted(struct conn *conn, bool polled)
{
	static const enum mark marks[2][2] = { { MARK_HEARD, MARK_MUTED_RECEIVED },
					       { MARK_MUTED_SENT, MARK_MUTED } };
	bool sent = flow_is_muted(&conn->socket_flow, DIRECTION_SENT);
	bool received = flow_is_muted(&conn->socket_flow, DIRECTION_RECEIVED);
	enum mark mark = marks[sent][received];

	if (mark != MARK_HEARD && !conn->was_muted)
		counter_add(COUNTER_CONNECTIONS_MUTED, 1);
	conn->was_muted |= mark != MARK_HEARD;
	if (mark == conn->muted_mark || (!polled && conn->socket_flow.relisten_ns && mark != MARK_MUTED))
		return;
	conn->muted_mark = mark;
	if (!conn->pipeline->config.want_calls || !conn->pipeline->config.want_other)
		conn_mark(conn, mark);
}

/* After the socket's flow moved: what does its state mean for the connection? */
static void conn_settle(struct conn *conn, bool polled)
{
	conn->facts.tls_unknown = conn->socket_flow.state == FLOW_UNDETERMINED && !conn->sessions;
	conn->facts.muted = conn->socket_flow.muted;
	/* As nearly always. */
	if (conn->socket_flow.state == FLOW_HTTP && conn->muted_mark == MARK_HEARD)
		return;
	if (flow_is_tls(&conn->socket_flow))
		conn->facts.tls = true;
	if (conn->socket_flow.state == FLOW_TLS && !conn->before_probes && !conn->ciphertext) {
		conn->ciphertext = true;
		conn_mark(conn, MARK_CIPHERTEXT);
	}
	conn_settle_muted(conn, polled);
}

void conn_update_socket(struct conn *conn, const struct event_socket *sock)
{
	struct event_socket *known = &conn->facts.sock;
	int32_t fd = sock->fd >= 0 ? sock->fd : known->fd;
	uint64_t id = known->id ? known->id : sock->id;

	/* The kernel takes the port away from a socket that is closing; it still has its last transfers. */
	if (sock->family && (sock->local_port || !known->local_port))
		*known = *sock;
	known->fd = fd;
	known->id = id;
}

void conn_learn_origin(struct conn *conn, const struct event_data *event)
{
	struct conn_origin *origin = &conn->facts.origin;
	unsigned int direction = event->direction == DIRECTION_SENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
	unsigned int needed = EVENT_POS_SEQ32 | EVENT_OFFSET_KNOWN;

	if (origin->known[direction] || (event->h.flags & needed) != needed)
		return;
	origin->known[direction] = true;
	origin->number[direction] = (uint32_t)event->pos - (uint32_t)event->offset;
}

bool conn_is_earlier(const struct conn *conn, const struct event_data *event)
{
	const struct conn_origin *origin = &conn->facts.origin;
	unsigned int direction = event->direction == DIRECTION_SENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
	unsigned int needed = EVENT_POS_SEQ32 | EVENT_OFFSET_KNOWN;
	uint32_t began = (uint32_t)event->pos - (uint32_t)event->offset;

	if (event->h.lost == conn->socket_flow.lost || !origin->known[direction] ||
	    (event->h.flags & needed) != needed)
		return false;
	return began - origin->number[direction] + ORIGIN_NEAR_BYTES > 2 * ORIGIN_NEAR_BYTES;
}

/*
 * What the record says to have been read, and no record before it held. Of a socket whose ciphertext the
 * kernel side counts only its first splice(2) is told, when each transfer before it left a record; not so
 * where a library's calls are nested.
 */
static uint32_t conn_read_past(struct conn *conn, const struct event_data *event)
{
	uint32_t number = (uint32_t)event->pos + event->len, ahead = number - conn->read_number;
	bool known = conn->read_known;

	if (event->direction == DIRECTION_SENT || !(event->h.flags & EVENT_POS_SEQ32))
		return 0;
	if (known && (int32_t)ahead <= 0)
		return 0;
	conn->read_number = number;
	conn->read_known = true;
	return known && event->h.flags & EVENT_REACHED && event->hole != HOLE_MUTED &&
			       conn->plaintext != CONN_PLAINTEXT_SEEN
		       ? ahead
		       : 0;
}

static void conn_count_ciphertext(struct conn *conn, const struct event_data *event, uint32_t past)
{
	conn->facts.ciphertext_bytes += event->len + past;
	/* The kernel counts muted bytes by the mark it has; those on their way before it as plain. */
	if (event->hole != HOLE_MUTED)
		counters_recount_ciphertext(event->copied, event->len - event->copied);
	counters_add_ciphertext(past);
}

/* See HOLE_MUTED (event.h). */
static bool says_unrecorded(const struct event_data *event)
{
	return event->hole == HOLE_MUTED && !event->len && !(event->h.flags & ~(unsigned int)EVENT_PID_VALID);
}

void conn_socket_data(struct conn *conn, const struct event_data *event)
{
	uint32_t past = conn_read_past(conn, event);

	if (says_unrecorded(event))
		flow_unrecorded(&conn->socket_flow);
	if (event->h.flags & EVENT_EOF && event->direction != DIRECTION_SENT)
		conn->peer_ended = true;
	if (event->h.flags & EVENT_RESET) {
		conn->facts.flags |= FLAG_RESET;
		call_queue_end(&conn->socket_flow, event->direction, true, conn->pipeline->now_ns);
	}
	if (!event->len && !(event->h.flags & (EVENT_EOF | EVENT_REACHED)))
		return;
	/* Before the first poll a library may have no probes: what moves later shows whether one sees it. */
	conn->before_probes = !conn->pipeline->poll;
	if (conn->socket_flow.state != FLOW_TLS)
		flow_record(&conn->socket_flow, event, &conn->mover, conn->facts.opened_ns);
	else
		conn_count_ciphertext(conn, event, past);
	conn_settle(conn, false);
}

/* A client's SYN is among what was acknowledged, and in no data. */
static uint64_t stood_offset(const struct conn *conn, const struct event_state_end *end, int direction)
{
	uint64_t offset = end->offset[direction];

	return offset && direction == DIRECTION_SENT && conn->facts.role == ROLE_CLIENT ? offset - 1 : offset;
}

/*
 * A socket that closes may be known by its address alone, and that may be another's already: then the numbers
 * at which its directions began are others.
 */
static bool stood_is_its(const struct conn *conn, const struct event_state_end *end)
{
	const struct conn_origin *origin = &conn->facts.origin;
	bool agrees = end->state.sock.id && end->state.sock.id == conn->socket_id;

	for (int i = 0; i < 2 && !agrees; i++) {
		uint32_t began = (uint32_t)end->pos[i] - (uint32_t)stood_offset(conn, end, i);

		if (!origin->known[i] || !(end->state.offset_known & 1 << i))
			continue;
		if (began - origin->number[i] + 1 > 2) /* a SYN more or less */
			return false;
		agrees = true;
	}
	return agrees;
}

void conn_stood(struct conn *conn, const struct event_state_end *end)
{
	if (!stood_is_its(conn, end))
		return;
	for (int i = 0; i < 2; i++) {
		struct event_data event = {
			.h = end->state.h,
			.sock = end->state.sock,
			.pos = end->pos[i],
			.offset = stood_offset(conn, end, i),
			.direction = (uint8_t)i,
		};

		event.h.type = EVENT_SOCKET_DATA;
		event.h.flags = EVENT_POS_SEQ32;
		if (end->state.offset_known & 1 << i)
			event.h.flags |= EVENT_OFFSET_KNOWN;
		flow_stood(&conn->socket_flow, &event, &conn->mover, conn->facts.opened_ns);
	}
	conn_weigh_flow(conn, &conn->socket_flow);
}

void conn_mark_tls(struct conn *conn, const char *library)
{
	conn->facts.tls = true;
	conn->facts.tls_unknown = false;
	if (library)
		conn->facts.tls_library = library;
	conn->before_probes = false;
	flow_turn_tls(&conn->socket_flow);
	conn_settle(conn, false);
}

void conn_weigh_flow(struct conn *conn, struct flow *flow)
{
	size_t bytes = flow_memory(flow);

	conn->held_bytes += bytes - flow->held_bytes;
	flow->held_bytes = bytes;
}

void conn_add_session(struct conn *conn, struct tls_session *session)
{
	conn->held_bytes += SESSION_BYTES + session->flow.held_bytes;
	session->conn = conn;
	flow_move(&session->flow, &conn->facts);
	DL_APPEND(conn->sessions, session);
	conn_wake_session(conn, session);
	conn->plaintext = CONN_PLAINTEXT_SEEN;
	conn->facts.opaque = NULL;
	conn->facts.tls = true;
	conn->facts.tls_unknown = false;
}

void conn_wake_session(struct conn *conn, struct tls_session *session)
{
	if (!session->awake_until)
		DL_APPEND2(conn->awake_sessions, session, awake_prev, awake_next);
	session->awake_until = conn->pipeline->poll + IDLE_POLLS;
}

static void session_sleep(struct conn *conn, struct tls_session *session)
{
	if (session->awake_until)
		DL_DELETE2(conn->awake_sessions, session, awake_prev, awake_next);
	session->awake_until = 0;
}

static void conn_drop_session(struct conn *conn, struct tls_session *session)
{
	session_sleep(conn, session);
	DL_DELETE(conn->sessions, session);
	conn->held_bytes -= SESSION_BYTES + session->flow.held_bytes;
}

/* Ends one session, whose messages come out, and frees it. */
static void conn_end_session(struct conn *conn, struct tls_session *session, enum protocol_end reason)
{
	tls_session_end(session, reason);
	if (session->plaintext && !session->socket_id)
		counter_add(COUNTER_TLS_UNBOUND, 1);
	conn_drop_session(conn, session);
	tls_session_free(session);
}

static void facts_add(struct conn_facts *to, const struct conn_facts *from)
{
	to->exchanges += from->exchanges;
	to->moved_bytes += from->moved_bytes;
	to->copied_bytes += from->copied_bytes;
	to->skipped_bytes += from->skipped_bytes;
	to->lost_bytes += from->lost_bytes;
	to->flags |= from->flags;
	if (to->role == ROLE_UNKNOWN)
		to->role = from->role;
	if (!to->protocol)
		to->protocol = from->protocol;
	if (!to->version)
		to->version = from->version;
	if (!to->owner.pid)
		to->owner = from->owner;
}

void conn_absorb(struct conn *conn, struct conn *socketless)
{
	struct tls_session *session, *tmp;

	/* The number under which exchanges were shown already stays. */
	if (!conn->facts.exchanges && socketless->facts.exchanges) {
		uint64_t id = conn->facts.id, number = conn->facts.number;

		conn->facts.id = socketless->facts.id;
		conn->facts.number = socketless->facts.number;
		socketless->facts.id = id;
		socketless->facts.number = number;
	}
	facts_add(&conn->facts, &socketless->facts);
	if (socketless->plaintext == CONN_PLAINTEXT_SEEN)
		conn->plaintext = CONN_PLAINTEXT_SEEN;
	DL_FOREACH_SAFE(socketless->sessions, session, tmp)
	{
		conn_drop_session(socketless, session);
		conn_add_session(conn, session);
	}
}

bool conn_is_unfinished(const struct conn *conn)
{
	const struct tls_session *session;

	if (flow_is_unfinished(&conn->socket_flow))
		return true;
	DL_FOREACH (conn->sessions, session) {
		if (flow_is_unfinished(&session->flow))
			return true;
	}
	return false;
}

/* True while something waits for the next poll. */
static bool session_poll(struct conn *conn, struct tls_session *session)
{
	bool waits = flow_poll(&session->flow) || session->end_poll;

	conn_weigh_flow(conn, &session->flow);
	if (session->end_poll && session->end_poll <= conn->pipeline->poll) {
		conn_end_session(conn, session, END_CLOSED);
		return false;
	}
	if (!waits && session->awake_until <= conn->pipeline->poll)
		session_sleep(conn, session);
	return waits;
}

bool conn_poll(struct conn *conn)
{
	struct tls_session *session, *tmp;
	bool waits = flow_poll(&conn->socket_flow);

	if (conn->socket_id || conn->facts.exchanges)
		conn_report_opened(conn);
	if (conn->finish_poll && conn->finish_poll <= conn->pipeline->poll &&
	    !flow_may_get(&conn->socket_flow, DIRECTION_SENT)) {
		conn->finish_poll = 0;
		flow_finish(&conn->socket_flow, DIRECTION_SENT);
	}
	conn_weigh_flow(conn, &conn->socket_flow);
	DL_FOREACH_SAFE2(conn->awake_sessions, session, tmp, awake_next)
	{
		if (session_poll(conn, session))
			waits = true;
	}
	conn_settle(conn, true);
	return waits || conn->finish_poll;
}

/* Idle ones are many, and hold what they held. */
static void conn_expire_flow(struct conn *conn, struct flow *flow)
{
	bool idle = !flow->pair.entries && !flow->calls.items && !flow->relisten_ns;

	flow_expire(flow);
	if (flow_shrink(flow) || !idle)
		conn_weigh_flow(conn, flow);
}

void conn_expire(struct conn *conn)
{
	struct tls_session *session;

	conn_expire_flow(conn, &conn->socket_flow);
	conn_settle(conn, true);
	DL_FOREACH (conn->sessions, session)
		conn_expire_flow(conn, &session->flow);
}

bool conn_looks_encrypted(const struct conn *conn)
{
	return conn->facts.tls && conn->plaintext != CONN_PLAINTEXT_SEEN;
}

bool conn_looks_opaque(const struct conn *conn)
{
	return conn_looks_encrypted(conn) && conn->ciphertext && !conn->facts.opaque;
}

void conn_tell_opaque(struct conn *conn)
{
	/* A proxy that was asked to CONNECT has no part in what follows. */
	if (conn->socket_flow.upgrades && conn->facts.role == ROLE_SERVER)
		conn->facts.flags |= FLAG_RELAYED;
	if (conn->facts.flags & FLAG_RELAYED)
		conn->facts.opaque = "a relay of others' TLS, which only the two ends can read";
	else if (conn->unread_why)
		conn->facts.opaque = conn->unread_why;
	else
		conn->facts.opaque = conn->facts.owner.pid
					     ? "the process was gone before hark could look at it"
					     : "hark does not know its process";
	conn->facts.process_gone = !conn->unread_why || !conn->pipeline->ready_ns;
	conn_tell(conn, RESULT_OPAQUE);
}

bool conn_began_before(const struct conn *conn)
{
	return conn->began_before || conn->facts.seen_ns < conn->pipeline->ready_ns;
}

/*
 * What hark found under way has calls behind it that were not seen, and the last moment of a run has calls
 * before it that will not be: neither tells anything about a library that is followed.
 */
static bool conn_is_cut(const struct conn *conn, enum protocol_end reason)
{
	uint64_t now_ns = conn->pipeline->now_ns, ready_ns = conn->pipeline->ready_ns;
	uint64_t from_ns = conn->facts.seen_ns > ready_ns ? conn->facts.seen_ns : ready_ns;
	uint64_t age_ns = now_ns > from_ns ? now_ns - from_ns : 0;

	if (conn->before_probes)
		return true;
	if (conn->facts.flags & FLAG_RELAYED || (conn->unread_why && !conn->unread_followed))
		return false;
	return (conn_began_before(conn) && age_ns < CONN_BEGAN_NS) ||
	       (reason == END_IN_FLIGHT && age_ns < CONN_OPAQUE_NS);
}

static void conn_close_facts(struct conn *conn, enum protocol_end reason)
{
	struct conn_facts *facts = &conn->facts;

	if (!facts->closed_ns && reason != END_IN_FLIGHT)
		facts->closed_ns = conn->pipeline->now_ns;
	if (facts->closed_by == CLOSED_UNKNOWN && reason == END_EXIT)
		facts->closed_by = CLOSED_EXIT;
	if (reason == END_IN_FLIGHT && !(facts->flags & FLAG_TRUNCATED))
		facts->flags |= FLAG_IN_FLIGHT;
	if (reason == END_RESET)
		facts->flags |= FLAG_RESET;
	if (!conn_looks_encrypted(conn))
		return;
	if (conn->plaintext == CONN_PLAINTEXT_APART) {
		counter_add(COUNTER_CONNECTIONS_UNBOUND, 1);
		facts->opaque = NULL;
		return;
	}
	if (!facts->opaque && conn_is_cut(conn, reason)) {
		counter_add(COUNTER_CONNECTIONS_CUT, 1);
		facts->opaque = conn->before_probes || conn_began_before(conn)
					? "it was under way before hark was ready"
					: "hark ended as it began";
		return;
	}
	counter_add(COUNTER_CONNECTIONS_OPAQUE, 1);
	if (!facts->opaque)
		conn_tell_opaque(conn);
}

void conn_truncate(struct conn *conn)
{
	struct tls_session *session;

	conn->facts.flags |= FLAG_TRUNCATED;
	conn->socket_flow.pair.truncated = true;
	DL_FOREACH (conn->sessions, session)
		session->flow.pair.truncated = true;
}

void conn_end(struct conn *conn, enum protocol_end reason)
{
	/* A call that failed said it before the socket's state did. */
	if (reason == END_CLOSED && conn->facts.flags & FLAG_RESET)
		reason = END_RESET;
	conn_report_opened(conn);
	flow_end(&conn->socket_flow, reason);
	while (conn->sessions)
		conn_end_session(conn, conn->sessions, reason);
	conn_close_facts(conn, reason);
	counter_add(COUNTER_CONNECTIONS_CLOSED, 1);
	conn_tell(conn, RESULT_CONN_CLOSED);
	if (conn->socket_id && conn->pipeline->handler.forget)
		conn->pipeline->handler.forget(conn->pipeline->handler.ctx, conn->socket_id,
					       conn->facts.sock.protocol != IPPROTO_TCP);
}
