/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who points to what, and nothing else. Every removal unlinks both ends, so no
 * table ever holds a pointer to something freed.
 *
 * Invariants: a connection is in `conns`, and in one list of `heavy`; in `by_id` exactly when its socket
 * id is known; a pointer with a known fd is in `fds`; an entry of `sks` is in
 * `waiting` exactly when it has no connection.
 */
#include "tracker_table.h"

#include "base/budget.h"
#include "base/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SK_BYTES      (sizeof(struct sk_entry) + 64) /* with its place in the table */
#define PROCESS_BYTES (sizeof(struct process) + 32)
#define POINTER_BYTES (sizeof(struct fd_pointer) + 32)
#define PLACES_MAX    65536 /* in one run */

struct conn *tracker_conn_find(const struct tracker *tracker, uint64_t socket_id)
{
	struct conn *conn;

	if (!socket_id)
		return NULL;
	HASH_FIND(hh, tracker->by_id, &socket_id, sizeof(socket_id), conn);
	return conn;
}

int tracker_conn_set_id(struct tracker *tracker, struct conn *conn, uint64_t socket_id)
{
	conn_learn_id(conn, socket_id);
	HASH_ADD(hh, tracker->by_id, socket_id, sizeof(conn->socket_id), conn);
	if (TABLE_ADDED(conn, hh))
		return 0;
	conn->socket_id = 0;
	return -ENOMEM;
}

static unsigned int weight_of(size_t bytes)
{
	return bytes ? 64 - (unsigned int)__builtin_clzll(bytes) : 0;
}

static void conn_lift(struct tracker *tracker, struct conn *conn)
{
	DL_DELETE2(tracker->heavy[conn->weight], conn, heavy_prev, heavy_next);
}

static void conn_put(struct tracker *tracker, struct conn *conn)
{
	conn->weight = weight_of(conn->held_bytes);
	DL_APPEND2(tracker->heavy[conn->weight], conn, heavy_prev, heavy_next);
}

void tracker_conn_charge(struct tracker *tracker, struct conn *conn)
{
	tracker->charged_bytes += conn->held_bytes - conn->charged_bytes;
	budget_set(tracker->pipeline.config.budget, &conn->charged_bytes, conn->held_bytes);
	if (weight_of(conn->held_bytes) == conn->weight)
		return;
	conn_lift(tracker, conn);
	conn_put(tracker, conn);
}

struct conn *tracker_conn_add(struct tracker *tracker, const struct event_socket *sock)
{
	struct conn *conn = conn_new(&tracker->pipeline, tracker->next_sequence, sock);

	if (!conn) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	if (conn->socket_id && tracker_conn_set_id(tracker, conn, conn->socket_id)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		conn_free(conn);
		return NULL;
	}
	tracker->next_sequence++;
	tracker->conn_count++;
	DL_APPEND(tracker->conns, conn);
	conn_put(tracker, conn);
	tracker_conn_charge(tracker, conn);
	return conn;
}

void tracker_conn_remove(struct tracker *tracker, struct conn *conn)
{
	struct tls_session *session;

	while (conn->pointers)
		tracker_fd_remove(tracker, conn->pointers);
	DL_FOREACH (conn->sessions, session)
		tracker_session_unlink(tracker, session);
	if (conn->sk)
		tracker_sk_remove(tracker, conn->sk);
	if (conn->socket_id)
		HASH_DEL(tracker->by_id, conn);
	if (conn->awake_until)
		DL_DELETE2(tracker->awake, conn, awake_prev, awake_next);
	tracker_conn_ending_remove(tracker, conn);
	if (TABLE_ADDED(conn, hello_hh))
		HASH_DELETE(hello_hh, tracker->hellos, conn);
	tracker_conn_unwatch(tracker, conn);
	DL_DELETE(tracker->conns, conn);
	conn_lift(tracker, conn);
	tracker->charged_bytes -= conn->charged_bytes;
	budget_set(tracker->pipeline.config.budget, &conn->charged_bytes, 0);
	tracker->conn_count--;
	conn_free(conn);
}

void tracker_conn_wake(struct tracker *tracker, struct conn *conn)
{
	if (!conn->awake_until)
		DL_APPEND2(tracker->awake, conn, awake_prev, awake_next);
	conn->awake_until = tracker->pipeline.poll + IDLE_POLLS;
}

void tracker_conn_unwatch(struct tracker *tracker, struct conn *conn)
{
	if (conn->opaque_ns)
		DL_DELETE2(tracker->opaque, conn, opaque_prev, opaque_next);
	conn->opaque_ns = 0;
}

