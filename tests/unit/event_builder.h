/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hand-made events for tests of the pipeline: one socket or TLS object, whose
 * positions are kept, and a text log of what comes out.
 */
#ifndef HARK_TESTS_EVENT_BUILDER_H
#define HARK_TESTS_EVENT_BUILDER_H

#include "event.h"
#include "model/tls_key.h"
#include "track/tracker.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TEST_SEQ_BASE 0xfffffff0u /* so that positions wrap early */

/* One end of a connection as a process sees it. */
struct peer {
	uint32_t pid;
	int32_t fd;
	uint64_t id, sk, ssl;
	uint64_t generation;
	uint64_t call_ns; /* how long each TLS call takes; 0: not told */
	uint16_t family;
	uint16_t local_port, peer_port; /* 0: not told */
	uint64_t offset[2];
};

/* The tracker under test, its clock, and what it said. */
struct bench {
	struct tracker *tracker;
	struct pipeline_config config;
	uint64_t now_ns;
	uint32_t lost; /* records so far, as every event tells */
	char log[8192];
	size_t used;
	bool quiet_conns;	/* leave connections out of the log */
	bool seeking;		/* show for whom sockets are looked for, and leave exchanges out */
	bool times;		/* show when exchanges begin, and how long they last */
	bool asks_why;		/* show why TLS is not read */
	const char *unread_why; /* of every process; NULL: it is gone */
	bool followed;		/* its library */
	uint64_t ids[64];	/* of connections, in the order in which the log names them */
};

__attribute__((format(printf, 2, 3))) static inline void bench_log(struct bench *bench, const char *format,
								   ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(bench->log + bench->used, sizeof(bench->log) - bench->used, format, args);
	va_end(args);
	if (n > 0 && bench->used + (size_t)n < sizeof(bench->log))
		bench->used += (size_t)n;
}

/* Connections are numbered from 1 as they show up, so that expected texts are short. */
static inline unsigned long long bench_number(struct bench *bench, const struct conn_facts *conn)
{
	size_t i = 0;

	while (i < 63 && bench->ids[i] && bench->ids[i] != conn->id)
		i++;
	bench->ids[i] = conn->id;
	return i + 1;
}

static inline void bench_flag(void *ctx, const char *name)
{
	bench_log(ctx, " %s", name);
}

static inline void bench_exchange(void *ctx, struct exchange *exchange)
{
	struct bench *bench = ctx;
	const struct message *request = exchange->request, *response = exchange->response;

	if (bench->seeking)
		return;
	bench_log(bench, "%llu:", bench_number(bench, exchange->conn));
	if (request)
		bench_log(bench, "%.*s %.*s", (int)request->method.len,
			  request->method.data ? (const char *)request->method.data : "",
			  request->target.data ? (int)request->target.len : 1,
			  request->target.data ? (const char *)request->target.data : "?");
	else
		bench_log(bench, "-");
	if (response)
		bench_log(bench, " %d %llu", response->status, (unsigned long long)response->body_bytes);
	else
		bench_log(bench, " -");
	exchange_flags_each(exchange->flags, bench_flag, bench);
	if (exchange->error_known)
		bench_log(bench, " error=%u", exchange->error);
	if (bench->times)
		bench_log(bench, " %llu+%llu", (unsigned long long)exchange->start_ns,
			  (unsigned long long)exchange->duration_ns);
	bench_log(bench, "\n");
}

static inline void bench_opened(void *ctx, const struct conn_facts *conn)
{
	struct bench *bench = ctx;

	if (!bench->quiet_conns)
		bench_log(bench, "%llu open%s\n", bench_number(bench, conn),
			  conn->existing ? " existing" : "");
}

