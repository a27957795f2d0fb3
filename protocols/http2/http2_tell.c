/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames for those who look below messages. Each is told of when it has ended,
 * so the order is that of the wire; the frame that ends a header block waits
 * for the block's fields.
 */
#include "http2_connection.h"

static void tell(struct http2_side *side, const struct http2_frame *seen, struct frame *frame,
		 uint64_t time_ns)
{
	struct protocol *protocol = side->owner;

	frame->direction = (enum event_direction)(side - protocol->side);
	frame->time_ns = time_ns;
	frame->length = seen->length;
	frame->type = seen->type;
	frame->flags = seen->flags;
	frame->stream = seen->stream;
	protocol->handler.frame(protocol->handler.ctx, frame);
}

static bool is_wanted(const struct http2_side *side)
{
	return side->owner->config.want_frames && side->owner->handler.frame;
}

void http2_tell_frame(struct http2_side *side, const struct http2_frame *seen, struct slice payload,
		      uint64_t time_ns)
{
	struct frame frame = { .payload = payload };

	if (is_wanted(side))
		tell(side, seen, &frame, time_ns);
}

void http2_tell_fragment(struct http2_side *side, const struct http2_frame *seen, uint64_t time_ns)
{
	struct frame frame = { .headers = NULL };

	if (!is_wanted(side))
		return;
	side->block_end = *seen;
	if (!(seen->flags & FRAME_FLAG_END_HEADERS))
		tell(side, seen, &frame, time_ns);
}

void http2_tell_block(struct http2_side *side, const struct http2_block *block,
		      const struct header_list *fields, uint64_t time_ns)
{
	struct frame frame = { .headers = fields, .promised_stream = block->promised };

	if (!is_wanted(side) || !(side->block_end.flags & FRAME_FLAG_END_HEADERS))
		return;
	tell(side, &side->block_end, &frame, time_ns);
	side->block_end = (struct http2_frame){ 0 };
}
