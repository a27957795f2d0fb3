/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text waits for its last row: only then are the widths of the columns known. What is longer than the
 * terminal is cut in the widest of them.
 */
#include "query_print.h"

#include "ascii.h"
#include "base/buffer.h"
#include "base/escape.h"
#include "sinks/text_width.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX    4096 /* bytes of a cell that text shows */
#define COLUMNS_MAX 200	 /* SQL has more, and no terminal */
#define TABLE_MAX   (64 << 20)
#define GAP	    2
#define NARROWEST   8  /* a column that is cut keeps so much */
#define TO_SECONDS  20 /* 2026-01-02T03:04:05… */

static struct slice cell_bytes(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite.column_blob(statement, column);
	int len = sqlite.column_bytes(statement, column);

	return slice_of(data ? data : "", data && len > 0 ? (size_t)len : 0);
}

/* What hark wrote was made harmless then; what SQL made is now. Backslashes stay what they are. */
static void put_harmless(struct buffer *out, struct slice bytes, bool utf8)
{
	while (bytes.len) {
		size_t n = escape_utf8_harmless(bytes);

		if (n == 1 || (n && utf8)) {
			buffer_put(out, bytes.data, n);
		} else {
			n = 1;
			buffer_format(out, "\\x%02x", bytes.data[0]);
		}
		bytes = slice_drop(bytes, n);
	}
}

static void put_double(struct buffer *out, double value, const char *format, const char *none)
{
	if (isfinite(value))
		buffer_format(out, format, value);
	else
		buffer_string(out, none);
}

/* --- JSON and CSV: row by row ---------------------------------------------------------------------- */

static void put_json_cell(struct buffer *line, sqlite3_stmt *statement, int column)
{
	struct slice bytes;

	switch (sqlite.column_type(statement, column)) {
	case SQLITE_INTEGER:
		buffer_format(line, "%lld", (long long)sqlite.column_int64(statement, column));
		break;
	case SQLITE_FLOAT:
		put_double(line, sqlite.column_double(statement, column), "%.15g", "null");
		break;
	case SQLITE_TEXT:
		bytes = cell_bytes(statement, column);
		if (escape_utf8_is_text(bytes))
			escape_json_text(line, bytes);
		else
			escape_json(line, bytes);
		break;
	case SQLITE_BLOB:
		buffer_string(line, "{\"base64\":\"");
		escape_base64(line, cell_bytes(statement, column));
		buffer_string(line, "\"}");
		break;
	default:
		buffer_string(line, "null");
	}
}

static void put_json_row(struct buffer *line, sqlite3_stmt *statement, int columns)
{
	for (int i = 0; i < columns; i++) {
		buffer_char(line, i ? ',' : '{');
		escape_json(line, slice_of_string(sqlite.column_name(statement, i)));
		buffer_char(line, ':');
		put_json_cell(line, statement, i);
	}
	buffer_string(line, "}\n");
}

/* RFC 4180: a cell with a comma or a quote stands in quotes; a line feed became \x0a. */
static void put_csv_text(struct buffer *line, struct slice bytes)
{
	bool quoted = memchr(bytes.data, ',', bytes.len) || memchr(bytes.data, '"', bytes.len);

	if (!quoted) {
		put_harmless(line, bytes, true);
		return;
	}
	buffer_char(line, '"');
	for (size_t i = 0; i < bytes.len;) {
		const uint8_t *quote = memchr(bytes.data + i, '"', bytes.len - i);
		size_t end = quote ? (size_t)(quote - bytes.data) : bytes.len;

		put_harmless(line, slice_of(bytes.data + i, end - i), true);
		if (quote)
			buffer_string(line, "\"\"");
		i = end + (quote != NULL);
	}
	buffer_char(line, '"');
}

static void put_csv_row(struct buffer *line, sqlite3_stmt *statement, int columns)
{
	for (int i = 0; i < columns; i++) {
		if (i)
			buffer_char(line, ',');
		if (sqlite.column_type(statement, i) == SQLITE_FLOAT)
			put_double(line, sqlite.column_double(statement, i), "%.15g", "");
		else if (sqlite.column_type(statement, i) == SQLITE_BLOB)
			escape_base64(line, cell_bytes(statement, i));
		else
			put_csv_text(line, cell_bytes(statement, i));
	}
	buffer_string(line, "\r\n");
}

