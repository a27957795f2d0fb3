/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the views of the numbers: counting, the time of draws, and the rows to show in their order. */
#ifndef HARK_STAT_FEED_H
#define HARK_STAT_FEED_H

#include "sinks/sink.h"
#include "stats/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat_feed {
	struct stats *stats;
	struct stats_options options;
	bool taking;	  /* what is open is being told */
	uint64_t next_ns; /* of the next draw; 0: not known yet */
};

/* options: NULL for a table of endpoints by count. 0 or -ENOMEM. */
int stat_feed_init(struct stat_feed *feed, const struct stats_options *options);
void stat_feed_fini(struct stat_feed *feed);

/* The functions of a sink. */
void stat_feed_exchange(struct stat_feed *feed, const struct exchange *exchange);
bool stat_feed_tick(struct stat_feed *feed, uint64_t now_ns);
void stat_feed_in_flight(struct stat_feed *feed, const struct exchange *exchange);
/* Around a draw; begin says what it covers: the interval, or at the end the run. */
enum stats_window stat_feed_draw_begin(struct stat_feed *feed, bool last);
void stat_feed_draw_end(struct stat_feed *feed);

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
};

/* The rows that have anything in the window, sorted, --top of them (the overflow is one more). Counts are
 * right also when memory is out for latencies. 0 or -ENOMEM. */
int stat_rows_get(struct stats *stats, const struct stats_options *options, enum stats_window window,
		  struct stat_rows *rows);
void stat_rows_fini(struct stat_rows *rows);

#endif
