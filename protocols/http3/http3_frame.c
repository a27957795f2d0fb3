/* SPDX-License-Identifier: Apache-2.0 */
#include "http3_frame.h"

#include <string.h>

size_t http3_integer_read(struct slice bytes, uint64_t *value)
{
	size_t size = bytes.len ? (size_t)1 << (bytes.data[0] >> 6) : 0;

	if (!size || bytes.len < size)
		return 0;
	*value = bytes.data[0] & 0x3f;
	for (size_t i = 1; i < size; i++)
		*value = *value << 8 | bytes.data[i];
	return size;
}

bool http3_frame_begin(struct http3_frames *frames, struct slice *bytes, uint64_t time_ns)
{
	if (!frames->header_len)
		frames->first_ns = time_ns;
	while (bytes->len) {
		struct slice header = { frames->header, ++frames->header_len };
		size_t type;

		frames->header[header.len - 1] = bytes->data[0];
		*bytes = slice_drop(*bytes, 1);
		type = http3_integer_read(header, &frames->type);
		if (!type || !http3_integer_read(slice_drop(header, type), &frames->left))
			continue;
		frames->header_len = 0;
		frames->inside = true;
		return true;
	}
	return false;
}
