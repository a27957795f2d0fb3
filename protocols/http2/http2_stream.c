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
#include "message_body.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#define EVICT_LOOKS 16 /* streams looked at for one that makes room */

/* Takes in the losses since the stream was looked at last. */
static void stream_catch_up(const struct protocol *protocol, struct http2_stream *stream)
{
	for (int kind = 0; kind < 2; kind++) {
		if (stream->losses[kind] != protocol->losses[kind])
			http2_half_suspect(protocol, &stream->half[kind]);
		stream->losses[kind] = protocol->losses[kind];
	}
}

/* --- the table ---------------------------------------------------------------- */

/* Ids that follow one another, or at any distance, are spread. */
static struct http2_stream **streams_bucket(struct http2_streams *streams, uint32_t id)
{
	uint32_t hash = id * UINT32_C(0x9e3779b1);

	if (!streams->buckets)
		return &streams->first_buckets[hash >> 29];
	return &streams->buckets[hash >> (32 - streams->bits)];
}

static void streams_link(struct http2_streams *streams, struct http2_stream *stream)
{
	struct http2_stream **bucket = streams_bucket(streams, stream->id);

	stream->chain = *bucket;
	*bucket = stream;
}

/* Without memory the chains get longer. */
static void streams_grow(struct http2_streams *streams)
{
	unsigned int bits = streams->bits ? streams->bits + 2 : 5;
	struct http2_stream **buckets = bits <= 16 ? calloc((size_t)1 << bits, sizeof(void *)) : NULL;
	struct http2_stream *stream;

	if (!buckets)
		return;
	free(streams->buckets);
	streams->buckets = buckets;
	streams->bits = bits;
	DL_FOREACH (streams->first, stream)
		streams_link(streams, stream);
}

static void streams_add(struct http2_streams *streams, struct http2_stream *stream)
{
	if (streams->count >= (streams->buckets ? (size_t)1 << streams->bits : FIRST_BUCKETS))
		streams_grow(streams);
	streams_link(streams, stream);
	DL_APPEND(streams->first, stream);
	streams->count++;
}

static void streams_remove(struct http2_streams *streams, struct http2_stream *stream)
{
	struct http2_stream **at = streams_bucket(streams, stream->id);

	while (*at != stream)
		at = &(*at)->chain;
	*at = stream->chain;
	DL_DELETE(streams->first, stream);
	streams->count--;
}

struct http2_stream *http2_stream_find(struct protocol *protocol, uint32_t id)
{
	struct http2_stream *stream = *streams_bucket(&protocol->streams, id);

	while (stream && stream->id != id)
		stream = stream->chain;
	if (stream)
		stream_catch_up(protocol, stream);
	return stream;
}

static void stream_free(struct protocol *protocol, struct http2_stream *stream)
{
	streams_remove(&protocol->streams, stream);
	for (int kind = 0; kind < 2; kind++) {
		message_free(stream->half[kind].message);
		bytes_fini(&stream->half[kind].body);
	}
	spares_give(protocol->config.streams, stream);
}

/* --- past ones ---------------------------------------------------------------- */

struct http2_past *http2_past_find(struct protocol *protocol, uint32_t id)
{
	if (id > protocol->past_last)
		return NULL;
	for (size_t i = 0; i < PAST_STREAMS; i++) {
		if (protocol->past[i].id == id)
			return &protocol->past[i];
	}
	return NULL;
}

void http2_past_add(struct protocol *protocol, const struct http2_past *past)
{
	struct http2_past *old = http2_past_find(protocol, past->id);

	if (old) {
		*old = *past;
		return;
	}
	protocol->past[protocol->past_next] = *past;
	protocol->past_next = (protocol->past_next + 1) % PAST_STREAMS;
	if (past->id > protocol->past_last)
		protocol->past_last = past->id;
}

