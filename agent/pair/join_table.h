/* SPDX-License-Identifier: Apache-2.0 */
/* The connections that join.c knows, by their facts and by addresses. The inside of join*.c. */
#ifndef HARK_JOIN_TABLE_H
#define HARK_JOIN_TABLE_H

#include "base/table.h"
#include "model/conn_facts.h"
#include "model/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* IPv4 as IPv6, so that a socket of either family finds the other. */
struct join_addresses {
	uint8_t local[16], peer[16];
	uint16_t local_port, peer_port;
};

/* The same addresses may stand in several network namespaces at once. */
struct join_place {
	struct join_addresses addresses;
	uint8_t netns[4]; /* of event_socket, and 0; all 0: not known */
};

/* Connections that have the same addresses, each in another network namespace. */
struct join_namesakes {
	struct join_addresses addresses;
	struct join_conn *conns;
	UT_hash_handle hh;
};

/* What tells whether two exchanges are one. */
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

struct join_conn {
	const struct conn_facts
		*key; /* never followed: the address is the connection's for as long as it is open */
	const struct conn_facts *facts; /* NULL: closed; kept while its other end may still tell of it */
	uint64_t id;			/* of a closed one */
	struct conn_origin origin;	/* of a closed one */
	struct join_place place;
	bool ambiguous; /* another open socket stands at the same place (in a recording without namespaces) */
	struct join_namesakes *namesakes; /* NULL: it is not to be found by its addresses */
	struct join_conn *prev, *next;	  /* of the namesakes */
	struct join_item *waiting, *shown;
	size_t shown_count;
	UT_hash_handle hh, hh_place;
};

struct join_table {
	struct join_conn *by_facts, *by_place;
	struct join_namesakes *by_addresses;
	struct join_alike *alikes;
	struct join_item *turns;
	size_t item_count; /* of all connections */
};

/* The one that closed at the place of these facts; NULL: none, or they are known already. */
struct join_conn *join_table_closed(const struct join_table *table, const struct conn_facts *facts);
/* The connection of these facts, made if it is new. NULL: it has no addresses, or memory is out. */
struct join_conn *join_table_get(struct join_table *table, const struct conn_facts *facts);
struct join_conn *join_table_find(const struct join_table *table, const struct conn_facts *facts);
/*
 * The socket at the other end: in the same network namespace; else the one in another whose sequence
 * numbers are its own. NULL: not on this machine, not seen, or not to be told
 * with certainty.
 */
struct join_conn *join_table_peer(const struct join_table *table, const struct join_conn *conn);
/* The connection closed: its facts are not followed any more, and only its addresses lead to it. */
void join_table_close(struct join_table *table, struct join_conn *conn);
/* Frees it with its items, of which none waits. */
void join_table_remove(struct join_table *table, struct join_conn *conn);

/*
 * join_items.c: a new item of the connection, in none of its two
 * lists yet. NULL: too many, or out of memory.
 */
struct join_item *join_item_new(struct join_table *table, struct join_conn *conn,
				const struct join_sign *sign);
/* Out of every look-up, and freed; in no list of its connection any more. */
void join_item_free(struct join_table *table, struct join_item *item);
/* The item of this connection that is the other end of `sign`: by its turn, or the oldest that matches. */
struct join_item *join_item_match(const struct join_table *table, const struct join_conn *conn,
				  const struct join_sign *sign);

#endif
