/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header blocks of one direction of an HTTP/2 connection into fields
 * (HPACK, RFC 7541), also when the direction was joined late.
 */
#ifndef HARK_HPACK_H
#define HARK_HPACK_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

struct hpack;

/* flags are those of enum header_flag; an unknown name or value has data NULL. */
struct hpack_field {
	struct slice name, value;
	unsigned int flags;
};

/* Borrowed for the call. */
struct hpack_sink {
	void *ctx;
	void (*field)(void *ctx, const struct hpack_field *field);
};

/*
 * For a direction seen from its first block. Table sizes above
 * table_limit_bytes count as an error. NULL: out of memory.
 */
struct hpack *hpack_new(size_t table_limit_bytes);

void hpack_free(struct hpack *hpack);

/*
 * A block was lost, or the ones before were never seen: forgets the table and
 * takes every entry that may be in it as unknown. To be called once after each
 * loss.
 */
void hpack_prime(struct hpack *hpack);

/* All the memory that it takes. */
size_t hpack_memory(const struct hpack *hpack);

/* True once the table was ever primed: some entries may be unknown. */
bool hpack_is_primed(const struct hpack *hpack);

/*
 * Inflates a block and gives its fields to the sink, in order. Blocks must come in wire order, every one of
 * them. whole false: it is the first part of one, and the last that comes; its whole fields are given.
 * 0; -EBADMSG: the block is wrong, or our table does not fit it; -ENOMEM. After
 * an error none of the block's fields may be used; the table has been primed.
 */
int hpack_inflate(struct hpack *hpack, struct slice block, bool whole, const struct hpack_sink *sink);

/* True when some field is surely one of a request's pseudo-header fields, whatever the table holds. */
bool hpack_names_request(struct slice block);

#endif