static inline void bench_closed(void *ctx, const struct conn_facts *conn)
{
	static const char *const by[] = { "?", "local", "peer", "exit" };
	static const char *const role[] = { "?", "client", "server" };
	struct bench *bench = ctx;

	if (bench->quiet_conns)
		return;
	bench_log(bench, "%llu closed %s %s%s%s%s%s%s x%llu %llu=%llu+%llu+%llu c%llu",
		  bench_number(bench, conn), by[conn->closed_by], role[conn->role], conn->tls ? " tls" : "",
		  conn->muted ? " muted:" : "", conn->muted ? conn->muted : "", conn->opaque ? " opaque" : "",
		  conn->sock.family ? "" : " socketless", (unsigned long long)conn->exchanges,
		  (unsigned long long)conn->moved_bytes, (unsigned long long)conn->copied_bytes,
		  (unsigned long long)conn->skipped_bytes, (unsigned long long)conn->lost_bytes,
		  (unsigned long long)conn->ciphertext_bytes);
	exchange_flags_each(conn->flags, bench_flag, bench);
	bench_log(bench, "\n");
}

static inline void bench_opaque(void *ctx, const struct conn_facts *conn)
{
	struct bench *bench = ctx;

	bench_log(ctx, "%llu opaque sni=%s alpn=%s offered=%s %04x%s", bench_number(ctx, conn), conn->sni,
		  conn->alpn, conn->alpn_offered, conn->tls_version,
		  conn->flags & FLAG_RELAYED ? " relayed" : "");
	if (bench->asks_why)
		bench_log(ctx, " by %s", conn->opaque);
	bench_log(ctx, "\n");
}

static inline const char *bench_unread_why(void *ctx, uint32_t pid, bool *followed)
{
	struct bench *bench = ctx;

	(void)pid;
	*followed = bench->followed;
	return bench->unread_why;
}

static inline void bench_result(void *ctx, const struct result *result)
{
	if (result->kind == RESULT_CONN_OPENED)
		bench_opened(ctx, result->conn);
	else if (result->kind == RESULT_CONN_CLOSED)
		bench_closed(ctx, result->conn);
	else if (result->kind == RESULT_OPAQUE)
		bench_opaque(ctx, result->conn);
	else if (result->kind == RESULT_UNSEEN)
		bench_log(ctx, "unseen %u\n", result->unseen->kind);
}

static inline void bench_mark(void *ctx, uint64_t id, enum mark mark)
{
	static const char *const names[] = {
		[MARK_MUTED] = "muted",
		[MARK_MUTED_SENT] = "muted sent",
		[MARK_MUTED_RECEIVED] = "muted received",
		[MARK_HEARD] = "heard",
		[MARK_CIPHERTEXT] = "ciphertext",
	};

	bench_log(ctx, "verdict %llu %s\n", (unsigned long long)id, names[mark]);
}

static inline bool bench_skip(void *ctx, uint64_t id, const struct tls_key *session,
			      enum event_direction direction, uint64_t until, uint64_t count)
{
	bench_log(ctx, "skip %llu %u %llu %s %llu-%llu\n", (unsigned long long)id,
		  session ? (unsigned int)session->pid : 0, session ? (unsigned long long)session->ssl : 0,
		  direction == DIRECTION_SENT ? "sent" : "received", (unsigned long long)until,
		  (unsigned long long)count);
	return true;
}

static inline void bench_seek_sockets(void *ctx, uint32_t pid, bool wanted)
{
	struct bench *bench = ctx;

	if (bench->seeking)
		bench_log(bench, "seek %u%s\n", pid, wanted ? "" : " no more");
}

static inline void bench_init(struct bench *bench)
{
	*bench = (struct bench){ .now_ns = 1000000000 };
	pipeline_config_init(&bench->config);
}

/* After bench->config is as the test wants it. */
static inline void bench_start(struct bench *bench)
{
	const struct event_header poll = { .size = sizeof(poll),
					   .type = EVENT_POLL,
					   .flags = EVENT_SYNTHETIC };
	const struct pipeline_handler handler = {
		.ctx = bench,
		.exchange = bench_exchange,
		.result = bench_result,
		.mark = bench_mark,
		.skip = bench_skip,
		.unread_why = bench_unread_why,
		.seek_sockets = bench_seek_sockets,
	};

	bench->tracker = tracker_new(&bench->config, &handler);
	tracker_event(bench->tracker, &poll); /* all is probed */
}

