/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a recording, as record.c writes it and source_file.c reads it (docs/recording.md). */
#ifndef HARK_RECORDING_H
#define HARK_RECORDING_H

#include "event.h"

#include <stdint.h>

#define RECORDING_MAGIC	     "hark\0rec" /* 8 bytes, no further NUL */
#define RECORDING_VERSION    1
#define RECORDING_BYTE_ORDER 0x01020304u
#define RECORDING_ALIGN	     8	  /* each event starts at a multiple of this */
#define RECORDING_HEADER_MAX 4096 /* a longer header is damage */

struct recording_header {
	char magic[8];
	uint32_t byte_order; /* RECORDING_BYTE_ORDER in the writer's order */
	uint16_t version;    /* of this layout */
	uint16_t header_len; /* where the first event starts; later versions may add fields */
	uint32_t event_abi;  /* EVENT_ABI_VERSION */
	uint32_t reserved;   /* 0 */
	int64_t wall_offset_ns;
};

static_assert(sizeof(struct recording_header) == 32, "docs/recording.md");
static_assert(sizeof(RECORDING_MAGIC) - 1 == 8, "docs/recording.md");

static inline uint32_t recording_padded(uint32_t size)
{
	return (size + RECORDING_ALIGN - 1) & ~(uint32_t)(RECORDING_ALIGN - 1);
}

#endif
