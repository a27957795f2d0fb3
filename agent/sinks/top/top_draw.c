/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture, from top to bottom: title with totals, sparklines, losses and
 * the filter when there are any, tabs or the path, the page, the last message
 * while it is new, keys.
 */
#include "top.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/escape.h"
#include "top_cells.h"

#include <inttypes.h>
#include <stdarg.h>

#define MESSAGE_NS UINT64_C(10000000000) /* how long a line of the log stays */
#define SAID_NS	   UINT64_C(4000000000)	 /* the same of a remark */
#define MENU_WIDTH 18
#define SECOND_NS  UINT64_C(1000000000)

#define BY_MAX	    24 /* letters of what the rows are */
#define NARROW_TABS 72 /* columns below which the other tabs have only their numbers */

/* Draws sink->text, which is empty then. Returns the columns used. */
static int draw_text(struct sink *sink, int y, int x, int width, enum top_style style)
{
	int used =
		top_screen_put(&sink->screen, y, x, width, slice_of(sink->text.data, sink->text.len), style);

	buffer_clear(&sink->text);
	return used;
}

/* What the title says, and in which order it does without when it has too few columns. */
enum title_part {
	TITLE_NAME,
	TITLE_TIME,
	TITLE_RATE,
	TITLE_OPEN,
	TITLE_ERRORS,
	TITLE_P50,
	TITLE_P99,
	TITLE_PARTS
};

static void put_title(struct buffer *text, const struct top_summary *summary, enum title_part part)
{
	const struct top_totals *totals = &summary->totals;
	uint64_t share = top_error_share(totals->errors, totals->count);
	uint64_t seconds = summary->run_ns / SECOND_NS;
	double rate = stats_rate(totals->count, totals->span_ns);

	switch (part) {
	case TITLE_NAME:
	case TITLE_TIME:
		buffer_format(text, " %" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600,
			      seconds / 60 % 60, seconds % 60);
		break;
	case TITLE_RATE:
		buffer_format(text, rate < 100 ? "  %.1f/s" : "  %.0f/s", rate);
		break;
	case TITLE_OPEN:
		buffer_format(text, "  open %" PRIu64, summary->in_flight);
		break;
	case TITLE_ERRORS:
		buffer_format(text, "  errors %" PRIu64 ".%" PRIu64 "%%", share / 10, share % 10);
		break;
	case TITLE_P50:
		buffer_string(text, "  p50 ");
		line_put_latency(text, totals->p50_ns);
		break;
	case TITLE_P99:
		buffer_string(text, "  p99 ");
		line_put_latency(text, totals->p99_ns);
		break;
	case TITLE_PARTS:
		break;
	}
}

static void draw_title(struct sink *sink, int y)
{
	static const uint8_t first_out[] = { TITLE_TIME, TITLE_P50, TITLE_OPEN, TITLE_ERRORS, TITLE_RATE };
	bool out[TITLE_PARTS] = { false };
	struct buffer *text = &sink->text;
	int x;

	for (size_t left_out = 0;; left_out++) {
		buffer_clear(text);
		for (int i = TITLE_NAME + 1; i < TITLE_PARTS; i++)
			if (!out[i])
				put_title(text, &sink->summary, (enum title_part)i);
		if (left_out == sizeof(first_out) ||
		    (int)text->len + (int)strlen("hark top") <= sink->screen.columns)
			break;
		out[first_out[left_out]] = true;
	}
	x = top_screen_string(&sink->screen, y, 0, "hark top", TOP_BOLD);
	draw_text(sink, y, x, sink->screen.columns, TOP_PLAIN);
}

/* In one half of the line; sink->text has the last value. */
static void draw_spark(struct sink *sink, int y, int x, const char *label, const uint64_t *values)
{
	wchar_t bars[TOP_HISTORY_SECONDS + 1];
	int at = x;

	top_spark(values, sink->summary.count, sink->screen.utf8, bars);
	at += top_screen_string(&sink->screen, y, at, label, TOP_DIM);
	at += top_screen_wide(&sink->screen, y, at, bars, TOP_REDIRECT);
	draw_text(sink, y, at + 1, x + sink->screen.columns / 2 - at - 1, TOP_PLAIN);
}

static void draw_sparks(struct sink *sink, int y)
{
	const struct top_summary *summary = &sink->summary;
	struct buffer *text = &sink->text;

	if (summary->count == 0)
		return;
	buffer_format(text, "%" PRIu64 "/s", summary->rates[summary->count - 1]);
	draw_spark(sink, y, 0, "rate ", summary->rates);
	if (summary->p99s[summary->count - 1])
		line_put_latency(text, summary->p99s[summary->count - 1]);
	else
		buffer_char(text, '-');
	draw_spark(sink, y, sink->screen.columns / 2, "p99 ", summary->p99s);
}

