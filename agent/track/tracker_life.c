/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginnings and ends (docs/design.md, D2). A socket is known by its id; state changes
 * may know only its kernel address, so what they tell waits under that address
 * until a record names both. Nothing ends at once: records of another
 * processor may still be on their way, so an end takes GRACE_POLLS, and
 * LATE_NS with something open.
 *
 * Invariant: a poll looks only at connections that moved or wait; all of them
 * are walked once a second at most.
 */
#include "tracker_life.h"

#include "base/budget.h"
#include "base/counters.h"
#include "model/container.h"
#include "tracker_opaque.h"
#include "tracker_seek.h"

#include <sys/socket.h>

#define SWEEP_NS	 UINT64_C(1000000000)
#define PENDING_CHECK_NS UINT64_C(100000000)
#define EOF_IDLE_NS	 UINT64_C(1000000000) /* a Unix socket whose peer ended and that nobody uses any more */
#define IDLE_TIMEOUTS	 10		      /* without any sign of its end, after so many timeouts */

enum tcp_state { /* of the kernel's include/net/tcp_states.h */
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_SYN_RECEIVED = 3,
	STATE_FIN_WAIT1 = 4,
	STATE_CLOSE = 7,
	STATE_CLOSE_WAIT = 8,
	STATE_LAST_ACK = 9,
	STATE_LISTEN = 10,
};

bool tracker_wants(const struct tracker *tracker, uint32_t pid)
{
	const struct pipeline_config *config = &tracker->pipeline.config;

	for (size_t i = 0; i < config->pid_count; i++) {
		if (config->pids[i] == pid)
			return true;
	}
	return config->pid_count == 0;
}

struct mover tracker_mover_of(struct tracker *tracker, const struct event_header *event, int32_t fd)
{
	struct process *process = tracker_process_get(tracker, event->pid);
	struct mover mover = { .pid = event->pid, .tid = event->tid, .uid = event->uid, .fd = fd };

	memcpy(mover.comm, event->comm, sizeof(mover.comm) - 1);
	if (process)
		memcpy(mover.exe, process->exe, sizeof(mover.exe));
	mover.container = process ? process->container : NULL;
	return mover;
}

static bool sock_is_tcp(const struct event_socket *sock)
{
	return sock->family == AF_INET || sock->family == AF_INET6;
}

/* Hands what the states told to the connection. */
static void conn_adopt(struct tracker *tracker, struct conn *conn, struct sk_entry *entry)
{
	tracker_sk_set_conn(tracker, entry, conn);
	if (entry->again && !conn->reported)
		conn->facts.id = CONN_ID_OWN + conn->sequence;
	if (entry->role != ROLE_UNKNOWN)
		conn->facts.role = entry->role;
	if (!entry->opened_ns)
		return;
	conn->facts.opened_ns = entry->opened_ns;
	conn->facts.opened_lost = entry->opened_lost;
	conn->facts.connect_ns = entry->connect_ns;
}

/* Finds what the states told about this socket: by its address, unless that was another socket's. */
static struct conn *conn_by_sk(struct tracker *tracker, const struct event_socket *sock)
{
	struct sk_entry *entry = tracker_sk_find(tracker, sock->sk);

	if (!entry || !entry->conn || !sock->id)
		return entry ? entry->conn : NULL;
	if (!entry->conn->socket_id)
		return tracker_conn_set_id(tracker, entry->conn, sock->id) ? NULL : entry->conn;
	return NULL;
}

struct conn *tracker_socket_find(struct tracker *tracker, const struct event_socket *sock)
{
	struct conn *conn = tracker_conn_find(tracker, sock->id);

	return conn ? conn : conn_by_sk(tracker, sock);
}

