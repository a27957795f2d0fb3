/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/3 (RFC 9114) out of the bytes of QUIC's streams, each in its order. From top to bottom: what a piece
 * belongs to, its frames, their sections and bodies (http3_stream.c).
 *
 * The order between streams is not the network's, only that in which the library was given them or gave them
 * out. So a section may refer to entries of QPACK's table that have not come; it waits for them, and what
 * comes behind it on its stream waits with it.
 *
 * Missing bytes of which nobody knows the stream put all streams of their direction in doubt: each takes that
 * in when it is looked at next, so that a loss costs no walk. The table of what is sent that way is lost
 * then, for good: an index into it counts from the first insertion on.
 *
 * Not followed: server push, which nghttp3 does not have; GOAWAY, after which streams end by themselves.
 */
#include "http3_connection.h"

#include <errno.h>
#include <stdlib.h>

#define SECTION_MAX_BYTES  262144
#define SETTINGS_MAX_BYTES 16384
#define WAITING_MAX_BYTES  262144 /* behind a section that waits, of one stream */
#define NO_ERROR	   0x100  /* RFC 9114, 8.1 */

#define STREAM_UNIDIRECTIONAL 2 /* RFC 9000, 2.1: the two lowest bits of an id */
#define STREAM_BY_SERVER      1

static void half_bytes(const struct http3_place *place, struct slice bytes);

static void http3_destroy(struct protocol *protocol);

static struct protocol *http3_create(const struct protocol_config *config,
				     const struct protocol_handler *handler)
{
	struct protocol *protocol = calloc(1, sizeof(*protocol));

	if (!protocol)
		return NULL;
	protocol->config = *config;
	protocol->handler = *handler;
	protocol->role = config->role;
	for (int i = 0; i < 2; i++) {
		struct http3_side *side = &protocol->side[i];

		side->qpack = qpack_new();
		if (!side->qpack) {
			http3_destroy(protocol);
			return NULL;
		}
		side->joined_late = side->streams_missed = !config->from_start[i];
		if (side->joined_late)
			qpack_lose(side->qpack);
	}
	return protocol;
}

/* --- streams ----------------------------------------------------------------- */

static void stream_free(struct protocol *protocol, struct http3_stream *stream)
{
	HASH_DEL(protocol->streams, stream);
	for (int i = 0; i < 2; i++) {
		struct http3_half *half = &stream->half[i];

		protocol->held_bytes -= half->held_bytes;
		message_free(half->message);
		bytes_fini(&half->section);
		bytes_fini(&half->behind);
		bytes_fini(&half->body);
	}
	free(stream);
}

static void http3_destroy(struct protocol *protocol)
{
	struct http3_stream *stream, *next;

	if (!protocol)
		return;
	HASH_ITER (hh, protocol->streams, stream, next)
		stream_free(protocol, stream);
	for (int i = 0; i < 2; i++)
		qpack_free(protocol->side[i].qpack);
	free(protocol);
}

static struct http3_stream *stream_find(const struct protocol *protocol, uint64_t id)
{
	struct http3_stream *stream;

	HASH_FIND(hh, protocol->streams, &id, sizeof(id), stream);
	return stream;
}

static void stream_begin(const struct protocol *protocol, struct http3_stream *stream, uint64_t id)
{
	stream->id = id;
	for (int i = 0; i < 2; i++) {
		const struct http3_side *side = &protocol->side[i];
		struct http3_half *half = &stream->half[i];

		half->start = side->streams_missed ? START_DOUBTED : START_SEEN;
		half->losses = side->losses;
		if (id & STREAM_UNIDIRECTIONAL) /* nothing in one says where it begins */
			half->use = side->streams_missed ? USE_PASSED : USE_UNTYPED;
		else
			half->use = id & STREAM_BY_SERVER || id / 4 >= UINT32_MAX ? USE_PASSED : USE_MESSAGES;
	}
}

/* What is left out is not remembered, so a later stream may be the rest of one. */
static struct http3_stream *stream_add(struct protocol *protocol, uint64_t id)
{
	struct http3_stream *stream = NULL;