void tracker_conn_ending_add(struct tracker *tracker, struct conn *conn)
{
	struct conn *before;

	tracker_conn_ending_remove(tracker, conn);
	before = tracker->ending ? tracker->ending->ending_prev : NULL;
	while (before && before->late_ns > conn->late_ns)
		before = before == tracker->ending ? NULL : before->ending_prev;
	if (before)
		DL_APPEND_ELEM2(tracker->ending, before, conn, ending_prev, ending_next);
	else
		DL_PREPEND2(tracker->ending, conn, ending_prev, ending_next);
	conn->is_ending = true;
}

void tracker_conn_ending_remove(struct tracker *tracker, struct conn *conn)
{
	if (conn->is_ending)
		DL_DELETE2(tracker->ending, conn, ending_prev, ending_next);
	conn->is_ending = false;
}

void tracker_conn_touch(struct tracker *tracker, struct conn *conn)
{
	conn->last_ns = tracker->pipeline.now_ns;
	if (tracker->conns->prev != conn) {
		DL_DELETE(tracker->conns, conn);
		DL_APPEND(tracker->conns, conn);
		conn_lift(tracker, conn);
		conn_put(tracker, conn);
	}
	tracker_conn_wake(tracker, conn);
}

void tracker_conn_close_later(struct tracker *tracker, struct conn *conn, enum protocol_end reason,
			      enum conn_life life)
{
	if (conn->life >= life)
		return;
	conn->life = life;
	conn->close_reason = reason;
	conn->close_poll = tracker->pipeline.poll + GRACE_POLLS;
	tracker_conn_ending_remove(tracker, conn);
	conn->late_ns = tracker->pipeline.now_ns + LATE_NS;
	conn->facts.closed_ns = tracker->pipeline.now_ns;
	tracker_conn_wake(tracker, conn);
}

void tracker_conn_orphan(struct tracker *tracker, struct conn *conn, enum protocol_end reason)
{
	bool by_state = conn->sk && conn->facts.sock.family != AF_UNIX;

	if (conn->pointers)
		return;
	if (by_state && conn->life < CONN_MAY_END && conn->facts.closed_by != CLOSED_LOCAL &&
	    conn->facts.closed_by != CLOSED_EXIT) {
		conn->life = CONN_ORPHANED;
		conn->close_reason = reason;
		return;
	}
	if (reason == END_CLOSED && conn->facts.closed_by == CLOSED_UNKNOWN)
		conn->facts.closed_by = CLOSED_LOCAL;
	tracker_conn_close_later(tracker, conn, reason, CONN_MAY_END);
}

/* --- processes --------------------------------------------------------------------------- */

static void holders_charge(struct tracker *tracker)
{
	budget_set(tracker->pipeline.config.budget, &tracker->holder_bytes,
		   HASH_COUNT(tracker->processes) * PROCESS_BYTES + tracker->pointer_count * POINTER_BYTES);
}

static bool holders_are_many(const struct tracker *tracker)
{
	size_t share = budget_share(tracker->pipeline.config.budget, 8);

	return share && tracker->holder_bytes + PROCESS_BYTES > share;
}

void tracker_process_settle(struct tracker *tracker, struct process *process)
{
	bool idle = !process->gone_poll && !process->pointers && !process->sessions;

	if (idle == process->idle)
		return;
	process->idle = idle;
	if (idle)
		DL_APPEND2(tracker->idle, process, idle_prev, idle_next);
	else
		DL_DELETE2(tracker->idle, process, idle_prev, idle_next);
}

/* An end that was lost, or never told, must not keep its process for good. */
static void processes_trim(struct tracker *tracker)
{
	while (tracker->idle && holders_are_many(tracker)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		tracker_process_remove(tracker, tracker->idle);
	}
}

struct process *tracker_process_find(const struct tracker *tracker, uint32_t pid)
{
	struct process *process;

	HASH_FIND(hh, tracker->processes, &pid, sizeof(pid), process);
	return process;
}

struct process *tracker_process_get(struct tracker *tracker, uint32_t pid)
{
	struct process *process = tracker_process_find(tracker, pid);

	if (process)
		return process;
	processes_trim(tracker);
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	HASH_ADD(hh, tracker->processes, pid, sizeof(process->pid), process);
	if (!TABLE_ADDED(process, hh)) {
		free(process);
		return NULL;
	}
	tracker_process_settle(tracker, process);
	holders_charge(tracker);
	return process;
}

void tracker_process_unheard(struct tracker *tracker, uint32_t pid)
{
	struct process *process = tracker_process_get(tracker, pid);
	struct fd_pointer *pointer;

	if (!process)
		return;
	process->unheard = true;
	DL_FOREACH2(process->pointers, pointer, process_next)
	pointer->conn->socket_flow.unheard = true;
}