void tracker_adopt_states(struct tracker *tracker, struct conn *conn, const struct event_socket *sock)
{
	struct sk_entry *entry = tracker_sk_find(tracker, sock->sk);

	if (!sock->sk || !sock_is_tcp(sock))
		return;
	if (entry && (entry->conn || (entry->id && sock->id && entry->id != sock->id))) {
		if (entry->conn)
			tracker_conn_close_later(tracker, entry->conn, END_CLOSED, CONN_MAY_END);
		tracker_sk_remove(tracker, entry); /* of a socket that is gone; its end was not told */
		entry = NULL;
	}
	if (!entry)
		entry = tracker_sk_add(tracker, sock->sk);
	if (!entry)
		return;
	entry->id = sock->id;
	conn_adopt(tracker, conn, entry);
}

static uint64_t *ended_place(struct tracker *tracker, uint64_t socket_id)
{
	return &tracker->ended[socket_id % TRACKER_ENDED];
}

void tracker_close(struct tracker *tracker, struct conn *conn, enum protocol_end reason)
{
	struct tls_session *session;

	if (sock_is_tcp(&conn->facts.sock))
		*ended_place(tracker, conn->socket_id) = conn->socket_id;
	DL_FOREACH (conn->sessions, session)
		tracker_session_unlink(tracker, session);
	tracker_opaque_learn(tracker, conn);
	tracker_conn_unwatch(tracker, conn);
	conn_end(conn, reason);
	tracker_conn_remove(tracker, conn);
}

static void conn_evict(struct tracker *tracker, struct conn *conn, enum counter limit)
{
	counter_add(limit, 1);
	counter_add(COUNTER_CONNECTIONS_EVICTED, 1);
	conn_truncate(conn);
	tracker_close(tracker, conn, END_IN_FLIGHT);
}

/*
 * Those that hold most go first, of like ones (within a factor of two) the one that was quiet longest:
 * whoever fills the memory pays, and the many others keep theirs. What others than connections hold has
 * bounds of its own.
 */
void tracker_shed(struct tracker *tracker)
{
	struct budget *budget = tracker->pipeline.config.budget;
	unsigned int weight = TRACKER_WEIGHTS;

	while (budget_over(budget) && tracker->charged_bytes > budget_share(budget, 4)) {
		while (weight && !tracker->heavy[weight - 1])
			weight--;
		if (!weight)
			return;
		conn_evict(tracker, tracker->heavy[weight - 1], COUNTER_LIMIT_MEMORY);
	}
}

/* Room for one more is made, for that which was quiet longest. NULL: out of memory. */
static struct conn *conn_make(struct tracker *tracker, const struct event_socket *sock)
{
	if (tracker->conns && tracker->conn_count >= tracker->pipeline.config.connection_limit)
		conn_evict(tracker, tracker->conns, COUNTER_LIMIT_CONNECTIONS);
	return tracker_conn_add(tracker, sock);
}

/* A new connection, in the tables and not reported. NULL: out of memory. */
static struct conn *conn_begin(struct tracker *tracker, const struct event_header *event,
			       const struct event_socket *sock)
{
	struct conn *conn = conn_make(tracker, sock);

	if (!conn)
		return NULL;
	conn->mover = tracker_mover_of(tracker, event, sock->fd);
	conn->mover_names = tracker->names;
	conn->facts.owner = conn->mover;
	tracker_adopt_states(tracker, conn, sock);
	return conn;
}

/* Plaintext alone is not reported yet: the next records of its session mostly bring the socket. */
struct conn *tracker_socket(struct tracker *tracker, const struct event_header *event,
			    const struct event_socket *sock)
{
	struct conn *conn = tracker_socket_find(tracker, sock);

	if (conn)
		return conn;
	conn = conn_begin(tracker, event, sock);
	if (conn && (sock->id || sock->sk))
		conn_report_opened(conn);
	return conn;
}

/*
 * The list has come before everything in the ring, some of which is older: a connection that opened in
 * between is told so by its states. No byte is known, so what its decoding needs stays undecided.
 */