	if (HASH_COUNT(protocol->streams) < protocol->config.stream_limit)
		stream = calloc(1, sizeof(*stream));
	if (stream) {
		stream_begin(protocol, stream, id);
		HASH_ADD(hh, protocol->streams, id, sizeof(stream->id), stream);
	}
	if (stream && !stream->unlisted)
		return stream;
	free(stream);
	for (int i = 0; i < 2; i++) {
		protocol->side[i].streams_missed = true;
		protocol->side[i].proven = false;
	}
	protocol_count(&protocol->handler, NOTE_STREAM_LIMIT, 1);
	return NULL;
}

/* Nothing of this direction is followed any more. */
static void half_pass(const struct http3_place *place)
{
	if (place->half->use == USE_ENCODER || place->half->use == USE_UNTYPED)
		qpack_lose(http3_place_side(place)->qpack);
	http3_message_doubt(place->protocol, place->half);
	bytes_fini(&place->half->section);
	place->half->use = USE_PASSED;
	http3_half_weigh(place->protocol, place->half);
}

static void half_end(const struct http3_place *place, unsigned int flags)
{
	struct http3_stream *stream = place->stream;

	if (place->half->use == USE_MESSAGES && !flags && !http3_frames_border(&place->half->frames))
		flags = FLAG_CLOSED; /* inside a frame */
	http3_message_end(place, flags);
	if (stream->half[0].state == HALF_ENDED && stream->half[1].state == HALF_ENDED)
		stream_free(place->protocol, stream);
}

/* --- what waits for its table -------------------------------------------------- */

static void side_forget(struct http3_side *side, uint64_t id)
{
	for (size_t i = 0; i < side->waiting_count; i++)
		if (side->waiting[i] == id) {
			side->waiting[i] = side->waiting[--side->waiting_count];
			return;
		}
}

/* The section at hand; (now) what it needs will not be waited for. True: it waits. */
static bool section_ends(const struct http3_place *place, bool now)
{
	struct http3_side *side = http3_place_side(place);
	struct http3_half *half = place->half;
	bool full = side->waiting_count == HTTP3_BLOCKED_MAX;
	int err = http3_section_take(place, now);

	if (err == -EAGAIN && full && !half->waits)
		err = http3_section_take(place, true);
	if (err == -EAGAIN) {
		if (!half->waits)
			side->waiting[side->waiting_count++] = place->stream->id;
		half->waits = true;
		http3_half_weigh(place->protocol, half);
		return true;
	}
	if (half->waits)
		side_forget(side, place->stream->id);
	half->waits = false;
	if (err == -ENODATA)
		half_pass(place);
	return false;
}

/* The section that waited was read: what stood behind it follows, and may wait again. */
static void half_go_on(const struct http3_place *place)
{
	struct http3_place behind = *place;
	struct bytes bytes = place->half->behind;

	place->half->behind = (struct bytes){ 0 };
	behind.time_ns = place->half->behind_ns ? place->half->behind_ns : place->time_ns;
	half_bytes(&behind, bytes_slice(&bytes));
	bytes_fini(&bytes);
	http3_half_weigh(place->protocol, place->half);
}

/* No insertion that a section of this half needs will come. */
static void half_force(const struct http3_place *place)
{
	while (place->half->waits) {
		section_ends(place, true);
		half_go_on(place);
	}
}

/* Insertions came, or (now) none will. */
static void waiting_try(struct protocol *protocol, enum event_direction direction, bool now, uint64_t time_ns)
{
	struct http3_side *side = &protocol->side[direction];
	uint64_t ids[HTTP3_BLOCKED_MAX];
	size_t count = side->waiting_count;

	if (!now && qpack_inserts(side->qpack) == side->inserts_read)
		return;
	side->inserts_read = qpack_inserts(side->qpack);
	memcpy(ids, side->waiting, count * sizeof(*ids));
	for (size_t i = 0; i < count; i++) {
		struct http3_stream *stream = stream_find(protocol, ids[i]);
		struct http3_place place = { protocol, stream, stream ? &stream->half[direction] : NULL,
					     direction, time_ns };

		if (!stream || !place.half->waits || section_ends(&place, now))
			continue;
		half_go_on(&place);
		if (place.half->behind_ends && !place.half->waits)
			half_end(&place, 0);
	}
}

