/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One explicit state, moved by bytes and by holes alike:
 *
 *	START -> HEADER <-> PAYLOAD	framing is certain
 *	  \        |          |
 *	   `-----> SEARCH <---'		a hole over a border, or an impossible frame
 *
 * A hole inside a payload keeps the framing, for the frame's length is known.
 * A hole that reaches over the payload's end loses it: what frames it held is
 * unknown even when its size is not. DATA passes through unbuffered; all other
 * payloads are gathered, up to a limit. Nothing here recurses on its input:
 * held bytes are replayed by a loop.
 *
 * A search ends by the frames alone (http2_search.c), or sooner when the
 * connection knows more: bytes that are whole frames, from first to last, and
 * fit. They are taken at once when the other direction speaks of one of their
 * streams, or shows the answer to one; and, when not a byte was passed over
 * since the hole, once nothing follows them for a while. A lone request behind
 * a lost one would otherwise wait for ever, and its answer be shown without it.
 */
#include "http2_wire.h"

#include "bytes.h"
#include "http2_search.h"
#include "protocol.h"

#include <stdlib.h>

#define PAYLOAD_KEPT_BYTES  4096 /* of buffer between two frames */
#define CONTROL_LIMIT_BYTES 6144 /* kept of other frames: a thousand settings */
#define CONFIRMS_MAX	    64	 /* walks over all that a search holds */
#define QUIET_TICKS	    2	 /* one whole poll has passed at the second */
#define TRIAL_FRAMES	    8	 /* behind a border that was searched for */

enum wire_state {
	WIRE_START,   /* the client's preface may come */
	WIRE_HEADER,  /* of a frame */
	WIRE_PAYLOAD, /* of a frame */
	WIRE_SEARCH,  /* for the begin of a frame */
};

struct http2_wire {
	struct http2_wire_config config;
	struct http2_wire_handler handler;
	enum wire_state state;
	uint32_t max_frame_size;

	uint8_t head[HTTP2_PREFACE_BYTES]; /* so far: of the preface, or of a frame header */
	size_t head_len;
	uint64_t head_time_ns;

	struct http2_frame frame;
	uint32_t left;	  /* of its payload */
	uint32_t content; /* of `left`: not padding (DATA) */
	bool padding_due; /* DATA: the length of the padding comes next */
	bool payload_lost;
	struct bytes payload;
	unsigned int trial; /* frames to come that must be like what a correct peer sends, or no frame began
			       here */

	struct http2_assembly assembly;

	struct http2_search search;
	bool behind_hole; /* it began at a hole, not at the join or at an impossible frame */
	unsigned int confirms;
	unsigned int quiet;    /* ticks since a byte came */
	unsigned int answered; /* ticks since a block under way was */
};

/* Tells what was passed over: by the search, and n bytes more. */
static void unparsed_tell(struct http2_wire *wire, uint64_t n)
{
	n += wire->search.unparsed;
	wire->search.unparsed = 0;
	if (n)
		wire->handler.unparsed(wire->handler.ctx, n);
}

static void search_add(struct http2_wire *wire, struct slice bytes, uint64_t time_ns)
{
	while (bytes.len > 0)
		bytes = slice_drop(bytes, http2_search_add(&wire->search, bytes, time_ns));
	unparsed_tell(wire, 0);
}

static void block_emit(struct http2_wire *wire, uint64_t time_ns)
{
	wire->answered = 0; /* the next block waits for itself */
	wire->assembly.open = false;
	wire->handler.block(wire->handler.ctx, &wire->assembly.block, time_ns);
	http2_assembly_close(&wire->assembly);
}

/* The open block will never be whole. */
static void block_lose(struct http2_wire *wire, uint64_t time_ns)
{
	if (!wire->assembly.open)
		return;
	wire->assembly.block.lost = true;
	wire->assembly.block.fragment = slice_of(NULL, 0);
	block_emit(wire, time_ns);
}

/* Forgets the frame under way. */
static void wire_reset(struct http2_wire *wire)
{
	bytes_fini(&wire->payload);
	wire->head_len = 0;
	wire->left = 0;
	wire->state = WIRE_SEARCH;
}

static void framing_lose(struct http2_wire *wire, uint64_t time_ns)
{
	block_lose(wire, time_ns);
	wire_reset(wire);
	wire->behind_hole = false;
	wire->handler.lost(wire->handler.ctx);
}

static void block_frame_end(struct http2_wire *wire, struct slice payload, uint64_t time_ns)
{
	enum http2_assembly_verdict verdict =
		http2_assembly_add(&wire->assembly, &wire->frame, payload, wire->payload_lost);

	if (verdict != ASSEMBLY_WRONG)
		wire->handler.fragment(wire->handler.ctx, &wire->frame, time_ns);
	switch (verdict) {
	case ASSEMBLY_MORE:
		break;
	case ASSEMBLY_WHOLE:
		block_emit(wire, time_ns);
		break;
	case ASSEMBLY_WRONG:
		framing_lose(wire, time_ns);
		break;
	}
}

/* payload: what is kept of it. */
static void frame_end(struct http2_wire *wire, struct slice payload, uint64_t time_ns)
{
	const struct http2_frame frame = wire->frame;

	wire->state = WIRE_HEADER;
	wire->head_len = 0;
	if (frame.type == FRAME_DATA)
		wire->handler.data_end(wire->handler.ctx, &frame, !wire->payload_lost, time_ns);
	else if (http2_frame_is_block(frame.type))
		block_frame_end(wire, payload, time_ns);
	else
		wire->handler.frame(wire->handler.ctx, &frame,
				    wire->payload_lost ? slice_of(NULL, 0) : payload, time_ns);
	/* A small buffer serves the next frame too. */
	if (wire->payload.capacity > PAYLOAD_KEPT_BYTES)
		bytes_fini(&wire->payload);
	wire->payload.len = 0;
}

/* A block's frame begins, or another frame where only a CONTINUATION may come. */
static void block_follow(struct http2_wire *wire, uint64_t time_ns)
{
	const struct http2_frame *frame = &wire->frame;

	if (wire->assembly.open && frame->type == FRAME_CONTINUATION &&
	    frame->stream == wire->assembly.block.stream)
		return;
	block_lose(wire, time_ns);
	if (http2_frame_is_block(frame->type))
		http2_assembly_open(&wire->assembly, frame, wire->head_time_ns);
}

/* The 9 bytes are there. */
static void frame_begin(struct http2_wire *wire, uint64_t time_ns)
{
	const struct http2_frame before = wire->frame;
	struct http2_frame *frame = &wire->frame;
	bool fits;

	http2_frame_parse(wire->head, frame);
	fits = http2_frame_lawful(frame);
	/* A border that little speaks for is given up at the first frame that does not fit. */
	if (wire->trial) {
		fits = fits && http2_frame_plausible(wire->head, wire->max_frame_size) &&
		       (wire->trial == TRIAL_FRAMES || http2_frame_follows(&before, frame));
		wire->trial--;
	}
	if (!fits) {
		framing_lose(wire, time_ns);
		search_add(wire, slice_of(wire->head, HTTP2_FRAME_HEADER_BYTES), wire->head_time_ns);
		return;
	}
	block_follow(wire, time_ns);
	wire->state = WIRE_PAYLOAD;
	wire->left = frame->length;
	wire->content = frame->length;
	wire->padding_due = frame->type == FRAME_DATA && (frame->flags & FRAME_FLAG_PADDED);
	wire->payload_lost = false;
	if (wire->left == 0)
		frame_end(wire, bytes_slice(&wire->payload), time_ns);
}

static size_t header_feed(struct http2_wire *wire, struct slice bytes, uint64_t time_ns)
{
	bytes = slice_take(bytes, HTTP2_FRAME_HEADER_BYTES - wire->head_len);
	if (wire->head_len == 0)
		wire->head_time_ns = time_ns;
	memcpy(wire->head + wire->head_len, bytes.data, bytes.len);
	wire->head_len += bytes.len;
	if (wire->head_len == HTTP2_FRAME_HEADER_BYTES)
		frame_begin(wire, time_ns);
	return bytes.len;
}

static size_t data_feed(struct http2_wire *wire, struct slice bytes, uint64_t time_ns)
{
	struct slice content;

	if (wire->padding_due) {
		wire->padding_due = false;
		wire->left--;
		if (bytes.data[0] > wire->left) /* the connection would end here (RFC 9113, 6.1) */
			framing_lose(wire, time_ns);
		else
			wire->content = wire->left - bytes.data[0];
		return 1;
	}
	bytes = slice_take(bytes, wire->left);
	content = slice_take(bytes, wire->content);
	wire->left -= (uint32_t)bytes.len;
	wire->content -= (uint32_t)content.len;
	if (content.len > 0)
		wire->handler.data(wire->handler.ctx, wire->frame.stream, content, time_ns);
	return bytes.len;
}

static size_t payload_gather(struct http2_wire *wire, struct slice bytes)
{
	bool is_block = http2_frame_is_block(wire->frame.type);
	size_t limit = is_block ? HTTP2_BLOCK_LIMIT_BYTES : CONTROL_LIMIT_BYTES;
	struct slice kept;

	bytes = slice_take(bytes, wire->left);
	wire->left -= (uint32_t)bytes.len;
	kept = is_block ? bytes : slice_take(bytes, limit - wire->payload.len);
	if (!wire->payload_lost && bytes_append(&wire->payload, kept, limit) < 0) {
		wire->payload_lost = true;
		wire->assembly.block.cut = is_block;
	}
	return bytes.len;
}

static size_t payload_feed(struct http2_wire *wire, struct slice bytes, uint64_t time_ns)
{
	struct slice payload;
	size_t used;

	/* One that is there whole need not be kept. */
	if (wire->frame.type != FRAME_DATA && wire->left == wire->frame.length && wire->left <= bytes.len &&
	    wire->left <= CONTROL_LIMIT_BYTES) {
		payload = slice_take(bytes, wire->left);
		wire->left = 0;
		frame_end(wire, payload, time_ns);
		return payload.len;
	}
	if (wire->frame.type == FRAME_DATA)
		used = data_feed(wire, bytes, time_ns);
	else
		used = payload_gather(wire, bytes);
	if (wire->state == WIRE_PAYLOAD && wire->left == 0)
		frame_end(wire, bytes_slice(&wire->payload), time_ns);
	return used;
}

/* The bytes so far are not the preface: they are the server's first frame, or lost. */
static void start_refuse(struct http2_wire *wire, uint64_t time_ns)
{
	uint8_t head[HTTP2_PREFACE_BYTES];
	size_t len = wire->head_len;
	uint64_t head_time_ns = wire->head_time_ns;

	memcpy(head, wire->head, len);
	wire->head_len = 0;
	if (wire->config.from_start && wire->config.maybe_frames) {
		/*
		 * Less than a frame header: a longer common begin with
		 * the preface is no frame of a server.
		 */
		wire->state = WIRE_HEADER;
		if (len < HTTP2_FRAME_HEADER_BYTES) {
			header_feed(wire, slice_of(head, len), head_time_ns);
			return;
		}
	}
	if (wire->config.from_start)
		framing_lose(wire, time_ns);
	wire->state = WIRE_SEARCH;
	search_add(wire, slice_of(head, len), head_time_ns);
}

static size_t start_feed(struct http2_wire *wire, struct slice bytes, uint64_t time_ns)
{
	size_t used = 0;

	if (wire->head_len == 0)
		wire->head_time_ns = time_ns;
	while (used < bytes.len && wire->head_len < HTTP2_PREFACE_BYTES &&
	       bytes.data[used] == (uint8_t)http2_preface[wire->head_len])
		wire->head[wire->head_len++] = bytes.data[used++];
	if (wire->head_len == HTTP2_PREFACE_BYTES) {
		wire->head_len = 0;
		wire->state = WIRE_HEADER;
		wire->handler.preface(wire->handler.ctx);
	} else if (used < bytes.len) {
		start_refuse(wire, time_ns);
	}
	return used;
}

/* Takes bytes until there are none, or until framing is lost. Returns how many it took. */
static size_t framed_feed(struct http2_wire *wire, struct slice bytes, uint64_t time_ns)
{
	size_t used = 0;

	while (used < bytes.len) {
		struct slice rest = slice_drop(bytes, used);

		switch (wire->state) {
		case WIRE_START:
			used += start_feed(wire, rest, time_ns);
			break;
		case WIRE_HEADER:
			used += header_feed(wire, rest, time_ns);
			break;
		case WIRE_PAYLOAD:
			used += payload_feed(wire, rest, time_ns);
			break;
		case WIRE_SEARCH:
			return used;
		}
	}
	return used;
}

/* Replays what a search held. When framing is lost on the way the rest waits for the next search. */
static void held_replay(struct http2_wire *wire)
{
	struct http2_search held = wire->search;
	struct http2_search_cursor cursor = { 0 };
	uint64_t time_ns = 0;
	struct slice run = http2_search_next(&held, &cursor, &time_ns);

	wire->search = (struct http2_search){ 0 };
	wire->state = WIRE_HEADER;
	wire->trial = TRIAL_FRAMES;
	wire->confirms = 0;
	wire->handler.found(wire->handler.ctx, time_ns);
	for (; run.len > 0; run = http2_search_next(&held, &cursor, &time_ns)) {
		run = slice_drop(run, framed_feed(wire, run, time_ns));
		search_add(wire, run, time_ns);
	}
	http2_search_fini(&held);
}

struct held_verdict {
	enum http2_expectation expected; /* of the frames held, from the first byte on */
	bool whole;			 /* the bytes end where a frame ends */
	bool proves;			 /* one of them is more than zeros */
	bool begins_stream;		 /* HEADERS of the stream that was asked for are among them, whole */
};

static struct held_verdict held_judge(const struct http2_wire *wire, size_t at, uint32_t stream)
{
	struct held_verdict verdict = { .expected = EXPECTED_MAYBE };
	struct slice bytes = slice_drop(bytes_slice(&wire->search.held), at);
	struct http2_frame before, frame;

	for (bool first = true; bytes.len >= HTTP2_FRAME_HEADER_BYTES; first = false, before = frame) {
		enum http2_expectation expected = EXPECTED_NOT;

		if (http2_frame_take(&bytes, wire->max_frame_size, first ? NULL : &before, &frame))
			expected = wire->handler.expected(wire->handler.ctx, &frame);
		if (expected == EXPECTED_NOT)
			return (struct held_verdict){ .expected = EXPECTED_NOT };
		if (expected == EXPECTED_SURE)
			verdict.expected = EXPECTED_SURE;
		if (bytes.len < frame.length)
			return verdict;
		verdict.proves |= http2_frame_proves(&frame);
		if (frame.type == FRAME_HEADERS && frame.stream == stream)
			verdict.begins_stream = true;
		bytes = slice_drop(bytes, frame.length);
		verdict.whole = bytes.len == 0;
	}
	return verdict;
}

static void held_replay_from(struct http2_wire *wire, size_t at)
{
	http2_search_skip(&wire->search, at);
	unparsed_tell(wire, 0);
	held_replay(wire);
}

/* From here on the bytes held are frames, and what the connection knows says so too. */
static bool held_agrees(struct http2_wire *wire, size_t at)
{
	const struct held_verdict verdict = held_judge(wire, at, 0);

	if (!verdict.whole || verdict.expected != EXPECTED_SURE)
		return false;
	held_replay_from(wire, at);
	return true;
}

/* Nothing follows: whole frames that begin right behind the hole and fit are taken for what they seem. */
static void held_settle(struct http2_wire *wire)
{
	struct held_verdict verdict;

	if (wire->state != WIRE_SEARCH || !wire->behind_hole || wire->search.passed_over)
		return;
	verdict = held_judge(wire, 0, 0);
	if (verdict.whole &&
	    (verdict.expected == EXPECTED_SURE || (verdict.expected == EXPECTED_MAYBE && verdict.proves)))
		held_replay(wire);
}

static bool frame_fits(void *ctx, const struct http2_frame *frame)
{
	const struct http2_wire *wire = ctx;

	return wire->handler.expected(wire->handler.ctx, frame) != EXPECTED_NOT;
}

/*
 * The last call_len bytes held came with one call: it may begin
 * with a frame though what is before is none.
 */
static void search_run(struct http2_wire *wire, size_t call_len, bool call_end)
{
	const struct http2_chain_filter filter = { .ctx = wire, .fits = frame_fits };
	bool found = true;

	while (found && wire->state == WIRE_SEARCH) {
		found = http2_search_run(&wire->search, wire->max_frame_size, &filter, call_end);
		unparsed_tell(wire, 0);
		if (found)
			held_replay(wire);
		else if (call_end && !held_agrees(wire, 0) && call_len && call_len < wire->search.held.len)
			held_agrees(wire, wire->search.held.len - call_len);
	}
}

void http2_wire_feed(struct http2_wire *wire, struct slice bytes, uint64_t time_ns)
{
	size_t call_len = wire->state == WIRE_SEARCH ? bytes.len : 0;

	wire->quiet = 0;
	while (bytes.len > 0) {
		if (wire->state != WIRE_SEARCH) {
			bytes = slice_drop(bytes, framed_feed(wire, bytes, time_ns));
			if (wire->state == WIRE_SEARCH)
				search_run(wire, 0, bytes.len == 0);
			continue;
		}
		bytes = slice_drop(bytes, http2_search_add(&wire->search, bytes, time_ns));
		search_run(wire, call_len, bytes.len == 0);
	}
}

static void data_hole(struct http2_wire *wire, uint32_t size, uint64_t time_ns)
{
	uint32_t content;

	if (wire->padding_due) {
		/* The length of the padding is in the hole: how much of the frame is content is unknown. */
		wire->payload_lost = true;
		wire->padding_due = false;
		wire->content = 0;
	}
	content = size < wire->content ? size : wire->content;
	wire->content -= content;
	if (content > 0)
		wire->handler.data(wire->handler.ctx, wire->frame.stream, slice_of(NULL, content), time_ns);
}

void http2_wire_hole(struct http2_wire *wire, uint64_t size, uint64_t time_ns)
{
	if (size == 0)
		return;
	if (wire->state == WIRE_SEARCH && size != HOLE_UNKNOWN_SIZE &&
	    http2_search_meets_hole(&wire->search, wire->max_frame_size, size)) {
		unparsed_tell(wire, 0);
		held_replay(wire);
	}
	held_settle(wire);
	if (wire->state == WIRE_PAYLOAD && size != HOLE_UNKNOWN_SIZE) {
		uint32_t inside = size < wire->left ? (uint32_t)size : wire->left;

		if (wire->frame.type == FRAME_DATA)
			data_hole(wire, inside, time_ns);
		else
			wire->payload_lost = true;
		wire->left -= inside;
		size -= inside;
		if (wire->left == 0)
			frame_end(wire, bytes_slice(&wire->payload), time_ns);
		if (size == 0)
			return;
	}
	if (wire->state == WIRE_SEARCH)
		unparsed_tell(wire, http2_search_fini(&wire->search));
	framing_lose(wire, time_ns);
	wire->behind_hole = true;
}

/* A frame is cut by the end. Of a block's what came of the payload is part of the block. */
static size_t frame_cut(struct http2_wire *wire)
{
	if (wire->state == WIRE_START || wire->state == WIRE_HEADER)
		return wire->head_len;
	if (wire->state != WIRE_PAYLOAD || wire->frame.type == FRAME_DATA)
		return 0;
	if (!http2_frame_is_block(wire->frame.type))
		return HTTP2_FRAME_HEADER_BYTES + wire->frame.length - wire->left;
	http2_assembly_cut(&wire->assembly, &wire->frame, bytes_slice(&wire->payload), wire->payload_lost);
	return 0;
}

void http2_wire_end(struct http2_wire *wire, uint64_t time_ns)
{
	size_t unparsed;

	held_settle(wire);
	unparsed = frame_cut(wire);
	if (wire->assembly.open) {
		wire->assembly.block.ended = true;
		block_emit(wire, time_ns);
	}
	unparsed_tell(wire, unparsed + http2_search_fini(&wire->search));
	wire_reset(wire);
}

void http2_wire_confirm(struct http2_wire *wire, uint32_t stream)
{
	if (wire->state != WIRE_SEARCH || wire->confirms >= CONFIRMS_MAX)
		return;
	wire->confirms++;
	for (size_t at = 0; at + HTTP2_FRAME_HEADER_BYTES <= wire->search.held.len; at++) {
		if (held_judge(wire, at, stream).begins_stream) {
			held_replay_from(wire, at);
			return;
		}
	}
}

/* A request whose answer is there will not be told by what is still to come of its block. */
static void block_settle(struct http2_wire *wire, uint64_t time_ns)
{
	const struct http2_frame rest = { .type = FRAME_CONTINUATION, .stream = wire->assembly.block.stream };

	if (wire->state == WIRE_PAYLOAD)
		http2_assembly_cut(&wire->assembly, &wire->frame, bytes_slice(&wire->payload),
				   wire->payload_lost);
	wire->assembly.block.ended = true;
	block_emit(wire, time_ns);
	http2_assembly_open(&wire->assembly, &rest, time_ns);
}

void http2_wire_tick(struct http2_wire *wire, uint64_t time_ns)
{
	const struct http2_block *block = &wire->assembly.block;

	if (wire->quiet < QUIET_TICKS && ++wire->quiet == QUIET_TICKS)
		held_settle(wire);
	/* A block is under way whose message was answered meanwhile. */
	if (!wire->assembly.open || block->type != FRAME_HEADERS ||
	    !wire->handler.answered(wire->handler.ctx, block->stream))
		wire->answered = 0;
	else if (++wire->answered == QUIET_TICKS)
		block_settle(wire, time_ns);
}

struct http2_wire *http2_wire_new(const struct http2_wire_config *config,
				  const struct http2_wire_handler *handler)
{
	struct http2_wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		return NULL;
	wire->config = *config;
	wire->handler = *handler;
	wire->max_frame_size = HTTP2_DEFAULT_MAX_FRAME;
	wire->state = config->maybe_preface ? WIRE_START : config->from_start ? WIRE_HEADER : WIRE_SEARCH;
	wire->trial = 1;
	return wire;
}

void http2_wire_free(struct http2_wire *wire)
{
	if (!wire)
		return;
	bytes_fini(&wire->payload);
	http2_assembly_close(&wire->assembly);
	http2_search_fini(&wire->search);
	free(wire);
}

void http2_wire_allow_frame_size(struct http2_wire *wire, uint32_t bytes)
{
	if (bytes > wire->max_frame_size && bytes <= 0xffffff)
		wire->max_frame_size = bytes;
}

bool http2_wire_doubtful(const struct http2_wire *wire)
{
	return wire->trial && (wire->state == WIRE_PAYLOAD || wire->head_len);
}

uint32_t http2_wire_data_left(const struct http2_wire *wire)
{
	if (wire->state != WIRE_PAYLOAD || wire->frame.type != FRAME_DATA || wire->padding_due)
		return 0;
	return wire->left;
}

bool http2_wire_idle(const struct http2_wire *wire)
{
	return !wire->assembly.open;
}

size_t http2_wire_memory(const struct http2_wire *wire)
{
	return sizeof(*wire) + wire->payload.capacity + wire->assembly.fragment.capacity +
	       wire->search.held.capacity + wire->search.stamps.capacity;
}
