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
	bool done; /* help or version was printed */
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
	/* Reads one value; 0, -EINVAL as `wrong` says, or 2 when a usage error was reported. */
	int (*take)(struct parse *parse, const struct option_row *row, const char *value);
	const char *wrong;  /* what is wrong with a value, behind it */
	size_t into, width; /* the member of struct options that it goes to */
	size_t given;	    /* one that is true when the option was given; 0: none */
	uint64_t standard;  /* what it is without the option; 0: nothing */
	uint64_t least, most;
	const char *const *choices; /* by number, up to NULL */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

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
