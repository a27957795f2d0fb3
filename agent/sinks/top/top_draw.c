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

#define MESSAGE_NS UINT64_C(10000000000) /* how long a line of the log stays */
#define SECOND_NS  UINT64_C(1000000000)

static const char *window_name(enum stats_window window)
{
	return window == WINDOW_10S ? "last 10 s" : window == WINDOW_60S ? "last 60 s" : "whole run";
}

static void put_span(struct buffer *text, uint64_t ns)
{
	uint64_t seconds = ns / SECOND_NS;

	buffer_format(text, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600, seconds / 60 % 60,
		      seconds % 60);
}

static void put_rate(struct buffer *text, const struct top_totals *totals)
{
	double rate = stats_rate(totals->count, totals->span_ns);

	buffer_format(text, rate < 100 ? "%.1f/s" : "%.0f/s", rate);
}

static void draw_title(struct sink *sink, int y)
{
	const struct top_totals *totals = &sink->summary.totals;
	struct buffer text = { 0 };
	uint64_t share = totals->count ? totals->errors * 1000 / totals->count : 0;
	int x = top_screen_string(&sink->screen, y, 0, sink->screen.columns, "hark top ", TOP_BOLD);

	if (totals->errors && share == 0)
		share = 1; /* one in many is not nothing */
	put_span(&text, sink->summary.run_ns);
	buffer_string(&text, "  ");
	put_rate(&text, totals);
	buffer_format(&text, "  open %" PRIu64 "  errors %" PRIu64 ".%" PRIu64 "%%  p50 ",
		      sink->summary.in_flight, share / 10, share % 10);
	line_put_latency(&text, totals->p50_ns);
	buffer_string(&text, "  p99 ");
	line_put_latency(&text, totals->p99_ns);
	top_screen_put(&sink->screen, y, x, sink->screen.columns, slice_of(text.data, text.len), TOP_PLAIN);
	buffer_fini(&text);
}

static void draw_spark(struct sink *sink, int y, int x, int width, const char *label, const uint64_t *values,
		       const struct buffer *last)
{
	wchar_t bars[TOP_HISTORY_SECONDS + 1];
	int at = x;

	top_spark(values, sink->summary.count, sink->screen.utf8, bars);
	at += top_screen_string(&sink->screen, y, at, width, label, TOP_DIM);
	at += top_screen_wide(&sink->screen, y, at, width, bars, TOP_REDIRECT);
	top_screen_put(&sink->screen, y, at + 1, x + width - at - 1, slice_of(last->data, last->len),
		       TOP_PLAIN);
}

static void draw_sparks(struct sink *sink, int y)
{
	const struct top_summary *summary = &sink->summary;
	int half = sink->screen.columns / 2;
	struct buffer last = { 0 };

	if (summary->count == 0)
		return;
	buffer_format(&last, "%" PRIu64 "/s", summary->rates[summary->count - 1]);
	draw_spark(sink, y, 0, half, "rate ", summary->rates, &last);
	buffer_clear(&last);
	if (summary->p99s[summary->count - 1])
		line_put_latency(&last, summary->p99s[summary->count - 1]);
	else
		buffer_char(&last, '-');
	draw_spark(sink, y, half, half, "p99 ", summary->p99s, &last);
	buffer_fini(&last);
}

/* Losses by kind; no text when there were none. */
static void put_losses(struct buffer *text)
{
	static const struct {
		enum counter counter;
		const char *what;
	} losses[] = {
		{ COUNTER_EVENTS_LOST, "records (the ring was full: --ring)" },
		{ COUNTER_BYTES_LOST, "bytes" },
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

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		uint64_t value = counters[losses[i].counter];

		if (!value)
			continue;
		buffer_string(text, text->len ? ", " : "LOST ");
		buffer_u64(text, value);
		buffer_char(text, ' ');
		buffer_string(text, losses[i].what);
	}
}

static int draw_losses(struct sink *sink, int y)
{
	struct buffer text = { 0 };
	int lines;

	put_losses(&text);
	lines = text.len > 0;
	if (lines)
		top_screen_put(&sink->screen, y, 0, sink->screen.columns, slice_of(text.data, text.len),
			       TOP_SERVER);
	buffer_fini(&text);
	return lines;
}