static inline void bench_stop(struct bench *bench)
{
	tracker_free(bench->tracker);
	bench->tracker = NULL;
}

/* For cmocka: a bench in *state, with all counters at 0; bench_start() is the test's. */
static inline int bench_setup(void **state)
{
	struct bench *bench = malloc(sizeof(*bench));

	bench_init(bench);
	memset(counters, 0, sizeof(counters));
	*state = bench;
	return 0;
}

static inline int bench_teardown(void **state)
{
	bench_stop(*state);
	free(*state);
	return 0;
}

#define CHECK(bench, expected)	      assert_string_equal((bench)->log, expected)
#define SEND(bench, peer, literal)    data_put(bench, peer, DIRECTION_SENT, literal, sizeof(literal) - 1)
#define RECEIVE(bench, peer, literal) data_put(bench, peer, DIRECTION_RECEIVED, literal, sizeof(literal) - 1)

/* A socket, and the same with a TLS session. */
static inline struct peer peer_client(void)
{
	return (struct peer){ .pid = 7, .fd = 3, .id = 100, .sk = 9000, .family = AF_INET };
}

static inline struct peer peer_session(void)
{
	return (struct peer){ .pid = 7, .fd = 3, .id = 100, .sk = 9000, .family = AF_INET, .ssl = 0x5000 };
}

static inline struct event_header bench_header(struct bench *bench, const struct peer *peer, uint16_t type,
					       uint32_t size)
{
	struct event_header header = {
		.size = size,
		.type = type,
		.flags = EVENT_PID_VALID,
		.time_ns = bench->now_ns += 1000,
		.lost = bench->lost,
		.pid = peer ? peer->pid : 0,
		.tid = peer ? peer->pid : 0,
		.comm = "tester",
	};

	return header;
}

static inline struct event_socket bench_socket(const struct peer *peer)
{
	struct event_socket sock = {
		.id = peer->id,
		.sk = peer->sk,
		.fd = peer->fd,
		.family = peer->family,
		.local_port = peer->local_port,
		.peer_port = peer->peer_port,
		.state = 1,
	};

	return sock;
}

/* The record of a transfer; free() it. len may exceed copied. */
static inline struct event_data *data_make(struct bench *bench, const struct peer *peer,
					   enum event_direction direction, uint64_t offset, const void *bytes,
					   size_t copied, size_t len)
{
	struct event_data *event = calloc(1, sizeof(*event) + copied);
	bool tcp = peer->family != AF_UNIX && !peer->ssl;

	event->h = bench_header(bench, peer, peer->ssl ? EVENT_TLS_DATA : EVENT_SOCKET_DATA,
				(uint32_t)(sizeof(*event) + copied));
	event->sock = bench_socket(peer);
	event->ssl = peer->ssl;
	for (size_t i = 0; i < EVENT_GENERATION_LEN; i++)
		event->generation[i] = (uint8_t)(peer->generation >> 8 * i);
	event->pos = tcp ? (uint32_t)(TEST_SEQ_BASE + offset) : offset;
	event->offset = offset;
	if (tcp)
		event->h.flags |= EVENT_POS_SEQ32 | EVENT_OFFSET_KNOWN;
	if (peer->call_ns) {
		event->h.flags |= EVENT_CALL_TIME;
		event->offset = event->h.time_ns - peer->call_ns;
	}
	event->len = (uint32_t)len;
	event->copied = (uint32_t)copied;
	event->hole = len > copied ? HOLE_SNAPLEN : HOLE_NONE;
	event->direction = (uint8_t)direction;
	event->source = peer->ssl ? SOURCE_OPENSSL : SOURCE_SOCKET;
	if (copied)
		memcpy(event->payload, bytes, copied);
	return event;
}

