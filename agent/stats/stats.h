/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of `hark stat`, `hark top` and `hark watch --summary`: exchanges
 * grouped by a key, one row a group, for the whole run, for the last 10 s and
 * 60 s, and since an interval began.
 *
 * An exchange seen from both ends (exchange->join) counts once: the server's
 * figures, with the client's duration beside them. A client's end that was
 * counted before anybody knew of the server's stays, and the server's end
 * then counts for nothing. Where the key is one end's own (process, peer,
 * connection, container, pod, unit) both ends count, each in its own row.
 */
#ifndef HARK_STATS_H
#define HARK_STATS_H

#include "histogram.h"
#include "model/conn_facts.h"
#include "model/container.h"
#include "model/exchange.h"
#include "routes/routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stats_by {
	BY_ENDPOINT,
	BY_HOST,
	BY_PATH,
	BY_PROCESS,
	BY_PEER,
	BY_STATUS,
	BY_CONNECTION,
	BY_TRACE,
	BY_CONTAINER,
	BY_POD,
	BY_UNIT,
	BY_FACT, /* what bodies say, by the name of the fact: it is none of stats_by_name()'s */
};

enum stats_window {
	WINDOW_RUN, /* everything */
	WINDOW_10S,
	WINDOW_60S,
	WINDOW_COUNT,
	WINDOW_INTERVAL = WINDOW_COUNT, /* since stats_interval_begin(); none that people choose */
};

struct stats_numbers {
	/*
	 * A connection that was closed too early is no error of its
	 * own: only its reset is known to be one.
	 */
	uint64_t count, errors_4xx, errors_5xx, errors_reset, errors_timeout, errors_grpc, closed;
	uint64_t errors_query;			/* statements that ended with an error */
	uint64_t grpc;				/* calls of gRPC that ended with a status */
	uint64_t errors;			/* exchanges with at least one of them */
	uint64_t request_bytes, response_bytes; /* of bodies, on the wire */
	uint64_t told_tokens, input_tokens,
		output_tokens;		 /* of so many calls of models, those that are known */
	struct histogram duration, ttfb; /* of those whose time is known */
	struct histogram client;	 /* of joined ones: how long it took for the client */
};

/*
 * The key of a row, and its numbers; strings are as observed (escape them) but cut after STATS_NAME_MAX
 * bytes, NULL: not known or not part of the key.
 */
#define STATS_NAME_MAX 1024

struct stats_row {
	const char *host, *method, *route; /* BY_ENDPOINT; host: BY_HOST too */
	const char *path;		   /* BY_PATH */
	const char *program;		   /* BY_PROCESS: its executable, else */
	bool program_is_comm;		   /* the name of the thread that was seen first */
	uint32_t pid;
	/*
	 * BY_CONTAINER: id, beside it the name; BY_POD: name, beside it the namespace; BY_UNIT: the unit.
	 * Which of a container's names those are says stats_place().
	 */
	const char *place, *beside;
	const char *operation; /* BY_ENDPOINT: what its body asks for (hark.operation) */
	const char *fact;      /* BY_FACT: its value */
	const char *trace;     /* BY_TRACE: its id, or */
	bool trace_is_request; /* that of a request, where no trace is named */
	int status;	       /* BY_STATUS; 0: none was seen */
	/*
	 * BY_CONNECTION, BY_PEER: of the last exchange, without the owner's container. sock.peer is the key
	 * of BY_PEER, with sock.peer_port where the peer is a server; else that is 0: a client's says
	 * nothing.
	 */
	struct conn_facts conn;
	bool overflow; /* the rest: `folded` groups at least */
	uint64_t folded;
	uint64_t in_flight;	  /* as of stats_in_flight_begin(); a row may have nothing else yet */
	struct stats_numbers run; /* the windows are asked for: stats_window() */
	void *data;		  /* the user's; NULL at first */
	struct stats_private *private;
};

struct budget;

struct stats_config {
	enum stats_by by;
	const char *fact;      /* BY_FACT: its name; borrowed */
	size_t limit;	       /* rows; 0: 1,000 */
	struct budget *budget; /* of which they take an eighth at most; NULL: no limit */
	bool no_windows;       /* nobody asks for the last 10 s and 60 s: saves most of the memory */
	const struct routes_config *routes; /* patterns and folding; its callbacks are ours. NULL: none */
	/* Two rows became one: from->data is the user's to add to into->data; either may be NULL. May be
	 * NULL. */
	void (*merge)(void *ctx, struct stats_row *into, struct stats_row *from);
	void (*release)(void *ctx, struct stats_row *row); /* by stats_free(); may be NULL */
	void *ctx;
};