void tracker_seen(struct tracker *tracker, const struct event_state *event)
{
	struct conn *conn;

	if (!event->sock.id || !tracker_wants(tracker, event->h.pid))
		return;
	conn = tracker_socket_find(tracker, &event->sock);
	if (!conn) {
		conn = conn_begin(tracker, &event->h, &event->sock);
		if (!conn)
			return;
		conn->facts.existing = true;
	}
	tracker_fd_claim(tracker, conn, event->h.pid, event->sock.fd);
	conn_report_opened(conn);
}

/* A client's connection counts from its beginning, bytes or not. */
static void state_make_conn(struct tracker *tracker, struct sk_entry *entry)
{
	struct conn *conn;

	if (entry->conn || !entry->mover.pid || !tracker_wants(tracker, entry->mover.pid))
		return;
	entry->sock.id = entry->id;
	conn = tracker_conn_find(tracker, entry->id);
	if (conn) {
		conn_adopt(tracker, conn, entry);
		return;
	}
	conn = conn_make(tracker, &entry->sock);
	if (!conn)
		return;
	conn->mover = entry->mover;
	conn->facts.owner = entry->mover;
	conn_adopt(tracker, conn, entry);
	tracker_fd_claim(tracker, conn, entry->mover.pid, entry->sock.fd);
	conn_report_opened(conn);
}

static void state_established(struct tracker *tracker, const struct event_state *event,
			      struct sk_entry *entry)
{
	struct conn *conn = entry->conn;

	entry->opened_ns = event->h.time_ns;
	entry->opened_lost = event->h.lost;
	if (event->old_state == STATE_SYN_SENT) {
		entry->role = ROLE_CLIENT;
		if (entry->connect_start_ns && event->h.time_ns >= entry->connect_start_ns)
			entry->connect_ns = event->h.time_ns - entry->connect_start_ns;
		state_make_conn(tracker, entry);
	} else if (event->old_state == STATE_SYN_RECEIVED) {
		entry->role = ROLE_SERVER;
	}
	if (!conn && entry->id)
		conn = tracker_conn_find(tracker, entry->id);
	if (conn)
		conn_adopt(tracker, conn, entry);
}

static void state_gone(struct tracker *tracker, const struct event_state *event, struct sk_entry *entry,
		       struct conn *conn)
{
	bool reset = event->old_state == STATE_ESTABLISHED;

	if (conn && event->old_state != STATE_SYN_SENT) {
		if (reset && conn->facts.closed_by == CLOSED_UNKNOWN)
			conn->facts.closed_by = event->h.flags & EVENT_PID_VALID ? CLOSED_LOCAL : CLOSED_PEER;
		tracker_conn_close_later(tracker, conn, reset ? END_RESET : END_CLOSED, CONN_ENDS);
		if (event->h.flags & EVENT_POS_SEQ32 && ((const struct event_state_end *)event)->state.unread)
			conn->unread_ns = tracker->pipeline.now_ns + TRACKER_UNREAD_NS;
	}
	if (entry)
		tracker_sk_remove(tracker, entry);
}

/* Ends the earlier connection of a socket; nobody told why it ended, where records were lost. */
static void conn_end_earlier(struct tracker *tracker, struct conn *conn)
{
	tracker_close(tracker, conn, conn->life < CONN_MAY_END ? END_RESET : conn->close_reason);
}

void tracker_begin_again(struct tracker *tracker, struct conn *conn, const struct event_socket *sock)
{
	struct sk_entry *entry;

	conn_end_earlier(tracker, conn);
	entry = tracker_sk_find(tracker, sock->sk);
	if (!entry && sock->sk)
		entry = tracker_sk_add(tracker, sock->sk);
	if (!entry || entry->conn)
		return;
	entry->id = sock->id;
	entry->again = true;
}

/*
 * connect(2) to AF_UNSPEC lets a socket connect again, with other numbers: its earlier connection ends before
 * that, whatever it waits for. Returns whether it had one. A connection that was listed while it was made, or
 * moved bytes that early (TCP Fast Open), is no earlier one.
 */
