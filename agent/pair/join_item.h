/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges that wait for their other end, or were shown without it. */
#ifndef HARK_JOIN_ITEM_H
#define HARK_JOIN_ITEM_H

#include "spares.h"
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

/* The indexes by which an item is found. */
enum join_by {
	JOIN_BY_ALIKE, /* all of one stream, or of one request, on a connection: the oldest leads to the
			  others */
	JOIN_BY_TURN, /* HTTP/1, counted from the beginning: only one of a request has this place in the order
		       */
	JOIN_BYS
};

/* An exchange that waits for its other end, or was shown without it. */
struct join_item {
	struct {
		struct join_item *next; /* in its list of the index */
		uint64_t hash;
		bool listed;
	} by[JOIN_BYS];
	struct join_item *alike_prev, *alike_next; /* as utlist's: of those alike, oldest first */
	struct join_sign sign;
	struct exchange_own *own; /* NULL: it was shown */
	size_t held_bytes;	  /* of that, about */
	bool wanted;		  /* when it was shown, somebody wanted it */
	uint64_t due_ns, due_poll;
	struct join_conn *conn;
	struct join_item *prev, *next; /* of the connection's that wait, or were shown; oldest first */
	struct join_item *waits_prev, *waits_next; /* of all that wait */
};

struct join_list {
	struct join_item *first;
};

/* Lists by hash, as many as there are items, about. */
struct join_index {
	struct join_list *lists;
	size_t list_count; /* a power of 2; 0: none yet */
	size_t count;	   /* of items in them */
};

/* All zero: empty. */
struct join_items {
	struct join_index by[JOIN_BYS];
	size_t count;
	struct spares spares;
};

void join_items_fini(struct join_items *items); /* when the last item was freed */

/* A new one of the connection, in none of its two lists yet. NULL: too many, or out of memory. */
struct join_item *join_item_new(struct join_items *items, struct join_conn *conn,
				const struct join_sign *sign);
/* Out of every look-up, and freed; in no list of its connection any more. */
void join_item_free(struct join_items *items, struct join_item *item);
/* The item of this connection that is the other end of `sign`: by its turn, or the oldest that matches. */
struct join_item *join_item_match(const struct join_items *items, const struct join_conn *conn,
				  const struct join_sign *sign);
/* The memory that items take, but for what they own; nothing when there is none. */
size_t join_items_memory(const struct join_items *items);

#endif
