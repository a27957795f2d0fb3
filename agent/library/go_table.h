/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's own table of functions (.gopclntab), which a stripped executable keeps:
 * the runtime needs it for stack traces. Of Go 1.18 and later.
 */
#ifndef HARK_GO_TABLE_H
#define HARK_GO_TABLE_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_function {
	uint64_t offset; /* from the start of Go's text */
	uint64_t size;	 /* with the padding behind it */
};

/*
 * A table somewhere in these bytes, up to their end: linkers that know nothing of Go merge it with other
 * constants. Its length is 0 when there is none.
 */
struct slice go_table_search(struct slice bytes);

#define GO_TABLE_TEXT_AT 24 /* where the table says it: a relocation may stand there instead */

/* Where Go's text starts, as the table itself says; 0: it does not (Go 1.26 and later). */
uint64_t go_table_text(struct slice table);

/* Looks a function up by its whole name. Any bytes are legal. 0, or -ENOENT: not there, or no such table. */
int go_table_find(struct slice table, const char *name, struct go_function *out);

/*
 * Do these first bytes of a function look at how much of its stack is left as Go's own calling convention has
 * it (amd64, Go 1.17 and later: the goroutine stands in r14)?
 */
bool go_function_begins(const uint8_t *code, size_t len);

#endif
