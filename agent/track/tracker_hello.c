/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8 bytes of each random are as good as all: nobody meets them twice by chance. On purpose a peer may send
 * the same again, so its random alone proves nothing; the other one is this process's own, and new each time.
 * Of several connections with one client's hello the first alone is found.
 */
#include "tracker_hello.h"

#include "base/counters.h"

static struct conn *hello_lookup(const struct tracker *tracker, struct hello_key key)
{
	struct conn *conn;

	HASH_FIND(hello_hh, tracker->hellos, &key, sizeof(key), conn);
	return conn;
}

/* A process that talks to itself has the hello in and out too. */
static bool conns_are_ends(const struct conn *a, const struct conn *b)
{
	const struct event_socket *one = &a->facts.sock, *other = &b->facts.sock;

	return one->local_port && one->local_port == other->peer_port && one->peer_port == other->local_port;
}

void tracker_hello_watch(struct tracker *tracker, struct conn *conn)
{
	struct hello_key key = { .hello_id = conn->facts.hello_id,
				 .pid = conn->facts.owner.pid,
				 .direction = conn->facts.hello_direction };
	struct conn *other;

	if (!key.hello_id || conn->hello_key.hello_id)
		return;
	conn->hello_key = key;
	if (!hello_lookup(tracker, key)) {
		HASH_ADD(hello_hh, tracker->hellos, hello_key, sizeof(conn->hello_key), conn);
		if (!TABLE_ADDED(conn, hello_hh))
			counter_add(COUNTER_LIMIT_MEMORY, 1);
	}
	key.direction = key.direction == DIRECTION_SENT ? DIRECTION_RECEIVED : DIRECTION_SENT;
	other = hello_lookup(tracker, key);
	if (other && !conns_are_ends(conn, other)) {
		other->facts.flags |= FLAG_RELAYED;
		conn->facts.flags |= FLAG_RELAYED;
	}
}

struct conn *tracker_hello_find(const struct tracker *tracker, const struct event_data *randoms)
{
	struct hello_key key = { .hello_id = randoms->pos,
				 .pid = randoms->h.pid,
				 .direction = randoms->direction };
	struct conn *conn = key.hello_id ? hello_lookup(tracker, key) : NULL;
	bool agrees = conn && conn->socket_id && conn->facts.answer_id == randoms->offset;

	return agrees && randoms->offset ? conn : NULL;
}