static void put_csv_head(struct buffer *line, sqlite3_stmt *statement, int columns)
{
	for (int i = 0; i < columns; i++) {
		if (i)
			buffer_char(line, ',');
		put_csv_text(line, slice_of_string(sqlite.column_name(statement, i)));
	}
	buffer_string(line, "\r\n");
}

/* --- text ------------------------------------------------------------------------------------------ */

struct cell {
	size_t start, len; /* in the table's text */
	size_t width;
};

struct table {
	struct buffer text;
	struct buffer cells; /* struct cell, row by row, the head first */
	int columns;
	bool right[COLUMNS_MAX]; /* all of its cells are numbers */
	bool times[COLUMNS_MAX]; /* all of them are times: 2026-01-02… */
	size_t widths[COLUMNS_MAX];
	bool utf8;
};

static void cell_end(struct table *table, int column, size_t start)
{
	struct cell cell = { .start = start, .len = table->text.len - start };

	if (!table->text.failed)
		cell.width = text_width(table->text.data + start, cell.len);
	if (cell.width > table->widths[column])
		table->widths[column] = cell.width;
	buffer_put(&table->cells, &cell, sizeof(cell));
}

static bool is_time(struct slice cell)
{
	size_t digits = 0;

	while (digits < cell.len && ascii_is_digit(cell.data[digits]))
		digits++;
	return digits == 4 && cell.len > 4 && cell.data[4] == '-';
}

static void put_text_cell(struct table *table, sqlite3_stmt *statement, int column)
{
	struct buffer *text = &table->text;
	size_t start = text->len;
	struct slice bytes;

	switch (sqlite.column_type(statement, column)) {
	case SQLITE_NULL:
		buffer_char(text, '-');
		break;
	case SQLITE_FLOAT:
		put_double(text, sqlite.column_double(statement, column), "%.3f", "-");
		break;
	case SQLITE_INTEGER:
		buffer_format(text, "%lld", (long long)sqlite.column_int64(statement, column));
		break;
	default:
		table->right[column] = false;
		bytes = cell_bytes(statement, column);
		table->times[column] &= is_time(bytes);
		put_harmless(text,
			     escape_utf8_trim(slice_take(bytes, bytes.len < CELL_MAX ? bytes.len : CELL_MAX)),
			     table->utf8);
	}
	buffer_room(text, 1); /* an empty cell has an address, too */
	cell_end(table, column, start);
}

static void table_head(struct table *table, sqlite3_stmt *statement)
{
	for (int i = 0; i < table->columns; i++) {
		size_t start = table->text.len;

		table->right[i] = true;
		table->times[i] = true;
		put_harmless(&table->text, slice_of_string(sqlite.column_name(statement, i)), table->utf8);
		cell_end(table, i, start);
	}
}

/* The one that may be cut and is the widest; -1: none. */
static int column_widest(const struct table *table, bool firm)
{
	int widest = -1;

	for (int i = 0; i < table->columns; i++)
		if ((firm || !(table->right[i] || table->times[i])) && table->widths[i] > NARROWEST &&
		    (widest < 0 || table->widths[i] > table->widths[widest]))
			widest = i;
	return widest;
}

/* What there is no room for give times down to their seconds, then the widest columns, numbers and times
 * last. */
static void table_fit(struct table *table, size_t room)
{
	size_t sum = (size_t)(table->columns - 1) * GAP;

	for (int i = 0; i < table->columns; i++)
		sum += table->widths[i];
	for (int i = 0; i < table->columns && room; i++)
		for (; table->times[i] && !table->right[i] && table->widths[i] > TO_SECONDS && sum > room;
		     sum--)
			table->widths[i]--;
	while (room && sum > room) {
		int widest = column_widest(table, false);

		if (widest < 0)
			widest = column_widest(table, true);
		if (widest < 0)
			return;
		table->widths[widest]--;
		sum--;
	}
}

