/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of an answer to the standard output, as text, JSON or CSV. Whatever stands in a cell, nothing in it
 * acts on a terminal. */
#ifndef HARK_QUERY_PRINT_H
#define HARK_QUERY_PRINT_H

#include "history/sqlite_library.h"
#include "query.h"

#include <stdbool.h>

/*
 * Steps through the statement and prints its rows. SQLite's error, or 0; *rows: how many there were, *more:
 * whether the limit kept others back. Out of memory is SQLITE_NOMEM.
 */
int query_print(sqlite3_stmt *statement, const struct query_config *config, uint64_t *rows, bool *more);

#endif
