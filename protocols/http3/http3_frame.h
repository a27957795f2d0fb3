/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of one direction of an HTTP/3 stream (RFC 9114, 7.1), out of bytes that come in any pieces. */
#ifndef HARK_HTTP3_FRAME_H
#define HARK_HTTP3_FRAME_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP3_INTEGER_MAX_BYTES 8

enum http3_frame_type {
	HTTP3_DATA = 0,
	HTTP3_HEADERS = 1,
	HTTP3_SETTINGS = 4,
};

enum http3_stream_type { /* the first integer of a unidirectional stream (RFC 9114, 6.2; RFC 9204, 4.2) */
	HTTP3_STREAM_CONTROL = 0,
	HTTP3_STREAM_ENCODER = 2,
};

#define HTTP3_SETTING_TABLE 1 /* SETTINGS_QPACK_MAX_TABLE_CAPACITY (RFC 9204, 5) */

/* A zeroed struct stands before a frame. */
struct http3_frames {
	uint8_t header[2 * HTTP3_INTEGER_MAX_BYTES];
	size_t header_len;
	bool inside; /* a frame's payload: type and left are known */
	uint64_t type;
	uint64_t left;	   /* of the payload */
	uint64_t first_ns; /* when the frame's first byte came */
};

/* How many bytes an integer takes, and its value (RFC 9000, 16). 0: the bytes end before it does. */
size_t http3_integer_read(struct slice bytes, uint64_t *value);

/* Takes bytes of a frame's header; between frames only. True: it is whole, what stands behind it stays. */
bool http3_frame_begin(struct http3_frames *frames, struct slice *bytes, uint64_t time_ns);

/* Does the direction stand between two frames? */
static inline bool http3_frames_border(const struct http3_frames *frames)
{
	return !frames->inside && !frames->header_len;
}

#endif
