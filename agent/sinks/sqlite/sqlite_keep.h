/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --keep: what is older than an age goes, and of what is more than a size the oldest. Each turn takes away a
 * bounded number of rows, at least twice what it added; the pages are used again, or given back a few at a
 * time.
 */
#ifndef HARK_SQLITE_KEEP_H
#define HARK_SQLITE_KEEP_H

#include "history/history_file.h"
#include "sinks/sink.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite_keep;

/* NULL: the reason was reported. */
struct sqlite_keep *sqlite_keep_new(const struct history_file *file, const struct sink_config *config,
				    int64_t run);
void sqlite_keep_free(struct sqlite_keep *keep); /* NULL is legal */

/*
 * Takes away what is too old at now_us, or too much, within the open transaction, which added so many rows.
 * SQLite's error, or 0 and the rows that went in *pruned.
 */
int sqlite_keep_turn(struct sqlite_keep *keep, int64_t now_us, uint64_t added, uint64_t *pruned);

/* Is more to be taken away than the last turn could? */
bool sqlite_keep_is_under_way(const struct sqlite_keep *keep);

/* When something is to be taken away though nothing is added, after the last turn; UINT64_MAX: never. */
uint64_t sqlite_keep_wait_ns(const struct sqlite_keep *keep);

#endif
