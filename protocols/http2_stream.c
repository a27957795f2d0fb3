/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams and the messages under way on them. A stream has two halves, its
 * request and its response; each goes idle, open, ended, and each ends its own
 * message. The stream is dropped when nothing more can come that matters.
 *
 * Either half may come first: two threads move the two directions. A stream
 * that was dropped too early for that is remembered in a small ring.
 *
 * Invariants: half->message is set exactly while the half is open;
 * open_messages counts those.
 */
#include "http2_connection.h"

#include <errno.h>
#include <stdlib.h>

#define EVICT_LOOKS 16 /* streams looked at for one that makes room */

/* Takes in what http2_streams_suspect() said since the stream was looked at last. */
static void stream_catch_up(const struct protocol *protocol, struct http2_stream *stream)
{
	for (int kind = 0; kind < 2; kind++) {
		if (stream->gaps[kind] != protocol->gaps[kind])
			http2_half_suspect(&stream->half[kind], true);
		else if (stream->doubts[kind] != protocol->doubts[kind])
			http2_half_suspect(&stream->half[kind], false);
		stream->gaps[kind] = protocol->gaps[kind];
		stream->doubts[kind] = protocol->doubts[kind];
	}
}

struct http2_stream *http2_stream_find(struct protocol *protocol, uint32_t id)
{
	struct http2_stream *stream;

	HASH_FIND(hh, protocol->streams, &id, sizeof(id), stream);
	if (stream)
		stream_catch_up(protocol, stream);
	return stream;
}

/* Already out of the table. */
static void stream_destroy(struct http2_stream *stream)
{
	for (int kind = 0; kind < 2; kind++) {
		message_free(stream->half[kind].message);
		http2_buffer_fini(&stream->half[kind].body);
	}
	free(stream);
}

static void stream_free(struct protocol *protocol, struct http2_stream *stream)
{
	HASH_DEL(protocol->streams, stream);
	stream_destroy(stream);
}

const struct http2_past *http2_past_find(const struct protocol *protocol, uint32_t id)
{
	for (size_t i = 0; i < PAST_STREAMS; i++) {
		if (protocol->past[i].id == id)
			return &protocol->past[i];
	}
	return NULL;
}

void http2_past_add(struct protocol *protocol, const struct http2_past *past)
{
	protocol->past[protocol->past_next] = *past;
	protocol->past_next = (protocol->past_next + 1) % PAST_STREAMS;
}

static void stream_forget(struct protocol *protocol, struct http2_stream *stream, bool was_reset,
			  uint32_t error)
{
	const struct http2_past past = {
		.id = stream->id,
		.was_reset = was_reset,
		.had_request = stream->half[MESSAGE_REQUEST].state != HALF_IDLE,
		.error = error,
	};

	http2_past_add(protocol, &past);
	stream_free(protocol, stream);
}

void http2_half_weigh(struct protocol *protocol, struct http2_half *half)
{
	size_t bytes = message_memory(half->message) + half->body.capacity;

	protocol->held_bytes += bytes - half->held_bytes;
	half->held_bytes = bytes;
}

/* The kept body moves into the message, as far as its limit allows. */
static void body_keep(struct protocol *protocol, struct http2_half *half)
{
	struct message *message = half->message;
	struct slice body = http2_buffer_slice(&half->body);
	size_t limit = message->arena.limit_bytes;

	message->body = slice_of(NULL, 0);
	if (limit && body.len > limit - message->arena.used_bytes) {
		body = slice_take(body, (limit - message->arena.used_bytes) / 16 * 16);
		message->flags |= FLAG_TRUNCATED;
	}
	if (body.len > 0 && arena_copy(&message->arena, body, &message->body) < 0) {
		message->flags |= FLAG_TRUNCATED;
		http2_note(protocol, NOTE_HEADER_LIMIT, 1);
	}
	http2_buffer_fini(&half->body);
}

static void half_finish(struct protocol *protocol, struct http2_half *half, unsigned int flags)
{
	struct message *message = half->message;

	http2_half_settle(protocol, half);
	body_keep(protocol, half);
	message->flags |= flags;
	half->message = NULL;
	half->state = HALF_ENDED;
	http2_half_weigh(protocol, half);
	protocol->open_messages--;
	protocol->handler.done(protocol->handler.ctx, message);
}

