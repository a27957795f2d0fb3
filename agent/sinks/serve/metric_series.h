/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label sets and what was counted under each: few of very many. Those that come most often have a place
 * (frequent.h), so that a scanner that makes new ones all day takes none from the real ones; what has no
 * place is counted in the series of the rest. A label set is kept as the text that it is written as.
 *
 * A series that loses its place goes away as a whole, for who collects has read it: added to the rest it
 * would be counted twice. One that nobody read yet is added to the rest. limit.series counts what has no
 * series of its own, and what came to one since it was read last.
 */
#ifndef HARK_METRIC_SERIES_H
#define HARK_METRIC_SERIES_H

#include "metric_histogram.h"
#include "slice.h"

#include <stddef.h>
#include <stdint.h>

#define METRIC_MEASURES 3

struct metric_series {
	struct metric_histogram of[METRIC_MEASURES]; /* what each of them measures is its user's matter */
	size_t bytes;				     /* that they take besides, as last weighed */
	uint64_t unread;			     /* how often it came since it was read */
	bool read;				     /* metric_table_each() showed it */
};

struct metric_table;

/* limit, bytes_max (0: none): of series besides that of the rest. NULL: out of memory. */
struct metric_table *metric_table_new(size_t limit, size_t bytes_max, struct slice rest_labels);
void metric_table_free(struct metric_table *table); /* NULL is legal */

/*
 * The series of a label set that comes once more; that of the rest when it has no place (or no memory), which
 * limit.series counts. Never NULL; lives until the next call.
 */
struct metric_series *metric_table_find(struct metric_table *table, struct slice labels);

/* After something was added to a series of the table. */
void metric_table_weigh(struct metric_table *table, struct metric_series *series);

/* With that of the rest, once something is in it. */
size_t metric_table_count(const struct metric_table *table);
size_t metric_table_bytes(const struct metric_table *table); /* that they take */

/* Each series, in the order in which they came, the rest last. They count as read if `reads`. */
void metric_table_each(struct metric_table *table, bool reads,
		       void (*fn)(void *ctx, struct slice labels, const struct metric_series *series),
		       void *ctx);

#endif
