/* SPDX-License-Identifier: Apache-2.0 */
/* A page of lines that scrolls: text, and the bars of a waterfall. */
#ifndef HARK_TOP_LINES_H
#define HARK_TOP_LINES_H

#include "base/buffer.h"
#include "top_record.h"
#include "top_screen.h"

#include <stddef.h>
#include <stdint.h>

struct top_line {
	enum top_style style;
	size_t at, len; /* in text */
	size_t indent;	/* columns before it */
	bool is_bar;
	bool chosen; /* the bar that the page is about */
	uint64_t start_ns;
	uint64_t ends_ns[PART_COUNT]; /* as of struct top_bar */
};

struct top_lines { /* all zero: none */
	struct buffer text;
	struct top_line *items;
	size_t count, capacity;
	size_t first;		 /* on the screen */
	size_t page;		 /* lines on the screen, as of the last picture */
	uint64_t from_ns, to_ns; /* the axis of the bars */
};

void top_lines_fini(struct top_lines *lines);
void top_lines_clear(struct top_lines *lines); /* where it is scrolled to stays */
/* A line of what was written to lines->text since `start`. NULL: out of memory (counted). */
struct top_line *top_lines_add(struct top_lines *lines, size_t start, enum top_style style);
void top_lines_string(struct top_lines *lines, const char *string, enum top_style style);
/*
 * Lines of what was written since `start`, each of at most `width` columns, all but the first indented:
 * broken between two spaces, where the line is made of pieces, else at a space, else where it must be. Text
 * is escaped, so at most as wide as long.
 */
void top_lines_wrap(struct top_lines *lines, size_t start, size_t width, size_t indent, enum top_style style);
/* Scrolls to the first line that has the text, in letters of any case, from `skip` below the first one on and
 * around. False: none has. */
bool top_lines_find(struct top_lines *lines, const char *text, size_t skip);
void top_lines_scroll(struct top_lines *lines, long by);
void top_lines_draw(struct top_lines *lines, struct top_screen *screen, int y, int rows);

/*
 * Where a bar stands in so many columns: part i is [at[i], at[i + 1]); at[PART_COUNT] is more than at[0] when
 * any of it lies on the axis. What is not known is waiting, and a part that has not come yet reaches the
 * axis' end.
 */
void top_bar_place(const struct top_lines *lines, const struct top_line *bar, int columns,
		   int at[PART_COUNT + 1]);

/* How a part is drawn, in one column. */
const char *top_bar_part(enum exchange_part part, bool utf8);

#endif
