/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by every stage between an event and an exchange: the limits, the way
 * out, and the clock. Time comes from events only, so that a recording replays
 * exactly as it ran.
 */
#ifndef HARK_PIPELINE_H
#define HARK_PIPELINE_H

#include "content/readings.h"
#include "mark.h"
#include "protocol.h"
#include "result.h"

#include <stdbool.h>
#include <stdint.h>

struct pair;
struct budget;
struct spares;

struct tls_key;

struct pipeline_handler {
	void *ctx;
	/* An exchange ended; borrowed for the call, but for what exchange_take() takes. */
	void (*exchange)(void *ctx, struct exchange *exchange);
	/* Everything else that is told of; may be NULL. */
	result_fn *result;
	/* Why is the TLS of this process not read? In words, static; NULL: it is gone. *followed (false at
	 * first): its library is. May be NULL. */
	const char *(*unread_why)(void *ctx, uint32_t pid, bool *followed);
	/* Tell the kernel side. socket_id is event_socket.id. */
	void (*mark)(void *ctx, uint64_t socket_id, enum mark mark);
	/* `count` bytes of this direction before `until` (in the units of event_data.pos) need not be copied.
	 * session NULL: the socket's own bytes; else its plaintext. True: from now on not each call that
	 * lies before `until` leaves a record. */
	bool (*skip)(void *ctx, uint64_t socket_id, const struct tls_key *session,
		     enum event_direction direction, uint64_t until, uint64_t count);
	/* The socket is gone: its mark and skips may be removed, and what the kernel side counted of one that
	 * has no sequence numbers. */
	void (*forget)(void *ctx, uint64_t socket_id, bool counted);
	/* From now on, or no longer: this process has TLS sessions whose sockets shall be looked for by
	 * their ciphertext. Called by turns. May be NULL. */
	void (*seek_sockets)(void *ctx, uint32_t pid, bool wanted);
	/* A TLS session is over: its skips may be removed. */
	void (*forget_session)(void *ctx, const struct tls_key *session);
};

#define PIPELINE_TIMEOUT_NS UINT64_C(60000000000)

struct pipeline_config {
	struct budget *budget;		/* for all that is held; outlives the tracker. NULL: no limit */
	struct spares *rooms, *streams; /* see protocol.h; they outlive all messages. NULL: none */
	uint64_t timeout_ns;		/* an unanswered request expires this long after its last byte */
	uint64_t
		pending_ns; /* an open exchange is shown as pending after so long without its end; 0: never */
	bool want_calls;    /* RESULT_CALL is wanted: nothing is skipped */
	bool want_other; /* with it: also of connections that are neither HTTP nor TLS, so nothing is muted */
	bool want_frames;  /* RESULT_FRAME is wanted */
	bool few_fields;   /* nobody wants other header fields than those that message_asks() wants */
	bool want_bodies;  /* sinks show bodies: nothing is skipped, message->body is kept */
	bool want_queries; /* statements that databases are asked are decoded, too */
	bool no_http;	   /* nothing else is */
	const struct protobuf_schema *schema; /* of messages of gRPC; NULL: none. Outlives the tracker */
	unsigned int want_reads;	      /* enum reader_gives: what somebody wants of what bodies say */
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

/*
 * A record that another processor's ring position may still bring has come by the second EVENT_POLL after it
 * was missed: the poll in between emptied the ring once, whole.
 */
#define GRACE_POLLS 2
#define IDLE_POLLS  3 /* how long what moved is looked at */
/* While no records come, what waits is looked at so often; what knows its time, then. */
#define PIPELINE_LOOK_NS UINT64_C(100000000)

/* The defaults of every limit. */
void pipeline_config_init(struct pipeline_config *config);

/* What the readers of all bodies share. */
struct pipeline_reading {
	struct readings_config config;
	struct content_memo types[2]; /* by enum message_kind */
};

struct pipeline {
	struct pipeline_config config;
	struct pipeline_handler handler;
	struct pair **watched;		  /* pairs with open exchanges; NULL: nobody watches them */
	struct pipeline_reading *reading; /* NULL: nobody wants what bodies say */
	struct spares *entries;		  /* of all pairs; NULL: they are not kept for the next exchange */
	uint64_t now_ns;		  /* of the newest event */
	uint64_t ready_ns; /* since then all probes are there; of a recording 0, as if they always were */
	uint64_t poll;	   /* EVENT_POLLs so far */
	bool lost_told;
	uint32_t lost; /* records so far, as the newest event told (event_header.lost) */
};

/* Fills it in for the bodies of this pipeline, by its config; pair_read.c has it. */
void pipeline_reading_init(struct pipeline_reading *reading, const struct pipeline *pipeline);

/* Hands a result on, if anybody takes them. */
void pipeline_tell(const struct pipeline *pipeline, const struct result *result);

#endif
