/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/2 frame as it passed (RFC 9113, 4.1), for whoever wants to look
 * below messages. Given out for each frame whose header was seen, DATA frames
 * included, in wire order a direction.
 */
#ifndef HARK_FRAME_H
#define HARK_FRAME_H

#include "direction.h"
#include "message.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct frame {
	enum event_direction direction;
	uint64_t time_ns; /* of the record that completed it */
	uint32_t length;  /* of the payload, as its header says */
	uint8_t type, flags;
	uint32_t stream;
	/* The payload of a frame that is neither DATA nor part of a header block; data NULL when it was lost.
	 * It may be cut: then payload.len < length. */
	struct slice payload;
	/* HEADERS, PUSH_PROMISE and the CONTINUATION that ended a block: its fields, pseudo-headers included,
	 * as far as they are known. NULL: the block is not complete yet, was lost, or could not be decoded.
	 */
	const struct header_list *headers;
	uint32_t promised_stream; /* of PUSH_PROMISE; 0: not known */
};

/* RFC 9113, 6: "DATA", "HEADERS", …; NULL for types that the RFC does not name. */
const char *http2_frame_type_name(uint8_t type);

#endif
