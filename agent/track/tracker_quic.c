/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket carries many connections at a server, and may at a client. Whose a
 * packet is shows its connection id, or that it opens with a connection's keys.
 *
 * Most connections are over here with their first datagram. What is kept of
 * them for a while only keeps them from being told of twice: by packets that
 * come again, and by a client that was sent a Retry and begins anew.
 *
 * Invariants: `quic` is in the order of last_ns; a socket has a beginning; one
 * that waits has a reader.
 */
#include "tracker_quic.h"

#include "base/budget.h"
#include "base/counters.h"
#include "quic_initial.h"
#include "tracker_life.h"

#include <netinet/in.h>
#include <stdlib.h>

#define HELLO_WAIT_NS  UINT64_C(3000000000) /* a lost packet comes again after a second (RFC 9002, 6.2.2) */
#define PEER_WAIT_NS   UINT64_C(400000000)
#define SOCKET_KEEP_NS UINT64_C(10000000000)
#define BEGINNINGS_MAX 16 /* of a socket */
#define MEMORY_MAX     (1024 * 1024)
#define BUDGET_SHARE   16

struct quic_beginning {
	struct quic_initial *initial;
	struct conn_facts facts;
	uint8_t source[QUIC_ID_MAX_BYTES]; /* the client's connection id */
	size_t source_len;
	bool told;
	uint64_t wait_ns; /* until when its hello may come, then its peer */
	struct quic_beginning *prev, *next;
};

struct quic_socket {
	uint64_t id;
	struct quic_beginning *beginnings; /* oldest first */
	size_t count;
	uint64_t last_ns;
	UT_hash_handle hh;
	struct quic_socket *prev, *next;
};

static void beginning_free(struct quic_beginning *beginning)
{
	if (beginning)
		quic_initial_free(beginning->initial);
	free(beginning);
}

static size_t socket_memory(const struct quic_socket *socket)
{
	const struct quic_beginning *beginning;
	size_t bytes = sizeof(*socket);

	DL_FOREACH (socket->beginnings, beginning)
		bytes += sizeof(*beginning) + quic_initial_memory(beginning->initial);
	return bytes;
}

/* Of HTTP/3 all versions have names that begin so (RFC 9114, 3.1; before it, drafts). */
static bool is_http3(const struct conn_facts *facts)
{
	return strncmp(facts->alpn_offered, "h3", 2) == 0;
}

static void tell(struct tracker *tracker, struct quic_beginning *beginning)
{
	struct conn_facts *facts = &beginning->facts;
	struct result result = result_of_conn(RESULT_OPAQUE, facts);

	beginning->told = true;
	facts->opaque = is_http3(facts) ? "QUIC (HTTP/3), which hark reads by nghttp3 alone"
					: "QUIC, which hark does not read";
	counter_add(COUNTER_CONNECTIONS_QUIC, 1);
	if (quic_initial_kind(beginning->initial) != TLS_HELLO_CLIENT)
		counter_add(COUNTER_QUIC_UNNAMED, 1);
	pipeline_tell(&tracker->pipeline, &result);
}

static void beginning_remove(struct tracker *tracker, struct quic_socket *socket,
			     struct quic_beginning *beginning)
{
	if (!beginning->told)
		tell(tracker, beginning);
	DL_DELETE(socket->beginnings, beginning);
	socket->count--;
	beginning_free(beginning);
}

static void socket_free(struct tracker *tracker, struct quic_socket *socket)
{
	struct quic_beginning *beginning, *tmp;

	budget_set(tracker->pipeline.config.budget, &tracker->quic_bytes,
		   tracker->quic_bytes - socket_memory(socket));
	HASH_DEL(tracker->quic_by_id, socket);
	DL_DELETE(tracker->quic, socket);
	DL_FOREACH_SAFE(socket->beginnings, beginning, tmp)
	beginning_free(beginning);
	free(socket);
}

static void socket_remove(struct tracker *tracker, struct quic_socket *socket)
{
	struct quic_beginning *beginning;

	DL_FOREACH (socket->beginnings, beginning)
		if (!beginning->told)
			tell(tracker, beginning);
	socket_free(tracker, socket);
}

static struct quic_socket *socket_find(const struct tracker *tracker, uint64_t id)
{
	struct quic_socket *socket;

	HASH_FIND(hh, tracker->quic_by_id, &id, sizeof(id), socket);
	return socket;
}

/* With no beginning yet, and not charged. NULL: out of memory. */
static struct quic_socket *socket_add(struct tracker *tracker, uint64_t id)
{
	struct quic_socket *socket = calloc(1, sizeof(*socket));