static bool state_ends_earlier(struct tracker *tracker, const struct event_state *event)
{
	struct conn *conn = tracker_conn_find(tracker, event->sock.id);
	bool begins = event->new_state == STATE_SYN_SENT;
	bool over = conn && (conn->life == CONN_ENDS || conn->facts.opened_ns);

	if (!conn || (!begins && event->old_state != STATE_SYN_SENT))
		return false;
	if (!over && (!begins || !(conn->facts.moved_bytes || conn->facts.ciphertext_bytes)))
		return false;
	conn_end_earlier(tracker, conn);
	return true;
}

/* The entry of a socket's address; one of an earlier socket there makes room. */
static struct sk_entry *state_entry(struct tracker *tracker, const struct event_state *event, uint64_t sk)
{
	bool begins = event->old_state == STATE_CLOSE && event->new_state == STATE_SYN_SENT;
	bool again = event->new_state != STATE_CLOSE && state_ends_earlier(tracker, event);
	struct sk_entry *entry = tracker_sk_find(tracker, sk);

	if (entry && (begins || (entry->id && event->sock.id && entry->id != event->sock.id))) {
		if (entry->conn)
			tracker_conn_close_later(tracker, entry->conn, END_CLOSED, CONN_MAY_END);
		tracker_sk_remove(tracker, entry);
		entry = NULL;
	}
	if (entry || event->new_state == STATE_CLOSE)
		return entry;
	entry = tracker_sk_add(tracker, sk);
	if (!entry)
		return NULL;
	entry->id = event->sock.id;
	entry->again = again || (begins && entry->id && *ended_place(tracker, entry->id) == entry->id);
	return entry;
}

static void state_learn(struct tracker *tracker, struct sk_entry *entry, const struct event_state *event)
{
	if (event->sock.id)
		entry->id = event->sock.id;
	if (event->sock.family)
		entry->sock = event->sock;
	if (event->h.flags & EVENT_PID_VALID && !entry->mover.pid)
		entry->mover = tracker_mover_of(tracker, &event->h, event->sock.fd);
	if (event->new_state == STATE_SYN_SENT)
		entry->connect_start_ns = event->h.time_ns;
}

/* The kernel closes what a process that ends has left open. */
static enum conn_closed_by closed_here(const struct tracker *tracker, const struct event_state *event)
{
	struct process *process = tracker_process_find(tracker, event->h.pid);

	return event->h.flags & EVENT_PID_VALID && process && process->gone_poll ? CLOSED_EXIT : CLOSED_LOCAL;
}

static void state_closed_by(struct tracker *tracker, struct sk_entry *entry, struct conn *conn,
			    const struct event_state *event)
{
	bool peer = event->new_state == STATE_CLOSE_WAIT;

	/* An accepted connection that never moved a byte shows when its process closes it. */
	if (!conn && !peer && entry->opened_ns) {
		state_make_conn(tracker, entry);
		conn = entry->conn;
	}
	if (!conn)
		return;
	if (conn->facts.closed_by == CLOSED_UNKNOWN)
		conn->facts.closed_by = peer ? CLOSED_PEER : closed_here(tracker, event);
	if (!peer && conn->life == CONN_ORPHANED)
		tracker_conn_close_later(tracker, conn, conn->close_reason, CONN_MAY_END);
	if (!peer) {
		conn->finish_poll = tracker->pipeline.poll + GRACE_POLLS;
		tracker_conn_wake(tracker, conn);
	}
}

void tracker_state(struct tracker *tracker, const struct event_state *event)
{
	uint64_t sk = event->sock.sk ? event->sock.sk : event->sock.id;
	struct sk_entry *entry;
	struct conn *conn;

	if (!sk || event->new_state == STATE_LISTEN || event->old_state == STATE_LISTEN)
		return;
	entry = state_entry(tracker, event, sk);
	if (entry)
		state_learn(tracker, entry, event);
	conn = entry && entry->conn ? entry->conn : tracker_conn_find(tracker, event->sock.id);
	if (conn && event->h.flags & EVENT_POS_SEQ32) {
		conn_stood(conn, (const struct event_state_end *)event);
		tracker_conn_wake(tracker, conn);
	}
	if (event->new_state == STATE_CLOSE)
		state_gone(tracker, event, entry, conn);
	if (!entry)
		return;
	if (event->new_state == STATE_ESTABLISHED)
		state_established(tracker, event, entry);
	if (event->new_state == STATE_FIN_WAIT1 || event->new_state == STATE_CLOSE_WAIT ||
	    event->new_state == STATE_LAST_ACK)
		state_closed_by(tracker, entry, conn, event);
}

