/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113) as an observer sees it: two directions that each may have
 * been joined late or have holes. http2_wire.c finds the frames, hpack.c reads
 * the blocks, http2_block.c says what a block means, http2_stream.c keeps the
 * messages, http2_connection.c knows the sides; this file ties them together and answers the pipeline.
 *
 * Invariants. The two directions share nothing but the streams and the role:
 * each may be fed ahead of the other. Nothing is shown before the role is
 * known. A loss in one direction, and a late join, mark what they touched: what
 * was under way there, and what misses the part that was in there. What comes
 * later is marked only when a field of it is unknown, or its like may be: the
 * table of a direction is in doubt from a missed block on.
 */
#include "http2_connection.h"
#include "http2_settings.h"

#include <stdlib.h>
#include <utlist.h>

#define IDS_AHEAD 1000000 /* no client begins so many streams between two frames that are seen */
#define IDS_NEAR  1000	  /* nor is so many ahead of its requests whose frames are followed */
#define WALKS_MAX 8	  /* over all streams, for GOAWAYs that each take a little more back */

/* --- what the wire tells ----------------------------------------------------- */

/* The other side's settings limit what this side may send. */
static void settings_apply(struct http2_side *side, uint32_t max_frame_size)
{
	struct protocol *protocol = side->owner;
	struct http2_side *other = &protocol->side[side == &protocol->side[0]];

	http2_wire_allow_frame_size(other->wire, max_frame_size);
}

static void on_preface(void *ctx)
{
	struct http2_side *side = ctx;
	struct hpack *fresh;

	http2_role_learn(side->owner, side, MESSAGE_REQUEST, 0);
	if (!side->joined_late)
		return;
	/* The direction began here after all: its table is known from the first entry on. */
	fresh = hpack_new(side->owner->config.table_limit_bytes);
	if (!fresh)
		return;
	hpack_free(side->hpack);
	side->hpack = fresh;
	side->framing = true;
	side->joined_late = side->heads_missed = side->blocks_missed = side->trailers_missed = false;
}

static void on_rst_stream(struct http2_side *side, uint32_t id, struct slice payload)
{
	struct protocol *protocol = side->owner;
	struct http2_stream *stream = http2_stream_find(protocol, id);
	uint32_t error = payload.len < 4 ? RESET_ERROR_UNKNOWN : http2_read_u32(payload.data);
	const struct http2_past past = { .id = id, .end = PAST_RESET, .error = error };
	bool is_response = http2_side_kind(side) == MESSAGE_RESPONSE;

	/* The server answers in full and wants no more of the request: no error (RFC 9113, 8.1). */
	if (stream && error == 0 && is_response && stream->half[MESSAGE_RESPONSE].state == HALF_ENDED)
		http2_stream_stop(protocol, stream);
	else if (stream)
		http2_stream_reset(protocol, stream, http2_side_kind(side), error);
	/* A refusal is here before the request that it refuses: two threads moved them. */
	else if (is_response && !http2_past_find(protocol, id))
		http2_past_add(protocol, &past);
}

static void on_goaway(struct http2_side *side, struct slice payload)
{
	struct protocol *protocol = side->owner;
	unsigned int parity = http2_side_kind(side) == MESSAGE_RESPONSE;
	struct http2_goaway *goaway = &protocol->goaway[parity];
	struct http2_stream *stream, *next;
	uint32_t last, error;
	unsigned int walks;

	if (payload.len < 8)
		return;
	last = http2_read_u32(payload.data) & 0x7fffffff;
	error = http2_read_u32(payload.data + 4);
	if (error)
		protocol->goaway_error = error;
	if (goaway->seen && last > goaway->last)
		return;
	walks = goaway->seen && last == goaway->last ? WALKS_MAX : goaway->walks;
	*goaway = (struct http2_goaway){ .seen = true, .last = last, .error = error, .walks = walks + 1 };
	if (walks >= WALKS_MAX)
		return;
	DL_FOREACH_SAFE(protocol->streams.first, stream, next)
	{
		if ((stream->id & 1) == parity && stream->id > last)
			http2_stream_reset(protocol, stream, http2_side_kind(side), error);
	}
}

static void on_frame(void *ctx, const struct http2_frame *frame, struct slice payload, uint64_t time_ns)
{
	struct http2_side *side = ctx;

	http2_tell_frame(side, frame, payload, time_ns);
	if (frame->type == FRAME_SETTINGS)
		settings_apply(side, http2_settings_max_frame(payload));
	if (side->owner->role == ROLE_UNKNOWN)
		return;
	if (frame->type == FRAME_RST_STREAM)
		on_rst_stream(side, frame->stream, payload);
	else if (frame->type == FRAME_GOAWAY)
		on_goaway(side, payload);
}