	if (!socket)
		return NULL;
	socket->id = id;
	HASH_ADD(hh, tracker->quic_by_id, id, sizeof(socket->id), socket);
	if (!TABLE_ADDED(socket, hh)) {
		free(socket);
		return NULL;
	}
	DL_APPEND(tracker->quic, socket);
	budget_set(tracker->pipeline.config.budget, &tracker->quic_bytes,
		   tracker->quic_bytes + sizeof(*socket));
	return socket;
}

/* The end that began the connection, as far as the first datagram tells. */
static void facts_begin(struct tracker *tracker, struct conn_facts *facts, const struct event_data *event)
{
	facts->id = event->sock.id;
	facts->sock = event->sock;
	facts->owner = tracker_mover_of(tracker, &event->h, event->sock.fd);
	facts->role = event->direction == DIRECTION_SENT ? ROLE_CLIENT : ROLE_SERVER;
	facts->tls = true;
	facts->seen_ns = event->h.time_ns;
}

static void facts_of_hello(struct conn_facts *facts, const struct tls_hello *said,
			   enum event_direction direction)
{
	memcpy(facts->sni, said->server_name, sizeof(facts->sni));
	memcpy(facts->alpn_offered, said->alpn, sizeof(facts->alpn_offered));
	facts->hello_id = said->hello_id;
	facts->hello_direction = direction;
}

static struct slice source_of(const struct quic_beginning *beginning)
{
	return slice_of(beginning->source, beginning->source_len);
}

/*
 * What begins here began before and was sent a Retry: the client keeps its own connection id, and adds a
 * token (RFC 9000, 17.2.5.2).
 */
static bool begins_again(const struct quic_socket *socket, const struct quic_packet *packet)
{
	const struct quic_beginning *beginning;

	if (!packet->token.len || !packet->source.len)
		return false;
	DL_FOREACH (socket->beginnings, beginning)
		if (slice_equal(source_of(beginning), packet->source))
			return true;
	return false;
}

/* The same by the hello, which should not change then, for clients whose own connection id is empty. */
static bool hello_is_known(const struct quic_socket *socket, const struct quic_beginning *than)
{
	const struct quic_beginning *beginning;

	DL_FOREACH (socket->beginnings, beginning)
		if (beginning != than && beginning->facts.hello_id == than->facts.hello_id)
			return true;
	return false;
}

/*
 * Of what an unconnected socket receives the socket layer's tracepoints do not know the sender; the answer
 * has an address. Clients without a connection id cannot be told apart.
 */
static bool waits_for_peer(const struct quic_beginning *beginning)
{
	return beginning->facts.role == ROLE_SERVER && !beginning->facts.sock.peer_port &&
	       beginning->source_len;
}

/* A server's first answer shows where its client is. */
static void answer_take(struct tracker *tracker, struct quic_socket *socket, const struct event_data *event,
			const struct quic_packet *packet)
{
	struct quic_beginning *beginning;

	DL_FOREACH (socket->beginnings, beginning) {
		if (!waits_for_peer(beginning) || !slice_equal(source_of(beginning), packet->id))
			continue;
		beginning->facts.sock = event->sock;
		if (!beginning->told && quic_initial_kind(beginning->initial) != TLS_HELLO_MORE)
			tell(tracker, beginning);
	}
}

static bool beginning_feed(struct tracker *tracker, struct quic_socket *socket,
			   struct quic_beginning *beginning, const struct quic_packet *packet,
			   enum event_direction direction)
{
	enum tls_hello_kind before = quic_initial_kind(beginning->initial), now;
	struct tls_hello said;

	if (!quic_initial_feed(beginning->initial, packet, &said))
		return false;
	now = quic_initial_kind(beginning->initial);
	if (beginning->told || now == before)
		return true;
	if (now == TLS_HELLO_CLIENT)
		facts_of_hello(&beginning->facts, &said, direction);
	if (now == TLS_HELLO_CLIENT && hello_is_known(socket, beginning))
		beginning->told = true;
	else if (waits_for_peer(beginning))
		beginning->wait_ns = tracker->pipeline.now_ns + PEER_WAIT_NS;
	else
		tell(tracker, beginning);
	return true;
}

