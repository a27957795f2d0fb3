/* SPDX-License-Identifier: Apache-2.0 */
/* The common questions, a row each: adding one is its row. */
#ifndef HARK_QUERY_QUESTIONS_H
#define HARK_QUERY_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * In a question ?1 and ?2 are the time it is about, in microseconds, and these words stand for what was asked
 * of that time and passes the filters: `asked` for all ends of exchanges, `once` for each exchange once,
 * `conns` for connections, which have only some of the filters' columns.
 */
struct query_question {
	const char *name;
	const char *doc; /* one sentence without its full stop */
	const char *sql;
};

extern const struct query_question query_questions[];
extern const size_t query_question_count;

struct query_filter {
	const char *key;
	const char *doc;
	const char *column; /* of the view exchange */
	bool of_connections;
	bool of_process; /* which each end of an exchange has of its own */
};

extern const struct query_filter query_filters[];
extern const size_t query_filter_count;

#endif
