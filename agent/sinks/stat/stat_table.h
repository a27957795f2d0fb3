/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers as a table for people, as wide as the terminal: first the columns that say least go. */
#ifndef HARK_STAT_TABLE_H
#define HARK_STAT_TABLE_H

#include "base/buffer.h"
#include "sinks/line_text.h"
#include "stat_feed.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A line about the time it covers, the titles, and a line for each row. When style->columns is 0, every
 * column is there and no name is cut.
 */
void stat_table_put(struct buffer *text, struct style *style, const struct stat_feed *feed,
		    enum stats_window window, const struct stat_rows *rows);

/* A row's key, escaped: "GET  example.com/v1/{id}", "nginx[12]", "10.0.0.1:80", … */
void stat_name_put(struct buffer *text, const struct style *style, enum stats_by by,
		   const struct stats_row *row);

/* "12.3": fewer digits behind the point the larger the value is. */
void stat_put_rate(struct buffer *text, double value);

#endif
