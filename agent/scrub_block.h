/* SPDX-License-Identifier: Apache-2.0 */
/* Overwrites the secrets of one HPACK header block in place (RFC 7541, 6). */
#ifndef HARK_SCRUB_BLOCK_H
#define HARK_SCRUB_BLOCK_H

#include "hpack.h"
#include "redact.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The block keeps its length, the number of its symbols and so the sizes of the entries that it adds to the
 * table. A field whose name is not known counts as secret. How many values were overwritten, or -1: the block
 * cannot be judged and must not be kept.
 */
long scrub_block(struct hpack *hpack, const struct redact *redact, uint8_t *block, size_t len);

#endif
