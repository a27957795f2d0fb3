/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the table `origin`, each written once for the exchanges that share it. */
#ifndef HARK_SQLITE_ORIGIN_H
#define HARK_SQLITE_ORIGIN_H

#include "model/exchange.h"
#include "sqlite_row.h"
#include "sqlite_turn.h"

#include <stddef.h>
#include <stdint.h>

/* A row serves that long; then there is another one, so that the old can go some day. */
#define SQLITE_ORIGIN_US INT64_C(3600000000)

struct sqlite_origins;

struct sqlite_origins *sqlite_origins_new(void);	  /* NULL: out of memory */
size_t sqlite_origins_bytes(void);			  /* that they take */
void sqlite_origins_free(struct sqlite_origins *origins); /* NULL is legal */

/* The number of the row, in an open turn, which is written when there is none. SQLite's error, or 0. */
int sqlite_origin_find(struct sqlite_origins *origins, struct sqlite_turn *turn, struct sqlite_row *row,
		       const struct conn_facts *conn, const struct mover *mover, enum http_version version,
		       int64_t *number);

#endif
