/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table on the screen: columns by description, rows as numbers and escaped
 * names, made anew for each picture of the data and then sorted, scrolled and
 * drawn as often as keys come in. A row is known by its id from one making to
 * the next, so that the selection stays where it is.
 */
#ifndef HARK_TOP_TABLE_H
#define HARK_TOP_TABLE_H

#include "base/buffer.h"
#include "base/wall_clock.h"
#include "top_screen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_COLUMNS_MAX 18
#define TOP_TEXTS_MAX	6
#define TOP_UNKNOWN	UINT64_MAX

struct top_record;

enum top_kind {
	TOP_TEXT,
	TOP_COUNT,
	TOP_MILLI,   /* thousandths of a second's share */
	TOP_SHARE,   /* tenths of a percent; in the row's style unless 0 */
	TOP_PORTION, /* of table->whole, as a percentage */
	TOP_LATENCY, /* ns */
	TOP_SIZE,    /* bytes */
	TOP_TIME,    /* event time */
	TOP_STATUS,  /* of HTTP; 0: none. In the row's style */
};

struct top_column {
	const char *title;
	enum top_kind kind;
	int width; /* 0: what is left, at least TOP_REST_MIN; the last one that is shown */
	int from;  /* columns of the screen from which on it is shown; always when it was chosen to sort by */
	int text;  /* TOP_TEXT: which of the row's */
	bool upwards; /* the order when it is chosen: smallest first */
};
#define TOP_REST_MIN 10

struct top_row {
	uint64_t id;
	uint64_t values[TOP_COLUMNS_MAX]; /* by column */
	size_t texts[TOP_TEXTS_MAX];	  /* offsets in names, of NUL-terminated strings */
	enum top_style style;
	uint32_t pid, parent; /* of a process; 0: none, or not known */
	unsigned int depth;   /* in a tree: its first text stands so far to the right */
	uint64_t rails;	      /* a bit a level that goes on below it */
	bool last;	      /* of its parent's */
	uint64_t errors;      /* behind a TOP_SHARE */
	int rank;	      /* 0; larger ones stay below smaller ones */
	bool dim;
	struct top_record *record; /* a use of it; NULL: none */
	const void *source;	   /* what it was made of, while rows are made */
};

struct top_table { /* all zero but the columns: empty */
	const struct top_column *columns;
	size_t column_count;
	struct top_row *rows;
	size_t count, capacity;
	struct buffer names;
	uint64_t whole; /* of TOP_PORTION */
	size_t sort;	/* the column */
	bool chosen;	/* by the user */
	bool reverse;
	bool moved; /* the user chose a row; else the first is selected, whichever it is */
	uint64_t selected_id;
	size_t selected, first; /* first row on the screen */
	size_t page;		/* rows on the screen, as of the last picture */
};

void top_table_init(struct top_table *table, const struct top_column *columns, size_t count);
/* Records that rows use must have been dropped before. */
void top_table_fini(struct top_table *table);
/* No rows; the selection and the order stay. */
void top_table_clear(struct top_table *table);

/* A new row, all zero, or NULL: out of memory (counted). */
struct top_row *top_table_add(struct top_table *table, uint64_t id);
/* Ends the text that was written to table->names since `start` and makes it the row's. Returns where the next
 * one starts. */
size_t top_table_text(struct top_table *table, struct top_row *row, int text, size_t start);

void top_table_sort(struct top_table *table);
/* The selection follows its row; when that is gone it stays at its place. Sorting does it. */
void top_table_selection(struct top_table *table);
/* Scrolls so that the selection is among the rows on the screen; those are [*from, *to) then. */
void top_table_view(struct top_table *table, size_t *from, size_t *to);
/*
 * Chooses the column by its place among those that are shown at
 * this width: +1 the next, -1 the one before.
 */
void top_table_sort_step(struct top_table *table, int columns, int step);
void top_table_reverse(struct top_table *table);

/* Moves the selection by rows; far beyond the ends is legal. */
void top_table_move(struct top_table *table, long rows);
void top_table_home(struct top_table *table); /* and stays on the first row, whichever it is */
/* Moves it as the key says; other keys do nothing. */
void top_table_key(struct top_table *table, uint32_t key);
/* Selects the first row that has the text somewhere, in letters of any case, from `skip` behind the selected
 * one on and around. False: none has. */
bool top_table_find(struct top_table *table, const char *text, size_t skip);
struct top_row *top_table_selected(const struct top_table *table); /* NULL: there are no rows */

/* Draws titles and rows into the lines [y, y + lines). */
void top_table_draw(struct top_table *table, struct top_screen *screen, struct wall_clock *clock, int y,
		    int lines);

#endif
