/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges that wait for their other end, or were shown without it. */
#ifndef HARK_JOIN_ITEM_H
#define HARK_JOIN_ITEM_H

#include "base/table.h"
#include "model/exchange.h"
#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct join_conn;

/* The signs by which two exchanges are known for one. */
struct join_sign {
	uint32_t key; /* HTTP/2 stream; 0 for HTTP/1 */
	enum protocol_role role;
	bool request_known;
	uint64_t request; /* hash of method and target */
	uint64_t start_ns, duration_ns;
	bool duration_known;
	bool counted;	/* the connection was seen from its beginning, whole: */
	uint64_t index; /* of the exchange on it */
};

/* Where to look for what may be the other end: all of one stream, or of one request. */
struct join_alike_key {
	const struct join_conn *conn;
	uint64_t request; /* 0 with a stream */
	uint64_t key;
};

struct join_alike {
	struct join_alike_key key;
	struct join_item *items;
	UT_hash_handle hh;
};

/* HTTP/1, counted from the beginning: only one has this place in the order. */
struct join_turn {
	const struct join_conn *conn;
	uint64_t request, index;
};

/* An exchange that waits for its other end, or was shown without it. */
struct join_item {
	struct join_alike *alike;
	struct join_item *alike_prev, *alike_next; /* of those, oldest first */
	struct join_turn turn;			   /* of one that is counted */
	UT_hash_handle hh_turn;
	struct join_sign sign;
	struct exchange *exchange; /* owned; NULL: it was shown */
	size_t held_bytes;	   /* of that, about */
	bool wanted;		   /* when it was shown, somebody wanted it */
	uint64_t due_ns, due_poll;
	struct join_conn *conn;
	struct join_item *prev, *next; /* of the connection's that wait, or were shown; oldest first */
	struct join_item *waits_prev, *waits_next; /* of all that wait */
};

/* All zero: empty. */
struct join_items {
	struct join_alike *alikes;
	struct join_item *turns;
	size_t count;
};

/* A new one of the connection, in none of its two lists yet. NULL: too many, or out of memory. */
struct join_item *join_item_new(struct join_items *items, struct join_conn *conn,
				const struct join_sign *sign);
/* Out of every look-up, and freed; in no list of its connection any more. */
void join_item_free(struct join_items *items, struct join_item *item);
/* The item of this connection that is the other end of `sign`: by its turn, or the oldest that matches. */
struct join_item *join_item_match(const struct join_items *items, const struct join_conn *conn,
				  const struct join_sign *sign);

#endif