/* Do the bytes have to wait behind a section? */
static bool half_holds(const struct http3_place *place, struct slice bytes)
{
	struct http3_half *half = place->half;

	while (half->waits) {
		if (bytes_append(&half->behind, bytes, WAITING_MAX_BYTES) == 0) {
			half->behind_ns = place->time_ns;
			http3_half_weigh(place->protocol, half);
			return true;
		}
		protocol_count(&place->protocol->handler, NOTE_HEADER_LIMIT, 1);
		section_ends(place, true);
		half_go_on(place);
	}
	return false;
}

/* --- frames --------------------------------------------------------------------- */

/* RFC 9114, 7.2.4. What one direction allows is for the table of the other one. */
static void settings_take(const struct http3_place *place)
{
	struct slice rest = bytes_slice(&place->half->section);
	struct http3_side *other = &place->protocol->side[!place->direction];
	uint64_t id, value, table = 0;
	size_t size;

	while ((size = http3_integer_read(rest, &id))) {
		rest = slice_drop(rest, size);
		size = http3_integer_read(rest, &value);
		rest = slice_drop(rest, size);
		if (size && id == HTTP3_SETTING_TABLE)
			table = value;
	}
	if (place->half->cut || table > place->protocol->config.table_limit_bytes) {
		protocol_count(&place->protocol->handler, NOTE_HEADER_LIMIT, 1);
		qpack_lose(other->qpack);
	} else if (!other->table_allowed && qpack_allow(other->qpack, table) < 0) {
		protocol_count(&place->protocol->handler, NOTE_MESSAGE_REFUSED, 1);
	}
	other->table_allowed = true;
	place->half->cut = false;
	bytes_fini(&place->half->section);
}

static bool frame_is_kept(const struct http3_half *half)
{
	return half->frames.type == (half->use == USE_CONTROL ? HTTP3_SETTINGS : HTTP3_HEADERS);
}

static void frame_bytes(const struct http3_place *place, struct slice bytes)
{
	struct http3_half *half = place->half;
	size_t limit = half->use == USE_CONTROL ? SETTINGS_MAX_BYTES : SECTION_MAX_BYTES;

	if (half->use == USE_MESSAGES && half->frames.type == HTTP3_DATA) {
		http3_body_take(place, bytes);
	} else if (frame_is_kept(half) && !half->cut && bytes_append(&half->section, bytes, limit) < 0) {
		half->cut = true;
		bytes_fini(&half->section);
	}
}

/* The frame is whole. */
static void frame_ends(const struct http3_place *place)
{
	struct http3_half *half = place->half;

	half->frames.inside = false;
	if (!frame_is_kept(half)) {
		/* A message begins with its head: anything else shows that its beginning was not seen. */
		if (half->use == USE_MESSAGES && half->start == START_DOUBTED)
			half_pass(place);
	} else if (half->use == USE_CONTROL) {
		settings_take(place);
	} else {
		section_ends(place, false);
	}
}

static void half_frames(const struct http3_place *place, struct slice bytes)
{
	struct http3_half *half = place->half;
	struct http3_frames *frames = &half->frames;

	while (bytes.len && half->use != USE_PASSED) {
		struct slice piece;

		if (!frames->inside && !http3_frame_begin(frames, &bytes, place->time_ns))
			return;
		piece = slice_take(bytes, frames->left < bytes.len ? (size_t)frames->left : bytes.len);
		bytes = slice_drop(bytes, piece.len);
		frames->left -= piece.len;
		frame_bytes(place, piece);
		if (frames->left)
			return;
		frame_ends(place);
		if (half_holds(place, bytes))
			return;
	}
	protocol_count(&place->protocol->handler, NOTE_BYTES_UNPARSED, bytes.len);
}

/* --- pieces ---------------------------------------------------------------------- */

/* RFC 9114, 6.2: a unidirectional stream begins with its type. */
static struct slice type_take(const struct http3_place *place, struct slice bytes)
{
	struct http3_half *half = place->half;
	struct http3_frames *frames = &half->frames;
	uint64_t type;

