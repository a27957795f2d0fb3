/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header block may lie in pieces, in frames and in records: it is put
 * together, scrubbed, and written back piece by piece. A block that cannot be
 * judged is made undecodable: 0x80 is an indexed field of index 0, which every
 * decoder refuses (RFC 7541, 6.1), so that a reader knows that it is unknown.
 */
#include "scrub_frames.h"

#include "http2_assembly.h"
#include "protocol.h"
#include "scrub_block.h"
#include "scrub_text.h"

#include <stdlib.h>
#include <string.h>

#define UNDECODABLE  0x80
#define CHAIN_FRAMES 3
#define TABLE_LIMIT  (1024 * 1024)
#define DATA_STREAMS_MAX \
	32 /* with DATA under way at once; of more, what comes in the middle is not known as a form's */
#define PIECES_MAX 65536

enum frames_state {
	FRAMES_START, /* the preface may come */
	FRAMES_HEADER,
	FRAMES_PAYLOAD,
	FRAMES_SEARCH,
};

struct piece {
	uint8_t *bytes;
	size_t len;
};

struct pieces {
	struct piece *items;
	size_t count, capacity, bytes;
	bool lost; /* some are missing */
};

/* A stream whose DATA is scanned; a form may lie in several frames. */
struct data_stream {
	uint32_t id;
	struct scrub_parameters parameters;
};

struct scrub_frames {
	const struct redact *redact;
	struct hpack *hpack;
	enum frames_state state;
	size_t preface; /* bytes of it so far */
	uint8_t head[HTTP2_FRAME_HEADER_BYTES];
	size_t head_len;
	struct http2_frame frame;
	uint32_t left;
	bool padding_pending;
	struct data_stream streams[DATA_STREAMS_MAX]; /* newest first */
	size_t stream_count;
	struct pieces payload; /* of the block's frame under way */
	struct pieces block;   /* fragments of its frames so far */
	bool block_open;
	uint64_t values;
};

struct scrub_frames *scrub_frames_new(const struct redact *redact, bool from_start)
{
	struct scrub_frames *frames = calloc(1, sizeof(*frames));

	if (!frames)
		return NULL;
	frames->redact = redact;
	frames->state = from_start ? FRAMES_START : FRAMES_SEARCH;
	frames->hpack = hpack_new(TABLE_LIMIT);
	if (!frames->hpack) {
		free(frames);
		return NULL;
	}
	if (!from_start)
		hpack_prime(frames->hpack);
	return frames;
}

void scrub_frames_free(struct scrub_frames *frames)
{
	if (!frames)
		return;
	hpack_free(frames->hpack);
	free(frames->payload.items);
	free(frames->block.items);
	free(frames);
}

static void pieces_add(struct pieces *pieces, uint8_t *bytes, size_t len)
{
	if (!len)
		return;
	if (pieces->bytes + len > HTTP2_BLOCK_LIMIT_BYTES || pieces->count == PIECES_MAX)
		pieces->lost = true;
	if (pieces->count == pieces->capacity) {
		size_t capacity = pieces->capacity ? 2 * pieces->capacity : 16;
		struct piece *items = reallocarray(pieces->items, capacity, sizeof(*items));

		if (!items) {
			/* Not kept in mind, so made unreadable at once. */
			memset(bytes, UNDECODABLE, len);
			pieces->lost = true;
			return;
		}
		pieces->items = items;
		pieces->capacity = capacity;
	}
	pieces->items[pieces->count++] = (struct piece){ bytes, len };
	pieces->bytes += len;
}

static void pieces_clear(struct pieces *pieces)
{
	pieces->count = pieces->bytes = 0;
	pieces->lost = false;
}

static void pieces_fill(const struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++)
		memset(pieces->items[i].bytes, UNDECODABLE, pieces->items[i].len);
}

/* The byte at this offset. */
static uint8_t pieces_byte(const struct pieces *pieces, size_t offset)
{
	size_t i = 0;

	while (offset >= pieces->items[i].len)
		offset -= pieces->items[i++].len;
	return pieces->items[i].bytes[offset];
}

/* Appends the part [start, end) of one to the other. */
static void pieces_append(struct pieces *to, const struct pieces *from, size_t start, size_t end)
{
	size_t at = 0;

	for (size_t i = 0; i < from->count; i++) {
		size_t len = from->items[i].len, first = start > at ? start - at : 0;
		size_t last = end > at ? end - at : 0;

		last = last < len ? last : len;
		if (first < last)
			pieces_add(to, from->items[i].bytes + first, last - first);
		at += len;
	}
}

