/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header block may lie in pieces, in frames and in records: it is put
 * together, scrubbed, and written back piece by piece. A block that cannot be
 * judged is made undecodable: 0x80 is an indexed field of index 0, which every
 * decoder refuses (RFC 7541, 6.1), so that a reader knows that it is unknown.
 */
#include "scrub_frames.h"

#include "base/array.h"
#include "base/scrub_text.h"
#include "base/table.h"
#include "http2/http2_assembly.h"
#include "protocol.h"
#include "scrub_block.h"

#include <stdlib.h>
#include <string.h>

#define UNDECODABLE  0x80
#define CHAIN_FRAMES 3
#define TABLE_LIMIT  (1024 * 1024)
#define STREAMS_MAX  256 /* with a body under way at once; what more there are is not judged */

enum frames_state {
	FRAMES_START, /* the preface may come */
	FRAMES_HEADER,
	FRAMES_PAYLOAD,
	FRAMES_SEARCH,
};

/* Fragments of a header block, of all its frames so far. */
struct block {
	bool open;
	bool lost;	   /* some are missing */
	bool ends;	   /* the stream, too */
	uint32_t stream;   /* 0: of a promise */
	size_t start, end; /* of the fragment within the payload of the frame under way */
	struct scrub_runs runs;
	size_t bytes;
};

/* A stream whose body is scanned. */
struct data_stream {
	struct data_stream *prev, *next;
	uint32_t id;
	enum content_secrets body;
	struct scrub_text text;
};

struct scrub_frames {
	const struct scrub_config *config;
	struct hpack *hpack;
	enum frames_state state;
	size_t preface; /* bytes of it so far */
	uint8_t head[HTTP2_FRAME_HEADER_BYTES];
	size_t head_len;
	struct http2_frame frame;
	uint32_t left;
	bool padding_due;
	struct data_stream *streams; /* the last used first */
	size_t stream_count;
	struct scrub_cuts *cuts; /* of the scrub_frames_feed() under way */
	struct block block;
	struct scrub_text other; /* of the frame under way: GOAWAY's debug data, or what hark does not know */
};

struct scrub_frames *scrub_frames_new(const struct scrub_config *config, bool from_start)
{
	struct scrub_frames *frames = calloc(1, sizeof(*frames));

	if (!frames)
		return NULL;
	frames->config = config;
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

/* --- streams ---------------------------------------------------------------------- */

static struct data_stream *stream_find(const struct scrub_frames *frames, uint32_t id)
{
	struct data_stream *stream = frames->streams;

	while (stream && stream->id != id)
		stream = stream->next;
	return stream;
}

/* NULL is legal. */
static void stream_remove(struct scrub_frames *frames, struct data_stream *stream)
{
	if (!stream)
		return;
	scrub_text_force(&stream->text);
	DL_DELETE(frames->streams, stream);
	frames->stream_count--;
	scrub_text_fini(&stream->text);
	free(stream);
}

/* Moved to the front, or made. NULL: out of memory. */
static struct data_stream *stream_get(struct scrub_frames *frames, uint32_t id)
{
	struct data_stream *stream = stream_find(frames, id);