/* A response whose head was missed, on a stream that nobody knows; NULL: it is not that. */
static struct http2_stream *stream_unseen(struct protocol *protocol, uint32_t id)
{
	const struct http2_side *requests = http2_kind_side(protocol, MESSAGE_REQUEST);
	bool is_known_ended = id % 2 && id <= protocol->ids.last && !http2_side_flags(requests);

	if (!http2_head_missed(protocol, NULL) || is_known_ended || http2_past_find(protocol, id))
		return NULL;
	return http2_stream_add(protocol, id);
}

/* The stream of a DATA frame of this side. NULL: none that is followed. */
static struct http2_stream *data_stream(struct http2_side *side, uint32_t id)
{
	struct protocol *protocol = side->owner;
	struct http2_stream *stream = http2_stream_find(protocol, id);

	if (stream || http2_side_kind(side) == MESSAGE_REQUEST || protocol->role == ROLE_UNKNOWN)
		return stream;
	http2_wire_confirm(http2_kind_side(protocol, MESSAGE_REQUEST)->wire, id);
	stream = http2_stream_find(protocol, id);
	return stream ? stream : stream_unseen(protocol, id);
}

/* The half that a DATA frame belongs to; NULL: nobody waits for it. A body shows that its head was missed. */
static struct http2_half *data_half(struct http2_side *side, struct http2_stream *stream, bool shows,
				    uint64_t time_ns)
{
	enum message_kind kind = http2_side_kind(side);
	struct http2_half *half = &stream->half[kind];

	if (shows && half->state == HALF_IDLE && kind == MESSAGE_RESPONSE &&
	    http2_head_missed(side->owner, NULL)) {
		if (!stream->request_known)
			half->state = HALF_UNSEEN;
		else
			(void)http2_half_open_headless(side->owner, stream, time_ns);
	}
	return half->state == HALF_OPEN ? half : NULL;
}

/* DATA of a message whose head was missed, or of no frame at all: what is wrong is counted at its end. */
static bool is_nobodys(const struct http2_side *side, uint32_t id)
{
	return (side->owner->role == ROLE_UNKNOWN || http2_side_flags(side)) &&
	       !http2_past_find(side->owner, id);
}

static void on_data(void *ctx, uint32_t id, struct slice bytes, uint64_t time_ns)
{
	struct http2_side *side = ctx;
	struct http2_stream *stream = data_stream(side, id);
	struct http2_half *half = stream ? data_half(side, stream, true, time_ns) : NULL;

	if (half)
		http2_half_data(side->owner, half, bytes, time_ns);
	else if (!stream && bytes.data && is_nobodys(side, id))
		protocol_count(&side->owner->handler, NOTE_BYTES_UNPARSED, bytes.len);
}

/* DATA that no correct peer sends: its stream never began, or has ended in this direction. */
static bool is_stray(struct http2_side *side, uint32_t id, const struct http2_stream *stream)
{
	const struct http2_past *past = stream ? NULL : http2_past_find(side->owner, id);

	if (side->owner->role == ROLE_UNKNOWN)
		return false;
	if (stream && stream->half[http2_side_kind(side)].state == HALF_ENDED)
		return true;
	return past ? past->end == PAST_ENDED && past->had_request : !http2_side_flags(side);
}

static void on_data_end(void *ctx, const struct http2_frame *frame, bool sure, uint64_t time_ns)
{
	struct http2_side *side = ctx;
	struct http2_stream *stream = data_stream(side, frame->stream);
	/* Zeros behind a hole look like an empty frame. */
	bool shows = http2_frame_proves(frame) || frame->flags & FRAME_FLAG_END_STREAM;
	struct http2_half *half = stream ? data_half(side, stream, shows, time_ns) : NULL;

	http2_tell_frame(side, frame, slice_of(NULL, 0), time_ns);
	if (half && !sure) {
		half->message->body_known = false;
		half->message->flags |= FLAG_GAP;
	}
	if (!half && is_stray(side, frame->stream, stream))
		protocol_count(&side->owner->handler, NOTE_MESSAGE_REFUSED, 1);
	if (stream && frame->flags & FRAME_FLAG_END_STREAM)
		http2_half_end(side->owner, stream, http2_side_kind(side), time_ns);
}