/* The process that an event tells of, with the name that it has from then on. NULL: out of memory. */
static struct process *process_begins(struct tracker *tracker, const struct event_process *event)
{
	struct process *process = tracker_process_get(tracker, event->h.pid);

	if (!process) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	if (process->gone_poll) {
		process->gone_poll = 0;
		DL_DELETE(tracker->exited, process);
		tracker_process_settle(tracker, process);
	}
	process->tls_looked = false;
	process->unread_why = NULL;
	process->unread_followed = false;
	memcpy(process->exe, event->name, sizeof(process->exe) - 1);
	process->exe[sizeof(process->exe) - 1] = '\0';
	tracker->names++;
	return process;
}

void tracker_exec(struct tracker *tracker, const struct event_process *event)
{
	process_begins(tracker, event);
}

void tracker_fork(struct tracker *tracker, const struct event_process *event)
{
	struct process *process = process_begins(tracker, event);
	const struct process *parent = tracker_process_find(tracker, event->parent);

	if (process)
		process->container = parent ? parent->container : NULL;
}

void tracker_cgroup(struct tracker *tracker, const struct event_cgroup *event)
{
	char uid[CONTAINER_UID_DIGITS];
	struct container container = container_of_path(slice_of_string(event->path), uid);
	struct process *process = tracker_process_get(tracker, event->h.pid);

	if (!process) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	process->container =
		container.names[CONTAINER_ID].data ? tracker_place_get(tracker, &container) : NULL;
	tracker->names++;
}

void tracker_names(struct tracker *tracker, const struct event_names *event)
{
	struct process *process = tracker_process_find(tracker, event->h.pid);
	struct container container;

	if (!process || !process->container)
		return; /* its cgroup was not told */
	container = *process->container;
	container_add_names(&container, event);
	process->container = tracker_place_get(tracker, &container);
	tracker->names++;
}

void tracker_exit(struct tracker *tracker, const struct event_process *event)
{
	struct process *process = tracker_process_find(tracker, event->h.pid);

	if (!process || process->gone_poll)
		return;
	process->gone_poll = tracker->pipeline.poll + GRACE_POLLS;
	DL_APPEND(tracker->exited, process);
	tracker_process_settle(tracker, process);
}

/* The connection's records have all come: what it held is let go. */
static void process_gone(struct tracker *tracker, struct process *process)
{
	struct tls_session *session, *tmp;

	DL_FOREACH_SAFE2(process->sessions, session, tmp, process_next)
	{
		tracker_session_end(tracker, session, END_EXIT);
	}
	while (process->pointers) {
		struct conn *conn = process->pointers->conn;

		tracker_fd_remove(tracker, process->pointers);
		if (conn->pointers)
			continue;
		tracker_conn_orphan(tracker, conn, END_EXIT);
		if (conn->life < CONN_MAY_END)
			continue;
		conn->close_poll = tracker->pipeline.poll; /* the grace is over already */
		tracker_conn_ending_remove(tracker, conn);
		conn->late_ns = 0;
		tracker_conn_wake(tracker, conn);
	}
	tracker_process_remove(tracker, process);
}

static bool conn_is_abandoned(const struct conn *conn)
{
	const struct pipeline *pipeline = conn->pipeline;
	uint64_t idle_ns = pipeline->now_ns > conn->last_ns ? pipeline->now_ns - conn->last_ns : 0;

	if (sock_is_tcp(&conn->facts.sock) && conn->sk && conn->life != CONN_ORPHANED)
		return false; /* its state will tell */
	if (conn->peer_ended && idle_ns > EOF_IDLE_NS)
		return true;
	return idle_ns / IDLE_TIMEOUTS > pipeline->config.timeout_ns;
}