	if (stream) {
		DL_DELETE(frames->streams, stream);
		DL_PREPEND(frames->streams, stream);
		return stream;
	}
	if (frames->stream_count == STREAMS_MAX)
		stream_remove(frames, frames->streams->prev);
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->id = id;
	stream->body = CONTENT_OPAQUE; /* until its head says more */
	stream->text.unknown = true;
	DL_PREPEND(frames->streams, stream);
	frames->stream_count++;
	return stream;
}

/* Whether a secret began in between nobody knows. */
static void stream_hole(struct data_stream *stream)
{
	scrub_text_force(&stream->text);
	scrub_text_hole(&stream->text);
	stream->body = CONTENT_OPAQUE;
}

void scrub_frames_free(struct scrub_frames *frames)
{
	if (!frames)
		return;
	while (frames->streams)
		stream_remove(frames, frames->streams);
	hpack_free(frames->hpack);
	free(frames->block.runs.items);
	scrub_text_fini(&frames->other);
	free(frames);
}

/* Notes what the block says of the body behind it; NULL: nobody knows. */
static void block_note(struct scrub_frames *frames, const struct scrub_facts *facts)
{
	struct data_stream *stream = stream_find(frames, frames->block.stream);

	if (!frames->block.stream)
		return;
	if (frames->block.ends) {
		stream_remove(frames, stream);
		return;
	}
	if (facts && !facts->head && stream)
		return;
	stream = stream_get(frames, frames->block.stream);
	if (!stream)
		return;
	scrub_text_begin(&stream->text, false);
	stream->body = facts && !facts->coded && !facts->unknown ? facts->body : CONTENT_OPAQUE;
	stream->text.scan.form = stream->body == CONTENT_FORM;
}

/* --- blocks ---------------------------------------------------------------------- */

/* Bytes of the payload under way, which stand at this place in it. */
static void block_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len, size_t at)
{
	struct block *block = &frames->block;
	size_t from, to;

	block->open = true;
	if (at == 0 && !http2_fragment_range(&frames->frame, frames->frame.length, bytes[0], &block->start,
					     &block->end)) {
		block->lost = true;
	}
	from = block->lost || at >= block->start ? 0 : block->start - at;
	to = block->lost || at + len < block->end ? len : block->end > at ? block->end - at : 0;
	if (from >= to)
		return;
	block->bytes += to - from;
	block->lost |= block->bytes > HTTP2_BLOCK_LIMIT_BYTES;
	if (block->lost || !scrub_runs_add(&block->runs, bytes + from, to - from)) {
		/* Not kept in mind, so made unreadable at once. */
		memset(bytes + from, UNDECODABLE, to - from);
		block->lost = true;
	}
}

static void block_clear(struct block *block)
{
	*block = (struct block){ .runs = { block->runs.items, 0, block->runs.capacity } };
}

/* The block is over; what was judged of it is written back, else it is made undecodable. */
static void block_end(struct scrub_frames *frames)
{
	struct block *block = &frames->block;
	uint8_t *bytes = block->lost ? NULL : malloc(block->bytes + 1), *at = bytes;
	struct scrub_facts facts = { .body = CONTENT_WORDS };
	long values = -1;

	for (size_t i = 0; bytes && i < block->runs.count; i++)
		at = mempcpy(at, block->runs.items[i].bytes, block->runs.items[i].len);
	if (bytes)
		values = scrub_block(frames->hpack, frames->config->redact, bytes, block->bytes, &facts);
	block_note(frames, values >= 0 ? &facts : NULL);
	if (values < 0) {
		scrub_runs_fill(&block->runs, UNDECODABLE);
		hpack_prime(frames->hpack);
	} else {
		at = bytes;
		for (size_t i = 0; i < block->runs.count; at += block->runs.items[i++].len)
			memcpy(block->runs.items[i].bytes, at, block->runs.items[i].len);
	}
	free(bytes);
	block_clear(block);
}

/* --- frames ----------------------------------------------------------------------- */

static void framing_lose(struct scrub_frames *frames)
{
	struct data_stream *stream;

	scrub_runs_fill(&frames->block.runs, UNDECODABLE);
	block_clear(&frames->block);
	DL_FOREACH (frames->streams, stream)
		stream_hole(stream);
	hpack_prime(frames->hpack);
	frames->state = FRAMES_SEARCH;
	frames->head_len = 0;
}

static void frame_end(struct scrub_frames *frames)
{
	const struct http2_frame *frame = &frames->frame;

	frames->state = FRAMES_HEADER;
	frames->head_len = 0;
	scrub_text_force(&frames->other);
	if (http2_frame_is_block(frame->type)) {
		frames->block.open = true;
		if (frame->flags & FRAME_FLAG_END_HEADERS)
			block_end(frames);
	} else if (frame->type == FRAME_RST_STREAM ||
		   (frame->type == FRAME_DATA && frame->flags & FRAME_FLAG_END_STREAM)) {
		stream_remove(frames, stream_find(frames, frame->stream));
	}
}

static void frame_begin(struct scrub_frames *frames)
{
	struct http2_frame *frame = &frames->frame;
	struct block *block = &frames->block;

	http2_frame_parse(frames->head, frame);
	/* Within a block only its continuation may come (RFC 9113, 4.3). */
	if (!http2_frame_lawful(frame) || (block->open && frame->type != FRAME_CONTINUATION)) {
		framing_lose(frames);
		return;
	}
	frames->state = FRAMES_PAYLOAD;
	frames->left = frame->length;
	frames->padding_due = frame->type == FRAME_DATA && frame->flags & FRAME_FLAG_PADDED;
	scrub_text_begin(&frames->other, false);
	block->start = 0;
	block->end = frame->length;
	if (frame->type == FRAME_CONTINUATION) {
		block->lost |= !block->open;
	} else {
		block->stream = frame->type == FRAME_HEADERS ? frame->stream : 0;
		block->ends = frame->flags & FRAME_FLAG_END_STREAM;
	}
	if (!frames->left)
		frame_end(frames);
}

