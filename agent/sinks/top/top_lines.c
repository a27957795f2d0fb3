/* SPDX-License-Identifier: Apache-2.0 */
#include "top_lines.h"

#include "base/array.h"
#include "base/counters.h"

#include <stdlib.h>
#include <strings.h>

#define LINE_WIDTH_MIN	20
#define LABEL_WIDTH_MIN 24
#define LABEL_WIDTH_MAX 56

void top_lines_fini(struct top_lines *lines)
{
	buffer_fini(&lines->text);
	free(lines->items);
	*lines = (struct top_lines){ 0 };
}

void top_lines_clear(struct top_lines *lines)
{
	lines->count = 0;
	buffer_clear(&lines->text);
}

struct top_line *top_lines_add(struct top_lines *lines, size_t start, enum top_style style)
{
	struct top_line *items = array_room(lines->items, lines->count, &lines->capacity, sizeof(*items));

	if (!items) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	lines->items = items;
	lines->items[lines->count] =
		(struct top_line){ .style = style, .at = start, .len = lines->text.len - start };
	return &lines->items[lines->count++];
}

void top_lines_string(struct top_lines *lines, const char *string, enum top_style style)
{
	size_t start = lines->text.len;

	buffer_string(&lines->text, string);
	top_lines_add(lines, start, style);
}

/* Where a line of at most width bytes ends, and in *next where the one behind it begins. Not among the first
 * keep. */
static size_t break_find(const char *text, size_t len, size_t keep, size_t width, size_t *next)
{
	size_t end = width, least = keep > width / 3 ? keep : width / 3;

	*next = len;
	if (len <= width)
		return len;
	for (size_t i = width; i > least; i--) {
		if (text[i] != ' ' || text[i - 1] != ' ')
			continue;
		*next = i + 1;
		return i - 1;
	}
	for (size_t i = width; i > least; i--) {
		if (text[i] != ' ')
			continue;
		*next = i + 1;
		return i;
	}
	while (end > 1 && ((uint8_t)text[end] & 0xc0) == 0x80)
		end--;
	*next = end;
	return end;
}

void top_lines_wrap(struct top_lines *lines, size_t start, size_t width, size_t indent, enum top_style style)
{
	size_t left = 0;

	if (lines->text.failed)
		return;
	do {
		size_t room = width > left + LINE_WIDTH_MIN ? width - left : LINE_WIDTH_MIN, next = 0;
		size_t len = break_find(lines->text.data + start, lines->text.len - start, left ? 0 : indent,
					room, &next);
		struct top_line *line = top_lines_add(lines, start, style);

		if (line) {
			line->len = len;
			line->indent = left;
		}
		start += next;
		left = indent;
	} while (start < lines->text.len);
}

void top_lines_scroll(struct top_lines *lines, long by)
{
	long last = (long)lines->count - (long)lines->page, at = (long)lines->first + by;

	if (at > last)
		at = last;
	lines->first = at > 0 ? (size_t)at : 0;
}

static bool line_has(const struct top_lines *lines, const struct top_line *line, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i + len <= line->len; i++)
		if (strncasecmp(lines->text.data + line->at + i, text, len) == 0)
			return true;
	return false;
}

bool top_lines_find(struct top_lines *lines, const char *text, size_t skip)
{
	for (size_t i = 0; i < lines->count && !lines->text.failed; i++) {
		size_t at = (lines->first + skip + i) % lines->count;

		if (!line_has(lines, &lines->items[at], text))
			continue;
		lines->first = at;
		top_lines_scroll(lines, 0);
		return true;
	}
	return false;
}

static int place(const struct top_lines *lines, uint64_t ns, int columns)
{
	uint64_t span = lines->to_ns - lines->from_ns;

	if (ns <= lines->from_ns)
		return 0;
	if (ns >= lines->to_ns)
		return columns;
	return (int)((double)(ns - lines->from_ns) / (double)span * columns);
}