static void put_prompt(struct buffer *text, const struct sink *sink)
{
	escape_text(text, escape_utf8_trim(slice_of(sink->prompt, sink->prompt_len)), sink->style.utf8);
}

static int draw_filter(struct sink *sink, int y)
{
	struct buffer text = { 0 };

	if (!sink->filter || sink->prompting)
		return 0;
	buffer_string(&text, "Filter: ");
	put_prompt(&text, sink);
	buffer_string(&text, "  counted since ");
	wall_clock_local(&text, &sink->style.clock, sink->filter_since_ns);
	top_screen_put(&sink->screen, y, 0, sink->screen.columns, slice_of(text.data, text.len), TOP_BOLD);
	buffer_fini(&text);
	return 1;
}

/* Tells how much a list does not hold, bounded as it is. */
static int draw_left_out(struct sink *sink, int y, int x)
{
	struct buffer text = { 0 };
	int used = 0;

	if (top_page(sink) == PAGE_CONNECTIONS && sink->kept.conns_forgotten)
		buffer_format(&text, "%" PRIu64 " forgotten", sink->kept.conns_forgotten);
	if (top_page(sink) == PAGE_LIVE && sink->kept.unlisted)
		buffer_format(&text, "%" PRIu64 " not listed", sink->kept.unlisted);
	if (text.len)
		used = 2 + top_screen_put(&sink->screen, y, x + 2, sink->screen.columns,
					  slice_of(text.data, text.len), TOP_DIM);
	buffer_fini(&text);
	return used;
}

static void draw_tabs(struct sink *sink, int y)
{
	static const char *const names[TAB_COUNT] = { " 1 Endpoints ", " 2 Connections ", " 3 Processes ",
						      " 4 Live " };
	struct top_screen *screen = &sink->screen;
	int x = 0;

	for (size_t i = 0; i < TAB_COUNT; i++) {
		x += top_screen_string(screen, y, x, screen->columns, names[i],
				       top_page(sink) == i ? TOP_TAB : TOP_PLAIN);
		x++;
	}
	x += 1 + top_screen_string(screen, y, x + 1, screen->columns, window_name(sink->window), TOP_DIM);
	x += draw_left_out(sink, y, x);
	if (sink->paused || sink->ended)
		top_screen_string(screen, y, x + 2, screen->columns, sink->paused ? "PAUSED" : "END",
				  TOP_HEAD_SORT);
}

static void draw_path(struct sink *sink, int y)
{
	static const char *const titles[PAGE_COUNT] = {
		[PAGE_SLOWEST] = "Slowest exchanges of ",
		[PAGE_EXCHANGE] = "Exchange ",
		[PAGE_CONNECTION] = "Connection ",
		[PAGE_HELP] = "Help ",
	};
	struct top_screen *screen = &sink->screen;
	int x = top_screen_string(screen, y, 0, screen->columns, titles[top_page(sink)], TOP_TAB);

	if (top_page(sink) == PAGE_SLOWEST)
		x += top_screen_string(screen, y, x, screen->columns, sink->subject, TOP_BOLD);
	if (sink->paused)
		top_screen_string(screen, y, x + 2, screen->columns, "PAUSED", TOP_HEAD_SORT);
}

static void draw_help(struct sink *sink, int y, int rows)
{
	static const char *const lines[] = {
		"1 2 3 4  Tab     endpoints, connections, processes, live list",
		"Up Down PgUp PgDn Home End   move; also k j",
		"Enter            endpoint, process: its slowest exchanges; exchange: headers, waterfall",
		"Esc Backspace    back",
		"< > F6           sort by the column before, after        I  the other way round",
		"/ F3 F4 \\        filter as you type: the words of the command line, as status:5xx",
		"                 path:/api/* latency:>50ms; Enter keeps it, Esc drops it",
		"w                numbers of: whole run, last 10 s, last 60 s",
		"p Space F5       pause and go on; what comes meanwhile is counted",
		"? h F1           this help",
		"q F10 Ctrl-C     leave",
		"",
		"RATE/s           exchanges a second; OPEN: in flight now; ERR%: 4xx, 5xx, reset, timed out",
		"P50 P99          of the time from the first byte of the request to the last of the answer",
		"                 (within 0.8 %); TTFB: to the first byte of the answer, median",
		"rate, p99        of the last seconds, one character each",
		"{id} {hash} ..   stands for a segment of the path that differs from request to request",
		"LOST             what hark wanted to see and could not",
	};

	for (int i = 0; i < rows && i < (int)(sizeof(lines) / sizeof(lines[0])); i++)
		top_screen_string(&sink->screen, y + i, 0, sink->screen.columns, lines[i], TOP_PLAIN);
}