static void stream_forget(struct protocol *protocol, struct http2_stream *stream, enum http2_past_end end,
			  uint32_t error)
{
	const struct http2_past past = {
		.id = stream->id,
		.end = end,
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

static void half_finish(struct protocol *protocol, struct http2_stream *stream, struct http2_half *half,
			unsigned int flags)
{
	struct message *message = half->message;
	enum message_kind kind = message->kind;

	http2_half_settle(protocol, half);
	if (!message_body_end(message, &half->body))
		protocol_count(&protocol->handler, NOTE_HEADER_LIMIT, 1);
	message->flags |= flags;
	if (kind == MESSAGE_RESPONSE && !stream->request_known)
		message->flags |= http2_request_missed(protocol, stream->id);
	half->message = NULL;
	half->state = HALF_ENDED;
	http2_half_weigh(protocol, half);
	protocol->open_messages[kind]--;
	protocol->handler.done(protocol->handler.ctx, message);
}

/* The messages under way come out. The client may go on with its request, and nobody will know. */
static void stream_cut(struct protocol *protocol, struct http2_stream *stream, unsigned int flags)
{
	if (stream->half[MESSAGE_REQUEST].state != HALF_ENDED)
		protocol->loose_requests = true;
	for (int kind = 0; kind < 2; kind++) {
		if (stream->half[kind].state == HALF_OPEN)
			half_finish(protocol, stream, &stream->half[kind], flags);
	}
}

/* May messages that are still awaited of the stream have been missed? */
static bool stream_doubted(struct protocol *protocol, const struct http2_stream *stream)
{
	const struct http2_half *response = &stream->half[MESSAGE_RESPONSE];

	return stream->half[MESSAGE_REQUEST].keeping == BODY_SUSPECT || response->keeping == BODY_SUSPECT ||
	       response->state == HALF_UNSEEN ||
	       (response->state == HALF_IDLE && http2_head_missed(protocol, stream));
}

/*
 * When the table is full, a stream that a loss left in doubt makes room. Only
 * the oldest few are looked at, and those without doubt go to the end: a full
 * table must not cost a walk at each new stream.
 */
static void stream_evict(struct protocol *protocol)
{
	for (int i = 0; i < EVICT_LOOKS && protocol->streams.first; i++) {
		struct http2_stream *stream = protocol->streams.first;

		stream_catch_up(protocol, stream);
		if (stream_doubted(protocol, stream)) {
			stream_cut(protocol, stream, FLAG_GAP);
			protocol_count(&protocol->handler, NOTE_STREAM_LIMIT, 1);
			stream_free(protocol, stream);
			return;
		}
		DL_DELETE(protocol->streams.first, stream);
		DL_APPEND(protocol->streams.first, stream);
	}
}

struct http2_stream *http2_stream_add(struct protocol *protocol, uint32_t id)
{
	const struct http2_past past = { .id = id, .end = PAST_LEFT_OUT, .had_request = true };
	struct http2_stream *stream;

	if (protocol->streams.count >= protocol->config.stream_limit)
		stream_evict(protocol);
	if (protocol->streams.count >= protocol->config.stream_limit) {
		/* The stream's other message is not for us either. */
		http2_past_add(protocol, &past);
		protocol_count(&protocol->handler, NOTE_STREAM_LIMIT, 1);
		protocol->loose_requests = true;
		return NULL;
	}
	stream = spares_find(protocol->config.streams);
	if (!stream)
		stream = malloc(sizeof(*stream));
	if (!stream) {
		protocol->loose_requests = true;
		protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
		return NULL;
	}
	*stream = (struct http2_stream){
		.id = id,
		.losses = { protocol->losses[0], protocol->losses[1] },
	};
	streams_add(&protocol->streams, stream);
	return stream;
}

void http2_half_settle(struct protocol *protocol, struct http2_half *half)
{
	if (half->head != HEAD_PROVISIONAL)
		return;
	half->head = HEAD_TOLD;
	protocol->handler.head(protocol->handler.ctx, half->message);
}

void http2_half_open(struct protocol *protocol, struct http2_stream *stream, enum message_kind kind,
		     struct message *message, enum http2_half_head head)
{
	struct http2_half *half = &stream->half[kind];

	message->kind = kind;
	message->version = HTTP_2;
	message->key = stream->id;
	message->body_known = head != HEAD_MISSED;
	half->message = message;
	half->state = HALF_OPEN;
	half->head = head;
	half->keeping = head == HEAD_MISSED ? BODY_CUT : BODY_KEPT;
	protocol->open_messages[kind]++;
	if (kind == MESSAGE_REQUEST) {
		stream->request_known = true;
		stream->request_ns = message->first_byte_ns;
	}
	http2_half_weigh(protocol, half);
	if (head == HEAD_TOLD)
		protocol->handler.head(protocol->handler.ctx, message);
}

int http2_half_open_headless(struct protocol *protocol, struct http2_stream *stream, uint64_t time_ns)
{
	struct message *message = message_new_of(protocol->config.rooms, MESSAGE_RESPONSE,
						 protocol->config.message_limit_bytes);
	const struct http2_side *side = http2_kind_side(protocol, MESSAGE_RESPONSE);

	if (!message) {
		protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
		return -ENOMEM;
	}
	message->direction = (enum event_direction)(side - protocol->side);
	message->flags = FLAG_PARTIAL_HEADERS | http2_side_flags(side);
	message->last_byte_ns = time_ns;
	http2_half_open(protocol, stream, MESSAGE_RESPONSE, message, HEAD_MISSED);
	return 0;
}

static void body_append(struct protocol *protocol, struct http2_half *half, struct slice bytes)
{
	const struct protocol_config *config = &protocol->config;

	if (!config->want_bodies || half->keeping != BODY_KEPT)
		return;
	if (!message_body_add(half->message, &half->body, bytes, config->body_limit_bytes))
		half->keeping = BODY_CUT;
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
	protocol_body_hole(&protocol->handler, message, bytes.len);
	if (half->keeping == BODY_KEPT)
		half->keeping = BODY_CUT;
	if (protocol->config.want_bodies)
		message->flags |= FLAG_GAP;
}

/*
 * Drops a stream whose response has ended, unless its request is under way. A
 * request whose end may have been in a loss ends with its response; one that is
 * still to come finds the stream among the past ones.
 */
static void stream_release(struct protocol *protocol, struct http2_stream *stream)
{
	struct http2_half *request = &stream->half[MESSAGE_REQUEST];
	struct http2_half *response = &stream->half[MESSAGE_RESPONSE];

	if (response->state != HALF_ENDED)
		return;
	if (request->state == HALF_OPEN && request->keeping == BODY_SUSPECT)
		stream_cut(protocol, stream, 0);
	if (request->state != HALF_OPEN)
		stream_forget(protocol, stream, response->missed ? PAST_MISSED : PAST_ENDED, 0);
}

/* A GOAWAY was here before the request that it refuses. */
static bool is_refused(const struct protocol *protocol, const struct http2_stream *stream)
{
	const struct http2_goaway *goaway = &protocol->goaway[stream->id & 1];

	return goaway->seen && stream->id > goaway->last && stream->half[MESSAGE_RESPONSE].state == HALF_IDLE;
}

void http2_half_end(struct protocol *protocol, struct http2_stream *stream, enum message_kind kind,
		    uint64_t time_ns)
{
	struct http2_half *half = &stream->half[kind];

	if (half->state == HALF_OPEN) {
		half->message->last_byte_ns = time_ns;
		half_finish(protocol, stream, half, 0);
	}
	half->missed = half->state == HALF_UNSEEN;
	half->state = HALF_ENDED;
	if (is_refused(protocol, stream))
		http2_stream_reset(protocol, stream, stream->id & 1 ? MESSAGE_RESPONSE : MESSAGE_REQUEST,
				   protocol->goaway[stream->id & 1].error);
	else
		stream_release(protocol, stream);
}

/* The response did not come, or it was not seen. */
static void response_tell_missed(struct protocol *protocol, const struct http2_stream *stream)
{
	if (protocol->handler.lost && stream->request_known &&
	    stream->half[MESSAGE_RESPONSE].state == HALF_IDLE && http2_head_missed(protocol, stream))
		protocol->handler.lost(protocol->handler.ctx, MESSAGE_RESPONSE, stream->id,
				       http2_side_flags(http2_kind_side(protocol, MESSAGE_RESPONSE)));
}

void http2_stream_reset(struct protocol *protocol, struct http2_stream *stream, enum message_kind by,
			uint32_t error)
{
	struct http2_half *other = &stream->half[by == MESSAGE_REQUEST ? MESSAGE_RESPONSE : MESSAGE_REQUEST];
	uint32_t id = stream->id;

	if (other->state == HALF_OPEN)
		other->message->body_known = false;
	response_tell_missed(protocol, stream);
	stream_cut(protocol, stream, FLAG_RESET);
	stream_forget(protocol, stream, PAST_RESET, error);
	protocol->handler.reset(protocol->handler.ctx, id, error);
}

void http2_stream_stop(struct protocol *protocol, struct http2_stream *stream)
{
	struct http2_half *request = &stream->half[MESSAGE_REQUEST];

	if (request->state == HALF_OPEN) {
		/* The bytes that the client sent before it knew are no longer followed. */
		request->message->body_known = false;
		stream_cut(protocol, stream, 0);
	}
	stream_forget(protocol, stream, PAST_STOPPED, 0);
}

void http2_half_suspect(const struct protocol *protocol, struct http2_half *half)
{
	if (half->state != HALF_OPEN)
		return;
	if (half->head != HEAD_PROVISIONAL)
		protocol_body_hole(&protocol->handler, half->message, HOLE_UNKNOWN_SIZE);
	half->keeping = BODY_SUSPECT;
	half->message->flags |= FLAG_GAP;
	half->message->body_known = false;
}

void http2_streams_end(struct protocol *protocol, unsigned int flags)
{
	uint32_t error = flags & FLAG_CLOSED ? protocol->goaway_error : 0;
	struct http2_stream *stream, *next;

	DL_FOREACH_SAFE(protocol->streams.first, stream, next)
	{
		bool known = stream->request_known || stream->half[MESSAGE_RESPONSE].state == HALF_OPEN;
		uint32_t id = stream->id;

		stream_catch_up(protocol, stream);
		response_tell_missed(protocol, stream);
		stream_cut(protocol, stream, flags | (error ? FLAG_RESET : 0));
		stream_free(protocol, stream);
		if (error && known)
			protocol->handler.reset(protocol->handler.ctx, id, error);
	}
}

void http2_streams_free(struct protocol *protocol)
{
	struct http2_stream *stream, *next;

	DL_FOREACH_SAFE(protocol->streams.first, stream, next)
	{
		stream_free(protocol, stream);
	}
	free(protocol->streams.buckets);
}
