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
#define PIECES_MAX   65536

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

/* A stream whose body is scanned. */
struct data_stream {
	struct data_stream *prev, *next;
	uint32_t id;
	enum content_secrets body;
	struct scrub_text text;
};

struct scrub_frames {
	const struct redact *redact;
	bool keep_other;
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
	uint32_t block_stream;
	bool block_ends;	 /* the stream, too */
	struct scrub_cuts *cuts; /* of the scrub_frames_feed() under way */
	const uint8_t *base;	 /* where its cuts count from */
	struct pieces payload;	 /* of the block's frame under way */
	struct pieces block;	 /* fragments of its frames so far */
	bool block_open;
	struct scrub_text other; /* of the frame under way: GOAWAY's debug data, or what hark does not know */
	uint64_t values;
};

struct scrub_frames *scrub_frames_new(const struct redact *redact, bool from_start, bool keep_other)
{
	struct scrub_frames *frames = calloc(1, sizeof(*frames));

	if (!frames)
		return NULL;
	frames->redact = redact;
	frames->keep_other = keep_other;
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

static void stream_free(struct data_stream *stream)
{
	scrub_text_fini(&stream->text);
	free(stream);
}

void scrub_frames_free(struct scrub_frames *frames)
{
	struct data_stream *stream, *next;

	if (!frames)
		return;
	hpack_free(frames->hpack);
	DL_FOREACH_SAFE(frames->streams, stream, next)
	stream_free(stream);
	free(frames->payload.items);
	free(frames->block.items);
	scrub_text_fini(&frames->other);
	free(frames);
}

static void pieces_add(struct pieces *pieces, uint8_t *bytes, size_t len)
{
	struct piece *items;

	if (!len)
		return;
	if (pieces->bytes + len > HTTP2_BLOCK_LIMIT_BYTES || pieces->count == PIECES_MAX)
		pieces->lost = true;
	items = array_room(pieces->items, pieces->count, &pieces->capacity, sizeof(*items));
	if (!items) {
		/* Not kept in mind, so made unreadable at once. */
		memset(bytes, UNDECODABLE, len);
		pieces->lost = true;
		return;
	}
	pieces->items = items;
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

/* --- streams ---------------------------------------------------------------------- */

static struct data_stream *stream_find(const struct scrub_frames *frames, uint32_t id)
{
	struct data_stream *stream = frames->streams;

	while (stream && stream->id != id)
		stream = stream->next;
	return stream;
}

static void stream_remove(struct scrub_frames *frames, struct data_stream *stream)
{
	if (!stream)
		return;
	scrub_text_force(&stream->text);
	DL_DELETE(frames->streams, stream);
	frames->stream_count--;
	stream_free(stream);
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

/* Notes what the block says of the body behind it; NULL: nobody knows. */
static void block_note(struct scrub_frames *frames, const struct scrub_facts *facts)
{
	struct data_stream *stream = stream_find(frames, frames->block_stream);

	if (!frames->block_stream)
		return;
	if (frames->block_ends) {
		stream_remove(frames, stream);
		return;
	}
	if (facts && !facts->head && stream)
		return;
	stream = stream_get(frames, frames->block_stream);
	if (!stream)
		return;
	scrub_text_begin(&stream->text, false);
	stream->body = facts && !facts->coded && !facts->unknown ? facts->body : CONTENT_OPAQUE;
	stream->text.scan.form = stream->body == CONTENT_FORM;
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
	struct scrub_facts facts = { .body = CONTENT_WORDS };
	long values = -1;

	if (bytes) {
		block_copy(block, bytes, false);
		values = scrub_block(frames->hpack, frames->redact, bytes, block->bytes, &facts);
	}
	block_note(frames, values >= 0 ? &facts : NULL);
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

static void block_frame_end(struct scrub_frames *frames)
{
	const struct pieces *payload = &frames->payload;
	uint8_t first = payload->bytes ? payload->items[0].bytes[0] : 0;
	size_t start, end;

	frames->block_open = true;
	if (frames->frame.type != FRAME_CONTINUATION) {
		frames->block_stream = frames->frame.type == FRAME_HEADERS ? frames->frame.stream : 0;
		frames->block_ends = frames->frame.flags & FRAME_FLAG_END_STREAM;
	}
	if (payload->lost || !http2_fragment_range(&frames->frame, payload->bytes, first, &start, &end)) {
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
	struct data_stream *stream;

	pieces_fill(&frames->payload);
	pieces_clear(&frames->payload);
	if (frames->block_open) {
		frames->block.lost = true;
		block_end(frames);
	}
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
		block_frame_end(frames);
		return;
	}
	if (frame->type != FRAME_RST_STREAM &&
	    !(frame->type == FRAME_DATA && frame->flags & FRAME_FLAG_END_STREAM))
		return;
	stream_remove(frames, stream_find(frames, frame->stream));
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
	frames->padding_due = frame->type == FRAME_DATA && frame->flags & FRAME_FLAG_PADDED;
	scrub_text_begin(&frames->other, false);
	if (frame->type == FRAME_CONTINUATION && !frames->block_open)
		frames->block.lost = true;
	if (!frames->left)
		frame_end(frames);
}

static void data_cut(struct scrub_frames *frames, const uint8_t *bytes, size_t len)
{
	size_t from = (size_t)(bytes - frames->base);

	scrub_cuts_add(frames->cuts, from, from + len);
}

static void data_scrub(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	struct data_stream *stream = stream_get(frames, frames->frame.stream);
	size_t skip = frames->padding_due && len ? 1 : 0;
	const uint8_t *zero;
	uint64_t before;

	frames->padding_due = frames->padding_due && !len;
	bytes += skip;
	len -= skip;
	if (!stream) {
		data_cut(frames, bytes, len);
		return;
	}
	zero = stream->body == CONTENT_OPAQUE ? bytes : len ? memchr(bytes, 0, len) : NULL;
	if (zero && !(frames->frame.flags & FRAME_FLAG_PADDED))
		stream->body = CONTENT_OPAQUE;
	if (stream->text.unknown || (stream->body == CONTENT_OPAQUE && !frames->keep_other)) {
		data_cut(frames, bytes, len);
		return;
	}
	before = stream->text.values;
	scrub_text_bytes(&stream->text, frames->redact, bytes, len);
	frames->values += stream->text.values - before;
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
	uint64_t before = frames->other.values;

	if (frames->other.unknown || (frames->frame.type != FRAME_GOAWAY && !frames->keep_other)) {
		data_cut(frames, bytes, len);
		return;
	}
	scrub_text_bytes(&frames->other, frames->redact, bytes + skip, len - skip);
	frames->values += frames->other.values - before;
}

static size_t payload_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len)
{
	if (len > frames->left)
		len = frames->left;
	if (frames->frame.type == FRAME_DATA)
		data_scrub(frames, bytes, len);
	else if (http2_frame_is_block(frames->frame.type))
		pieces_add(&frames->payload, bytes, len);
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

void scrub_frames_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len, struct scrub_cuts *cuts,
		       size_t base)
{
	size_t at = 0, from;

	frames->cuts = cuts;
	frames->base = bytes - base;
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
			scrub_cuts_add(cuts, base + from, base + at);
			if (at < len)
				frames->state = FRAMES_HEADER;
			break;
		}
	}
	frames->cuts = NULL;
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
	frames->payload.lost = true;
	frames->left -= (uint32_t)size;
	if (!frames->left)
		frame_end(frames);
}

static bool block_is_open(const struct scrub_frames *frames)
{
	return frames->block_open || frames->payload.count;
}

bool scrub_frames_open(const struct scrub_frames *frames)
{
	const struct data_stream *stream;

	if (block_is_open(frames) || scrub_text_open(&frames->other))
		return true;
	DL_FOREACH (frames->streams, stream)
		if (scrub_text_open(&stream->text))
			return true;
	return false;
}

bool scrub_frames_force(struct scrub_frames *frames)
{
	bool block = block_is_open(frames);
	struct data_stream *stream;

	scrub_text_force(&frames->other);
	DL_FOREACH (frames->streams, stream)
		scrub_text_force(&stream->text);
	if (!block)
		return false;
	pieces_clear(&frames->payload);
	pieces_clear(&frames->block);
	frames->block_open = false;
	framing_lose(frames);
	return true;
}

uint64_t scrub_frames_values(const struct scrub_frames *frames)
{
	return frames->values;
}

size_t scrub_frames_memory(const struct scrub_frames *frames)
{
	return sizeof(*frames) + hpack_memory(frames->hpack) +
	       (frames->payload.capacity + frames->block.capacity) * sizeof(struct piece) +
	       frames->stream_count * sizeof(struct data_stream);
}