/* Messages awaited of this side may have been in the bytes of it that were not seen. */
static void messages_lost(struct http2_side *side)
{
	struct protocol *protocol = side->owner;

	if (protocol->role != ROLE_UNKNOWN && protocol->handler.lost && http2_side_flags(side))
		protocol->handler.lost(protocol->handler.ctx, http2_side_kind(side), 0,
				       http2_side_flags(side));
}

static void on_lost(void *ctx)
{
	struct http2_side *side = ctx;
	struct protocol *protocol = side->owner;
	enum message_kind kind = http2_side_kind(side);

	side->had_loss = side->heads_missed = side->blocks_missed = true;
	side->framing = false;
	if (kind == MESSAGE_RESPONSE || protocol->open_messages[MESSAGE_REQUEST] || protocol->loose_requests)
		side->trailers_missed = true;
	protocol->losses[kind]++;
	messages_lost(side);
}

static void on_found(void *ctx, uint64_t time_ns)
{
	struct http2_side *side = ctx;

	protocol_count(&side->owner->handler, NOTE_RESYNC, 1);
	side->framing = true;
	side->clean_ns = time_ns;
	/* Requests that came meanwhile may have been answered in what was passed over. */
	messages_lost(side);
}

static enum http2_expectation on_expected(void *ctx, const struct http2_frame *frame)
{
	struct http2_side *side = ctx;
	struct protocol *protocol = side->owner;
	const struct http2_stream *stream = http2_stream_find(protocol, frame->stream);
	const struct http2_past *past = stream ? NULL : http2_past_find(protocol, frame->stream);
	bool begins = frame->type == FRAME_HEADERS && http2_side_kind(side) == MESSAGE_REQUEST;
	bool is_content = frame->type == FRAME_DATA || frame->type == FRAME_HEADERS ||
			  frame->type == FRAME_CONTINUATION;
	const struct http2_side *requests = http2_kind_side(protocol, MESSAGE_REQUEST);
	uint32_t ahead = requests->framing ? IDS_NEAR : IDS_AHEAD;

	if (protocol->role == ROLE_UNKNOWN || frame->stream == 0)
		return EXPECTED_MAYBE;
	if (stream)
		return is_content && stream->half[http2_side_kind(side)].state == HALF_ENDED ? EXPECTED_NOT
											     : EXPECTED_SURE;
	if ((protocol->ids.last || !http2_side_flags(requests)) && frame->stream > protocol->ids.last + ahead)
		return EXPECTED_NOT;
	if (begins && past && !past->had_request)
		return EXPECTED_SURE;
	if (begins && (frame->stream % 2 == 0 || frame->stream <= protocol->ids.last || past))
		return EXPECTED_NOT;
	return EXPECTED_MAYBE;
}

static bool on_answered(void *ctx, uint32_t id)
{
	struct http2_side *side = ctx;
	const struct http2_stream *stream = http2_stream_find(side->owner, id);
	const struct http2_past *past = stream ? NULL : http2_past_find(side->owner, id);

	if (side->owner->role == ROLE_UNKNOWN || http2_side_kind(side) != MESSAGE_REQUEST)
		return false;
	return stream ? stream->half[MESSAGE_REQUEST].state == HALF_IDLE : past && !past->had_request;
}

static void on_unparsed(void *ctx, uint64_t n)
{
	struct http2_side *side = ctx;

	protocol_count(&side->owner->handler, NOTE_BYTES_UNPARSED, n);
}

/* --- what the pipeline asks ------------------------------------------------- */

static int side_init(struct protocol *protocol, enum event_direction direction)
{
	const struct protocol_config *config = &protocol->config;
	struct http2_side *side = &protocol->side[direction];
	bool is_known = config->role != ROLE_UNKNOWN;
	bool is_client = direction == http2_requests_direction(config->role);
	const struct http2_wire_config wire_config = {
		.from_start = config->from_start[direction],
		.maybe_preface = !is_known || is_client,
		.maybe_frames = !is_known || !is_client,
	};
	const struct http2_wire_handler handler = {
		.ctx = side,
		.preface = on_preface,
		.frame = on_frame,
		.fragment = http2_tell_fragment,
		.block = http2_block_take,
		.data = on_data,
		.data_end = on_data_end,
		.lost = on_lost,
		.found = on_found,
		.expected = on_expected,
		.answered = on_answered,
		.unparsed = on_unparsed,
	};

	side->owner = protocol;
	side->framing = config->from_start[direction];
	side->joined_late = side->heads_missed = side->blocks_missed = side->trailers_missed = !side->framing;
	side->hpack = hpack_new(config->table_limit_bytes);
	side->wire = http2_wire_new(&wire_config, &handler);
	return side->hpack && side->wire ? 0 : -1;
}

