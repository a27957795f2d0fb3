/* SPDX-License-Identifier: Apache-2.0 */
/* TLS libraries by their first bytes: share/tls-signatures says how the data is written and was derived. */
#ifndef HARK_SIGNATURE_H
#define HARK_SIGNATURE_H

#include "elf_file.h"
#include "locations.h"
#include "slice.h"

struct signatures;

/* Those of share/tls-signatures, of which hark holds a copy. NULL: out of memory. */
struct signatures *signatures_new(void);
/* Those of this text, which is borrowed for the call. NULL: errno; with EINVAL *line is the wrong one, from 1
 * on. */
struct signatures *signatures_parse(struct slice text, size_t *line);
/* NULL is legal. */
void signatures_free(struct signatures *signatures);

/*
 * The library that stands in the file, and where. NULL: none, or not clearly one: each function's bytes have
 * to stand there once, and one family alone may have all of its own. Reads all code of the file, in pieces,
 * if it defines the symbol of a family, and nothing otherwise; pause (NULL: nothing) is called after each
 * piece.
 */
const struct library_row *signatures_find(const struct signatures *signatures, const struct elf_file *elf,
					  void (*pause)(void *ctx), void *ctx, struct locations *out);

#endif