void top_bar_place(const struct top_lines *lines, const struct top_line *bar, int columns,
		   int at[PART_COUNT + 1])
{
	uint64_t end_ns = bar->ends_ns[PART_RECEIVE] ? bar->ends_ns[PART_RECEIVE] : lines->to_ns;
	int end;

	memset(at, 0, (PART_COUNT + 1) * sizeof(*at));
	if (end_ns < lines->from_ns || bar->start_ns > lines->to_ns || lines->to_ns <= lines->from_ns)
		return;
	at[0] = place(lines, bar->start_ns, columns);
	if (at[0] >= columns)
		at[0] = columns - 1;
	end = place(lines, end_ns, columns);
	if (end <= at[0])
		end = at[0] + 1;
	for (int part = 0; part < PART_COUNT; part++) {
		uint64_t part_ns = bar->ends_ns[part];

		if (part == PART_WAIT && !part_ns)
			part_ns = end_ns;
		at[part + 1] = part_ns ? place(lines, part_ns, columns) : at[part];
		if (at[part + 1] < at[part])
			at[part + 1] = at[part];
		if (at[part + 1] > end)
			at[part + 1] = end;
	}
	at[PART_COUNT] = end;
}

const char *top_bar_part(enum exchange_part part, bool utf8)
{
	static const char *const pictures[PART_COUNT][2] = {
		[PART_CONNECT] = { "c", "┄" }, [PART_TLS] = { "t", "━" },  [PART_IDLE] = { "-", "·" },
		[PART_SEND] = { "=", "▒" },    [PART_WAIT] = { ".", "░" }, [PART_RECEIVE] = { "#", "█" },
	};

	return pictures[part][utf8];
}

static void draw_bar(const struct top_lines *lines, const struct top_line *bar, struct top_screen *screen,
		     int y, int x)
{
	int columns = screen->columns - x, at[PART_COUNT + 1];

	if (columns <= 0)
		return;
	top_bar_place(lines, bar, columns, at);
	for (enum exchange_part part = 0; part < PART_COUNT; part++)
		for (int i = at[part]; i < at[part + 1]; i++)
			top_screen_put(screen, y, x + i, 1, slice_of_string(top_bar_part(part, screen->utf8)),
				       bar->style);
	if (at[PART_COUNT] > at[0])
		return;
	/* Before or after what is shown. */
	if (bar->start_ns > lines->to_ns)
		top_screen_string(screen, y, screen->columns - 1, ">", TOP_DIM);
	else
		top_screen_string(screen, y, x, "<", TOP_DIM);
}

static void draw_line(const struct top_lines *lines, const struct top_line *line, struct top_screen *screen,
		      int y)
{
	struct slice text = slice_of(lines->text.data ? lines->text.data + line->at : NULL, line->len);
	int width = line->is_bar ? screen->columns / 3 : screen->columns;

	if (lines->text.failed)
		return;
	if (line->is_bar)
		width = width < LABEL_WIDTH_MIN	  ? LABEL_WIDTH_MIN
			: width > LABEL_WIDTH_MAX ? LABEL_WIDTH_MAX
						  : width;
	if (line->chosen) {
		screen->selected = true;
		top_screen_fill(screen, y, 0, width, TOP_PLAIN);
	}
	top_screen_put(screen, y, (int)line->indent, width, text, line->is_bar ? TOP_PLAIN : line->style);
	screen->selected = false;
	if (line->is_bar)
		draw_bar(lines, line, screen, y, width + 1);
}

void top_lines_draw(struct top_lines *lines, struct top_screen *screen, int y, int rows)
{
	lines->page = rows > 0 ? (size_t)rows : 0;
	top_lines_scroll(lines, 0);
	for (size_t i = 0; i < lines->page && lines->first + i < lines->count; i++)
		draw_line(lines, &lines->items[lines->first + i], screen, y + (int)i);
}
