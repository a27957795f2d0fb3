/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9113, 6, as tables; a payload that is too short gives less, never more. */
#include "frame_show.h"

#include "http2/http2_frame.h"

#define SETTING_BYTES 6

static const struct {
	uint8_t type, flag;
	const char *name;
} flags[] = {
	{ FRAME_DATA, FRAME_FLAG_END_STREAM, "END_STREAM" },
	{ FRAME_DATA, FRAME_FLAG_PADDED, "PADDED" },
	{ FRAME_HEADERS, FRAME_FLAG_END_STREAM, "END_STREAM" },
	{ FRAME_HEADERS, FRAME_FLAG_END_HEADERS, "END_HEADERS" },
	{ FRAME_HEADERS, FRAME_FLAG_PADDED, "PADDED" },
	{ FRAME_HEADERS, FRAME_FLAG_PRIORITY, "PRIORITY" },
	{ FRAME_SETTINGS, FRAME_FLAG_ACK, "ACK" },
	{ FRAME_PUSH_PROMISE, FRAME_FLAG_END_HEADERS, "END_HEADERS" },
	{ FRAME_PUSH_PROMISE, FRAME_FLAG_PADDED, "PADDED" },
	{ FRAME_PING, FRAME_FLAG_ACK, "ACK" },
	{ FRAME_CONTINUATION, FRAME_FLAG_END_HEADERS, "END_HEADERS" },
};

void frame_each_flag(const struct frame *frame, void (*fn)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].type == frame->type && frame->flags & flags[i].flag)
			fn(ctx, flags[i].name);
}

void frame_each_setting(const struct frame *frame,
			void (*fn)(void *ctx, const char *name, uint16_t id, uint32_t value), void *ctx)
{
	/* RFC 9113, 6.5.2; RFC 8441, 3; RFC 9218, 2.1. */
	static const char *const names[] = {
		[1] = "HEADER_TABLE_SIZE",	 [2] = "ENABLE_PUSH",
		[3] = "MAX_CONCURRENT_STREAMS",	 [4] = "INITIAL_WINDOW_SIZE",
		[5] = "MAX_FRAME_SIZE",		 [6] = "MAX_HEADER_LIST_SIZE",
		[8] = "ENABLE_CONNECT_PROTOCOL", [9] = "NO_RFC7540_PRIORITIES",
	};
	struct slice rest = frame->payload;

	if (frame->type != FRAME_SETTINGS)
		return;
	for (; rest.len >= SETTING_BYTES; rest = slice_drop(rest, SETTING_BYTES)) {
		uint16_t id = (uint16_t)(rest.data[0] << 8 | rest.data[1]);

		fn(ctx, id < sizeof(names) / sizeof(names[0]) ? names[id] : NULL, id,
		   http2_read_u32(rest.data + 2));
	}
}

bool frame_number(const struct frame *frame, size_t offset, uint32_t *value)
{
	if (offset + 4 > frame->payload.len)
		return false;
	*value = http2_read_u32(frame->payload.data + offset);
	return true;
}

bool frame_error(const struct frame *frame, uint32_t *error)
{
	if (frame->type == FRAME_RST_STREAM)
		return frame_number(frame, 0, error);
	return frame->type == FRAME_GOAWAY && frame_number(frame, 4, error);
}