static void put_spaces(struct buffer *line, size_t count)
{
	while (count-- > 0)
		buffer_char(line, ' ');
}

static void put_line(const struct table *table, const struct cell *cells, struct buffer *line)
{
	for (int i = 0; i < table->columns; i++) {
		size_t start, width = table->widths[i], taken = cells[i].width;

		if (table->right[i] && taken < width)
			put_spaces(line, width - taken);
		start = line->len;
		buffer_put(line, table->text.data + cells[i].start, cells[i].len);
		if (taken > width && !line->failed) {
			(table->times[i] && !table->right[i] ? text_cut_end : text_cut_middle)(
				line, start, width, table->utf8);
			taken = text_width(line->data + start, line->len - start);
		}
		if (i == table->columns - 1)
			break;
		if (!table->right[i] && taken < width)
			put_spaces(line, width - taken);
		put_spaces(line, GAP);
	}
	while (line->len && line->data[line->len - 1] == ' ')
		line->len--;
	buffer_char(line, '\n');
}

static int table_write(struct table *table, size_t room)
{
	const struct cell *cells = (const struct cell *)(const void *)table->cells.data;
	size_t count = table->cells.len / sizeof(*cells);
	struct buffer line = { .data = NULL };
	int error = table->text.failed || table->cells.failed ? SQLITE_NOMEM : 0;

	table_fit(table, room);
	for (size_t i = 0; i < count && !error; i += (size_t)table->columns) {
		put_line(table, cells + i, &line);
		error = line.failed ? SQLITE_NOMEM : 0;
		buffer_write(&line, stdout);
	}
	buffer_fini(&line);
	return error;
}

/* --- all of it ----------------------------------------------------------------------------------------- */

static int print_lines(sqlite3_stmt *statement, const struct query_config *config, uint64_t limit,
		       uint64_t *rows, bool *more)
{
	int columns = sqlite.column_count(statement), error;
	struct buffer line = { .data = NULL };

	if (config->format == QUERY_CSV)
		put_csv_head(&line, statement, columns);
	while ((error = sqlite.step(statement)) == SQLITE_ROW) {
		*more = *rows == limit;
		if (*more)
			break;
		++*rows;
		if (config->format == QUERY_CSV)
			put_csv_row(&line, statement, columns);
		else
			put_json_row(&line, statement, columns);
		if (line.failed) {
			error = SQLITE_NOMEM;
			break;
		}
		buffer_write(&line, stdout);
		if (ferror(stdout))
			break;
	}
	buffer_write(&line, stdout);
	buffer_fini(&line);
	return error == SQLITE_DONE || error == SQLITE_ROW ? 0 : error;
}

static int print_table(sqlite3_stmt *statement, const struct query_config *config, uint64_t limit,
		       uint64_t *rows, bool *more)
{
	struct table *table = calloc(1, sizeof(*table));
	int error;

	if (!table)
		return SQLITE_NOMEM;
	table->columns = sqlite.column_count(statement);
	table->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (table->columns > COLUMNS_MAX)
		table->columns = COLUMNS_MAX;
	table_head(table, statement);
	while ((error = sqlite.step(statement)) == SQLITE_ROW) {
		*more = *rows == limit;
		if (*more)
			break;
		++*rows;
		for (int i = 0; i < table->columns; i++)
			put_text_cell(table, statement, i);
		*more = table->text.len > TABLE_MAX;
		if (*more)
			break;
		if (table->text.failed || table->cells.failed)
			break;
	}
	if (error == SQLITE_DONE || error == SQLITE_ROW)
		error = *rows ? table_write(table, config->columns) : 0;
	buffer_fini(&table->text);
	buffer_fini(&table->cells);
	free(table);
	return error;
}

int query_print(sqlite3_stmt *statement, const struct query_config *config, uint64_t *rows, bool *more)
{
	uint64_t limit = config->rows ? config->rows : config->format == QUERY_TEXT ? QUERY_ROWS : UINT64_MAX;

	*rows = 0;
	*more = false;
	if (config->format == QUERY_TEXT)
		return print_table(statement, config, limit, rows, more);
	return print_lines(statement, config, limit, rows, more);
}