static void data_scrub(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	struct data_stream *stream = stream_get(frames, frames->frame.stream);
	size_t skip = frames->padding_due && len ? 1 : 0;
	const uint8_t *zero;

	frames->padding_due = frames->padding_due && !len;
	bytes += skip;
	len -= skip;
	if (!stream) {
		scrub_cuts_add(frames->cuts, bytes, len);
		return;
	}
	zero = stream->body == CONTENT_OPAQUE ? bytes : len ? memchr(bytes, 0, len) : NULL;
	if (zero && !(frames->frame.flags & FRAME_FLAG_PADDED))
		stream->body = CONTENT_OPAQUE;
	if (stream->text.unknown || (stream->body == CONTENT_OPAQUE && !frames->config->keep_other)) {
		scrub_cuts_add(frames->cuts, bytes, len);
		return;
	}
	scrub_text_bytes(&stream->text, frames->config->redact, bytes, len);
}

/*
 * Text for people, most likely (RFC 9113, 6.8); of a frame that hark does not know, anything: it is left out
 * of recordings.
 */
static void other_scrub(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	size_t at = frames->frame.length - frames->left;
	size_t fixed = frames->frame.type == FRAME_GOAWAY ? 8 : 0;
	size_t skip = at >= fixed ? 0 : fixed - at < len ? fixed - at : len;

	if (frames->other.unknown || (frames->frame.type != FRAME_GOAWAY && !frames->config->keep_other)) {
		scrub_cuts_add(frames->cuts, bytes, len);
		return;
	}
	scrub_text_bytes(&frames->other, frames->config->redact, bytes + skip, len - skip);
}

static size_t payload_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	if (len > frames->left)
		len = frames->left;
	if (frames->frame.type == FRAME_DATA)
		data_scrub(frames, bytes, len);
	else if (http2_frame_is_block(frames->frame.type))
		block_feed(frames, bytes, len, frames->frame.length - frames->left);
	else if (frames->frame.type == FRAME_GOAWAY || frames->frame.type > FRAME_CONTINUATION)
		other_scrub(frames, bytes, len);
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

void scrub_frames_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len, struct scrub_cuts *cuts)
{
	size_t at = 0, from;

	frames->cuts = cuts;
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
			from = at;
			at += search(bytes + at, len - at);
			scrub_cuts_add(cuts, bytes + from, at - from);
			if (at < len)
				frames->state = FRAMES_HEADER;
			break;
		}
	}
}

void scrub_frames_hole(struct scrub_frames *frames, uint64_t size)
{
	bool data = frames->frame.type == FRAME_DATA;
	struct data_stream *stream;

	if (!size)
		return;
	if (frames->state != FRAMES_PAYLOAD || size > frames->left) {
		framing_lose(frames);
		return;
	}
	stream = data ? stream_get(frames, frames->frame.stream) : NULL;
	if (stream)
		stream_hole(stream);
	if (!data) {
		scrub_text_force(&frames->other);
		scrub_text_hole(&frames->other);
	}
	frames->padding_due = false;
	frames->block.lost |= http2_frame_is_block(frames->frame.type);
	frames->left -= (uint32_t)size;
	if (!frames->left)
		frame_end(frames);
}

bool scrub_frames_open(const struct scrub_frames *frames)
{
	const struct data_stream *stream;

	if (frames->block.open || scrub_text_open(&frames->other))
		return true;
	DL_FOREACH (frames->streams, stream)
		if (scrub_text_open(&stream->text))
			return true;
	return false;
}

bool scrub_frames_force(struct scrub_frames *frames)
{
	struct data_stream *stream;

	scrub_text_force(&frames->other);
	DL_FOREACH (frames->streams, stream)
		scrub_text_force(&stream->text);
	if (!frames->block.open)
		return false;
	framing_lose(frames);
	return true;
}

size_t scrub_frames_memory(const struct scrub_frames *frames)
{
	return sizeof(*frames) + hpack_memory(frames->hpack) +
	       frames->block.runs.capacity * sizeof(struct scrub_run) +
	       frames->stream_count * sizeof(struct data_stream);
}