void tracker_process_seek(struct tracker *tracker, struct process *process, bool wanted)
{
	const struct pipeline_handler *handler = &tracker->pipeline.handler;

	if (process->seeks == wanted)
		return;
	process->seeks = wanted;
	if (wanted)
		DL_APPEND2(tracker->seeking, process, seek_prev, seek_next);
	else
		DL_DELETE2(tracker->seeking, process, seek_prev, seek_next);
	if (handler->seek_sockets)
		handler->seek_sockets(handler->ctx, process->pid, wanted);
}

void tracker_process_remove(struct tracker *tracker, struct process *process)
{
	tracker_process_seek(tracker, process, false);
	if (process->gone_poll)
		DL_DELETE(tracker->exited, process);
	if (process->idle)
		DL_DELETE2(tracker->idle, process, idle_prev, idle_next);
	HASH_DEL(tracker->processes, process);
	free(process);
	holders_charge(tracker);
}

/* The names behind their lengths: into `out`, if there is one. The length of it all. */
static size_t place_write(uint8_t *out, const struct container *container, struct container *copy)
{
	size_t at = 0;

	for (size_t i = 0; i < CONTAINER_NAMES; i++) {
		struct slice name = container->names[i];

		if (out) {
			memcpy(out + at, &name.len, sizeof(name.len));
			if (name.len)
				memcpy(out + at + sizeof(name.len), name.data, name.len);
			copy->names[i] = slice_of(name.data ? out + at + sizeof(name.len) : NULL, name.len);
		}
		at += sizeof(name.len) + name.len;
	}
	return at;
}

const struct container *tracker_place_get(struct tracker *tracker, const struct container *container)
{
	size_t len = place_write(NULL, container, NULL);
	struct place *place = calloc(1, sizeof(*place) + len), *known;

	if (!place) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	place_write(place->text, container, &place->container);
	HASH_FIND(hh, tracker->places, place->text, len, known);
	if (!known && HASH_COUNT(tracker->places) < PLACES_MAX) {
		HASH_ADD_KEYPTR(hh, tracker->places, place->text, len, place);
		if (TABLE_ADDED(place, hh))
			return &place->container;
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	} else if (!known) {
		counter_add(COUNTER_LIMIT_CONTAINERS, 1);
	}
	free(place);
	return known ? &known->container : NULL;
}

void tracker_places_free(struct tracker *tracker)
{
	struct place *place, *next;

	HASH_ITER (hh, tracker->places, place, next) {
		HASH_DEL(tracker->places, place);
		free(place);
	}
}

void tracker_fd_remove(struct tracker *tracker, struct fd_pointer *pointer)
{
	if (pointer->process->apart && pointer->conn->plaintext == CONN_PLAINTEXT_UNSEEN)
		pointer->conn->plaintext = CONN_PLAINTEXT_APART;
	DL_DELETE(pointer->conn->pointers, pointer);
	DL_DELETE2(pointer->process->pointers, pointer, process_prev, process_next);
	if (pointer->key.fd >= 0)
		HASH_DEL(tracker->fds, pointer);
	tracker->pointer_count--;
	holders_charge(tracker);
	tracker_process_settle(tracker, pointer->process);
	free(pointer);
}

static void fd_link(struct tracker *tracker, struct fd_pointer *pointer, struct conn *conn,
		    struct process *process)
{
	pointer->conn = conn;
	pointer->process = process;
	conn->socket_flow.unheard |= process->unheard;
	if (conn->life == CONN_ORPHANED)
		conn->life = CONN_LIVES;
	DL_APPEND(conn->pointers, pointer);
	DL_APPEND2(process->pointers, pointer, process_prev, process_next);
	tracker->pointer_count++;
	holders_charge(tracker);
	tracker_process_settle(tracker, process);
}

/*
 * A number becomes known: the nameless hold of that process on the socket is the same one. A hold without a
 * number is only noted of a socket that has no other, so it is the first.
 */
static void fd_remove_nameless(struct tracker *tracker, struct conn *conn, uint32_t pid)
{
	struct fd_pointer *pointer = conn->pointers;

	if (pointer && pointer->key.fd < 0 && pointer->key.pid == pid)
		tracker_fd_remove(tracker, pointer);
}

static struct fd_pointer *fd_find(const struct tracker *tracker, const struct conn *conn, struct fd_key key)
{
	struct fd_pointer *pointer;

	if (key.fd < 0)
		return conn->pointers;
	HASH_FIND(hh, tracker->fds, &key, sizeof(key), pointer);
	return pointer;
}

