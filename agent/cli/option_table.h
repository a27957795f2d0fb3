/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that parsing, --help, the completion files and the man page's
 * lists are made of.
 */
#ifndef HARK_OPTION_TABLE_H
#define HARK_OPTION_TABLE_H

#include "option_values.h"

#include <argp.h>
#include <stddef.h>

struct option_row {
	struct argp_option argp; /* doc: one sentence without its full stop */
	take_fn *take;		 /* NULL: take_flag() */
	const char *more;	 /* what the man page says besides: sentences; NULL: nothing */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* The heading of a group of options, by argp_option.group from 1 on. */
extern const char *const option_groups[];

/* What the first word may be; the first of them is what it is without one. */
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
const struct command_row *command_find(const char *word);

#endif
