/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of options.c: what is collected while argp runs, and the functions
 * that take one value each. All report what is wrong themselves.
 */
#ifndef HARK_OPTION_VALUES_H
#define HARK_OPTION_VALUES_H

#include "options.h"

#define WORDS_MAX 64

enum { /* options without a short form */
	KEY_COMM = 256,
	KEY_SNAPLEN,
	KEY_RING,
	KEY_MEMORY,
	KEY_CAPTURE,
	KEY_TIMEOUT,
	KEY_REDACT,
	KEY_SHOW_SECRETS,
	KEY_STATS_JSON,
	KEY_COLOR,
	KEY_NO_COLOR,
	KEY_DEBUG,
	KEY_USAGE,
	KEY_PENDING,
	KEY_BODY_MAX,
	KEY_HEX,
	KEY_REDACTED,
	KEY_BY,
	KEY_SORT,
	KEY_TOP,
	KEY_HIST,
	KEY_HEAT,
	KEY_ROUTE,
	KEY_FOLD_STATIC,
	KEY_SPEED,
	KEY_SLOW,
	KEY_ERRORS,
	KEY_SUMMARY,
	KEY_WIDE,
	KEY_BOTH_ENDS,
};

enum color_when {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

struct parse {
	struct options *options;
	enum color_when color;
	const char *redact_names[WORDS_MAX];
	size_t redact_count;
	char *words[WORDS_MAX];
	size_t word_count;
	size_t filter_at; /* the first of the words that are filters */
	char **comms;	  /* --comm */
	size_t comm_count;
	bool done; /* help or version was printed */
};

/* Takes one value; 0, or 2 when a usage error was reported. */
typedef int take_fn(struct parse *parse, const char *value);

take_fn take_pids, take_comm, take_output, take_record, take_stats_json, take_run_time, take_timeout,
	take_count, take_pending, take_conn, take_user, take_body_max, take_snaplen, take_ring, take_memory,
	take_capture, take_redact, take_color, take_by, take_sort, take_top, take_interval, take_route,
	take_speed, take_slow;

/* An option without a value. */
int take_flag(struct parse *parse, int key);

/* The words that are no options: a view, what belongs to it, filters. 0 or 2. */
int take_words(struct parse *parse);

/* The filter: what is left of the words, and the options that are short for one. 0 or 2. */
int take_filters(struct parse *parse);

/* What depends on several options: fills in the default output, makes options->redact. 0 or 2. */
int check_options(struct parse *parse);

/* Reports and returns 2. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
