/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One const table says what each frame type allows (RFC 9113, 6); reading and
 * judging headers is a look into it. Binary data that is not HTTP/2 is full of
 * zeros, so a chain only counts frames that hold something else than zeros.
 */
#include "http2_frame.h"

#include "frame.h"

const char http2_preface[HTTP2_PREFACE_BYTES + 1] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const char *http2_frame_type_name(uint8_t type)
{
	static const char *const names[FRAME_TYPE_COUNT] = {
		[FRAME_DATA] = "DATA",
		[FRAME_HEADERS] = "HEADERS",
		[FRAME_PRIORITY] = "PRIORITY",
		[FRAME_RST_STREAM] = "RST_STREAM",
		[FRAME_SETTINGS] = "SETTINGS",
		[FRAME_PUSH_PROMISE] = "PUSH_PROMISE",
		[FRAME_PING] = "PING",
		[FRAME_GOAWAY] = "GOAWAY",
		[FRAME_WINDOW_UPDATE] = "WINDOW_UPDATE",
		[FRAME_CONTINUATION] = "CONTINUATION",
	};

	return type < FRAME_TYPE_COUNT ? names[type] : NULL;
}

enum stream_rule {
	STREAM_ANY,
	STREAM_ZERO,
	STREAM_NONZERO,
};

struct frame_rule {
	enum stream_rule stream;
	uint8_t flags; /* those that are defined */
	uint32_t min, max;
};

#define NO_MAX		UINT32_MAX
#define ERROR_MAX	255 /* RFC 9113, 7 defines 14; others' are small too */
#define CHAIN_EMPTY_MAX 8   /* frames of a chain that may prove nothing */

static const struct frame_rule frame_rules[FRAME_TYPE_COUNT] = {
	[FRAME_DATA] = { STREAM_NONZERO, FRAME_FLAG_END_STREAM | FRAME_FLAG_PADDED, 0, NO_MAX },
	[FRAME_HEADERS] = { STREAM_NONZERO,
			    FRAME_FLAG_END_STREAM | FRAME_FLAG_END_HEADERS | FRAME_FLAG_PADDED |
				    FRAME_FLAG_PRIORITY,
			    0, NO_MAX },
	[FRAME_PRIORITY] = { STREAM_NONZERO, 0, 5, 5 },
	[FRAME_RST_STREAM] = { STREAM_NONZERO, 0, 4, 4 },
	[FRAME_SETTINGS] = { STREAM_ZERO, FRAME_FLAG_ACK, 0, NO_MAX },
	[FRAME_PUSH_PROMISE] = { STREAM_NONZERO, FRAME_FLAG_END_HEADERS | FRAME_FLAG_PADDED, 4, NO_MAX },
	[FRAME_PING] = { STREAM_ZERO, FRAME_FLAG_ACK, 8, 8 },
	[FRAME_GOAWAY] = { STREAM_ZERO, 0, 8, NO_MAX },
	[FRAME_WINDOW_UPDATE] = { STREAM_ANY, 0, 4, 4 },
	[FRAME_CONTINUATION] = { STREAM_NONZERO, FRAME_FLAG_END_HEADERS, 0, NO_MAX },
};

void http2_frame_parse(const uint8_t *nine, struct http2_frame *out)
{
	*out = (struct http2_frame){
		.length = (uint32_t)nine[0] << 16 | (uint32_t)nine[1] << 8 | nine[2],
		.type = nine[3],
		.flags = nine[4],
		.stream = http2_read_u32(nine + 5) & 0x7fffffff,
	};
}

