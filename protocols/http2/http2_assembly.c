/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block in one frame is passed on where it lies; only CONTINUATIONs make a
 * copy. A lost part makes the whole block lost, but its frames are still
 * followed to the end, for the stream and its end are known from the first.
 */
#include "http2_assembly.h"

void http2_assembly_open(struct http2_assembly *assembly, const struct http2_frame *frame,
			 uint64_t first_byte_ns)
{
	assembly->open = true;
	assembly->block = (struct http2_block){
		.type = frame->type,
		.stream = frame->stream,
		.end_stream = frame->type == FRAME_HEADERS && (frame->flags & FRAME_FLAG_END_STREAM),
		.lost = frame->type == FRAME_CONTINUATION,
		.first_byte_ns = first_byte_ns,
	};
}

bool http2_fragment_range(const struct http2_frame *frame, size_t len, uint8_t first, size_t *start,
			  size_t *end)
{
	bool padded = frame->type != FRAME_CONTINUATION && frame->flags & FRAME_FLAG_PADDED;
	bool priority = frame->type == FRAME_HEADERS && frame->flags & FRAME_FLAG_PRIORITY;
	size_t padding = padded ? first : 0;

	*start = padded + (priority ? 5 : 0) + (frame->type == FRAME_PUSH_PROMISE ? 4 : 0);
	if (*start + padding > len)
		return false;
	*end = len - padding;
	return true;
}

static bool payload_strip(struct http2_block *block, const struct http2_frame *frame, struct slice *payload)
{
	size_t start, end;

	if (!http2_fragment_range(frame, payload->len, payload->len ? payload->data[0] : 0, &start, &end))
		return false;
	if (frame->type == FRAME_PUSH_PROMISE)
		block->promised = http2_read_u32(payload->data + start - 4) & 0x7fffffff;
	*payload = slice_drop(slice_take(*payload, end), start);
	return true;
}

enum http2_assembly_verdict http2_assembly_add(struct http2_assembly *assembly,
					       const struct http2_frame *frame, struct slice payload,
					       bool lost)
{
	struct http2_block *block = &assembly->block;
	bool is_last = frame->flags & FRAME_FLAG_END_HEADERS;

	if (lost)
		block->lost = true;
	else if (!payload_strip(block, frame, &payload))
		return ASSEMBLY_WRONG;
	if (is_last && assembly->fragment.len == 0) {
		block->fragment = payload;
	} else if (!block->lost) {
		if (bytes_append(&assembly->fragment, payload, HTTP2_BLOCK_LIMIT_BYTES) < 0)
			block->lost = block->cut = true;
		block->fragment = bytes_slice(&assembly->fragment);
	}
	if (block->lost)
		block->fragment = slice_of(NULL, 0);
	return is_last ? ASSEMBLY_WHOLE : ASSEMBLY_MORE;
}

void http2_assembly_cut(struct http2_assembly *assembly, const struct http2_frame *frame,
			struct slice payload, bool lost)
{
	struct http2_frame part = *frame;

	/* Where padding begins is not worth the trouble: such a frame gives nothing. */
	if (frame->flags & FRAME_FLAG_PADDED && frame->type != FRAME_CONTINUATION)
		return;
	part.flags &= (uint8_t)~FRAME_FLAG_END_HEADERS;
	(void)http2_assembly_add(assembly, &part, payload, lost);
}

void http2_assembly_close(struct http2_assembly *assembly)
{
	assembly->open = false;
	if (assembly->fragment.data)
		bytes_fini(&assembly->fragment);
}
