/* SPDX-License-Identifier: Apache-2.0 */
/* The page of the keys and the columns. */
#include "top.h"

#define KEYS_WIDTH 27
#define WIDE_MIN   60 /* columns from which on keys and words stand beside each other */

static const struct {
	const char *keys, *words;
} helps[] = {
	{ "? h F1", "this help" },
	{ "q F10 Ctrl-C", "leave" },
	{ "1 2 3 4  Tab", "endpoints, connections, processes, live list" },
	{ "Up Down PgUp PgDn Home End", "move; also k j" },
	{ "Enter", "endpoint, process: its programs, addresses, new connections and slowest exchanges; "
		   "exchange: headers, waterfall" },
	{ "Esc Backspace", "back" },
	{ "F6", "sort by a column of a list; < > the one before, after" },
	{ "I", "the order the other way round" },
	{ "/ F3", "search: the first row that has the text; n the next one" },
	{ "\\ F4", "filter as you type: the words of the command line, as status:5xx path:/api/* "
		   "latency:>50ms; Enter keeps it, Esc drops it" },
	{ "b F2", "the bodies of the exchange that is chosen, or of the slowest; kept with -vv" },
	{ "c F7", "the same as a command for curl, into the terminal's clipboard too; the last one comes as "
		  "a line when hark ends" },
	{ "e F8", "the same as HAR, of an endpoint or a process its slowest, of a connection all that are "
		  "kept, to the file of --export" },
	{ "u F9", "only what processes of one user do" },
	{ "t F5", "processes as a tree: in the numbers of each stand those of what it started, too" },
	{ "w", "numbers of: whole run, last 10 s, last 60 s" },
	{ "p Space", "pause and go on; what comes meanwhile is counted" },
	{ "", "" },
	{ "TIME%", "share of the time that all exchanges took together" },
	{ "RATE/s", "exchanges a second" },
	{ "OPEN", "in flight now" },
	{ "ERR%", "4xx, 5xx, reset, timed out" },
	{ "P50 P99",
	  "of the time from the first byte of the request to the last of the answer (within 0.8 %)" },
	{ "TTFB", "to the first byte of the answer, median" },
	{ "NEW%", "exchanges that were the first on a new connection, of the whole run" },
	{ "TLS-HS", "how long the TLS handshake took" },
	{ "rate, p99", "of the last seconds, one character each" },
	{ "{id} {hash} ..", "stands for a segment of the path that differs from request to request" },
	{ "LOST", "what hark wanted to see and could not" },
};

void top_help_lines(struct sink *sink)
{
	size_t columns = (size_t)sink->screen.columns;
	struct top_lines *lines = &sink->lines;
	struct buffer *text = &lines->text;

	top_lines_clear(lines);
	for (size_t i = 0; i < sizeof(helps) / sizeof(helps[0]); i++) {
		size_t start = text->len, indent = columns < WIDE_MIN ? 2 : KEYS_WIDTH;

		buffer_string(text, helps[i].keys);
		if (columns < WIDE_MIN) {
			top_lines_add(lines, start, TOP_BOLD);
			start = text->len;
			buffer_string(text, "  ");
		}
		while (text->len - start < indent && !text->failed)
			buffer_char(text, ' ');
		buffer_string(text, helps[i].words);
		top_lines_wrap(lines, start, columns, indent, TOP_PLAIN);
	}
}
