/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker turns events into connections and hands each event to its own.
 *
 * A connection is a socket, found by its id; {pid, fd} and {pid, SSL*} are
 * pointers to it. All time comes from events: EVENT_POLL is the clock, so a
 * recording replays exactly as it ran.
 */
#ifndef HARK_TRACKER_H
#define HARK_TRACKER_H

#include "call.h"
#include "conn_facts.h"
#include "event.h"
#include "exchange.h"
#include "frame.h"

#include <stdbool.h>
#include <stdint.h>

struct budget;

/* What user space knows about a connection that the kernel side should act on. */
enum tracker_verdict {
	VERDICT_MUTED,	    /* not HTTP: count its bytes, copy none */
	VERDICT_MUTED_SENT, /* the same for one direction; the other one is copied */
	VERDICT_MUTED_RECEIVED,
	VERDICT_HEARD,	    /* no longer muted: another look is taken */
	VERDICT_CIPHERTEXT, /* TLS: count the socket's bytes as ciphertext, copy none */
};

struct tls_key;

struct tracker_handler {
	void *ctx;
	/* An exchange ended; borrowed for the call, but for what exchange_take() takes. */
	void (*exchange)(void *ctx, struct exchange *exchange);
	void (*conn_opened)(void *ctx, const struct conn_facts *conn);
	void (*conn_closed)(void *ctx, const struct conn_facts *conn);
	/* These five as in sink.h. Any may be NULL. */
	void (*pending)(void *ctx, const struct exchange *exchange);
	void (*opaque)(void *ctx, const struct conn_facts *conn);
	/* Why is the TLS of this process not read? In words, static; NULL: nobody knows. May be NULL. */
	const char *(*unread_why)(void *ctx, uint32_t pid);
	void (*unseen)(void *ctx, const struct event_unseen *unseen, const struct mover *program);
	void (*call)(void *ctx, const struct call *call);
	void (*frame)(void *ctx, const struct conn_facts *conn, const struct mover *mover,
		      const struct frame *frame);
	/* Tell the kernel side. socket_id is event_socket.id. */
	void (*verdict)(void *ctx, uint64_t socket_id, enum tracker_verdict verdict);
	/* Bytes of this direction before pos (in the units of event_data.pos) need not be copied.
	 * session NULL: the socket's own bytes; else its plaintext. */
	void (*skip)(void *ctx, uint64_t socket_id, const struct tls_key *session,
		     enum event_direction direction, uint64_t pos);
	/* The socket is gone: its verdict and skips may be removed. */
	void (*forget)(void *ctx, uint64_t socket_id);
	/* A TLS session is over: its skips may be removed. */
	void (*forget_session)(void *ctx, const struct tls_key *session);
};

struct tracker_config {
	struct budget *budget; /* for all that is held; outlives the tracker. NULL: no limit */
	uint64_t timeout_ns;   /* an unanswered request expires this long after its last byte */
	uint64_t
		pending_ns; /* an open exchange is shown as pending after so long without its end; 0: never */
	bool want_calls;    /* call() is wanted: nothing is muted or skipped */
	bool want_frames;   /* frame() is wanted */
	bool want_bodies;   /* sinks show bodies: nothing is skipped, message->body is kept */
	size_t body_limit_bytes;
	size_t message_limit_bytes;
	size_t connection_limit;    /* connections followed at once */
	size_t exchange_limit;	    /* open exchanges a connection */
	size_t held_limit_bytes;    /* bytes held a connection while undetermined */
	size_t reorder_limit_bytes; /* bytes held a direction while a record is late */
	size_t stream_limit, pipeline_limit, table_limit_bytes; /* see protocol.h */
	size_t undetermined_limit_bytes; /* after so many bytes without a sign of HTTP or TLS: muted */
	const uint32_t *pids;		 /* show only these processes; 0 of them: all */
	size_t pid_count;
};

struct tracker;

/* Copies config, pids and handler. NULL: out of memory. */
struct tracker *tracker_new(const struct tracker_config *config, const struct tracker_handler *handler);

/* The defaults of every limit. */
void tracker_config_init(struct tracker_config *config);

/*
 * One event, borrowed for the call. Its own sizes were checked by the source
 * (event_valid()); anything else in it may be hostile.
 */
void tracker_event(struct tracker *tracker, const struct event_header *event);

/* Each exchange that is open now, as pending() shows it; borrowed for the call. */
void tracker_each_open(struct tracker *tracker, void (*fn)(void *ctx, const struct exchange *exchange),
		       void *ctx);

/* hark ends: everything under way comes out as in-flight, each connection is closed, in order of appearance.
 */
void tracker_end(struct tracker *tracker);

/* NULL is legal. */
void tracker_free(struct tracker *tracker);

#endif
