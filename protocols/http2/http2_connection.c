/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sides of a connection: which messages each carries, what of it may
 * have been missed, and its frames for those who look below messages. Such a
 * frame is told of when it has ended, so the order is that of the wire; the
 * frame that ends a header block waits for the block's fields.
 */
#include "http2_connection.h"

#define SLACK_NS 1000000 /* clocks of two processors and of two calls differ by less */

void http2_role_learn(struct protocol *protocol, const struct http2_side *side, enum message_kind kind,
		      uint64_t time_ns)
{
	bool is_sent = side == &protocol->side[DIRECTION_SENT];

	if (protocol->role != ROLE_UNKNOWN)
		return;
	protocol->role = is_sent == (kind == MESSAGE_REQUEST) ? ROLE_CLIENT : ROLE_SERVER;
	/* Bytes that came before were for nobody. */
	for (int direction = 0; direction < 2; direction++)
		http2_side_clean(&protocol->side[direction], time_ns);
}

unsigned int http2_request_missed(struct protocol *protocol, uint32_t id)
{
	bool is_pushed = id % 2 == 0;
	const struct http2_side *side =
		http2_kind_side(protocol, is_pushed ? MESSAGE_RESPONSE : MESSAGE_REQUEST);

	if (is_pushed)
		return http2_side_flags(side);
	if (id > protocol->ids.last)
		return side->heads_missed ? http2_side_flags(side) : 0;
	if (side->joined_late && id < protocol->ids.first)
		return FLAG_LATE_JOINED;
	return side->had_loss ? FLAG_GAP : 0;
}

bool http2_head_missed(struct protocol *protocol, const struct http2_stream *stream)
{
	const struct http2_side *side = http2_kind_side(protocol, MESSAGE_RESPONSE);

	if (!http2_side_flags(side))
		return false;
	return !side->framing || !stream || stream->request_ns <= side->clean_ns + SLACK_NS;
}

size_t http2_memory(const struct protocol *protocol)
{
	size_t bytes = sizeof(*protocol) + protocol->held_bytes +
		       protocol->streams.count * sizeof(struct http2_stream) +
		       (protocol->streams.buckets ? sizeof(void *) << protocol->streams.bits : 0);

	for (int direction = 0; direction < 2; direction++)
		bytes += hpack_memory(protocol->side[direction].hpack) +
			 http2_wire_memory(protocol->side[direction].wire);
	return bytes;
}

/* --- frames ------------------------------------------------------------------ */

/* frame: all that the header does not say. */
static void tell(struct http2_side *side, const struct http2_frame *seen, struct frame frame,
		 uint64_t time_ns)
{
	struct protocol *protocol = side->owner;

	frame.direction = (enum event_direction)(side - protocol->side);
	frame.time_ns = time_ns;
	frame.length = seen->length;
	frame.type = seen->type;
	frame.flags = seen->flags;
	frame.stream = seen->stream;
	protocol->handler.frame(protocol->handler.ctx, &frame);
}

static bool is_wanted(const struct http2_side *side)
{
	return side->owner->config.want_frames && side->owner->handler.frame;
}

void http2_tell_frame(struct http2_side *side, const struct http2_frame *seen, struct slice payload,
		      uint64_t time_ns)
{
	if (is_wanted(side))
		tell(side, seen, (struct frame){ .payload = payload }, time_ns);
}

void http2_tell_fragment(void *ctx, const struct http2_frame *seen, uint64_t time_ns)
{
	struct http2_side *side = ctx;

	if (!is_wanted(side))
		return;
	side->block_end = *seen;
	if (!(seen->flags & FRAME_FLAG_END_HEADERS))
		tell(side, seen, (struct frame){ .headers = NULL }, time_ns);
}

void http2_tell_block(struct http2_side *side, const struct http2_block *block,
		      const struct header_list *fields, uint64_t time_ns)
{
	if (!is_wanted(side) || !(side->block_end.flags & FRAME_FLAG_END_HEADERS))
		return;
	tell(side, &side->block_end, (struct frame){ .headers = fields, .promised_stream = block->promised },
	     time_ns);
	side->block_end = (struct http2_frame){ 0 };
}
