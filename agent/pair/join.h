/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange, seen from both ends: when client and server are both on this
 * machine, two sockets have mirrored addresses, and each gives an exchange.
 * They belong together by their stream (HTTP/2), or by order, request and time
 * (HTTP/1). The first waits for the other, a little while.
 */
#ifndef HARK_JOIN_H
#define HARK_JOIN_H

#include "model/conn_facts.h"
#include "model/exchange.h"

#include <stdbool.h>
#include <stdint.h>

struct budget;
struct join;

/* Shows an exchange; true: somebody wanted to see it. Borrowed for the call. */
typedef bool join_fn(void *ctx, const struct exchange *exchange);

/*
 * Exchanges that wait are charged to the budget, of which it takes a quarter at most; NULL: no limit. NULL:
 * out of memory.
 */
struct join *join_new(struct budget *budget, join_fn *fn, void *ctx);
/* Frees without showing; NULL is legal. */
void join_free(struct join *join);

/* A connection's facts are borrowed until join_conn_closed(). */
void join_conn_opened(struct join *join, const struct conn_facts *facts);
/* Exchanges of this connection that waited for their other end are shown. */
void join_conn_closed(struct join *join, const struct conn_facts *facts);

/* Shows the exchange, at once or when its other end came, or will not come. Takes its messages if it must
 * wait. */
void join_exchange(struct join *join, struct exchange *exchange);

/* The facts of a connection's other end, if that is on this machine and open. Borrowed; NULL: it is not, or
 * is not known (yet). */
const struct conn_facts *join_peer(struct join *join, const struct conn_facts *facts);

/* Fills in what is known of the other end. */
void join_view(struct join *join, struct exchange *exchange);

/* Event time went on. */
void join_poll(struct join *join, uint64_t now_ns);
/* Does anything wait for join_poll()? */
bool join_waits(const struct join *join);
/* Shows everything that waits. */
void join_end(struct join *join);

#endif
