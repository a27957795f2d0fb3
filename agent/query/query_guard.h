/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SQL of anybody may do to the file and to this process: read tables, and take so much time and memory.
 * A file's own views, whoever wrote it, have no more rights than that.
 */
#ifndef HARK_QUERY_GUARD_H
#define HARK_QUERY_GUARD_H

#include "history/history_file.h"

#include <stdint.h>

struct query_guard {
	uint64_t until_ns;  /* of clock_ns(): then what runs is interrupted */
	const char *denied; /* what was asked for and may not be, in words; NULL: nothing */
};

/* From now on; the guard lives as long as the file is open. 0, or SQLite's error. */
int query_guard_set(struct query_guard *guard, const struct history_file *file, uint64_t time_ns);

/* quantile(value, share): of an aggregate's numbers, in the error of a histogram (0.8 %). 0, or SQLite's
 * error. */
int query_quantile_add(const struct history_file *file);

#endif