/* It is out of the table; its messages under way come out. */
static void stream_give_up(struct protocol *protocol, struct http2_stream *stream)
{
	for (int kind = 0; kind < 2; kind++) {
		if (stream->half[kind].state == HALF_OPEN)
			half_finish(protocol, &stream->half[kind], FLAG_GAP);
	}
	http2_note(protocol, NOTE_STREAM_LIMIT, 1);
	stream_destroy(stream);
}

/*
 * When the table is full, a stream that a gap left in doubt makes room. Only
 * the oldest few are looked at (uthash keeps the order of insertion), and those
 * without doubt go to the end: a full table must not cost a walk at each new
 * stream.
 */
static void stream_evict(struct protocol *protocol)
{
	for (int i = 0; i < EVICT_LOOKS && protocol->streams; i++) {
		struct http2_stream *stream = protocol->streams;

		stream_catch_up(protocol, stream);
		HASH_DEL(protocol->streams, stream);
		if (!stream->half[MESSAGE_REQUEST].suspect && !stream->half[MESSAGE_RESPONSE].suspect)
			HASH_ADD(hh, protocol->streams, id, sizeof(stream->id), stream);
		else
			stream->unlisted = true;
		if (stream->unlisted) { /* in doubt, or out of memory */
			stream_give_up(protocol, stream);
			return;
		}
	}
}

struct http2_stream *http2_stream_add(struct protocol *protocol, uint32_t id)
{
	const struct http2_past past = { .id = id, .had_request = true };
	struct http2_stream *stream;

	if (HASH_COUNT(protocol->streams) >= protocol->config.stream_limit)
		stream_evict(protocol);
	if (HASH_COUNT(protocol->streams) >= protocol->config.stream_limit) {
		/* Its other message is not for us either. */
		http2_past_add(protocol, &past);
		http2_note(protocol, NOTE_STREAM_LIMIT, 1);
		return NULL;
	}
	stream = calloc(1, sizeof(*stream));
	if (stream) {
		stream->id = id;
		memcpy(stream->gaps, protocol->gaps, sizeof(stream->gaps));
		memcpy(stream->doubts, protocol->doubts, sizeof(stream->doubts));
		HASH_ADD(hh, protocol->streams, id, sizeof(id), stream);
	}
	if (!stream || stream->unlisted) {
		free(stream);
		http2_note(protocol, NOTE_MESSAGE_REFUSED, 1);
		return NULL;
	}
	return stream;
}

void http2_half_settle(struct protocol *protocol, struct http2_half *half)
{
	if (!half->provisional)
		return;
	half->provisional = false;
	protocol->handler.head(protocol->handler.ctx, half->message);
}

void http2_half_open(struct protocol *protocol, struct http2_stream *stream, enum message_kind kind,
		     struct message *message, bool provisional)
{
	struct http2_half *half = &stream->half[kind];

	message->kind = kind;
	message->version = HTTP_2;
	message->key = stream->id;
	message->body_known = true;
	half->message = message;
	half->state = HALF_OPEN;
	half->suspect = false;
	half->body_cut = false;
	half->provisional = true;
	protocol->open_messages++;
	http2_half_weigh(protocol, half);
	if (!provisional)
		http2_half_settle(protocol, half);
}

int http2_half_open_headless(struct protocol *protocol, struct http2_stream *stream,
			     const struct http2_side *side, uint64_t time_ns)
{
	struct message *message = message_new(MESSAGE_RESPONSE, protocol->config.message_limit_bytes);
	enum message_kind kind = http2_side_kind(side);

	if (!message) {
		http2_note(protocol, NOTE_MESSAGE_REFUSED, 1);
		return -ENOMEM;
	}
	message->direction = (enum event_direction)(side - protocol->side);
	message->flags = FLAG_PARTIAL_HEADERS | http2_side_flags(side);
	message->first_byte_ns = time_ns;
	message->last_byte_ns = time_ns;
	http2_half_open(protocol, stream, kind, message, true);
	/* Its head never completed, so nobody is told of one. */
	stream->half[kind].provisional = false;
	stream->half[kind].body_cut = true;
	message->body_known = false;
	return 0;
}

