/* SPDX-License-Identifier: Apache-2.0 */
#include "top_cells.h"

#include "base/escape.h"

#include <stdio.h>

struct cells {
	wchar_t *out;
	size_t len;
	int used, columns;
	int marks;	/* on the last character */
	bool base;	/* there is one that a mark may stand on */
	size_t fit_len; /* where a cut leaves a column for its sign */
	int fit_used;
};

/* False: it does not fit. */
static bool cells_add(struct cells *cells, wchar_t c, int width)
{
	if (cells->used + width > cells->columns)
		return false;
	cells->out[cells->len++] = c;
	cells->used += width;
	if (cells->used < cells->columns) {
		cells->fit_len = cells->len;
		cells->fit_used = cells->used;
	}
	return true;
}

/* A character that cannot be shown as it is: \u{301}. */
static bool cells_add_escaped(struct cells *cells, uint32_t c)
{
	char escape[16];

	cells->base = false;
	snprintf(escape, sizeof(escape), "\\u{%x}", c);
	for (const char *p = escape; *p; p++)
		if (!cells_add(cells, (wchar_t)*p, 1))
			return false;
	return true;
}

static bool cells_add_character(struct cells *cells, uint32_t c, bool utf8)
{
	int width = c < 0x80 ? (c >= 0x20 && c < 0x7f ? 1 : -1) : utf8 ? wcwidth((wchar_t)c) : -1;

	if (width < 0 || (width == 0 && (!cells->base || cells->marks == TOP_MARKS_MAX)))
		return cells_add_escaped(cells, c);
	cells->marks = width ? 0 : cells->marks + 1;
	cells->base = true;
	return cells_add(cells, (wchar_t)c, width);
}

/* One column is left for the sign, and a wide character may have left one more. */
static void cells_cut(struct cells *cells, bool utf8)
{
	if (cells->columns < 1)
		return;
	cells->len = cells->fit_len;
	cells->used = cells->fit_used;
	cells->out[cells->len++] = utf8 ? L'…' : L'~';
	cells->used++;
}

int top_cells(struct slice text, bool utf8, int columns, wchar_t *out)
{
	struct cells cells = { .out = out, .columns = columns > 0 ? columns : 0 };

	while (text.len) {
		uint32_t c = 0;
		size_t n = escape_utf8_decode(text, &c);
		bool fits =
			n ? cells_add_character(&cells, c, utf8) : cells_add_escaped(&cells, text.data[0]);

		if (!fits) {
			cells_cut(&cells, utf8);
			break;
		}
		text = slice_drop(text, n ? n : 1);
	}
	out[cells.len] = L'\0';
	return cells.used;
}

void top_spark(const uint64_t *values, size_t count, bool utf8, wchar_t *out)
{
	const wchar_t *bars = utf8 ? L"▁▂▃▄▅▆▇█" : L"._-=*#";
	uint64_t most = 0, steps = wcslen(bars);

	for (size_t i = 0; i < count; i++)
		if (values[i] > most)
			most = values[i];
	for (size_t i = 0; i < count; i++) {
		/* In floating point: a value times the steps could be too large. */
		uint64_t step = most ? (uint64_t)((double)values[i] / (double)most * (double)steps) : 0;

		out[i] = values[i] ? bars[step < steps ? step : steps - 1] : L' ';
	}
	out[count] = L'\0';
}