/* --- blocks ---------------------------------------------------------------------- */

static void block_copy(const struct pieces *pieces, uint8_t *bytes, bool back)
{
	for (size_t i = 0; i < pieces->count; i++) {
		if (back)
			memcpy(pieces->items[i].bytes, bytes, pieces->items[i].len);
		else
			memcpy(bytes, pieces->items[i].bytes, pieces->items[i].len);
		bytes += pieces->items[i].len;
	}
}

static void block_end(struct scrub_frames *frames)
{
	struct pieces *block = &frames->block;
	uint8_t *bytes = block->lost ? NULL : malloc(block->bytes + 1);
	long values = -1;

	if (bytes) {
		block_copy(block, bytes, false);
		values = scrub_block(frames->hpack, frames->redact, bytes, block->bytes);
	}
	if (values >= 0) {
		block_copy(block, bytes, true);
		frames->values += (uint64_t)values;
	} else {
		pieces_fill(block);
		hpack_prime(frames->hpack);
	}
	free(bytes);
	pieces_clear(block);
	frames->block_open = false;
}

/* What of the frame's payload belongs to the block (RFC 9113, 6.2, 6.6). False: it does not fit. */
static bool fragment_range(const struct scrub_frames *frames, size_t *start, size_t *end)
{
	const struct http2_frame *frame = &frames->frame;
	size_t padding = 0;

	*start = 0;
	*end = frame->length;
	if (frame->type == FRAME_CONTINUATION)
		return true;
	if (frame->flags & FRAME_FLAG_PADDED) {
		if (!frame->length)
			return false;
		padding = pieces_byte(&frames->payload, 0);
		*start += 1;
	}
	*start += frame->type == FRAME_PUSH_PROMISE ? 4 : frame->flags & FRAME_FLAG_PRIORITY ? 5 : 0;
	if (*start + padding > *end)
		return false;
	*end -= padding;
	return true;
}

static void block_frame_end(struct scrub_frames *frames)
{
	size_t start, end;

	frames->block_open = true;
	if (frames->payload.lost || !fragment_range(frames, &start, &end)) {
		pieces_append(&frames->block, &frames->payload, 0, frames->payload.bytes);
		frames->block.lost = true;
	} else {
		pieces_append(&frames->block, &frames->payload, start, end);
	}
	pieces_clear(&frames->payload);
	if (frames->frame.flags & FRAME_FLAG_END_HEADERS)
		block_end(frames);
}

/* --- frames ----------------------------------------------------------------------- */

static void framing_lose(struct scrub_frames *frames)
{
	pieces_fill(&frames->payload);
	pieces_clear(&frames->payload);
	if (frames->block_open) {
		frames->block.lost = true;
		block_end(frames);
	}
	hpack_prime(frames->hpack);
	frames->state = FRAMES_SEARCH;
	frames->head_len = 0;
}

/* The scan of the frame's stream, moved to the front. One that was not met before begins with its body. */
static struct scrub_parameters *data_scan(struct scrub_frames *frames)
{
	struct data_stream found = { .id = frames->frame.stream };
	size_t at = 0;

	while (at < frames->stream_count && frames->streams[at].id != found.id)
		at++;
	if (at < frames->stream_count)
		found = frames->streams[at];
	else if (frames->stream_count < DATA_STREAMS_MAX)
		frames->stream_count++;
	else
		at--;
	memmove(frames->streams + 1, frames->streams, at * sizeof(found));
	frames->streams[0] = found;
	return &frames->streams[0].parameters;
}

static void data_scan_end(struct scrub_frames *frames)
{
	if (!frames->stream_count || frames->streams[0].id != frames->frame.stream)
		return;
	frames->stream_count--;
	memmove(frames->streams, frames->streams + 1, frames->stream_count * sizeof(frames->streams[0]));
}

static void frame_end(struct scrub_frames *frames)
{
	frames->state = FRAMES_HEADER;
	frames->head_len = 0;
	if (http2_frame_is_block(frames->frame.type))
		block_frame_end(frames);
	else if (frames->frame.type == FRAME_DATA && frames->frame.flags & FRAME_FLAG_END_STREAM)
		data_scan_end(frames);
}