struct stats;

struct stats *stats_new(const struct stats_config *config); /* NULL: out of memory */
void stats_free(struct stats *stats);			    /* NULL is legal */

/* "endpoint", "host", …; what has a dot is a fact's name: 0, or -EINVAL. */
int stats_by_of(const char *name, enum stats_by *by);
const char *stats_by_name(enum stats_by by); /* NULL: behind the last */

/* The names of a container that are `place` and `beside` of a row; NULL: this key is none of containers. */
const enum container_name *stats_place(enum stats_by by);

/*
 * Counts an exchange that ended. Of a joined one (exchange->join, see exchange.h) both ends are passed, it
 * counts as said above. One that only hark's own end ended (FLAG_IN_FLIGHT) does not count: it is in flight.
 * The row lives until the next call of this or of stats_in_flight(). Never NULL.
 */
struct stats_row *stats_exchange(struct stats *stats, const struct exchange *exchange);
/* Whose figures stats_exchange() counts: the exchange's own or its other end's; NULL: it does not count. */
const struct exchange *stats_figures(enum stats_by by, const struct exchange *exchange);

/* Event time goes on: windows move. */
void stats_tick(struct stats *stats, uint64_t now_ns);

/*
 * Counts the exchanges that are open now: begin forgets, then each open exchange is passed (exchange->pending
 * is set).
 */
void stats_in_flight_begin(struct stats *stats);
void stats_in_flight(struct stats *stats, const struct exchange *exchange);

/* An interval begins now: WINDOW_INTERVAL is empty from here on. Until it is called first, it is the run. */
void stats_interval_begin(struct stats *stats);

/* Event time of the last exchange or tick; 0: there was none. */
uint64_t stats_now_ns(const struct stats *stats);
/* Event time from the first exchange (or tick) to now; what rates are divided by. A window's is what it
 * covers just now: up to a tenth less than 10 s, up to a sixth less than 60 s. */
uint64_t stats_span_ns(const struct stats *stats, enum stats_window window);
/* The numbers of a row in a window, put together in *numbers (finish with stats_numbers_fini()). 0 or
 * -ENOMEM. */
int stats_window(const struct stats *stats, const struct stats_row *row, enum stats_window window,
		 struct stats_numbers *numbers);
void stats_numbers_fini(struct stats_numbers *numbers);
/* The same without latencies, but for duration's count, sum and largest: cheap, and nothing to finish. */
void stats_window_counts(const struct stats *stats, const struct stats_row *row, enum stats_window window,
			 struct stats_numbers *numbers);
/* 0, or -ENOMEM: the counts are whole, the latencies not. */
int stats_numbers_merge(struct stats_numbers *into, const struct stats_numbers *from);
/* A second's share of count; 0 when there is no span. */
double stats_rate(uint64_t count, uint64_t span_ns);

size_t stats_count(const struct stats *stats);
/* Each row, unordered; the overflow is one of them. */
void stats_each(struct stats *stats, void (*fn)(void *ctx, struct stats_row *row), void *ctx);

/* The names of --sort and of top's columns. */
enum stats_sort {
	SORT_COUNT,
	SORT_RATE,
	SORT_IN_FLIGHT,
	SORT_ERRORS, /* all kinds */
	SORT_P50,
	SORT_P90,
	SORT_P99,
	SORT_P999,
	SORT_MAX,
	SORT_TTFB,  /* its p50 */
	SORT_TOTAL, /* of all durations together */
	SORT_REQUEST_BYTES,
	SORT_RESPONSE_BYTES,
	SORT_NAME, /* the key */
	SORT_COLUMNS,
};
/* "count", "p99.9", …: 0, or -EINVAL. */
int stats_sort_of(const char *name, enum stats_sort *sort);
const char *stats_sort_name(enum stats_sort sort); /* NULL: behind the last */

/*
 * The rows in order (largest first, SORT_NAME upwards; the overflow always last): *rows is an array of
 * *count borrowed pointers, to be freed. 0 or -ENOMEM.
 */
int stats_sorted(struct stats *stats, enum stats_sort column, bool reverse, enum stats_window window,
		 struct stats_row ***rows, size_t *count);

#endif