/* Losses by kind. Returns the lines used: none when there were none. */
static int draw_losses(struct sink *sink, int y)
{
	static const struct {
		enum counter counter;
		const char *what;
	} losses[] = {
		{ COUNTER_EVENTS_LOST, "records (the ring was full: --ring)" },
		{ COUNTER_BYTES_LOST, "bytes" },
		{ COUNTER_RETURNS_REFUSED, "TLS calls not followed" },
		{ COUNTER_PROGRAMS_SKIPPED, "calls that the kernel kept from hark" },
		{ COUNTER_STREAM_HOLES, "holes" },
		{ COUNTER_HPACK_BLOCKS_LOST, "header blocks" },
		{ COUNTER_CONNECTIONS_EVICTED, "connections evicted" },
		{ COUNTER_LIMIT_CONNECTIONS, "connections beyond the limit" },
		{ COUNTER_LIMIT_EXCHANGES, "exchanges beyond the limit" },
		{ COUNTER_LIMIT_STREAMS, "streams beyond the limit" },
		{ COUNTER_LIMIT_PIPELINE, "pipelined requests beyond the limit" },
		{ COUNTER_LIMIT_HELD, "held bytes beyond the limit" },
		{ COUNTER_LIMIT_REORDER, "late bytes beyond the limit" },
		{ COUNTER_LIMIT_MAPS, "entries: a kernel map was full" },
		{ COUNTER_LIMIT_MEMORY, "things: memory was out" },
	};

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (counters[losses[i].counter])
			buffer_format(&sink->text, "%s%" PRIu64 " %s", sink->text.len ? ", " : "LOST ",
				      counters[losses[i].counter], losses[i].what);
	return draw_text(sink, y, 0, sink->screen.columns, TOP_SERVER) > 0;
}

static void put_prompt(struct sink *sink, const struct top_prompt *prompt)
{
	escape_text(&sink->text, escape_utf8_trim(slice_of(prompt->text, prompt->len)), sink->style.utf8);
}

/* The filters that keep exchanges from the tables: the command line's, and what was typed here. */
static int draw_filter(struct sink *sink, int y)
{
	const char *given = sink->config.filter ? sink->config.filter : "";
	bool typed = sink->filter && sink->prompting != PROMPT_FILTER;
	struct buffer *text = &sink->text;

	if (!*given && !typed)
		return 0;
	buffer_string(text, "Filter: ");
	escape_text(text, slice_of_string(given), sink->style.utf8);
	if (typed) {
		buffer_string(text, *given ? "  and " : "");
		put_prompt(sink, &sink->filter_text);
		buffer_string(text, "  counted since ");
		wall_clock_local(text, &sink->style.clock, sink->filter_since_ns);
	}
	draw_text(sink, y, 0, sink->screen.columns, TOP_BOLD);
	return 1;
}

static void draw_tabs(struct sink *sink, int y)
{
	static const char *const names[2][TAB_COUNT] = {
		{ " 1 Endpoints ", " 2 Connections ", " 3 Processes ", " 4 Live " },
		{ " 1 ", " 2 ", " 3 ", " 4 " },
	};
	static const char *const windows[WINDOW_COUNT] = {
		[WINDOW_RUN] = "whole run", [WINDOW_10S] = "last 10 s", [WINDOW_60S] = "last 60 s"
	};
	struct top_screen *screen = &sink->screen;
	char by[40];
	int x = 0;

	snprintf(by, sizeof(by), " 1 By %.*s ", BY_MAX, top_by_name(sink));
	for (size_t i = 0; i < TAB_COUNT; i++) {
		bool narrow = screen->columns < NARROW_TABS && top_page(sink) != i;
		const char *name = i || narrow || top_by(sink) == BY_ENDPOINT ? names[narrow][i] : by;

		x += 1 + top_screen_string(screen, y, x, name, top_page(sink) == i ? TOP_TAB : TOP_PLAIN);
	}
	if (sink->paused || sink->ended)
		x += 1 + top_screen_string(screen, y, x + 1, sink->paused ? "PAUSED" : "END", TOP_HEAD_SORT);
	if (x + 1 + (int)strlen(windows[sink->window]) <= screen->columns)
		x += 1 + top_screen_string(screen, y, x + 1, windows[sink->window], TOP_DIM);
	/* How much a list does not hold, bounded as it is. */
	if (top_page(sink) == PAGE_CONNECTIONS && sink->kept.conns_forgotten)
		buffer_format(&sink->text, "%" PRIu64 " forgotten", sink->kept.conns_forgotten);
	if (top_page(sink) == PAGE_LIVE && sink->kept.unlisted)
		buffer_format(&sink->text, "%" PRIu64 " not listed", sink->kept.unlisted);
	if (sink->text.len)
		draw_text(sink, y, x + 2, screen->columns, TOP_DIM);
}

static void draw_path(struct sink *sink, int y)
{
	static const char *const titles[PAGE_COUNT] = {
		[PAGE_SLOWEST] = "Slowest exchanges of ",
		[PAGE_EXCHANGE] = "Exchange ",
		[PAGE_CONNECTION] = "Connection ",
		[PAGE_BODY] = "Body ",
		[PAGE_COPY] = "As a command ",
		[PAGE_HELP] = "Help ",
	};
	struct top_screen *screen = &sink->screen;
	int x = top_screen_string(screen, y, 0, titles[top_page(sink)], TOP_TAB);

	if (top_page(sink) == PAGE_SLOWEST)
		x += top_screen_string(screen, y, x, sink->subject, TOP_BOLD);
	if (sink->paused)
		top_screen_string(screen, y, x + 2, "PAUSED", TOP_HEAD_SORT);
}

