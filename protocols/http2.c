/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113) as an observer sees it: two directions that each may have
 * been joined late or have holes. http2_wire.c finds the frames, hpack.c reads
 * the blocks, http2_block.c says what a block means, http2_stream.c keeps the
 * messages; this file ties them together and answers the pipeline.
 *
 * Invariants. The two directions share nothing but the streams and the role:
 * each may be fed ahead of the other. Nothing is shown before the role is
 * known. A gap in one direction marks what is under way there and nothing
 * else.
 */
#include "http2_connection.h"
#include "http2_settings.h"

#include <stdlib.h>

void http2_note(struct protocol *protocol, enum protocol_note note, uint64_t n)
{
	protocol->handler.note(protocol->handler.ctx, note, n);
}

static enum event_direction requests_direction(enum protocol_role role)
{
	return role == ROLE_SERVER ? DIRECTION_RECEIVED : DIRECTION_SENT;
}

enum message_kind http2_side_kind(const struct http2_side *side)
{
	const struct protocol *protocol = side->owner;

	return side == &protocol->side[requests_direction(protocol->role)] ? MESSAGE_REQUEST
									   : MESSAGE_RESPONSE;
}

struct http2_side *http2_kind_side(struct protocol *protocol, enum message_kind kind)
{
	enum event_direction requests = requests_direction(protocol->role);

	return &protocol->side[kind == MESSAGE_REQUEST ? requests : !requests];
}

void http2_role_learn(struct protocol *protocol, const struct http2_side *side, enum message_kind kind)
{
	bool is_sent = side == &protocol->side[DIRECTION_SENT];

	if (protocol->role == ROLE_UNKNOWN)
		protocol->role = is_sent == (kind == MESSAGE_REQUEST) ? ROLE_CLIENT : ROLE_SERVER;
}

unsigned int http2_side_flags(const struct http2_side *side)
{
	return (side->joined_late ? FLAG_LATE_JOINED : 0u) | (side->had_gap ? FLAG_GAP : 0u);
}

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

	http2_role_learn(side->owner, side, MESSAGE_REQUEST);
	if (!side->joined_late)
		return;
	/* It began here after all: the table is known from its first entry on. */
	fresh = hpack_new(side->owner->config.table_limit_bytes);
	if (!fresh)
		return;
	hpack_free(side->hpack);
	side->hpack = fresh;
	side->joined_late = false;
}

static void on_rst_stream(struct http2_side *side, uint32_t id, struct slice payload)
{
	struct protocol *protocol = side->owner;
	struct http2_stream *stream = http2_stream_find(protocol, id);
	struct http2_past past = { .id = id, .was_reset = true };

	if (payload.len < 4) {
		/* That the stream ended is sure, why is not known. */
		http2_streams_suspect(protocol, http2_side_kind(side), true);
		return;
	}
	if (stream) {
		http2_stream_reset(protocol, stream, http2_read_u32(payload.data));
		return;
	}
	if (http2_side_kind(side) == MESSAGE_REQUEST || http2_past_find(protocol, id))
		return;
	/* The refusal is here before the request that it refuses: two threads moved them. */
	past.error = http2_read_u32(payload.data);
	http2_past_add(protocol, &past);
}

