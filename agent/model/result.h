/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results that a run shows: one kind a row of result.c, each result one
 * struct. The tracker makes them, outputs filter them, sinks take those kinds
 * that they have a function for. To add a kind is to add its row.
 */
#ifndef HARK_RESULT_H
#define HARK_RESULT_H

#include "call.h"
#include "conn_facts.h"
#include "event.h"
#include "exchange.h"
#include "frame.h"

enum result_kind {
	RESULT_EXCHANGE,  /* ended */
	RESULT_PENDING,	  /* open, and it has waited for --pending; its messages may be incomplete. It comes
			     again   as RESULT_EXCHANGE when it ends */
	RESULT_IN_FLIGHT, /* open while a table is drawn */
	RESULT_CONN_OPENED,
	RESULT_CONN_CLOSED,
	RESULT_OPAQUE,	/* a TLS connection whose plaintext cannot be had (conn->opaque says why); once */
	RESULT_UNSEEN,	/* a socket whose traffic cannot be read at all; once */
	RESULT_CALL,	/* the plain bytes of a call */
	RESULT_FRAME,	/* an HTTP/2 frame */
	RESULT_SECRET,	/* what decrypts a TLS session, of a process; conn knows no more than that */
	RESULT_MESSAGE, /* a message within a body or a tunnel; `exchange` is the open one that it is of */
	RESULT_KINDS,
};

struct content_message;

/* Borrowed, with all that it points to, for the call that it is handed to. */
struct result {
	enum result_kind kind;
	const struct conn_facts *conn;
	const struct mover *mover; /* who */
	union {
		const struct exchange *exchange;
		const struct event_unseen *unseen;
		const struct call *call;
		const struct frame *frame;
		const struct event_secret *secret;
	};
	const struct content_message *message; /* of RESULT_MESSAGE */
};

typedef void result_fn(void *ctx, const struct result *result);

/* How it is decided whether a filter lets a result through. */
enum result_filter {
	RESULT_BY_EXCHANGE,
	RESULT_BY_CONN,	       /* also where the filter needs to know more than a connection tells */
	RESULT_BY_CONN_ITSELF, /* a connection is shown for its own sake, or for an exchange that was */
};

struct result_row {
	const char *name; /* for people */
	enum result_filter filter;
};

extern const struct result_row result_rows[RESULT_KINDS];

static inline struct result result_of_exchange(enum result_kind kind, const struct exchange *exchange)
{
	return (struct result){
		.kind = kind, .conn = exchange->conn, .mover = &exchange->mover, .exchange = exchange
	};
}

static inline struct result result_of_conn(enum result_kind kind, const struct conn_facts *conn)
{
	return (struct result){ .kind = kind, .conn = conn, .mover = &conn->owner };
}

#endif
