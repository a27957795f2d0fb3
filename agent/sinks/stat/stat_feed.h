/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the views of the numbers: counting, the time of draws, and the rows to show in their order. A
 * feed is the first member of their struct sink, so that these functions stand in their tables as they are.
 */
#ifndef HARK_STAT_FEED_H
#define HARK_STAT_FEED_H

#include "base/buffer.h"
#include "sinks/sink.h"
#include "stats/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serving;

struct stat_feed {
	struct stats *stats;
	struct stats_options options;
	bool taking;		      /* what is open is being told */
	uint64_t next_ns;	      /* of the next draw; 0: not known yet */
	uint64_t lost;		      /* losses_sum() at the last draw */
	struct serving *serving;      /* --outermost; else NULL */
	uint64_t inner, inner_before; /* left out by it: in all, and up to the last draw */
};

/* The feed is all zero; options: NULL for a table of endpoints by count. 0 or -ENOMEM. */
int stat_feed_init(struct stat_feed *feed, const struct stats_options *options);

void stat_feed_fini(struct stat_feed *feed);

/* Is the exchange left out (--outermost, or none of those that count)? It is counted then. */
bool stat_feed_leaves_out(struct stat_feed *feed, const struct exchange *exchange);

/* The functions of a sink. */
void stat_feed_opened(struct sink *sink, const struct result *result);
void stat_feed_exchange(struct sink *sink, const struct result *result);
bool stat_feed_tick(struct sink *sink, uint64_t now_ns);
uint64_t stat_feed_due_ns(const struct sink *sink);
void stat_feed_in_flight(struct sink *sink, const struct result *result);

/* "12.30", rounded; printf would write the locale's decimal sign. digits: behind it, 3 at most. */
void stat_put_decimal(struct buffer *text, double value, unsigned int digits);

struct stat_item {
	struct stats_row *row; /* borrowed from the stats */
	struct stats_numbers numbers;
};

struct stat_rows {
	struct stat_item *items;
	size_t count;
	struct stats_numbers total; /* of all rows, also of those that are left out */
	uint64_t in_flight;	    /* of all */
	size_t left_out;	    /* by --top */
	uint64_t left_out_exchanges;
	bool lost;	/* hark lost something meanwhile: the numbers may miss it */
	uint64_t inner; /* left out by --outermost */
};

/*
 * Around a draw. begin says what it covers, the interval or at the end the run, and gets the rows that have
 * anything in it, sorted, --top of them (the overflow is one more). When memory is out, which is counted,
 * rows or latencies are missing; counts are right. end frees the rows.
 */
enum stats_window stat_feed_draw_begin(struct stat_feed *feed, bool last, struct stat_rows *rows);
void stat_feed_draw_end(struct stat_feed *feed, struct stat_rows *rows);

#endif
