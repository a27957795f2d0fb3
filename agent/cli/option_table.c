/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding an option is one row here and one function in option_values.c: help,
 * completion and the man page's list follow (make docs). Adding a view is one
 * row and its sinks.
 */
#include "option_table.h"

#include <string.h>

enum {
	GROUP_WHAT = 1,
	GROUP_OUTPUT,
	GROUP_NUMBERS,
	GROUP_CAPTURE,
	GROUP_HELP
};

const char *const option_groups[] = {
	[GROUP_WHAT] = "What is shown",
	[GROUP_OUTPUT] = "Output",
	[GROUP_NUMBERS] = "Numbers (stat, top, watch --summary)",
	[GROUP_CAPTURE] = "Capture",
	[GROUP_HELP] = "Other",
};

/* clang-format off */
#define ROW(name_, key_, arg_, group_, take_, doc_, more_)                                          \
	{                                                                                          \
		.argp = { .name = name_, .key = key_, .arg = arg_, .doc = doc_, .group = group_ }, \
		.take = take_, .more = more_                                                       \
	}
/* clang-format on */

const struct option_row option_rows[] = {

	ROW("pid", 'p', "PID[,PID...]", GROUP_WHAT, take_pids, "Only these processes (repeatable)",
	    "Processes that they start are not among them, as with strace without -f: the number says one "
	    "process in each view. Which children are left out is said at the start and at the end."),
	ROW("comm", KEY_COMM, "NAME[,NAME...]", GROUP_WHAT, take_comm,
	    "Only programs of this name: the file's base name or the thread's name (repeatable)", NULL),
	ROW("connection", 'x', "ID", GROUP_WHAT, take_conn, "Only the connection of this number",
	    "Every view shows the number behind a #; it is the same in all of them, also in another run of "
	    "hark."),
	ROW("duration", 'd', "SECONDS", GROUP_WHAT, take_run_time,
	    "End after this time (10, 0.5, 500ms, 2m, 1h)", NULL),
	ROW("count", 'n', "COUNT", GROUP_WHAT, take_count,
	    "End after so many exchanges, calls (raw) or frames", NULL),
	ROW("slow", KEY_SLOW, "SECONDS", GROUP_WHAT, take_slow,
	    "Only exchanges that took this long or longer (100ms, 0.5, 2s)",
	    "Short for the filter latency:>=."),
	ROW("errors", KEY_ERRORS, NULL, GROUP_WHAT, NULL,
	    "Only exchanges that failed: 4xx, 5xx, a gRPC error, reset, closed, timed out, unanswered", NULL),
	ROW("user", 'u', "USER", GROUP_WHAT, take_user,
	    "Who runs the command behind -- (default: who called sudo, else you)", NULL),
	ROW("output", 'o', "FORMAT[:FILE]", GROUP_OUTPUT, take_output,
	    "text (default) or json, to FILE instead of stdout (repeatable)",
	    "One of the outputs at most goes to the standard output."),
	ROW("write", 'w', "FILE", GROUP_OUTPUT, take_record, "Record the raw events to FILE, beside any view",
	    "- is the standard output."),
	ROW("redacted", KEY_REDACTED, NULL, GROUP_OUTPUT, NULL,
	    "Overwrite secret values before they are recorded",
	    "They keep their length. What could not be judged with certainty is left out of the recording."),
	ROW("verbose", 'v', NULL, GROUP_OUTPUT, NULL, "Show headers; twice: bodies too", NULL),
	ROW("body-max", KEY_BODY_MAX, "SIZE", GROUP_OUTPUT, take_body_max,
	    "With -vv: bytes shown of a decoded body (default 2K)", "At most 1M."),
	ROW("hex", KEY_HEX, NULL, GROUP_OUTPUT, NULL, "With raw: show the bytes as a hex dump", NULL),
	ROW("pending", KEY_PENDING, "SECONDS", GROUP_OUTPUT, take_pending,
	    "Show a request that waits for its answer after this time (default 2, 0: never)",
	    "Its exchange comes when it ends. A response that goes on for so long is shown too. With -o json "
	    "such lines come only when this option is given."),
	ROW("redact", KEY_REDACT, "NAME[,NAME...]", GROUP_OUTPUT, take_redact,
	    "Header fields and parameters whose values are secrets, besides the usual ones (repeatable)",
	    NULL),
	ROW("show-secrets", KEY_SHOW_SECRETS, NULL, GROUP_OUTPUT, NULL, "Redact nothing", NULL),
	ROW("color", KEY_COLOR, "WHEN", GROUP_OUTPUT, take_color, "auto (default), always or never",
	    "auto is colour when the standard output is a terminal and the environment does not speak "
	    "against it."),
	ROW("no-color", KEY_NO_COLOR, NULL, GROUP_OUTPUT, NULL, "The same as --color=never", NULL),
	ROW("stats-json", KEY_STATS_JSON, "FILE", GROUP_OUTPUT, take_stats_json,
	    "Write the counters to FILE as one JSON object at the end", NULL),
	ROW("wide", KEY_WIDE, NULL, GROUP_OUTPUT, NULL,
	    "Long URLs whole: lines may be wider than the terminal", NULL),
	ROW("both-ends", KEY_BOTH_ENDS, NULL, GROUP_OUTPUT, NULL,
	    "One line for each end of an exchange whose client and server are both on this machine",
	    "Without it text shows such an exchange once: the server's figures, with the client's time "
	    "beside them. JSON always has both."),
	ROW("speed", KEY_SPEED, "FACTOR", GROUP_OUTPUT, take_speed,
	    "With replay: so many times as fast as it was (1, 10, max; default max, with top 1)", NULL),
	ROW("by", KEY_BY, "KEY", GROUP_NUMBERS, take_by,
	    "Group by endpoint (default), host, path, process, peer, status, connection or container", NULL),
	ROW("sort", KEY_SORT, "COLUMN", GROUP_NUMBERS, take_sort,
	    "Sort by this column (default count), largest first; with a - before it smallest first",
	    "The columns are count, rate, in_flight, errors, p50, p90, p99, p99.9, max, ttfb, request_bytes, "
	    "response_bytes and name."),
	ROW("top", KEY_TOP, "N", GROUP_NUMBERS, take_top, "Only the first N rows", NULL),
	ROW("interval", 'i', "SECONDS", GROUP_NUMBERS, take_interval,
	    "With stat: a table every so often, each of its own interval; with top: how often it draws",
	    NULL),
	ROW("hist", KEY_HIST, NULL, GROUP_NUMBERS, NULL,
	    "With stat: how the latencies are spread, as a picture", NULL),
	ROW("heat", KEY_HEAT, NULL, GROUP_NUMBERS, NULL, "With stat: latencies over time, as a picture",
	    NULL),
	ROW("route", KEY_ROUTE, "PATTERN", GROUP_NUMBERS, take_route,
	    "What of a path is one endpoint, as in 'GET /v1/users/{id}/*' (repeatable)",
	    "{name} stands for one segment, * as the last segment for one or more. The method may be left "
	    "out. The first pattern that matches counts, before anything that hark finds out by itself."),
	ROW("fold-static", KEY_FOLD_STATIC, NULL, GROUP_NUMBERS, NULL,
	    "Fold static files by their extension: /css/{file}.css", NULL),
	ROW("summary", KEY_SUMMARY, NULL, GROUP_NUMBERS, NULL,
	    "With watch: the table of endpoints at the end", NULL),
	ROW("capture", KEY_CAPTURE, "WAY", GROUP_CAPTURE, take_capture,
	    "auto (default), socket (Linux 6.3 and later) or syscall",
	    "socket takes the transfers from the sockets' own tracepoints, syscall from the exit of system "
	    "calls; auto takes the first that works."),
	ROW("ring", KEY_RING, "SIZE", GROUP_CAPTURE, take_ring,
	    "Ring buffer between kernel and hark (default 16M), rounded up to a power of two",
	    "From 64K to 1G. Enlarge it when events are lost."),
	ROW("memory", KEY_MEMORY, "SIZE", GROUP_CAPTURE, take_memory,
	    "What hark holds at most of what it observes, without the ring (default 256M)",
	    "From 16M to 64G. Beyond it the connections that hold most are forgotten, the longest quiet "
	    "first; what was under way on them is shown as truncated, and limit.memory counts them."),
	ROW("snaplen", KEY_SNAPLEN, "SIZE", GROUP_CAPTURE, take_snaplen,
	    "Bytes copied of one call at most (default 256K)",
	    "From 256 to 1M. Servers send several HTTP/2 frames in one call of more than 64K, and a cut "
	    "there loses the borders of the frames."),
	ROW("timeout", KEY_TIMEOUT, "SECONDS", GROUP_CAPTURE, take_timeout,
	    "Show a request as unanswered after this time (default 60)", "Counted from its last byte."),
	ROW("quiet", 'q', NULL, GROUP_HELP, NULL, "Say nothing on stderr but errors", NULL),
	ROW("debug", KEY_DEBUG, NULL, GROUP_HELP, NULL, "Say more on stderr about hark itself", NULL),
	ROW("help", 'h', NULL, GROUP_HELP, NULL, "Show this help", NULL),
	ROW("usage", KEY_USAGE, NULL, GROUP_HELP, NULL, "Show the forms of the command line", NULL),
	ROW("version", 'V', NULL, GROUP_HELP, NULL, "Show the version", NULL),
};