/* A connection begins with this packet. NULL: none does, or memory is out. */
static struct quic_beginning *beginning_new(struct tracker *tracker, const struct event_data *event,
					    const struct quic_packet *packet)
{
	struct quic_initial *initial = quic_initial_new(packet);
	struct quic_beginning *beginning = initial ? calloc(1, sizeof(*beginning)) : NULL;

	if (!beginning) {
		if (initial)
			counter_add(COUNTER_LIMIT_MEMORY, 1);
		quic_initial_free(initial);
		return NULL;
	}
	beginning->initial = initial;
	beginning->wait_ns = tracker->pipeline.now_ns + HELLO_WAIT_NS;
	facts_begin(tracker, &beginning->facts, event);
	beginning->source_len = packet->source.len;
	if (packet->source.len)
		memcpy(beginning->source, packet->source.data, packet->source.len);
	return beginning;
}

/* By its connection id; else any whose keys open it, for that may change after the first answer. */
static bool packet_of_known(struct tracker *tracker, struct quic_socket *socket,
			    const struct quic_packet *packet, enum event_direction direction)
{
	struct quic_beginning *beginning;

	DL_FOREACH (socket->beginnings, beginning)
		if (quic_initial_is(beginning->initial, packet) &&
		    beginning_feed(tracker, socket, beginning, packet, direction))
			return true;
	DL_FOREACH (socket->beginnings, beginning)
		if (!beginning->told && !quic_initial_is(beginning->initial, packet) &&
		    beginning_feed(tracker, socket, beginning, packet, direction))
			return true;
	return false;
}

static void packet_take(struct tracker *tracker, const struct event_data *event,
			const struct quic_packet *packet)
{
	struct quic_socket *socket = socket_find(tracker, event->sock.id);
	struct budget *budget = tracker->pipeline.config.budget;
	struct quic_beginning *beginning;
	size_t before = socket ? socket_memory(socket) : sizeof(*socket);

	if (socket && event->direction == DIRECTION_SENT && event->sock.peer_port)
		answer_take(tracker, socket, event, packet);
	if (!socket || !packet_of_known(tracker, socket, packet, event->direction)) {
		beginning = beginning_new(tracker, event, packet);
		if (beginning && !socket)
			socket = socket_add(tracker, event->sock.id);
		if (!beginning)
			return;
		if (!socket) {
			counter_add(COUNTER_LIMIT_MEMORY, 1);
			beginning_free(beginning);
			return;
		}
		beginning->told = begins_again(socket, packet);
		if (socket->count == BEGINNINGS_MAX)
			beginning_remove(tracker, socket, socket->beginnings);
		DL_APPEND(socket->beginnings, beginning);
		socket->count++;
		beginning_feed(tracker, socket, beginning, packet, event->direction);
	}
	budget_set(budget, &tracker->quic_bytes, tracker->quic_bytes - before + socket_memory(socket));
	socket->last_ns = tracker->pipeline.now_ns;
	DL_DELETE(tracker->quic, socket);
	DL_APPEND(tracker->quic, socket);
}

/* Some go, for there are too many: they are told of, but what comes later of them may be told of again. */
static void quic_shed(struct tracker *tracker)
{
	size_t share = budget_share(tracker->pipeline.config.budget, BUDGET_SHARE);

	while (tracker->quic &&
	       (tracker->quic_bytes > MEMORY_MAX || (share && tracker->quic_bytes > share))) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		socket_remove(tracker, tracker->quic);
	}
}

void tracker_quic_datagram(struct tracker *tracker, const struct event_data *event)
{
	struct slice rest = slice_of(event->payload, event->copied);
	struct quic_packet packet;

	if (event->sock.protocol != IPPROTO_UDP || !tracker_wants(tracker, event->h.pid))
		return;
	while (quic_initial_next(&rest, &packet))
		packet_take(tracker, event, &packet);
	quic_shed(tracker);
}

bool tracker_quic_began(const struct tracker *tracker, uint64_t socket_id)
{
	return socket_find(tracker, socket_id) != NULL;
}

void tracker_quic_poll(struct tracker *tracker)
{
	uint64_t now_ns = tracker->pipeline.now_ns;
	struct quic_beginning *beginning;
	struct quic_socket *socket, *tmp;

	DL_FOREACH (tracker->quic, socket)
		DL_FOREACH (socket->beginnings, beginning)
			if (!beginning->told && beginning->wait_ns <= now_ns)
				tell(tracker, beginning);
	DL_FOREACH_SAFE(tracker->quic, socket, tmp)
	{
		if (now_ns - socket->last_ns < SOCKET_KEEP_NS)
			return;
		socket_remove(tracker, socket);
	}
}

void tracker_quic_end(struct tracker *tracker)
{
	while (tracker->quic)
		socket_remove(tracker, tracker->quic);
}

void tracker_quic_free(struct tracker *tracker)
{
	while (tracker->quic)
		socket_free(tracker, tracker->quic);
}
