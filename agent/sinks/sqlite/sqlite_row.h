/* SPDX-License-Identifier: Apache-2.0 */
/* A row on its way into a table: columns are set in any order, those that are not stay NULL. */
#ifndef HARK_SQLITE_ROW_H
#define HARK_SQLITE_ROW_H

#include "base/buffer.h"
#include "history/history_file.h"

#include <stdint.h>

#define SQLITE_ROW_TEXTS 40

struct sqlite_row { /* all zero: usable */
	sqlite3_stmt *statement;
	struct buffer text; /* of all its texts, which are bound when no more is added */
	struct {
		int column;
		size_t start, len;
	} texts[SQLITE_ROW_TEXTS];
	size_t text_count;
};

void sqlite_row_fini(struct sqlite_row *row);
void sqlite_row_begin(struct sqlite_row *row, sqlite3_stmt *statement);
/* SQLite's error, or 0: the row is in the table. */
int sqlite_row_end(struct sqlite_row *row);

void sqlite_row_integer(struct sqlite_row *row, int column, uint64_t value);
/* What was observed, as escape_column() has it; data NULL: the column stays NULL. */
void sqlite_row_text(struct sqlite_row *row, int column, struct slice bytes);
/* A text of ours, which lives until the row's end; NULL: the column stays NULL. */
void sqlite_row_own(struct sqlite_row *row, int column, const char *text);

/* For text that the caller puts into row->text himself: from `start`, its length then, on. */
void sqlite_row_written(struct sqlite_row *row, int column, size_t start);

#endif