void tracker_fd_claim(struct tracker *tracker, struct conn *conn, uint32_t pid, int32_t fd)
{
	struct fd_key key = { .pid = pid, .fd = fd < 0 ? -1 : fd };
	struct fd_pointer *pointer = fd_find(tracker, conn, key);
	struct process *process;

	if (pointer && pointer->conn == conn)
		return;
	if (pointer) {
		struct conn *before = pointer->conn;

		tracker_fd_remove(tracker, pointer);
		tracker_conn_orphan(tracker, before, END_CLOSED);
	}
	/* One of a connection will do; what is held of it else is for the sake of its end. */
	while (conn->pointers && holders_are_many(tracker)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		tracker_fd_remove(tracker, conn->pointers);
	}
	process = tracker_process_get(tracker, pid);
	pointer = process ? calloc(1, sizeof(*pointer)) : NULL;
	if (!pointer)
		return;
	pointer->key = key;
	if (key.fd >= 0) {
		HASH_ADD(hh, tracker->fds, key, sizeof(pointer->key), pointer);
		if (!TABLE_ADDED(pointer, hh)) {
			free(pointer);
			return;
		}
		fd_remove_nameless(tracker, conn, pid);
	}
	fd_link(tracker, pointer, conn, process);
}

void tracker_session_unlink(struct tracker *tracker, struct tls_session *session)
{
	struct process *process = tracker_process_find(tracker, (uint32_t)session->key.pid);

	if (session->end_poll)
		return;
	session->end_poll = tracker->pipeline.poll + GRACE_POLLS;
	if (session->conn)
		conn_wake_session(session->conn, session);
	HASH_DEL(tracker->sessions, session);
	if (process) {
		process->sought -= session->seek == SEEK_ASKED;
		DL_DELETE2(process->sessions, session, process_prev, process_next);
		tracker_process_settle(tracker, process);
	}
	if (tracker->pipeline.handler.forget_session)
		tracker->pipeline.handler.forget_session(tracker->pipeline.handler.ctx, &session->key);
}

void tracker_session_end(struct tracker *tracker, struct tls_session *session, enum protocol_end reason)
{
	struct conn *conn = session->conn;

	tracker_session_unlink(tracker, session);
	if (conn->socket_id)
		tracker_conn_wake(tracker, conn);
	else
		tracker_conn_close_later(tracker, conn, reason, CONN_MAY_END);
}

struct sk_entry *tracker_sk_find(const struct tracker *tracker, uint64_t sk)
{
	struct sk_entry *entry;

	if (!sk)
		return NULL;
	HASH_FIND(hh, tracker->sks, &sk, sizeof(sk), entry);
	return entry;
}

static void waiting_charge(struct tracker *tracker)
{
	budget_set(tracker->pipeline.config.budget, &tracker->waiting_bytes,
		   tracker->waiting_count * SK_BYTES);
}

static void sk_unwait(struct tracker *tracker, struct sk_entry *entry)
{
	DL_DELETE(tracker->waiting, entry);
	tracker->waiting_count--;
	waiting_charge(tracker);
}

static bool waiting_is_full(const struct tracker *tracker)
{
	size_t share = budget_share(tracker->pipeline.config.budget, 8);

	return tracker->waiting && (tracker->waiting_count >= tracker->pipeline.config.connection_limit ||
				    (share && tracker->waiting_bytes + SK_BYTES > share));
}

struct sk_entry *tracker_sk_add(struct tracker *tracker, uint64_t sk)
{
	struct sk_entry *entry;

	if (waiting_is_full(tracker)) {
		counter_add(COUNTER_LIMIT_CONNECTIONS, 1);
		tracker_sk_remove(tracker, tracker->waiting);
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->sk = sk;
	HASH_ADD(hh, tracker->sks, sk, sizeof(entry->sk), entry);
	if (!TABLE_ADDED(entry, hh)) {
		free(entry);
		return NULL;
	}
	DL_APPEND(tracker->waiting, entry);
	tracker->waiting_count++;
	waiting_charge(tracker);
	return entry;
}

void tracker_sk_set_conn(struct tracker *tracker, struct sk_entry *entry, struct conn *conn)
{
	if (conn->sk && conn->sk != entry)
		tracker_sk_remove(tracker, conn->sk);
	if (!entry->conn)
		sk_unwait(tracker, entry);
	else
		entry->conn->sk = NULL;
	entry->conn = conn;
	conn->sk = entry;
}

void tracker_sk_remove(struct tracker *tracker, struct sk_entry *entry)
{
	if (entry->conn)
		entry->conn->sk = NULL;
	else
		sk_unwait(tracker, entry);
	HASH_DEL(tracker->sks, entry);
	free(entry);
}