static void on_goaway(struct http2_side *side, struct slice payload)
{
	struct protocol *protocol = side->owner;
	unsigned int parity = http2_side_kind(side) == MESSAGE_RESPONSE;
	struct http2_stream *stream, *next;
	uint32_t last, error;

	if (payload.len < 8)
		return;
	last = http2_read_u32(payload.data) & 0x7fffffff;
	error = http2_read_u32(payload.data + 4);
	if (!protocol->goaway[parity].seen || last <= protocol->goaway[parity].last) {
		protocol->goaway[parity].seen = true;
		protocol->goaway[parity].last = last;
		protocol->goaway[parity].error = error;
	}
	HASH_ITER (hh, protocol->streams, stream, next) {
		if ((stream->id & 1) == parity && stream->id > last)
			http2_stream_reset(protocol, stream, error);
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

static void on_fragment(void *ctx, const struct http2_frame *frame, uint64_t time_ns)
{
	http2_tell_fragment(ctx, frame, time_ns);
}

static void on_block(void *ctx, const struct http2_block *block, uint64_t time_ns)
{
	http2_block_take(ctx, block, time_ns);
}

/* The half that a DATA frame belongs to; NULL: nobody waits for it. */
static struct http2_half *data_half(struct http2_side *side, struct http2_stream *stream, uint64_t time_ns)
{
	enum message_kind kind = http2_side_kind(side);
	struct http2_half *half = &stream->half[kind];

	if (half->state == HALF_IDLE && half->suspect && kind == MESSAGE_RESPONSE)
		(void)http2_half_open_headless(side->owner, stream, side, time_ns);
	return half->state == HALF_OPEN ? half : NULL;
}

static void on_data(void *ctx, uint32_t id, struct slice bytes, uint64_t time_ns)
{
	struct http2_side *side = ctx;
	struct http2_stream *stream = http2_stream_find(side->owner, id);
	struct http2_half *half = stream ? data_half(side, stream, time_ns) : NULL;

	if (half)
		http2_half_data(side->owner, half, bytes, time_ns);
}

static void on_data_end(void *ctx, const struct http2_frame *frame, bool sure, uint64_t time_ns)
{
	struct http2_side *side = ctx;
	struct http2_stream *stream = http2_stream_find(side->owner, frame->stream);
	struct http2_half *half = stream ? data_half(side, stream, time_ns) : NULL;

	http2_tell_frame(side, frame, slice_of(NULL, 0), time_ns);
	if (!stream)
		return;
	if (half && !sure) {
		half->message->body_known = false;
		half->message->flags |= FLAG_GAP;
	}
	if (frame->flags & FRAME_FLAG_END_STREAM)
		http2_half_end(side->owner, stream, http2_side_kind(side), time_ns);
}

static void on_lost(void *ctx)
{
	struct http2_side *side = ctx;

	side->had_gap = true;
	hpack_prime(side->hpack);
	http2_streams_suspect(side->owner, http2_side_kind(side), true);
}

static void on_found(void *ctx)
{
	struct http2_side *side = ctx;

	http2_note(side->owner, NOTE_RESYNC, 1);
	/* Requests that came meanwhile may have been answered in what was passed over. */
	http2_streams_suspect(side->owner, http2_side_kind(side), false);
}

static void on_unparsed(void *ctx, uint64_t n)
{
	struct http2_side *side = ctx;

	http2_note(side->owner, NOTE_BYTES_UNPARSED, n);
}

/* --- what the pipeline asks ------------------------------------------------- */

static int side_init(struct protocol *protocol, enum event_direction direction)
{
	const struct protocol_config *config = &protocol->config;
	struct http2_side *side = &protocol->side[direction];
	bool is_known = config->role != ROLE_UNKNOWN;
	bool is_client = direction == requests_direction(config->role);
	const struct http2_wire_config wire_config = {
		.from_start = config->from_start[direction],
		.maybe_preface = !is_known || is_client,
		.maybe_frames = !is_known || !is_client,
	};
	const struct http2_wire_handler handler = {
		.ctx = side,
		.preface = on_preface,
		.frame = on_frame,
		.fragment = on_fragment,
		.block = on_block,
		.data = on_data,
		.data_end = on_data_end,
		.lost = on_lost,
		.found = on_found,
		.unparsed = on_unparsed,
	};

	side->owner = protocol;
	side->joined_late = !config->from_start[direction];
	side->hpack = hpack_new(config->table_limit_bytes);
	side->wire = http2_wire_new(&wire_config, &handler);
	if (!side->hpack || !side->wire)
		return -1;
	if (side->joined_late)
		hpack_prime(side->hpack);
	return 0;
}

/* RFC 7540, 3.2: stream 1 is half closed; its request was HTTP/1.1's. */
static int upgrade_init(struct protocol *protocol)
{
	struct slice settings = protocol->config.upgrade_settings;
	struct http2_stream *stream = http2_stream_add(protocol, 1);

	if (!stream)
		return -1;
	stream->half[MESSAGE_REQUEST].state = HALF_ENDED;
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

/* An end of one direction ends no message: HTTP/2 frames say where messages end. */
static void http2_finish(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	(void)time_ns;
	http2_wire_end(protocol->side[direction].wire);
}

static unsigned int end_flags(enum protocol_end reason)
{
	switch (reason) {
	case END_CLOSED:
	case END_EXIT:
		return FLAG_CLOSED;
	case END_RESET:
		return FLAG_RESET | FLAG_CLOSED;
	case END_IN_FLIGHT:
		return FLAG_IN_FLIGHT;
	}
	return 0;
}

static void http2_end(struct protocol *protocol, enum protocol_end reason, uint64_t time_ns)
{
	(void)time_ns;
	http2_wire_end(protocol->side[DIRECTION_SENT].wire);
	http2_wire_end(protocol->side[DIRECTION_RECEIVED].wire);
	http2_streams_end(protocol, end_flags(reason));
}

/* Deliberately empty: no state of ours waits for time. */
static void http2_tick(struct protocol *protocol, uint64_t time_ns)
{
	(void)protocol;
	(void)time_ns;
}

static uint64_t http2_body_left(const struct protocol *protocol, enum event_direction direction)
{
	return http2_wire_data_left(protocol->side[direction].wire);
}

static bool http2_idle(const struct protocol *protocol)
{
	return protocol->open_messages == 0 && http2_wire_idle(protocol->side[DIRECTION_SENT].wire) &&
	       http2_wire_idle(protocol->side[DIRECTION_RECEIVED].wire);
}

static enum protocol_role http2_role(const struct protocol *protocol)
{
	return protocol->role;
}

size_t http2_memory(const struct protocol *protocol)
{
	size_t bytes = sizeof(*protocol) + protocol->held_bytes +
		       HASH_COUNT(protocol->streams) * sizeof(*protocol->streams);

	for (int direction = 0; direction < 2; direction++)
		bytes += hpack_memory(protocol->side[direction].hpack) +
			 http2_wire_memory(protocol->side[direction].wire);
	return bytes;
}

const struct protocol_ops http2_protocol = {
	.name = "http2",
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
