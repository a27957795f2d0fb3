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

struct stat_feed {
	struct stats *stats; /* whoever has the feed frees them */
	struct stats_options options;
	bool taking;	  /* what is open is being told */
	uint64_t next_ns; /* of the next draw; 0: not known yet */
};

/* The feed is all zero; options: NULL for a table of endpoints by count. 0 or -ENOMEM. */
int stat_feed_init(struct stat_feed *feed, const struct stats_options *options);

/* The functions of a sink. */
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
};

/*
 * Around a draw. begin says what it covers, the interval or at the end the run, and gets the rows that have
 * anything in it, sorted, --top of them (the overflow is one more). When memory is out, which is counted,
 * rows or latencies are missing; counts are right. end frees the rows.
 */
enum stats_window stat_feed_draw_begin(struct stat_feed *feed, bool last, struct stat_rows *rows);
void stat_feed_draw_end(struct stat_feed *feed, struct stat_rows *rows);

#endif
