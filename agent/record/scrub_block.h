/* SPDX-License-Identifier: Apache-2.0 */
/* Overwrites the secrets of one HPACK header block in place (RFC 7541, 6). */
#ifndef HARK_SCRUB_BLOCK_H
#define HARK_SCRUB_BLOCK_H

#include "content/content.h"
#include "base/redact.h"
#include "hpack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Facts that a block tells of the body behind it. */
struct scrub_facts {
	bool head;    /* it has pseudo-header fields: no trailers */
	bool unknown; /* a name of it is not known */
	bool coded;
	enum content_secrets body; /* set by the caller: what a body without a type is */
};

/*
 * The block keeps its length, the number of its symbols and so the sizes of the entries that it adds to the
 * table. A field whose name is not known counts as secret. How many values were overwritten, or -1: the block
 * cannot be judged and must not be kept.
 */
long scrub_block(struct hpack *hpack, const struct redact *redact, uint8_t *block, size_t len,
		 struct scrub_facts *facts);

#endif
