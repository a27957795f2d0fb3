/* SPDX-License-Identifier: Apache-2.0 */
#include "top_table.h"

#include "base/array.h"
#include "base/counters.h"
#include "sinks/line_text.h"

#include <inttypes.h>
#include <stdlib.h>

void top_table_init(struct top_table *table, const struct top_column *columns, size_t count)
{
	*table = (struct top_table){ .columns = columns, .column_count = count };
}

void top_table_fini(struct top_table *table)
{
	free(table->rows);
	buffer_fini(&table->names);
	*table = (struct top_table){ 0 };
}

void top_table_clear(struct top_table *table)
{
	table->count = 0;
	table->whole = 0;
	buffer_clear(&table->names);
	buffer_char(&table->names, '\0'); /* the text of a row that has none */
}

struct top_row *top_table_add(struct top_table *table, uint64_t id)
{
	struct top_row *rows = array_room(table->rows, table->count, &table->capacity, sizeof(*rows));

	if (!rows) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	table->rows = rows;
	table->rows[table->count] = (struct top_row){ .id = id };
	return &table->rows[table->count++];
}

size_t top_table_text(struct top_table *table, struct top_row *row, int text, size_t start)
{
	buffer_char(&table->names, '\0');
	row->texts[text] = table->names.failed ? 0 : start;
	return table->names.len;
}

static const char *row_text(const struct top_table *table, const struct top_row *row, int text)
{
	return table->names.len ? table->names.data + row->texts[text] : "";
}

/* --- order ----------------------------------------------------------------------- */

static int compare_rows(const void *one, const void *other, void *ctx)
{
	const struct top_row *a = one, *b = other;
	const struct top_table *table = ctx;
	const struct top_column *column = &table->columns[table->sort];
	/* TOP_UNKNOWN plus one is the smallest. */
	uint64_t value = a->values[table->sort] + 1, other_value = b->values[table->sort] + 1;
	int order;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (column->kind == TOP_TEXT)
		order = strcmp(row_text(table, a, column->text), row_text(table, b, column->text));
	else
		order = value < other_value ? -1 : value > other_value;
	if (order)
		return column->upwards != table->reverse ? order : -order;
	return a->id < b->id ? -1 : a->id > b->id;
}

void top_table_selection(struct top_table *table)
{
	if (!table->moved)
		table->selected = 0;
	for (size_t i = 0; table->moved && i < table->count; i++) {
		if (table->rows[i].id != table->selected_id)
			continue;
		table->selected = i;
		return;
	}
	if (table->count && table->selected >= table->count)
		table->selected = table->count - 1;
	if (table->count)
		table->selected_id = table->rows[table->selected].id;
}

void top_table_sort(struct top_table *table)
{
	if (table->count)
		qsort_r(table->rows, table->count, sizeof(*table->rows), compare_rows, table);
	top_table_selection(table);
}

void top_table_sort_step(struct top_table *table, int columns, int step)
{
	long at = (long)table->sort;

	do {
		at += step;
	} while (at >= 0 && at < (long)table->column_count && table->columns[at].from > columns);
	if (at < 0 || at >= (long)table->column_count)
		return;
	table->sort = (size_t)at;
	table->chosen = true;
	table->reverse = false;
	top_table_sort(table);
}

void top_table_reverse(struct top_table *table)
{
	table->reverse = !table->reverse;
	top_table_sort(table);
}

/* --- selection ------------------------------------------------------------------- */

void top_table_move(struct top_table *table, long rows)
{
	long at = (long)table->selected + rows;

	if (table->count == 0)
		return;
	if (at > (long)table->count - 1)
		at = (long)table->count - 1;
	table->selected = at < 0 ? 0 : (size_t)at;
	table->selected_id = table->rows[table->selected].id;
	table->moved = true;
}

void top_table_home(struct top_table *table)
{
	table->moved = false;
	top_table_selection(table);
}

void top_table_key(struct top_table *table, uint32_t key)
{
	long rows = top_screen_rows(key, table->page);

	if (key == TOP_KEY_HOME)
		top_table_home(table);
	else if (rows)
		top_table_move(table, rows);
}

bool top_table_find(struct top_table *table, const char *text, size_t skip)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t at = (table->selected + skip + i) % table->count;

		for (int j = 0; j < TOP_TEXTS_MAX; j++) {
			if (!strcasestr(row_text(table, &table->rows[at], j), text))
				continue;
			top_table_move(table, (long)at - (long)table->selected);
			return true;
		}
	}
	return false;
}

struct top_row *top_table_selected(const struct top_table *table)
{
	return table->count ? &table->rows[table->selected] : NULL;
}

/* --- drawing ----------------------------------------------------------------------- */

static void put_milli(struct buffer *text, uint64_t value)
{
	if (value < 100000)
		buffer_format(text, "%" PRIu64 ".%" PRIu64, value / 1000, value % 1000 / 100);
	else if (value < 10000000000)
		buffer_u64(text, value / 1000);
	else
		buffer_format(text, "%" PRIu64 "K", value / 1000000);
}

static void put_count(struct buffer *text, uint64_t value)
{
	if (value < 10000000)
		buffer_u64(text, value);
	else if (value < UINT64_C(10000000000))
		buffer_format(text, "%" PRIu64 ".%" PRIu64 "M", value / 1000000, value % 1000000 / 100000);
	else
		buffer_format(text, "%" PRIu64 "G", value / 1000000000);
}

