/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of stats. */
#ifndef HARK_STATS_PRIVATE_H
#define HARK_STATS_PRIVATE_H

#include "base/buffer.h"
#include "base/frequent.h"
#include "base/table.h"
#include "routes/known_request.h"
#include "stats.h"

#define WINDOW_SLOTS 16 /* of all windows */

struct stats_slot {
	uint64_t epoch; /* how many slots of its window since time began; + 1, so that 0 is never */
	struct stats_numbers numbers;
};

struct stats_windows {
	uint64_t last_ns; /* when something was added */
	struct stats_slot slots[WINDOW_SLOTS];
};

struct stats_private {
	struct stats_row row;
	struct frequent_item rank; /* but of endpoints, which have their own */
	struct stats_numbers interval;
	struct stats_windows *windows; /* NULL: nothing within a minute */
	size_t held_bytes;	       /* as counted in all rows' */
	/* Open exchanges whose other end is on this machine: both ends are passed, one of them counts. */
	uint64_t local_clients, local_servers;
	UT_hash_handle hh;
	size_t key_len;
	char key[]; /* a NUL follows; strings of the row point into it (endpoints' to the endpoint) */
};

struct stats {
	struct stats_config config; /* limit: never 0 */
	bool interval_wanted;
	struct routes *routes;	      /* BY_ENDPOINT: the rows hang on the endpoints */
	struct known_requests *known; /* BY_ENDPOINT */
	struct stats_private *rows;
	struct frequent frequent; /* of them */
	size_t held_bytes, charged_bytes;
	size_t row_count;		/* without the overflow */
	struct stats_private *overflow; /* always there: also for what has no memory */
	uint8_t *folded_seen;		/* a bit for a hash of a folded key; NULL: none yet */
	struct content_memo last_type;
	struct buffer key;     /* scratch */
	struct buffer address; /* scratch */
	uint64_t first_ns, now_ns, interval_ns, sweep_ns;
};

/* Is the key one end's own, so that both ends of a joined exchange count? */
static inline bool stats_by_end(enum stats_by by)
{
	return by == BY_PROCESS || by == BY_PEER || by == BY_CONNECTION || stats_place(by);
}

/*
 * stats_row.c: the row of an exchange, made when it is new; the overflow when it has no room. ended: the
 * exchange is to be counted, and speaks for its row to have one.
 */
int stats_rows_init(struct stats *stats);
void stats_rows_fini(struct stats *stats);
struct stats_private *stats_row_find(struct stats *stats, const struct exchange *exchange,
				     const struct content *content, bool ended);

/* stats_row.c: after the row counted something; its memory is looked at now and then. */
void stats_row_weigh(struct stats *stats, struct stats_private *row, bool now);
/* Least frequent rows go over into the overflow while all of them take too much. */
void stats_rows_shed(struct stats *stats);

/* stats_window.c */
size_t stats_row_memory(const struct stats_private *row);
/* The numbers that count now in a window, which is 10S or 60S. NULL: out of memory. */
struct stats_numbers *stats_window_now(struct stats_private *row, enum stats_window window, uint64_t now_ns);
void stats_windows_free(struct stats_private *row);
void stats_numbers_clear(struct stats_numbers *numbers);
/* All but latencies. */
void stats_numbers_merge_counts(struct stats_numbers *into, const struct stats_numbers *from);

#endif