static inline void event_send(struct bench *bench, struct event_data *event)
{
	tracker_event(bench->tracker, &event->h);
	free(event);
}

static inline void data_put_at(struct bench *bench, struct peer *peer, enum event_direction direction,
			       uint64_t offset, const void *bytes, size_t len)
{
	event_send(bench, data_make(bench, peer, direction, offset, bytes, len, len));
}

static inline void data_put(struct bench *bench, struct peer *peer, enum event_direction direction,
			    const void *bytes, size_t len)
{
	data_put_at(bench, peer, direction, peer->offset[direction], bytes, len);
	peer->offset[direction] += len;
}

static inline void data_sent(struct bench *bench, struct peer *peer, const char *text)
{
	data_put(bench, peer, DIRECTION_SENT, text, strlen(text));
}

static inline void data_received(struct bench *bench, struct peer *peer, const char *text)
{
	data_put(bench, peer, DIRECTION_RECEIVED, text, strlen(text));
}

/* A record was lost: its bytes moved and nobody told. */
static inline void data_lose(struct peer *peer, enum event_direction direction, size_t len)
{
	peer->offset[direction] += len;
}

static inline void eof_put(struct bench *bench, struct peer *peer, enum event_direction direction)
{
	struct event_data *event = data_make(bench, peer, direction, peer->offset[direction], NULL, 0, 0);

	event->h.flags |= EVENT_EOF;
	event_send(bench, event);
}

/* A TLS event without payload. */
static inline void tls_put(struct bench *bench, struct peer *peer, enum event_type type)
{
	struct event_data *event = data_make(bench, peer, DIRECTION_RECEIVED, 0, NULL, 0, 0);

	event->h.type = (uint16_t)type;
	event_send(bench, event);
}

static inline void state_put(struct bench *bench, const struct peer *peer, uint8_t from, uint8_t to)
{
	struct event_state event = {
		.h = bench_header(bench, peer, EVENT_SOCKET_STATE, sizeof(event)),
		.sock = bench_socket(peer),
		.old_state = from,
		.new_state = to,
	};

	event.h.flags = peer->pid ? EVENT_PID_VALID : 0;
	tracker_event(bench->tracker, &event.h);
}

/* The socket closes, having moved what the peer's offsets say. */
static inline void closed_put(struct bench *bench, const struct peer *peer, uint8_t from, uint8_t to)
{
	struct event_state_end event = {
		.state = { .h = bench_header(bench, peer, EVENT_SOCKET_STATE, sizeof(event)),
			   .sock = bench_socket(peer),
			   .old_state = from,
			   .new_state = to,
			   .offset_known = 3 },
		.offset = { peer->offset[0], peer->offset[1] },
	};

	event.state.h.flags = (peer->pid ? EVENT_PID_VALID : 0) | EVENT_POS_SEQ32;
	for (int i = 0; i < 2; i++)
		event.pos[i] = (uint32_t)(TEST_SEQ_BASE + peer->offset[i]);
	tracker_event(bench->tracker, &event.state.h);
}

static inline void process_put(struct bench *bench, uint32_t pid, enum event_type type, const char *name)
{
	const struct peer peer = { .pid = pid };
	struct event_process event = { .h = bench_header(bench, &peer, (uint16_t)type, sizeof(event)) };

	snprintf(event.name, sizeof(event.name), "%s", name);
	tracker_event(bench->tracker, &event.h);
}

/* Calls of poll_put() that take the time of late records. */
#define LATE_POLLS (int)(LATE_NS / 10000000)

static inline void poll_put(struct bench *bench, int times)
{
	while (times--) {
		struct event_header event = bench_header(bench, NULL, EVENT_POLL, sizeof(event));

		bench->now_ns += 10000000;
		event.flags = EVENT_SYNTHETIC;
		tracker_event(bench->tracker, &event);
	}
}

#endif