	while (bytes.len && half->use == USE_UNTYPED) {
		frames->header[frames->header_len++] = bytes.data[0];
		bytes = slice_drop(bytes, 1);
		if (!http3_integer_read(slice_of(frames->header, frames->header_len), &type))
			continue;
		frames->header_len = 0;
		half->use = type == HTTP3_STREAM_CONTROL   ? USE_CONTROL
			    : type == HTTP3_STREAM_ENCODER ? USE_ENCODER
							   : USE_PASSED;
	}
	return bytes;
}

static void half_bytes(const struct http3_place *place, struct slice bytes)
{
	struct http3_half *half = place->half;

	if (half->use == USE_UNTYPED)
		bytes = type_take(place, bytes);
	switch (half->use) {
	case USE_UNTYPED:
		return;
	case USE_PASSED:
		if (!(place->stream->id & STREAM_UNIDIRECTIONAL))
			protocol_count(&place->protocol->handler, NOTE_BYTES_UNPARSED, bytes.len);
		return;
	case USE_MESSAGES:
		if (half->state == HALF_ENDED || half_holds(place, bytes))
			return;
		half_frames(place, bytes);
		return;
	case USE_CONTROL:
		half_frames(place, bytes);
		return;
	case USE_ENCODER:
		if (qpack_insert(http3_place_side(place)->qpack, bytes) < 0)
			protocol_count(&place->protocol->handler, NOTE_INFLATE_ERROR, 1);
		waiting_try(place->protocol, place->direction, qpack_is_lost(http3_place_side(place)->qpack),
			    place->time_ns);
		return;
	}
}

/* So many bytes of this stream are missing here. */
static void half_hole(const struct http3_place *place, uint64_t size)
{
	struct http3_half *half = place->half;
	struct http3_frames *frames = &half->frames;

	half_force(place);
	if (half->use == USE_MESSAGES && frames->inside && frames->type == HTTP3_DATA &&
	    size <= frames->left && size <= SIZE_MAX) {
		frames->left -= size;
		http3_body_take(place, slice_of(NULL, (size_t)size));
		if (!frames->left)
			frame_ends(place);
		return;
	}
	if (half->use != USE_PASSED)
		half_pass(place);
}

/* Takes in the losses since the half was looked at last: nobody knows where its frames begin any more. */
static void half_catch_up(const struct http3_place *place)
{
	struct http3_side *side = http3_place_side(place);

	if (place->half->losses == side->losses)
		return;
	place->half->losses = side->losses;
	if (place->half->state == HALF_AWAITED && place->half->use == USE_MESSAGES &&
	    http3_frames_border(&place->half->frames))
		place->half->start = START_DOUBTED; /* nothing of it has come: its beginning may still */
	else if (place->half->use != USE_PASSED)
		half_pass(place);
}

/* Who begins a unidirectional stream is its only sender. */
static void role_of_stream(struct protocol *protocol, enum event_direction direction, uint64_t id)
{
	bool by_client = !(id & STREAM_BY_SERVER);

	if (protocol->role == ROLE_UNKNOWN && id & STREAM_UNIDIRECTIONAL)
		protocol->role = by_client == (direction == DIRECTION_SENT) ? ROLE_CLIENT : ROLE_SERVER;
}

/* Nothing is sent the other way on those. */
static void stream_end_idle(struct http3_stream *stream, enum event_direction direction)
{
	if (stream->id & STREAM_UNIDIRECTIONAL)
		stream->half[!direction].state = HALF_ENDED;
}

static void http3_piece(struct protocol *protocol, enum event_direction direction,
			const struct protocol_piece *piece, uint64_t time_ns)
{
	struct http3_place place = { protocol, stream_find(protocol, piece->stream), NULL, direction,
				     time_ns };

	role_of_stream(protocol, direction, piece->stream);
	if (!place.stream)
		place.stream = stream_add(protocol, piece->stream);
	if (!place.stream) {
		protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, piece->bytes.len);
		return;
	}
	place.half = &place.stream->half[direction];
	if (place.half->behind_ends || place.half->state == HALF_ENDED)
		return; /* behind its end */
	half_catch_up(&place);
	stream_end_idle(place.stream, direction);
	half_bytes(&place, piece->bytes);
	if (piece->missing)
		half_hole(&place, piece->missing);
	http3_half_weigh(protocol, place.half);
	if (!piece->ends)
		return;
	if (place.half->waits)
		place.half->behind_ends = true;
	else
		half_end(&place, 0);
}