bool http2_frame_lawful(const struct http2_frame *frame)
{
	const struct frame_rule *rule;
	uint32_t least;
	uint8_t flags;

	if (frame->type >= FRAME_TYPE_COUNT)
		return true;
	rule = &frame_rules[frame->type];
	flags = frame->flags & rule->flags;
	least = rule->min + (flags & FRAME_FLAG_PADDED ? 1 : 0) + (flags & FRAME_FLAG_PRIORITY ? 5 : 0);
	if (frame->length < least || frame->length > rule->max)
		return false;
	if (rule->stream == STREAM_ZERO && frame->stream != 0)
		return false;
	if (rule->stream == STREAM_NONZERO && frame->stream == 0)
		return false;
	if (frame->type == FRAME_SETTINGS)
		return (frame->flags & FRAME_FLAG_ACK) ? frame->length == 0 : frame->length % 6 == 0;
	return true;
}

bool http2_frame_plausible(const uint8_t *nine_bytes, uint32_t max_frame_size)
{
	struct http2_frame frame;

	http2_frame_parse(nine_bytes, &frame);
	if (frame.type >= FRAME_TYPE_COUNT || (nine_bytes[5] & 0x80) || frame.length > max_frame_size)
		return false;
	if (frame.flags & ~frame_rules[frame.type].flags)
		return false;
	return http2_frame_lawful(&frame);
}

bool http2_frame_follows(const struct http2_frame *before, const struct http2_frame *frame)
{
	bool is_open = http2_frame_is_block(before->type) && !(before->flags & FRAME_FLAG_END_HEADERS);
	bool goes_on = frame->type == FRAME_CONTINUATION;

	return is_open == goes_on && (!goes_on || frame->stream == before->stream);
}

/* The first bytes of a payload that are judged, by the type of the frame. */
static size_t payload_judged(const struct http2_frame *frame)
{
	switch (frame->type) {
	case FRAME_GOAWAY:
		return 8;
	case FRAME_RST_STREAM:
	case FRAME_WINDOW_UPDATE:
		return 4;
	default: /* any number may stand there */
		return 0;
	}
}

/* The number at the end of what is judged: an error, or an increment. Unless it is cut. */
static bool payload_plausible(const struct http2_frame *frame, struct slice payload)
{
	size_t judged = payload_judged(frame);
	uint32_t number;

	if (!judged || payload.len < judged)
		return true;
	number = http2_read_u32(payload.data + judged - 4);
	return frame->type == FRAME_WINDOW_UPDATE ? number > 0 && number <= INT32_MAX : number <= ERROR_MAX;
}

bool http2_frame_take(struct slice *bytes, uint32_t max_frame_size, const struct http2_frame *before,
		      struct http2_frame *out)
{
	bool plausible = http2_frame_plausible(bytes->data, max_frame_size);

	http2_frame_parse(bytes->data, out);
	*bytes = slice_drop(*bytes, HTTP2_FRAME_HEADER_BYTES);
	return plausible && (!before || http2_frame_follows(before, out)) && payload_plausible(out, *bytes);
}

struct http2_chain http2_chain_judge(struct slice bytes, uint32_t max_frame_size, unsigned int needed,
				     const struct http2_chain_filter *filter)
{
	struct http2_chain chain = { .verdict = CHAIN_MORE };
	struct http2_frame before, frame;
	unsigned int empty = 0;

	for (bool first = true; bytes.len >= HTTP2_FRAME_HEADER_BYTES; first = false, before = frame) {
		if (!http2_frame_take(&bytes, max_frame_size, first ? NULL : &before, &frame) ||
		    (filter && !filter->fits(filter->ctx, &frame)))
			return (struct http2_chain){ .verdict = CHAIN_NONE };
		if (http2_frame_proves(&frame))
			chain.frames++;
		else if (++empty > CHAIN_EMPTY_MAX)
			return (struct http2_chain){ .verdict = CHAIN_NONE };
		if (chain.frames >= needed && bytes.len >= payload_judged(&frame)) {
			chain.verdict = CHAIN_FOUND;
			return chain;
		}
		if (bytes.len < frame.length)
			return chain;
		bytes = slice_drop(bytes, frame.length);
	}
	chain.exact_end = bytes.len == 0 && chain.frames > 0;
	return chain;
}