/* As many of the keys as there is room for; the way out, the last one, is always among them. */
static void draw_keys(struct sink *sink, int y)
{
	const struct top_key_row *last = &sink->keys[sink->key_count - 1];
	int x = 0, room = sink->screen.columns - (int)(strlen(last->bar_key) + strlen(last->bar_word));

	for (const struct top_key_row *row = sink->keys; row <= last; row++) {
		if (!row->bar_key ||
		    (row < last && x + (int)(strlen(row->bar_key) + strlen(row->bar_word)) + 1 > room))
			continue;
		x += top_screen_string(&sink->screen, y, x, row->bar_key, TOP_BOLD);
		x += top_screen_string(&sink->screen, y, x, row->bar_word, TOP_KEY);
		x += top_screen_string(&sink->screen, y, x, " ", TOP_KEY);
	}
	top_screen_fill(&sink->screen, y, x, sink->screen.columns, TOP_KEY);
}

/* The end of what is typed stays in sight. */
static void draw_prompt(struct sink *sink, int y)
{
	struct top_screen *screen = &sink->screen;
	struct buffer *text = &sink->text;
	bool search = sink->prompting == PROMPT_SEARCH;
	int x = top_screen_string(screen, y, 0, search ? "Search: " : "Filter: ", TOP_BOLD);
	int room = screen->columns / 2 - x;
	size_t from = 0;

	put_prompt(sink, search ? &sink->search_text : &sink->filter_text);
	if (room > 0 && text->len > (size_t)room)
		from = text->len - (size_t)room;
	while (from < text->len && ((uint8_t)text->data[from] & 0xc0) == 0x80)
		from++;
	x += top_screen_put(screen, y, x, screen->columns, slice_drop(slice_of(text->data, text->len), from),
			    TOP_PLAIN);
	buffer_clear(text);
	top_screen_string(screen, y, x + 2, sink->prompt_error, TOP_SERVER);
	top_screen_cursor(screen, y, x);
}

void top_say(struct sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(sink->said, sizeof(sink->said), format, args);
	va_end(args);
	sink->said_ns = clock_ns();
}

static void draw_message(struct sink *sink, int y)
{
	const char *message = sink->messages[(sink->message_count - 1) % TOP_MESSAGES];
	uint64_t now_ns = clock_ns();
	bool said = sink->said[0] && now_ns - sink->said_ns < SAID_NS;

	if (!said && (!sink->message_count || now_ns - sink->message_ns >= MESSAGE_NS))
		return;
	top_screen_fill(&sink->screen, y, 0, sink->screen.columns, TOP_PLAIN);
	top_screen_string(&sink->screen, y, 0, said ? sink->said : message, TOP_CLIENT);
}

static void draw_page(struct sink *sink, int y, int rows)
{
	struct top_table *table = top_table_shown(sink);

	if (top_page(sink) == PAGE_SLOWEST) {
		int above = (int)sink->lines.count < rows / 2 ? (int)sink->lines.count : rows / 2;

		top_lines_draw(&sink->lines, &sink->screen, y, above);
		y += above;
		rows -= above;
	}
	if (table)
		top_table_draw(table, &sink->screen, &sink->style.clock, y, rows);
	else
		top_lines_draw(&sink->lines, &sink->screen, y, rows);
	if (table && table->count == 0 && rows > 1)
		top_screen_string(&sink->screen, y + 1, 0,
				  sink->filter ? "nothing that the filter lets through" : "nothing yet",
				  TOP_DIM);
}

static void draw_beside_menu(struct sink *sink, int y, int rows)
{
	struct top_screen *screen = &sink->screen;
	int columns = screen->columns, width = columns / 2 < MENU_WIDTH ? columns / 2 : MENU_WIDTH;

	screen->columns = width;
	top_table_draw(&sink->menu_table, screen, &sink->style.clock, y, rows);
	screen->left = width + 1;
	screen->columns = columns - width - 1;
	draw_page(sink, y, rows);
	screen->left = 0;
	screen->columns = columns;
}

void top_draw(struct sink *sink)
{
	int y = 0, bottom = sink->screen.rows - 1;

	top_screen_begin();
	draw_title(sink, y++);
	if (sink->screen.rows >= 10)
		draw_sparks(sink, y++);
	y += draw_losses(sink, y);
	y += draw_filter(sink, y);
	if (top_page(sink) < TAB_COUNT)
		draw_tabs(sink, y++);
	else
		draw_path(sink, y++);
	if (sink->menu)
		draw_beside_menu(sink, y, bottom - y);
	else
		draw_page(sink, y, bottom - y);
	draw_message(sink, bottom - 1);
	if (sink->prompting)
		draw_prompt(sink, bottom);
	else
		draw_keys(sink, bottom);
	top_screen_end();
}