static void tracker_sweep(struct tracker *tracker)
{
	struct conn *conn, *tmp;

	DL_FOREACH_SAFE(tracker->conns, conn, tmp)
	{
		conn_expire(conn);
		tracker_conn_charge(tracker, conn);
		if (conn->life < CONN_MAY_END && conn_is_abandoned(conn)) {
			if (conn->peer_ended && conn->facts.closed_by == CLOSED_UNKNOWN)
				conn->facts.closed_by = CLOSED_PEER;
			tracker_conn_close_later(tracker, conn, END_CLOSED, CONN_MAY_END);
		}
	}
}

/* Ten times a second: only connections with open exchanges are looked at. */
static void tracker_tell_pending(struct tracker *tracker)
{
	struct pipeline *pipeline = &tracker->pipeline;
	struct pair *pair;

	if (!pipeline->config.pending_ns || pipeline->now_ns - tracker->pending_ns < PENDING_CHECK_NS)
		return;
	tracker->pending_ns = pipeline->now_ns;
	DL_FOREACH2(tracker->watched, pair, watch_next)
	pair_tell_pending(pair);
}

/* Its end was told, and a record may still change how. */
static bool conn_is_late(const struct conn *conn)
{
	return conn->late_ns > conn->pipeline->now_ns && conn_is_unfinished(conn);
}

/* Bytes that came before the end may be read behind it, while a process has the socket. */
static bool conn_is_over(const struct conn *conn)
{
	const struct pipeline *pipeline = conn->pipeline;

	if (conn->life < CONN_MAY_END || conn->close_poll > pipeline->poll)
		return false;
	return !conn_is_late(conn) && (!conn->pointers || conn->unread_ns <= pipeline->now_ns);
}

/* Nothing of it need be looked at until its time comes, or a record. */
static void conn_rest(struct tracker *tracker, struct conn *conn)
{
	conn->awake_until = 0;
	DL_DELETE2(tracker->awake, conn, awake_prev, awake_next);
	if (conn->life >= CONN_MAY_END)
		tracker_conn_ending_add(tracker, conn);
}

static void tracker_wake_ending(struct tracker *tracker)
{
	struct conn *conn;

	while ((conn = tracker->ending) && conn->late_ns <= tracker->pipeline.now_ns) {
		tracker_conn_ending_remove(tracker, conn);
		tracker_conn_wake(tracker, conn);
	}
}

void tracker_poll(struct tracker *tracker)
{
	struct pipeline *pipeline = &tracker->pipeline;
	struct process *process, *process_tmp;
	struct conn *conn, *tmp;

	pipeline->poll++;
	DL_FOREACH_SAFE(tracker->exited, process, process_tmp)
	{
		if (process->gone_poll <= pipeline->poll)
			process_gone(tracker, process);
	}
	tracker_wake_ending(tracker);
	DL_FOREACH_SAFE2(tracker->awake, conn, tmp, awake_next)
	{
		bool waits = conn_poll(conn);

		tracker_opaque_watch(tracker, conn);
		tracker_conn_charge(tracker, conn);
		if (conn_is_over(conn)) {
			tracker_close(tracker, conn, conn->close_reason);
		} else if (!waits && conn->awake_until <= pipeline->poll &&
			   (conn->life < CONN_MAY_END || conn_is_late(conn))) {
			conn_rest(tracker, conn);
		}
	}
	tracker_opaque_poll(tracker);
	tracker_tell_pending(tracker);
	if (pipeline->now_ns - tracker->sweep_ns < SWEEP_NS)
		return;
	tracker->sweep_ns = pipeline->now_ns;
	tracker_seek_sweep(tracker);
	tracker_sweep(tracker);
}