/* What is under way of a stream comes out. A response that is whole needs no more of its request. */
static void stream_close(struct protocol *protocol, struct http3_stream *stream, unsigned int flags,
			 uint64_t time_ns)
{
	for (int i = 0; i < 2; i++) {
		struct http3_place place = { protocol, stream, &stream->half[i], (enum event_direction)i,
					     time_ns };

		if (place.half->state == HALF_ENDED)
			continue;
		half_catch_up(&place);
		half_force(&place);
		if (place.half->message)
			place.half->message->body_known = false;
		http3_message_end(&place, flags);
	}
	stream_free(protocol, stream);
}

static void http3_over(struct protocol *protocol, uint64_t id, uint64_t error, uint64_t time_ns)
{
	enum event_direction answers = protocol->role == ROLE_SERVER ? DIRECTION_SENT : DIRECTION_RECEIVED;
	struct http3_stream *stream = stream_find(protocol, id);
	uint32_t code = error <= UINT32_MAX ? (uint32_t)error : RESET_ERROR_UNKNOWN;
	bool answered;

	if (!stream)
		return;
	answered = stream->half[answers].state == HALF_ENDED && error == NO_ERROR;
	stream_close(protocol, stream, answered ? 0 : FLAG_RESET, time_ns);
	if (!answered && !(id & STREAM_UNIDIRECTIONAL))
		protocol->handler.reset(protocol->handler.ctx, (uint32_t)(id / 4 + 1), code);
}

/* --- the rest of the contract ------------------------------------------------------ */

/* Its bytes come by streams alone: what comes otherwise is none of them. */
static long http3_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		       uint64_t time_ns)
{
	(void)direction;
	(void)time_ns;
	protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, bytes.len);
	return (long)bytes.len;
}

static void http3_hole(struct protocol *protocol, enum event_direction direction, uint64_t size,
		       uint64_t time_ns)
{
	struct http3_side *side = &protocol->side[direction];
	bool asks = (protocol->role == ROLE_CLIENT) == (direction == DIRECTION_SENT);

	(void)size;
	side->losses++;
	side->had_loss = side->streams_missed = true;
	side->proven = false;
	qpack_lose(side->qpack);
	waiting_try(protocol, direction, true, time_ns);
	if (protocol->handler.lost && protocol->role != ROLE_UNKNOWN)
		protocol->handler.lost(protocol->handler.ctx, asks ? MESSAGE_REQUEST : MESSAGE_RESPONSE, 0,
				       FLAG_GAP);
}

/* A connection's end is told by end(): no direction ends by itself. */
static void http3_finish(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	(void)protocol;
	(void)direction;
	(void)time_ns;
}

static void http3_end(struct protocol *protocol, enum protocol_end reason, uint64_t time_ns)
{
	struct http3_stream *stream, *next;

	HASH_ITER (hh, protocol->streams, stream, next)
		stream_close(protocol, stream, protocol_end_flags(reason), time_ns);
}

static bool http3_tick(struct protocol *protocol, uint64_t time_ns)
{
	(void)protocol;
	(void)time_ns;
	return false;
}

/* Positions are those of all streams: no body has a run of them to itself. */
static uint64_t http3_body_left(const struct protocol *protocol, enum event_direction direction)
{
	(void)protocol;
	(void)direction;
	return 0;
}

static bool http3_idle(const struct protocol *protocol)
{
	return !protocol->open_messages;
}

static enum protocol_role http3_role(const struct protocol *protocol)
{
	return protocol->role;
}

const struct protocol_ops http3_protocol = {
	.name = "http3",
	.create = http3_create,
	.destroy = http3_destroy,
	.feed = http3_feed,
	.hole = http3_hole,
	.finish = http3_finish,
	.end = http3_end,
	.tick = http3_tick,
	.body_left = http3_body_left,
	.idle = http3_idle,
	.role = http3_role,
	.memory = http3_memory,
	.piece = http3_piece,
	.over = http3_over,
};
