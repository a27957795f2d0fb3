/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All exchanges together, second by second of event time: the totals of the
 * title and the two sparklines. A pause in a recording is passed over quickly.
 */
#ifndef HARK_TOP_HISTORY_H
#define HARK_TOP_HISTORY_H

#include "stats/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_HISTORY_SECONDS 240
#define TOP_HISTORY_WINDOW  60 /* seconds of which the latencies are kept */

struct top_second {
	uint64_t count, errors;
	uint64_t p99_ns; /* once the second is over */
};

struct top_history { /* all zero: empty */
	struct top_second seconds[TOP_HISTORY_SECONDS];
	struct histogram latencies[TOP_HISTORY_WINDOW];
	struct histogram run;
	uint64_t count, errors;
	uint64_t first_ns, now_ns;
	bool begun;
};

struct top_totals {
	uint64_t count, errors, span_ns;
	uint64_t p50_ns, p99_ns; /* 0: not known */
};

void top_history_fini(struct top_history *history);

/* Event time goes on; one that lies before is passed over. */
void top_history_tick(struct top_history *history, uint64_t now_ns);
/* An exchange that ended now. ns: how long it took, when that is known. */
void top_history_add(struct top_history *history, bool error, bool known, uint64_t ns);

void top_history_totals(const struct top_history *history, enum stats_window window,
			struct top_totals *totals);

/* Of the last count whole seconds, the oldest first: exchanges, and p99 in ns. 0 where there was nothing. */
void top_history_values(const struct top_history *history, size_t count, uint64_t *rates, uint64_t *p99s);

#endif
