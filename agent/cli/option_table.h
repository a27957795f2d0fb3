/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that parsing, --help, the completion files and the man page's
 * lists are made of.
 */
#ifndef HARK_OPTION_TABLE_H
#define HARK_OPTION_TABLE_H

#include "options.h"

#include <argp.h>
#include <stddef.h>

#define WORDS_MAX 64

/* Values collected while argp runs. */
struct parse {
	struct options *options;
	const char *redact_names[WORDS_MAX];
	size_t redact_count;
	char *words[WORDS_MAX];
	size_t word_count;
	size_t filter_at; /* the first of the words that are filters */
	char **comms;	  /* --comm */
	size_t comm_count;
	bool done;	  /* help or version was printed */
	bool no_config;	  /* --no-config */
	uint64_t given;	  /* the options that were: a bit a row */
	uint64_t of_file; /* of them, those that a file gave */
};

/* Where an option can have an effect: bits, of which a run has those that are true of it. */
enum option_place {
	IN_WATCH = 1 << 0,
	IN_WATCH_TEXT = 1 << 1,
	IN_WATCH_JSON = 1 << 2,
	IN_BODY_TEXT = 1 << 3, /* watch -vv */
	IN_SUMMARY = 1 << 4,   /* watch --summary */
	IN_CONNS = 1 << 5,
	IN_RAW = 1 << 6,
	IN_RAW_TEXT = 1 << 7,
	IN_FRAMES = 1 << 8,
	IN_STAT = 1 << 9,
	IN_STAT_TEXT = 1 << 10,
	IN_TOP = 1 << 11,
	IN_LINES = 1 << 12,	/* text of watch, conns, stat: it adapts to the terminal */
	IN_RECORDING = 1 << 13, /* record, and -w beside a view */
	IN_REDACTED = 1 << 14,	/* a recording with --redacted */
	IN_LIVE = 1 << 15,
	IN_REPLAY = 1 << 16,
	IN_DOCTOR = 1 << 17,
	IN_TREE = 1 << 18,
	IN_QUERIES = 1 << 25,
	IN_TEXT = 1 << 19, /* of watch, conns, raw, frames: lines with a time */
	IN_SERVE = 1 << 20,
	IN_EXPORT = 1 << 21, /* otlp, clickhouse: sent to a URL */
	IN_MCP = 1 << 22,
	IN_QUERY = 1 << 24,
	IN_HISTORY = 1 << 23, /* watch -o sqlite */
	IN_VIEWS = IN_WATCH | IN_CONNS | IN_RAW | IN_FRAMES | IN_STAT | IN_TOP | IN_TREE | IN_SERVE | IN_MCP |
		   IN_QUERIES,
	IN_NUMBERS = IN_STAT | IN_TOP | IN_SUMMARY,
	IN_RUN = IN_LIVE | IN_REPLAY,
};

enum option_shows { /* instead of a run */
	OPTION_NOTHING,
	OPTION_HELP,
	OPTION_USAGE,
	OPTION_VERSION,
};

struct option_row {
	struct argp_option argp; /* doc: one sentence without its full stop; key 0: it has no letter */
	const char *more;	 /* what the man page says besides: sentences; NULL: nothing */
	enum option_shows shows;
	bool alone; /* of one run: no file gives it */
	/* Reads one value; 0, -EINVAL as `wrong` says, or 2 when a usage error was reported. */
	int (*take)(struct parse *parse, const struct option_row *row, const char *value);
	const char *wrong;  /* what is wrong with a value, behind it */
	size_t into, width; /* the member of struct options that it goes to */
	size_t given;	    /* one that is true when the option was given; 0: none */
	uint64_t standard;  /* what it is without the option; 0: nothing */
	uint64_t least, most;
	const char *const *choices; /* by number, up to NULL */
	uint32_t places;	    /* enum option_place: it acts in these alone; 0: everywhere */
	uint32_t needs;		    /* of these it needs one, or means something else; 0: none */
	const char *belongs;	    /* those in words, behind "belongs to" */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/*
 * Says of each option that can have no effect in these places where it belongs. 0, or 2 when that is a usage
 * error: the option asks for what this run will not give.
 */
int option_check_places(const struct parse *parse, uint32_t places);

/* 0, or 2 when a usage error was reported. */
int option_take(struct parse *parse, const struct option_row *row, const char *value);
void option_defaults(struct options *options);

/* A list of them; 0 or 2. */
int option_take_pids(struct options *options, const char *list);

/* Reports and returns 2. */
int option_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The heading of a group of options, by argp_option.group from 1 on. */
extern const char *const option_groups[];

/* The commands that the first word may name; without one the first row holds. */
struct command_row {
	const char *name;
	const char *form; /* what may follow the name */
	const char *doc;  /* one sentence without its full stop */
	enum command command;
	enum view view; /* of COMMAND_LIVE */
};

extern const struct command_row command_rows[];
extern const size_t command_row_count;

/* The row of a word; NULL: there is none. */
const struct command_row *option_command_find(const char *word);

#endif
