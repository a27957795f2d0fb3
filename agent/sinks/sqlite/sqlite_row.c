/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_row.h"

#include "base/escape.h"

#include <assert.h>

void sqlite_row_fini(struct sqlite_row *row)
{
	buffer_fini(&row->text);
}

void sqlite_row_begin(struct sqlite_row *row, sqlite3_stmt *statement)
{
	row->statement = statement;
	row->text_count = 0;
	buffer_clear(&row->text);
	sqlite.clear_bindings(statement);
}

void sqlite_row_integer(struct sqlite_row *row, int column, uint64_t value)
{
	sqlite.bind_int64(row->statement, column, value < INT64_MAX ? (int64_t)value : INT64_MAX);
}

void sqlite_row_written(struct sqlite_row *row, int column, size_t start)
{
	assert(row->text_count < SQLITE_ROW_TEXTS);
	row->texts[row->text_count].column = column;
	row->texts[row->text_count].start = start;
	row->texts[row->text_count++].len = row->text.len - start;
}

void sqlite_row_text(struct sqlite_row *row, int column, struct slice bytes)
{
	size_t start = row->text.len;

	if (!bytes.data)
		return;
	escape_column(&row->text, bytes);
	sqlite_row_written(row, column, start);
}

void sqlite_row_own(struct sqlite_row *row, int column, const char *text)
{
	if (text)
		sqlite.bind_text(row->statement, column, text, -1, SQLITE_STATIC);
}

int sqlite_row_end(struct sqlite_row *row)
{
	int error = row->text.failed || row->text.len > INT32_MAX ? SQLITE_NOMEM : 0;

	for (size_t i = 0; i < row->text_count && !error; i++)
		/* An empty text is no NULL: the buffer may have no memory yet. */
		error = sqlite.bind_text(row->statement, row->texts[i].column,
					 row->texts[i].len ? row->text.data + row->texts[i].start : "",
					 (int)row->texts[i].len, SQLITE_STATIC);
	if (!error)
		error = sqlite.step(row->statement);
	sqlite.reset(row->statement);
	return error == SQLITE_DONE ? 0 : error;
}
