/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content codings (RFC 9110, 8.4.1; RFC 7932; RFC 8878) undone as the bytes come, and the raw deflate of
 * WebSocket (RFC 7692). What comes out is given away in pieces, so that an input that expands a
 * thousandfold takes no memory; whoever gets it says when it is enough.
 */
#ifndef HARK_CODING_H
#define HARK_CODING_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

enum coding_result {
	CODING_WHOLE,	/* the coded data ended */
	CODING_MORE,	/* it goes on: what there is was decoded */
	CODING_LIMIT,	/* what it expands to was refused: cut */
	CODING_WRONG,	/* it is not what it claims to be, or memory is out; what came before is there */
	CODING_UNKNOWN, /* no coding of this name is known */
};

struct coding;

/* Takes a piece of what comes out, borrowed for the call. False: it is enough, nothing more is decoded. */
typedef bool coding_fn(void *ctx, struct slice bytes);

/* Is there a coding of this name? Names ignore case; "identity" and the empty name copy. */
bool coding_is_known(struct slice name);
/* NULL: there is none of this name, or memory is out. */
struct coding *coding_new(struct slice name);
/* Deflate without a header (RFC 1951), which need not end, and goes on behind a final block; bits: of its
 * window, 8 to 15. */
struct coding *coding_new_deflate(int bits);
void coding_free(struct coding *coding); /* NULL is legal */

/*
 * The next bytes. After CODING_LIMIT and CODING_WRONG nothing may follow; behind the end of gzip and zstd
 * more of the same may begin (RFC 1952, 2.2), and what does not is passed over. An empty slice
 * asks whether it ended.
 */
enum coding_result coding_feed(struct coding *coding, struct slice in, coding_fn *out, void *ctx);

/* The memory that it takes, about. */
size_t coding_memory(const struct coding *coding);

#endif
