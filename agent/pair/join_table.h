/* SPDX-License-Identifier: Apache-2.0 */
/* The connections that join.c knows, by their facts and by addresses. */
#ifndef HARK_JOIN_TABLE_H
#define HARK_JOIN_TABLE_H

#include "base/table.h"
#include "join_item.h"
#include "model/conn_facts.h"

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

struct join_conn {
	const struct conn_facts
		*key; /* never followed: the address is the connection's for as long as it is open */
	const struct conn_facts *facts; /* NULL: closed; kept while its other end may still tell of it */
	uint64_t id;			/* of a closed one */
	struct conn_origin origin;	/* of a closed one */
	struct join_place place;
	bool ambiguous; /* another open socket stands at the same place (in a recording without namespaces) */
	struct join_conn *peer; /* what join_table_peer() found, if `peer_changes` is the table's number */
	uint64_t peer_changes;
	struct join_namesakes *namesakes; /* NULL: it is not to be found by its addresses */
	struct join_conn *prev, *next;	  /* of the namesakes */
	struct join_item *waiting, *shown;
	size_t shown_count;
	UT_hash_handle hh, hh_place;
};

struct join_table {
	struct join_conn *by_facts, *by_place;
	struct join_namesakes *by_addresses;
	uint64_t changes;	 /* connections that came, closed or went so far */
	struct join_items items; /* of all connections */
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
struct join_conn *join_table_peer(const struct join_table *table, struct join_conn *conn);
/* The connection closed: its facts are not followed any more, and only its addresses lead to it. */
void join_table_close(struct join_table *table, struct join_conn *conn);
/* Frees it with its items, of which none waits. */
void join_table_remove(struct join_table *table, struct join_conn *conn);

#endif
