/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of `hark top`. Exchanges go into numbers (stats.h), into the history of all and into
 * what is kept of them (top_record.h); once a second, and for a key, the page that is shown makes its rows of
 * that, and is drawn. While it is paused the rows stay.
 *
 * A filter typed on the screen does not touch what was counted: it gets numbers
 * of its own, which begin with what is kept of the last exchanges.
 */
#ifndef HARK_TOP_H
#define HARK_TOP_H

#include "filter/filter.h"
#include "sinks/body.h"
#include "sinks/curl_text.h"
#include "sinks/line_text.h"
#include "sinks/sink.h"
#include "top_drill.h"
#include "top_history.h"
#include "top_lines.h"
#include "top_record.h"
#include "top_screen.h"
#include "top_table.h"
#include "top_tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_OPEN_MAX	512 /* exchanges in flight that are listed */
#define TOP_DEPTH_MAX	6
#define TOP_PROMPT_MAX	512
#define TOP_MESSAGES	16 /* kept for after the end of the screen */
#define TOP_MESSAGE_MAX 512

enum top_page {
	PAGE_ENDPOINTS, /* or whatever --by says; the one to begin with. The first four are the tabs, in this
			   order */
	PAGE_CONNECTIONS,
	PAGE_PROCESSES,
	PAGE_LIVE,
	PAGE_SLOWEST,	 /* of an endpoint or a process */
	PAGE_EXCHANGE,	 /* one: headers, and its connection's streams */
	PAGE_CONNECTION, /* one */
	PAGE_BODY,	 /* of one exchange */
	PAGE_COPY,	 /* the command that sends its request again */
	PAGE_HELP,
	PAGE_COUNT
};
#define TAB_COUNT   PAGE_SLOWEST
#define TABLE_COUNT PAGE_EXCHANGE /* pages below are tables */

/* The numbers of the exchanges that pass a filter, or of all. */
struct top_numbers {
	struct stats *stats[2]; /* TOP_ENDPOINTS, TOP_PROCESSES */
	struct top_history history;
};
enum {
	TOP_ENDPOINTS,
	TOP_PROCESSES
};

/* The lines above the page, as of when the page was made. */
struct top_summary {
	struct top_totals totals;
	uint64_t run_ns, in_flight;
	size_t count; /* seconds of the sparklines, as many as fit */
	uint64_t rates[TOP_HISTORY_SECONDS], p99s[TOP_HISTORY_SECONDS];
};

struct top_prompt {
	char text[TOP_PROMPT_MAX]; /* as typed, NUL-terminated */
	size_t len;
};

enum top_prompting {
	PROMPT_NONE,
	PROMPT_FILTER,
	PROMPT_SEARCH,
};

enum top_menu {
	MENU_NONE,
	MENU_SORT,
	MENU_USER,
};

#define TOP_KEY_CODES 3

/* A key of the pages: what it does, and what the help page and the bar at the bottom say of it. */
struct top_key_row {
	uint32_t codes[TOP_KEY_CODES];	/* characters and TOP_KEY_…; 0 behind the last one */
	void (*act)(struct sink *sink); /* NULL: hark ends */
	const char *bar_key, *bar_word; /* NULL: not in the bar, which is in the order of the rows */
	const char *help_keys, *help;	/* a line of the help page; NULL: it has none of its own */
};

struct sink {
	struct sink_config config;
	struct style style; /* without colours: those are the screen's */
	struct buffer text; /* of the line that is being drawn */
	struct top_screen screen;
	/* top_keys, for what shows them: it is called by what they do. */
	const struct top_key_row *keys;
	size_t key_count;
	bool failed; /* the terminal could not be taken */
	int timer;   /* of the loop; -1: none */

	struct top_kept kept;
	struct top_numbers numbers[2]; /* of all exchanges; of some, while there is a filter */
	struct filter *filter;	       /* NULL: none */
	uint64_t filter_since_ns;      /* event time that the second ones begin with */

	struct top_record *open[TOP_OPEN_MAX];
	size_t open_count;
	uint64_t in_flight;
	bool collecting; /* in_flight() calls have begun */

	struct top_summary summary;
	struct top_table tables[TABLE_COUNT];
	struct top_column by_columns[TOP_COLUMNS_MAX]; /* of PAGE_ENDPOINTS */
	char by_title[64];
	struct top_lines lines;
	enum top_page pages[TOP_DEPTH_MAX]; /* the path to the one shown */
	size_t depth;			    /* its place, from 0 on */
	uint64_t subject_id;		    /* PAGE_SLOWEST: whose */
	int subject_stats;		    /* TOP_ENDPOINTS or TOP_PROCESSES */
	char subject[256];		    /* its name, escaped */
	struct top_record *record;	    /* PAGE_EXCHANGE; a use */
	struct top_record *taken;	    /* PAGE_BODY, PAGE_COPY; a use */
	struct top_conn *conn;		    /* PAGE_CONNECTION; a use */
	enum stats_window window;

	uint64_t now_ns;   /* event time */
	uint64_t drawn_ns; /* CLOCK_MONOTONIC of the last picture */
	uint64_t told_ns;  /* the same of the last one that all in flight was told for: keys do not put it off
			    */
	uint64_t interval_ns;
	bool paused, ended;