static void put_tenths(struct buffer *text, uint64_t value)
{
	buffer_format(text, "%" PRIu64 ".%" PRIu64, value / 10, value % 10);
}

static uint64_t portion(uint64_t value, uint64_t whole)
{
	return whole ? (uint64_t)((double)value / (double)whole * 1000 + 0.5) : 0;
}

static void put_value(struct buffer *text, const struct top_table *table, struct wall_clock *clock,
		      enum top_kind kind, uint64_t value)
{
	if (value == TOP_UNKNOWN) {
		buffer_char(text, '-');
		return;
	}
	switch (kind) {
	case TOP_TEXT:
		break;
	case TOP_COUNT:
		put_count(text, value);
		break;
	case TOP_MILLI:
		put_milli(text, value);
		break;
	case TOP_SHARE:
		put_tenths(text, value);
		break;
	case TOP_PORTION:
		put_tenths(text, portion(value, table->whole));
		break;
	case TOP_LATENCY:
		line_put_latency(text, value);
		break;
	case TOP_SIZE:
		line_put_size(text, value);
		break;
	case TOP_TIME:
		wall_clock_local(text, clock, value);
		break;
	case TOP_STATUS:
		if (value)
			buffer_u64(text, value);
		else
			buffer_char(text, '?');
		break;
	}
}

static int column_width(const struct top_column *column, int left)
{
	if (column->width)
		return column->width < left ? column->width : left;
	return left > TOP_REST_MIN ? left : TOP_REST_MIN;
}

static bool is_left(const struct top_column *column)
{
	return column->kind == TOP_TEXT || column->kind == TOP_TIME;
}

static bool is_shown(const struct top_table *table, size_t column, int columns)
{
	return table->columns[column].from <= columns || (table->chosen && column == table->sort);
}

static void draw_titles(const struct top_table *table, struct top_screen *screen, int y)
{
	int x = 0;

	top_screen_fill(screen, y, 0, screen->columns, TOP_HEAD);
	for (size_t i = 0; i < table->column_count && x < screen->columns; i++) {
		const struct top_column *column = &table->columns[i];
		bool sorted = i == table->sort;
		enum top_style style = sorted ? TOP_HEAD_SORT : TOP_HEAD;
		int width = column_width(column, screen->columns - x), at = x;
		int used = (int)strlen(column->title) + sorted;

		if (!is_shown(table, i, screen->columns))
			continue;
		if (!is_left(column) && used < width)
			at += width - used;
		if (sorted)
			top_screen_string(screen, y, at++,
					  column->upwards != table->reverse ? (screen->utf8 ? "▲" : "^")
									    : (screen->utf8 ? "▼" : "v"),
					  style);
		top_screen_string(screen, y, at, column->title, style);
		x += width + 1;
	}
}

static void put_rails(struct buffer *text, const struct top_row *row, bool utf8)
{
	for (unsigned int level = 1; level < row->depth; level++)
		buffer_string(text, !(row->rails & UINT64_C(1) << level) ? "   " : utf8 ? "│  " : "|  ");
	if (row->depth)
		buffer_string(text, row->last ? (utf8 ? "└─ " : "`- ") : (utf8 ? "├─ " : "|- "));
}

static void draw_row(const struct top_table *table, const struct top_row *row, struct top_screen *screen,
		     struct wall_clock *clock, int y)
{
	struct buffer text = { 0 };
	int x = 0;

	top_screen_fill(screen, y, 0, screen->columns, TOP_PLAIN);
	for (size_t i = 0; i < table->column_count && x < screen->columns; i++) {
		const struct top_column *column = &table->columns[i];
		uint64_t value = row->values[i];
		bool classed = column->kind == TOP_STATUS || (column->kind == TOP_SHARE && value);
		int width = column_width(column, screen->columns - x), at = x;

		if (!is_shown(table, i, screen->columns))
			continue;
		buffer_clear(&text);
		if (column->kind == TOP_TEXT) {
			put_rails(&text, row, screen->utf8);
			buffer_string(&text, row_text(table, row, column->text));
		} else {
			put_value(&text, table, clock, column->kind, value);
		}
		if (!is_left(column) && (int)text.len < width)
			at += width - (int)text.len;
		top_screen_put(screen, y, at, x + width - at, slice_of(text.data, text.len),
			       row->dim	 ? TOP_DIM
			       : classed ? row->style
					 : TOP_PLAIN);
		x += width + 1;
	}
	buffer_fini(&text);
}

void top_table_view(struct top_table *table, size_t *from, size_t *to)
{
	if (table->first > table->selected)
		table->first = table->selected;
	if (table->page && table->selected >= table->first + table->page)
		table->first = table->selected - table->page + 1;
	if (table->first + table->page > table->count)
		table->first = table->count > table->page ? table->count - table->page : 0;
	*from = table->first;
	*to = table->first + table->page < table->count ? table->first + table->page : table->count;
}

void top_table_draw(struct top_table *table, struct top_screen *screen, struct wall_clock *clock, int y,
		    int lines)
{
	size_t from, to;

	table->page = lines > 1 ? (size_t)lines - 1 : 0;
	if (table->page == 0)
		return;
	top_table_view(table, &from, &to);
	draw_titles(table, screen, y);
	for (size_t i = from; i < to; i++) {
		screen->selected = i == table->selected;
		draw_row(table, &table->rows[i], screen, clock, y + 1 + (int)(i - from));
		screen->selected = false;
	}
}