const size_t option_row_count = sizeof(option_rows) / sizeof(option_rows[0]);

#define FILTERS "[FILTER...] [-- COMMAND...]"

const struct command_row command_rows[] = {
	{ "watch", FILTERS, "One line an exchange (the default)", COMMAND_LIVE, VIEW_WATCH },
	{ "conns", FILTERS, "Connections: addresses, process, TLS, exchanges, bytes, losses", COMMAND_LIVE,
	  VIEW_CONNS },
	{ "raw", FILTERS, "Each call's direction, length and plain bytes, HTTP or not", COMMAND_LIVE,
	  VIEW_RAW },
	{ "frames", FILTERS, "One line an HTTP/2 frame", COMMAND_LIVE, VIEW_FRAMES },
	{ "top", "[FILTER...]", "Live table by endpoint, connection or process", COMMAND_LIVE, VIEW_TOP },
	{ "stat", FILTERS, "The numbers by endpoint or another key, at the end or every -i seconds",
	  COMMAND_LIVE, VIEW_STAT },
	{ "record", "-w FILE " FILTERS, "Raw events to a file, for replay", COMMAND_LIVE, VIEW_RECORD },
	{ "replay", "FILE [VIEW] [FILTER...]", "A recording through the same pipeline; needs no privilege",
	  COMMAND_REPLAY, VIEW_WATCH },
	{ "doctor", "[PID...]", "What works on this machine and what does not, and why", COMMAND_DOCTOR,
	  VIEW_WATCH },
};

const size_t command_row_count = sizeof(command_rows) / sizeof(command_rows[0]);

const struct command_row *command_find(const char *word)
{
	for (size_t i = 0; i < command_row_count; i++)
		if (strcmp(command_rows[i].name, word) == 0)
			return &command_rows[i];
	return NULL;
}