	enum top_prompting prompting; /* what is typed now */
	struct top_prompt filter_text, search_text;
	char prompt_error[256]; /* empty: what is typed is a filter, or found */

	enum top_menu menu; /* the one that is open */
	struct top_table menu_table;
	bool tree; /* PAGE_PROCESSES is one */
	struct top_family family;

	struct body_reader bodies;
	struct curl_text curl;
	struct buffer command; /* as copied last */
	bool copied;	       /* the terminal was given it */
	struct sink *exporter; /* of HAR; NULL: there is no file for it */
	uint64_t exported;     /* exchanges */

	char said[256];	  /* a remark on what a key did */
	uint64_t said_ns; /* CLOCK_MONOTONIC */

	char messages[TOP_MESSAGES][TOP_MESSAGE_MAX]; /* a ring */
	uint64_t message_count;
	uint64_t message_ns; /* CLOCK_MONOTONIC of the last */
};

static inline enum top_page top_page(const struct sink *sink)
{
	return sink->pages[sink->depth];
}

/* What the rows of PAGE_ENDPOINTS are: processes and connections have pages of their own. */
static inline enum stats_by top_by(const struct sink *sink)
{
	enum stats_by by = sink->config.stats ? sink->config.stats->by : BY_ENDPOINT;

	return by == BY_PROCESS || by == BY_CONNECTION ? BY_ENDPOINT : by;
}

/* "host", "gen_ai.request.model". */
static inline const char *top_by_name(const struct sink *sink)
{
	return top_by(sink) == BY_FACT ? sink->config.stats->by_fact : stats_by_name(top_by(sink));
}

/* Tenths of a percent; one error in many exchanges is not nothing. */
static inline uint64_t top_error_share(uint64_t errors, uint64_t count)
{
	uint64_t share = count ? errors * 1000 / count : 0;

	return errors && share == 0 ? 1 : share;
}

/* The table that is shown, or NULL. */
static inline struct top_table *top_table_shown(struct sink *sink)
{
	return top_page(sink) < TABLE_COUNT ? &sink->tables[top_page(sink)] : NULL;
}

static inline struct top_numbers *top_numbers_shown(struct sink *sink)
{
	return &sink->numbers[sink->filter != NULL];
}

/* top_numbers.c: counting. 0 or -ENOMEM. */
int top_numbers_init(struct sink *sink, struct top_numbers *numbers);
void top_numbers_fini(struct sink *sink);
void top_numbers_exchange(struct sink *sink, const struct result *result);
/* Time went on to sink->now_ns. */
void top_numbers_tick(struct sink *sink);
/* All that is in flight is told anew: begin, then each. */
void top_numbers_in_flight_begin(struct sink *sink);
void top_numbers_in_flight(struct sink *sink, const struct exchange *exchange, bool passes);
/* The filter that is typed takes effect, when it is one; else prompt_error says what is wrong. */
void top_filter_typed(struct sink *sink);

/* top_pages.c */
void top_pages_init(struct sink *sink);
void top_pages_fini(struct sink *sink);
/* Makes the rows, or lines, of the page that is shown from what there is now. */
void top_page_make(struct sink *sink);
/* Goes to a page about an exchange, of which it takes a use. */
void top_taken_show(struct sink *sink, enum top_page page, struct top_record *record);

/* What hangs on a row of endpoints or processes; NULL: it is none of them, nothing, or gone. */
const struct top_drill *top_drill_of(struct sink *sink, const struct top_row *row);
/* The rows, and a tree's sums, in the order that is chosen now. */
void top_page_order(struct sink *sink);

/* top_detail.c: an exchange, a connection. */
void top_exchange_lines(struct sink *sink);
void top_connection_lines(struct sink *sink);

/* top_drill_lines.c: the lines above the slowest exchanges of a row; NULL: it is gone. */
void top_drill_lines(struct sink *sink, const struct top_drill *drill);

/* top_help.c */
void top_help_lines(struct sink *sink);

/* top_draw.c */
/* A remark, at the bottom of the next pictures. */
void top_say(struct sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
void top_draw(struct sink *sink);

/* top_take_lines.c */
void top_body_lines(struct sink *sink);
void top_copy_lines(struct sink *sink);

/* top_take.c: what is taken along of the exchange that is chosen. */
void top_body(struct sink *sink);
void top_copy(struct sink *sink);
int top_export_init(struct sink *sink); /* 0 or -ENOMEM */
void top_export(struct sink *sink);
/* The screen is gone: what was copied last, as a line to take. */
void top_copy_end(struct sink *sink);

/* top_prompt.c */
void top_prompt_key(struct sink *sink, uint32_t key);
/* Takes filter_text over, which was changed otherwise than by typing. */
void top_filter_changed(struct sink *sink);
/* Goes to what is searched for, from `skip` behind the place on. False: it is not on the page. */
bool top_search(struct sink *sink, size_t skip);

/* top_menu.c */
void top_menu_open(struct sink *sink, enum top_menu menu);
void top_menu_key(struct sink *sink, uint32_t key);

/* top_keys.c: the last row is the way out. Digits and the keys that move have no row that acts. */
extern const struct top_key_row top_keys[];
extern const size_t top_key_count;
/* True: the user leaves. */
bool top_key(struct sink *sink, uint32_t key);

#endif
