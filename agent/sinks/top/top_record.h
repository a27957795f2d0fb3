/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchanges that `hark top` keeps, all of it bounded: the last ones (the
 * live list), the slowest of each row, and of each connection its last ones as
 * bars. A record is shared by those that show it. More than people can read are
 * not listed: a busy machine must not pay for what nobody looks at.
 */
#ifndef HARK_TOP_RECORD_H
#define HARK_TOP_RECORD_H

#include "base/table.h"
#include "model/exchange.h"
#include "model/exchange_times.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_LIVE_MAX	2048	    /* exchanges of the live list */
#define TOP_LIVE_RATE	1000	    /* that come into it in a second of event time; the others are counted */
#define TOP_SLOWEST_MAX 10	    /* of a row */
#define TOP_HEADERS_MAX (8u << 10)  /* bytes of one message's headers */
#define TOP_BODY_MAX	(16u << 10) /* bytes of one message's body, with -vv */
#define TOP_SLOW_BYTES	(32u << 20) /* of all records: beyond it slow ones are not kept, */
#define TOP_ALL_BYTES	(48u << 20) /* beyond this one none is */
#define TOP_CONNS_MAX	1024
#define TOP_BARS_MAX	64 /* of a connection */
#define TOP_BAR_LABEL	40

struct top_bar {
	uint64_t serial; /* of the record */
	uint64_t start_ns;
	uint64_t ends_ns[PART_COUNT]; /* of the parts; 0: not known, or there is none */
	uint32_t key;		      /* HTTP/2 stream */
	int status;		      /* 0: none */
	bool pending;
	char label[TOP_BAR_LABEL]; /* method and path as observed, NUL-terminated */
};

struct top_conn { /* what each exchange touches stands together */
	uint64_t id;
	uint64_t used_ns;  /* event time of the last sign */
	uint64_t facts_ns; /* of the facts: they are not copied for each exchange of a busy one */
	uint64_t exchanges, errors, max_ns, in_flight;
	uint64_t matched; /* exchanges that pass the filter on the screen */
	struct top_bar *bars;
	size_t bar_count, bar_capacity, bar_next; /* a ring once it has TOP_BARS_MAX */
	UT_hash_handle hh;
	unsigned int users; /* the table is one */
	bool closed;
	struct top_conn *prev, *next; /* about the longest unused first */
	struct conn_facts facts;      /* of about its last sign */
};

struct top_record {
	struct exchange
		exchange; /* a copy; its messages are the record's, of their bodies at most the first part */
	uint64_t serial;
	size_t bytes;
	unsigned int users;
	struct top_conn *conn;
	bool fresh; /* the first exchange of a connection that was seen from its beginning */
};

/* Is the exchange the first of a connection that was seen from its beginning, as of when it is shown? */
static inline bool top_is_fresh(const struct exchange *exchange)
{
	return exchange->conn->exchanges == 1 && exchange->conn->opened_ns && !exchange->conn->existing;
}

/* The slowest exchanges of a row, in no order. */
struct top_slowest {
	struct top_record *items[TOP_SLOWEST_MAX];
	size_t count;
	size_t fastest;	     /* of them */
	uint64_t fastest_ns; /* 0 until it is full */
};

struct top_kept {
	struct top_record *live[TOP_LIVE_MAX]; /* a ring */
	size_t live_count, live_next;
	struct top_conn *conns, *conn_list;
	uint64_t conns_forgotten;
	uint64_t serial;
	size_t bytes;	     /* of all records */
	size_t body_max;     /* 0: bodies are not kept */
	uint64_t unlisted;   /* exchanges beyond TOP_LIVE_RATE */
	uint64_t allowed_ns; /* event time at which the allowance is used up; it grows to a second's */
};

void top_kept_fini(struct top_kept *kept);

/* May one more exchange be listed? Else it counts as unlisted. */
bool top_live_allows(struct top_kept *kept, uint64_t now_ns);

/* A record of an exchange with one use. slow: for a row, not for the live list. NULL: no room or memory. */
struct top_record *top_record_new(struct top_kept *kept, const struct exchange *exchange, bool slow);
static inline struct top_record *top_record_use(struct top_record *record)
{
	record->users++;
	return record;
}
void top_record_drop(struct top_kept *kept, struct top_record *record); /* NULL is legal */

/* The oldest leaves when the list is full: before a new record is made, so that there is room for that. */
void top_live_make_room(struct top_kept *kept);
/* Into the live list, which uses it then. */
void top_live_add(struct top_kept *kept, struct top_record *record);
/* The i-th of live_count, the oldest first. */
struct top_record *top_live_at(const struct top_kept *kept, size_t i);

static inline bool top_slowest_wants(const struct top_slowest *slowest, const struct exchange *exchange)
{
	return exchange->duration_known && exchange->duration_ns >= slowest->fastest_ns;
}
void top_slowest_add(struct top_kept *kept, struct top_slowest *slowest, struct top_record *record);
void top_slowest_clear(struct top_kept *kept, struct top_slowest *slowest);

/* The connection of this number, made when it is new. NULL: out of memory. */
struct top_conn *top_conn_get(struct top_kept *kept, const struct conn_facts *facts, uint64_t now_ns);
void top_conn_drop(struct top_conn *conn); /* NULL is legal */
/* An exchange on it ended. */
void top_conn_count(struct top_conn *conn, const struct exchange *exchange, uint64_t serial, bool error);
/* The i-th of bar_count, the oldest first. */
const struct top_bar *top_conn_bar(const struct top_conn *conn, size_t i);
void top_bar_of(struct top_bar *bar, const struct exchange *exchange, uint64_t serial);

#endif
