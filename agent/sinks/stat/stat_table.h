/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers as a table for people, as wide as the terminal: first the columns that say least go. */
#ifndef HARK_STAT_TABLE_H
#define HARK_STAT_TABLE_H

#include "base/buffer.h"
#include "sinks/line_text.h"
#include "stat_feed.h"

#include <stdbool.h>
#include <stddef.h>

#define STAT_COLUMNS 23

/* Of tables that follow each other (-i), no column gets narrower or goes; all zero at first. */
struct stat_widths {
	size_t columns[STAT_COLUMNS];
	bool used[STAT_COLUMNS]; /* of those that are left out while no row has anything in them */
};

/*
 * A line about the time it covers, one about what hark lost meanwhile, the titles, and a line for each row.
 * When style->columns is 0, every column is there and no name is cut. widths: NULL for a table of its own.
 */
void stat_table_put(struct buffer *text, struct style *style, const struct stat_feed *feed,
		    enum stats_window window, const struct stat_rows *rows, struct stat_widths *widths);

/* A row's key, escaped and redacted: "GET  example.com/v1/{id}", "nginx[12]", "10.0.0.1:80", … */
void stat_name_put(struct buffer *text, struct style *style, const struct stats_options *options,
		   const struct stats_row *row);

/* "12.3": fewer digits behind the point the larger the value is. */
void stat_put_rate(struct buffer *text, double value);

#endif
