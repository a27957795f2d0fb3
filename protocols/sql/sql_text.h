/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an SQL statement, as it may be shown: its literals are what people told a database, so each is
 * replaced by a question mark; comments, which may hold anything, are left out, and white space is one blank.
 * And its summary, by which alike statements are grouped: what is done, and to which tables.
 *
 * No grammar is parsed: words, names, literals and comments are told apart as the server's own lexer does,
 * which is what redaction rests on; the summary rests on keywords.
 */
#ifndef HARK_SQL_TEXT_H
#define HARK_SQL_TEXT_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQL_SUMMARY_MAX 255 /* as OpenTelemetry has it */
#define SQL_NAME_MAX	128

/* How a server reads a text: a set. */
enum sql_dialect {
	SQL_POSTGRESQL = 0,
	SQL_MYSQL = 1 << 0,	  /* "…" and #, `--` wants a blank, and a comment may hold code */
	SQL_BACKSLASHES = 1 << 1, /* a backslash escapes in every string, not only in E'…' */
};

/* Writes at most text.len bytes to out, and returns how many. What is cut within a literal ends in it. */
size_t sql_sanitise(struct slice text, unsigned int dialect, uint8_t *out);

struct sql_names {
	uint8_t summary[SQL_SUMMARY_MAX], operation[SQL_NAME_MAX], collection[SQL_NAME_MAX];
	size_t summary_len, operation_len, collection_len; /* 0: there is none, or no single one */
};

/* Of a text that was sanitised. */
void sql_summarise(struct slice text, struct sql_names *names);

#endif
