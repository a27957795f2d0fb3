/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `hark top` keeps of exchanges, all of it bounded: the last ones (the
 * live list), the slowest of each row, and of each connection its last ones as
 * bars. A record is shared by those that show it. Its headers are kept while
 * there is room and not too many come; else only what a filter or a row needs
 * of them: busy machines must not pay for what nobody looks at.
 */
#ifndef HARK_TOP_RECORD_H
#define HARK_TOP_RECORD_H

#include "exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define TOP_LIVE_MAX	 2048	     /* exchanges of the live list */
#define TOP_SLOWEST_MAX	 10	     /* of a row */
#define TOP_RECORDS_MAX	 20000	     /* of all rows and lists */
#define TOP_HEADERS_MAX	 (8u << 10)  /* bytes of one message's headers */
#define TOP_HEADERS_ALL	 (16u << 20) /* of all of them */
#define TOP_HEADERS_RATE 500	     /* exchanges a second whose headers are kept; slow ones besides */
#define TOP_URL_MAX	 512
#define TOP_CONNS_MAX	 1024
#define TOP_BARS_MAX	 64 /* of a connection */
#define TOP_BAR_LABEL	 40

struct top_bar {
	uint64_t serial;		     /* of the record */
	uint64_t start_ns, first_ns, end_ns; /* 0: not known */
	uint32_t key;			     /* HTTP/2 stream */
	int status;			     /* 0: none */
	bool pending;
	char label[TOP_BAR_LABEL]; /* method and path as observed, NUL-terminated */
};

struct top_conn {
	struct conn_facts facts; /* of its last sign */
	unsigned int users;	 /* the table is one */
	uint64_t exchanges, errors, max_ns, in_flight;
	uint64_t matched; /* exchanges that pass the filter on the screen */
	struct top_bar *bars;
	size_t bar_count, bar_capacity, bar_next; /* a ring once it has TOP_BARS_MAX */
	bool closed;
	struct top_conn *prev, *next; /* the longest unused first */
	UT_hash_handle hh;
};

struct top_record {
	struct exchange exchange;	  /* a copy; its messages are the record's, without bodies */
	struct message request, response; /* unless whole: what is shown of them in lists */
	struct header headers[4];
	bool whole; /* exchange.request and response are copies with headers */
	size_t headers_bytes;
	uint64_t serial;
	unsigned int users;
	struct top_conn *conn; /* NULL: memory was out */
	char text[];
};

/* The slowest exchanges of a row, in no order; hangs on the row. */
struct top_slowest {
	struct top_record *items[TOP_SLOWEST_MAX];
	size_t count;
	size_t fastest; /* of them, when it is full */
};

struct top_kept {
	struct top_record *live[TOP_LIVE_MAX]; /* a ring */
	size_t live_count, live_next;
	struct top_conn *conns, *conn_list;
	uint64_t conns_forgotten;
	uint64_t serial;
	size_t records, headers_bytes;
	uint64_t second; /* of the allowance below */
	unsigned int headers_left;
};

void top_kept_fini(struct top_kept *kept);

/* A record of an exchange with one use. slow: its headers are wanted in any case. NULL: no room or memory. */
struct top_record *top_record_new(struct top_kept *kept, const struct exchange *exchange, bool slow);
static inline struct top_record *top_record_use(struct top_record *record)
{
	record->users++;
	return record;
}
void top_record_drop(struct top_kept *kept, struct top_record *record); /* NULL is legal */

/* Into the live list, which uses it then; the oldest leaves. */
void top_live_add(struct top_kept *kept, struct top_record *record);
/* The i-th of live_count, the oldest first. */
struct top_record *top_live_at(const struct top_kept *kept, size_t i);

bool top_slowest_wants(const struct top_slowest *slowest, const struct exchange *exchange);
void top_slowest_add(struct top_kept *kept, struct top_slowest *slowest, struct top_record *record);
/* All of `from` that belong there go to `into`, which may be full; from is freed. */
void top_slowest_merge(struct top_kept *kept, struct top_slowest *into, struct top_slowest *from);
void top_slowest_free(struct top_kept *kept, struct top_slowest *slowest); /* NULL is legal */

/* The connection of this number, made when it is new, as the last used. NULL: out of memory. */
struct top_conn *top_conn_get(struct top_kept *kept, const struct conn_facts *facts);
void top_conn_drop(struct top_conn *conn); /* NULL is legal */
/* An exchange on it ended. */
void top_conn_count(struct top_conn *conn, const struct exchange *exchange, uint64_t serial, bool error);
/* The i-th of bar_count, the oldest first. */
const struct top_bar *top_conn_bar(const struct top_conn *conn, size_t i);
void top_bar_of(struct top_bar *bar, const struct exchange *exchange, uint64_t serial);

#endif
