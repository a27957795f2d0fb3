/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hark query`: questions to a history (docs/history.md), common ones by name or any by SQL, which can read
 * that file and do nothing else. It needs no privilege, and gives up what it has before it asks.
 */
#ifndef HARK_QUERY_H
#define HARK_QUERY_H

#include <stddef.h>
#include <stdint.h>

enum query_format {
	QUERY_TEXT,
	QUERY_JSON, /* an object a row */
	QUERY_CSV,  /* RFC 4180, with a head */
};

struct query_config {
	const char *path;
	const char *question;	    /* NULL: what there is to ask, and what the file holds */
	const char *sql;	    /* instead of it; NULL: none */
	const char *const *filters; /* "key:value" */
	size_t filter_count;
	const char *since, *until; /* an age (2h, 7d) or a time; NULL: no limit */
	enum query_format format;
	uint64_t rows;	      /* at most; 0: as many as there are, of text QUERY_ROWS */
	uint64_t time_ns;     /* that a question may take; 0: QUERY_SECONDS */
	size_t columns;	      /* of the terminal; 0: nothing is cut */
	int64_t now_us;	      /* for ages */
	void (*opened)(void); /* the file is open, and nothing was read of it for the user yet */
};

#define QUERY_ROWS    1000
#define QUERY_SECONDS 60

/* The exit status: 0; 1: the reason was reported; 2: there is no such question, filter or time, which was. */
int query_run(const struct query_config *config);

#endif