static void body_append(struct protocol *protocol, struct http2_half *half, struct slice bytes)
{
	const struct protocol_config *config = &protocol->config;
	size_t room = config->body_limit_bytes - half->body.len;
	struct slice kept = slice_take(bytes, room);

	if (!config->want_bodies || half->body_cut)
		return;
	if (http2_buffer_append(&half->body, kept, config->body_limit_bytes) < 0 || kept.len < bytes.len) {
		half->body_cut = true;
		half->message->flags |= FLAG_TRUNCATED;
	}
	half->message->body = http2_buffer_slice(&half->body);
	http2_half_weigh(protocol, half);
}

void http2_half_data(struct protocol *protocol, struct http2_half *half, struct slice bytes, uint64_t time_ns)
{
	struct message *message = half->message;

	http2_half_settle(protocol, half);
	message->body_bytes += bytes.len;
	message->last_byte_ns = time_ns;
	if (bytes.data) {
		body_append(protocol, half, bytes);
		protocol->handler.body(protocol->handler.ctx, message, bytes);
		return;
	}
	half->body_cut = true;
	if (protocol->config.want_bodies)
		message->flags |= FLAG_GAP;
}

/*
 * Drops a stream whose response has ended, unless its request is under way, or
 * is late (its direction is whole, so it has to come). A request whose end may
 * have been in a gap ends with its response.
 */
static void stream_release(struct protocol *protocol, struct http2_stream *stream)
{
	struct http2_half *request = &stream->half[MESSAGE_REQUEST];
	struct http2_half *response = &stream->half[MESSAGE_RESPONSE];
	const struct http2_side *side = http2_kind_side(protocol, MESSAGE_REQUEST);

	if (response->state != HALF_ENDED)
		return;
	if (request->state == HALF_OPEN && request->suspect)
		half_finish(protocol, request, 0);
	if (request->state == HALF_ENDED || (request->state == HALF_IDLE && http2_side_flags(side)))
		stream_forget(protocol, stream, false, 0);
}

/* A GOAWAY was here before the request that it refuses. */
static bool is_refused(const struct protocol *protocol, const struct http2_stream *stream)
{
	unsigned int parity = stream->id & 1;

	return protocol->goaway[parity].seen && stream->id > protocol->goaway[parity].last &&
	       stream->half[MESSAGE_RESPONSE].state == HALF_IDLE;
}

void http2_half_end(struct protocol *protocol, struct http2_stream *stream, enum message_kind kind,
		    uint64_t time_ns)
{
	struct http2_half *half = &stream->half[kind];

	if (half->state == HALF_OPEN) {
		half->message->last_byte_ns = time_ns;
		half_finish(protocol, half, 0);
	}
	half->state = HALF_ENDED;
	if (is_refused(protocol, stream))
		http2_stream_reset(protocol, stream, protocol->goaway[stream->id & 1].error);
	else
		stream_release(protocol, stream);
}

void http2_stream_reset(struct protocol *protocol, struct http2_stream *stream, uint32_t error)
{
	uint32_t id = stream->id;

	for (int kind = 0; kind < 2; kind++) {
		if (stream->half[kind].state == HALF_OPEN)
			half_finish(protocol, &stream->half[kind], FLAG_RESET);
	}
	stream_forget(protocol, stream, true, error);
	protocol->handler.reset(protocol->handler.ctx, id, error);
}

void http2_half_suspect(struct http2_half *half, bool is_gap)
{
	if (half->state == HALF_ENDED || (half->state == HALF_OPEN && !is_gap))
		return;
	half->suspect = true;
	half->body_cut = true;
	if (half->state == HALF_IDLE)
		return;
	half->message->flags |= FLAG_GAP;
	half->message->body_known = false;
}

void http2_streams_suspect(struct protocol *protocol, enum message_kind kind, bool is_gap)
{
	protocol->doubts[kind]++;
	if (is_gap)
		protocol->gaps[kind]++;
}

void http2_streams_end(struct protocol *protocol, unsigned int flags)
{
	struct http2_stream *stream, *next;

	HASH_ITER (hh, protocol->streams, stream, next) {
		stream_catch_up(protocol, stream);
		for (int kind = 0; kind < 2; kind++) {
			if (stream->half[kind].state == HALF_OPEN)
				half_finish(protocol, &stream->half[kind], flags);
		}
		stream_free(protocol, stream);
	}
}

void http2_streams_free(struct protocol *protocol)
{
	struct http2_stream *stream, *next;

	HASH_ITER (hh, protocol->streams, stream, next) {
		stream_free(protocol, stream);
	}
}
