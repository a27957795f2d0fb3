/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last exchanges of a run, and the connections that they and others are on: what those look at who ask
 * later (hark mcp, hark serve). All of it is bounded, by number and by bytes, which are charged to the
 * budget; the oldest go first, and are counted. One that is kept can be asked about as when it came: by a
 * filter (filter_exchange(filter, &item->exchange)), as the JSON object of -o json, as a command for curl.
 *
 * Exchanges have numbers, from 1 on in the order in which they ended, never used twice: a reader that
 * remembers the last number that it saw goes on from there, and sees by the first one that is left how many
 * it missed.
 */
#ifndef HARK_RECENT_H
#define HARK_RECENT_H

#include "base/table.h"
#include "model/exchange.h"
#include "sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent;

struct recent_config {
	const struct sink_config *sink; /* redaction, clock, budget, routes; borrowed, with all that it points
					   to */
	size_t count_max;		/* exchanges; at least 1 */
	size_t bytes_max;		/* of exchanges; a quarter of the budget at most */
	bool redacted;	 /* secrets are overwritten in what is kept, bodies apart: filters do not find them
			    either */
	size_t body_max; /* bytes of each body, as it was sent; 0: none */
};

struct recent_conn {
	uint64_t id;		 /* facts.id */
	struct conn_facts facts; /* as of about its last sign */
	uint64_t facts_ns;	 /* when they were taken: not for each exchange of a busy one */
	uint64_t errors;	 /* of its exchanges, exchange_failed() */
	bool closed;
	unsigned int users; /* exchanges, and the table */
	UT_hash_handle hh;
	struct recent_conn *prev, *next; /* the longest without a sign first */
};

struct recent_item {
	uint64_t number;
	struct exchange exchange; /* conn: &its recent_conn.facts */
	struct recent_conn *conn;
	bool failed;   /* exchange_failed() */
	bool redacted; /* as recent_config wants it: recent_find() does it */
	size_t bytes;
};

/* Of the whole store. */
struct recent_figures {
	uint64_t first, last;	 /* numbers of the exchanges that are kept; first > last: there are none */
	uint64_t fell_out;	 /* exchanges that were kept and had to go */
	uint64_t lost;		 /* that could not be kept at all, for want of memory */
	uint64_t conns_fell_out; /* connections that had to go */
	size_t conn_count;
	size_t bytes; /* of all */
};

struct recent *recent_new(const struct recent_config *config); /* NULL: out of memory */
void recent_free(struct recent *recent);		       /* NULL is legal */

/* Keeps a copy. Its item as it came, not redacted, borrowed until the next call of one of these three; NULL:
 * lost (counted). */
const struct recent_item *recent_exchange(struct recent *recent, const struct exchange *exchange);
void recent_conn_opened(struct recent *recent, const struct conn_facts *facts);
void recent_conn_closed(struct recent *recent, const struct conn_facts *facts);

struct recent_figures recent_figures(const struct recent *recent);

/* By its number; NULL: it fell out, or there is none yet. From figures.first to .last each one is there. */
const struct recent_item *recent_find(struct recent *recent, uint64_t number);

/* The one that told the same from its other end (exchange.join), right before it; NULL: none did, or it fell
 * out. */
const struct recent_item *recent_find_first_end(struct recent *recent, const struct recent_item *item);

/* The connections, the one with the newest sign first: begin with conn NULL; NULL: that was the last. */
const struct recent_conn *recent_conn_next(const struct recent *recent, const struct recent_conn *conn);
const struct recent_conn *recent_conn_find(const struct recent *recent, uint64_t id);

/*
 * Append to *out, which is marked failed when memory is out: the object of -o json (verbose: 1 with header
 * fields, 2 with bodies), that of `hark conns -o json`, and the lines of curl_text.h (false: no command, for
 * the reason that they say).
 */
void recent_put_json(struct recent *recent, const struct recent_item *item, int verbose, struct buffer *out);
void recent_put_conn(struct recent *recent, const struct recent_conn *conn, struct buffer *out);
bool recent_put_curl(struct recent *recent, const struct recent_item *item, struct buffer *out);

#endif