static void draw_keys(struct sink *sink, int y)
{
	static const struct {
		const char *key, *what;
	} keys[] = { { "F1", "Help" },	{ "F3", "Filter" }, { "F5", "Pause" },
		     { "F6", "Sort" },	{ "I", "Invert" },  { "w", "Window" },
		     { "Enter", "In" }, { "Esc", "Back" },  { "F10", "Quit" } };
	int x = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		x += top_screen_string(&sink->screen, y, x, sink->screen.columns, keys[i].key, TOP_BOLD);
		x += top_screen_string(&sink->screen, y, x, sink->screen.columns, keys[i].what, TOP_KEY);
		x += top_screen_string(&sink->screen, y, x, 1, " ", TOP_KEY);
	}
	top_screen_fill(&sink->screen, y, x, sink->screen.columns, TOP_KEY);
}

/* The end of what is typed stays in sight. */
static void draw_prompt(struct sink *sink, int y)
{
	struct top_screen *screen = &sink->screen;
	struct buffer text = { 0 };
	int x = top_screen_string(screen, y, 0, screen->columns, "Filter: ", TOP_BOLD);
	int room = screen->columns / 2 - x;
	size_t from = 0;

	put_prompt(&text, sink);
	if (room > 0 && text.len > (size_t)room)
		from = text.len - (size_t)room;
	while (from < text.len && ((uint8_t)text.data[from] & 0xc0) == 0x80)
		from++;
	x += top_screen_put(screen, y, x, screen->columns, slice_drop(slice_of(text.data, text.len), from),
			    TOP_PLAIN);
	top_screen_string(screen, y, x + 2, screen->columns, sink->prompt_error, TOP_SERVER);
	top_screen_cursor(screen, y, x);
	buffer_fini(&text);
}

static bool has_message(const struct sink *sink)
{
	return sink->message_count && clock_ns() - sink->message_ns < MESSAGE_NS;
}

static void draw_message(struct sink *sink, int y)
{
	const char *message = sink->messages[(sink->message_count - 1) % TOP_MESSAGES];

	top_screen_fill(&sink->screen, y, 0, sink->screen.columns, TOP_PLAIN);
	top_screen_string(&sink->screen, y, 0, sink->screen.columns, message, TOP_CLIENT);
}

static void draw_page(struct sink *sink, int y, int rows)
{
	struct top_table *table = top_table_shown(sink);

	if (table)
		top_table_draw(table, &sink->screen, &sink->style.clock, y, rows);
	else if (top_page(sink) == PAGE_HELP)
		draw_help(sink, y, rows);
	else
		top_lines_draw(&sink->lines, &sink->screen, y, rows);
	if (table && table->count == 0 && rows > 1)
		top_screen_string(&sink->screen, y + 1, 0, sink->screen.columns,
				  sink->filter ? "nothing that the filter lets through" : "nothing yet",
				  TOP_DIM);
}

void top_draw(struct sink *sink)
{
	int y = 0, bottom = sink->screen.rows - 1;

	top_screen_begin(&sink->screen);
	top_screen_cursor(&sink->screen, -1, 0);
	draw_title(sink, y++);
	if (sink->screen.rows >= 10)
		draw_sparks(sink, y++);
	y += draw_losses(sink, y);
	y += draw_filter(sink, y);
	if (top_page(sink) < TAB_COUNT)
		draw_tabs(sink, y++);
	else
		draw_path(sink, y++);
	draw_page(sink, y, bottom - y);
	if (has_message(sink))
		draw_message(sink, bottom - 1);
	if (sink->prompting)
		draw_prompt(sink, bottom);
	else
		draw_keys(sink, bottom);
	top_screen_end(&sink->screen);
}