/* RFC 7540, 3.2: stream 1 is half closed; its request was HTTP/1.1's. */
static int upgrade_init(struct protocol *protocol)
{
	struct slice settings = protocol->config.upgrade_settings;
	struct http2_stream *stream = http2_stream_add(protocol, 1);

	if (!stream)
		return -1;
	stream->half[MESSAGE_REQUEST].state = HALF_ENDED;
	stream->request_known = true;
	protocol->ids.first = protocol->ids.last = 1;
	if (settings.data && protocol->role != ROLE_UNKNOWN)
		settings_apply(http2_kind_side(protocol, MESSAGE_REQUEST),
			       http2_settings_max_frame_base64(settings));
	return 0;
}

static void http2_destroy(struct protocol *protocol)
{
	if (!protocol)
		return;
	http2_streams_free(protocol);
	for (int direction = 0; direction < 2; direction++) {
		http2_wire_free(protocol->side[direction].wire);
		hpack_free(protocol->side[direction].hpack);
	}
	free(protocol);
}

static struct protocol *http2_create(const struct protocol_config *config,
				     const struct protocol_handler *handler)
{
	struct protocol *protocol = calloc(1, sizeof(*protocol));

	if (!protocol)
		return NULL;
	protocol->config = *config;
	protocol->handler = *handler;
	protocol->role = config->role;
	if (side_init(protocol, DIRECTION_SENT) < 0 || side_init(protocol, DIRECTION_RECEIVED) < 0 ||
	    (config->after_upgrade && upgrade_init(protocol) < 0)) {
		http2_destroy(protocol);
		return NULL;
	}
	protocol->config.upgrade_settings = slice_of(NULL, 0);
	return protocol;
}

static long http2_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		       uint64_t time_ns)
{
	http2_wire_feed(protocol->side[direction].wire, bytes, time_ns);
	return (long)bytes.len;
}

static void http2_hole(struct protocol *protocol, enum event_direction direction, uint64_t size,
		       uint64_t time_ns)
{
	http2_wire_hole(protocol->side[direction].wire, size, time_ns);
}

/* Where a frame is cut by the end, no frame may have begun: it may be made of messages that are awaited. */
static void side_end(struct http2_side *side, uint64_t time_ns)
{
	if (http2_wire_doubtful(side->wire))
		side->framing = false;
	http2_wire_end(side->wire, time_ns);
}

/* An end of one direction ends no message: HTTP/2 frames say where messages end. */
static void http2_finish(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	side_end(&protocol->side[direction], time_ns);
}

static void http2_end(struct protocol *protocol, enum protocol_end reason, uint64_t time_ns)
{
	enum event_direction requests = http2_requests_direction(protocol->role);

	side_end(&protocol->side[requests], time_ns);
	side_end(&protocol->side[!requests], time_ns);
	http2_streams_end(protocol, protocol_end_flags(reason));
}

/* Bytes that wait for a proof of where frames begin wait for no more than a few polls. */
static bool http2_tick(struct protocol *protocol, uint64_t time_ns)
{
	enum event_direction requests = http2_requests_direction(protocol->role);

	http2_wire_tick(protocol->side[requests].wire, time_ns);
	http2_wire_tick(protocol->side[!requests].wire, time_ns);
	return false; /* what is awake is looked at for as many polls as they count */
}

static uint64_t http2_body_left(const struct protocol *protocol, enum event_direction direction)
{
	return http2_wire_data_left(protocol->side[direction].wire);
}

static bool http2_idle(const struct protocol *protocol)
{
	return !protocol->open_messages[MESSAGE_REQUEST] && !protocol->open_messages[MESSAGE_RESPONSE] &&
	       http2_wire_idle(protocol->side[DIRECTION_SENT].wire) &&
	       http2_wire_idle(protocol->side[DIRECTION_RECEIVED].wire);
}

static enum protocol_role http2_role(const struct protocol *protocol)
{
	return protocol->role;
}

const struct protocol_ops http2_protocol = {
	.name = "http2",
	.upgrade = SLICE("h2c"),
	.create = http2_create,
	.destroy = http2_destroy,
	.feed = http2_feed,
	.hole = http2_hole,
	.finish = http2_finish,
	.end = http2_end,
	.tick = http2_tick,
	.body_left = http2_body_left,
	.idle = http2_idle,
	.role = http2_role,
	.memory = http2_memory,
};