static void frame_begin(struct scrub_frames *frames)
{
	struct http2_frame *frame = &frames->frame;

	http2_frame_parse(frames->head, frame);
	/* Within a block only its continuation may come (RFC 9113, 4.3). */
	if (!http2_frame_lawful(frame) || (frames->block_open && frame->type != FRAME_CONTINUATION)) {
		framing_lose(frames);
		return;
	}
	frames->state = FRAMES_PAYLOAD;
	frames->left = frame->length;
	frames->padding_pending = frame->type == FRAME_DATA && frame->flags & FRAME_FLAG_PADDED;
	if (frame->type == FRAME_CONTINUATION && !frames->block_open)
		frames->block.lost = true;
	if (!frames->left)
		frame_end(frames);
}

static void data_scrub(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	struct scrub_parameters *scan = data_scan(frames);
	size_t i = frames->padding_pending && len ? 1 : 0;

	frames->padding_pending = frames->padding_pending && !len;
	for (; i < len; i++) {
		bool was = scan->secret;

		if (!scrub_parameters_byte(scan, frames->redact, bytes[i]))
			continue;
		bytes[i] = SCRUB_FILLER;
		frames->values += !was;
	}
}

static size_t payload_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	if (len > frames->left)
		len = frames->left;
	if (frames->frame.type == FRAME_DATA)
		data_scrub(frames, bytes, len);
	else if (http2_frame_is_block(frames->frame.type))
		pieces_add(&frames->payload, bytes, len);
	frames->left -= (uint32_t)len;
	if (!frames->left)
		frame_end(frames);
	return len;
}

static size_t start_feed(struct scrub_frames *frames, const uint8_t *bytes, size_t len)
{
	size_t used = 0;

	while (used < len && frames->preface < HTTP2_PREFACE_BYTES &&
	       bytes[used] == (uint8_t)http2_preface[frames->preface])
		frames->preface++, used++;
	if (frames->preface == HTTP2_PREFACE_BYTES || (used < len && frames->preface == 0))
		frames->state = FRAMES_HEADER;
	else if (used < len)
		framing_lose(frames);
	return used;
}

static size_t header_feed(struct scrub_frames *frames, const uint8_t *bytes, size_t len)
{
	size_t wanted = HTTP2_FRAME_HEADER_BYTES - frames->head_len;

	if (len > wanted)
		len = wanted;
	memcpy(frames->head + frames->head_len, bytes, len);
	frames->head_len += len;
	if (frames->head_len == HTTP2_FRAME_HEADER_BYTES)
		frame_begin(frames);
	return len;
}

/* Where frames begin for certain; len: nowhere here. */
static size_t search(const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at + HTTP2_FRAME_HEADER_BYTES <= len; at++) {
		struct http2_chain chain = http2_chain_judge(slice_of(bytes + at, len - at),
							     HTTP2_DEFAULT_MAX_FRAME, CHAIN_FRAMES, NULL);

		if (chain.verdict == CHAIN_FOUND || (at == 0 && chain.exact_end))
			return at;
	}
	return len;
}

size_t scrub_frames_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	size_t unknown = 0, at = 0;

	while (at < len) {
		switch (frames->state) {
		case FRAMES_START:
			at += start_feed(frames, bytes + at, len - at);
			break;
		case FRAMES_HEADER:
			at += header_feed(frames, bytes + at, len - at);
			break;
		case FRAMES_PAYLOAD:
			at += payload_feed(frames, bytes + at, len - at);
			break;
		case FRAMES_SEARCH:
			at += search(bytes + at, len - at);
			unknown = at;
			if (at < len)
				frames->state = FRAMES_HEADER;
			break;
		}
	}
	return unknown;
}

void scrub_frames_hole(struct scrub_frames *frames, uint64_t size)
{
	if (!size)
		return;
	if (frames->state != FRAMES_PAYLOAD || size > frames->left) {
		framing_lose(frames);
		return;
	}
	if (frames->frame.type == FRAME_DATA)
		*data_scan(frames) = (struct scrub_parameters){ .secret = true };
	frames->padding_pending = false;
	frames->payload.lost = true;
	frames->left -= (uint32_t)size;
	if (!frames->left)
		frame_end(frames);
}

bool scrub_frames_open(const struct scrub_frames *frames)
{
	return frames->block_open || frames->payload.count;
}

void scrub_frames_abandon(struct scrub_frames *frames)
{
	pieces_clear(&frames->payload);
	pieces_clear(&frames->block);
	frames->block_open = false;
	framing_lose(frames);
}

uint64_t scrub_frames_values(const struct scrub_frames *frames)
{
	return frames->values;
}

size_t scrub_frames_memory(const struct scrub_frames *frames)
{
	return sizeof(*frames) + hpack_memory(frames->hpack) +
	       (frames->payload.capacity + frames->block.capacity) * sizeof(struct piece);
}
