/* SPDX-License-Identifier: Apache-2.0 */
/* A row of the numbers in JSON: the line of `hark stat -o json`. What is not known is absent. */
#ifndef HARK_STAT_ROW_JSON_H
#define HARK_STAT_ROW_JSON_H

#include "sinks/json_writer.h"
#include "stats/stats.h"

#include <stdint.h>

/* What a row's numbers are seen against. */
struct stat_row_around {
	uint64_t span_ns;	   /* that they are of; 0: not known */
	uint64_t total_ns;	   /* of all rows' durations together; 0: nobody wants to know */
	const uint64_t *in_flight; /* NULL: not known */
	const char *by_fact;	   /* that rows are grouped by, whose key stands there already; NULL: none */
};

/* The keys of its key, then those of its numbers. */
void stat_row_json_key(struct json_writer *writer, const struct stats_options *options,
		       const struct stats_row *row);
void stat_row_json_numbers(struct json_writer *writer, const struct stats_numbers *numbers,
			   const struct stat_row_around *around);

#endif
