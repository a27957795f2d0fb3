/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a header block means: the head of a message, an interim response,
 * trailers, or a promise. For a connection seen whole the stream's state tells.
 * After a late join or a gap the block itself must: a head begins with a
 * pseudo-header field, trailers never do and always end the stream. A block
 * that could be either is counted and not shown.
 *
 * Every block goes through the inflater first, whatever becomes of it.
 */
#include "http2_connection.h"
#include "http2_head.h"

#include <errno.h>

#define HEAD_ALWAYS_BYTES 2048 /* kept of each head, however much the others take */

enum block_meaning {
	BLOCK_HEAD,
	BLOCK_TRAILERS,
	BLOCK_UNSURE,
	BLOCK_WRONG, /* no correct peer sends it */
};

/* A whole block is at hand, with the side that it came from. */
struct block_context {
	struct protocol *protocol;
	struct http2_side *side;
	const struct http2_block *block;
	struct http2_head *head;
	uint64_t time_ns;
};

static void refuse(struct protocol *protocol)
{
	http2_note(protocol, NOTE_MESSAGE_REFUSED, 1);
}

/* One byte of a block may stand for a whole entry of the table, so what all heads take has a limit too. */
static size_t head_limit_bytes(const struct protocol *protocol)
{
	const struct protocol_config *config = &protocol->config;
	size_t limit = config->memory_limit_bytes, used, room;

	if (!limit)
		return config->message_limit_bytes;
	used = http2_memory(protocol) + (config->given_bytes ? *config->given_bytes : 0);
	room = used + HEAD_ALWAYS_BYTES < limit ? limit - used : HEAD_ALWAYS_BYTES;
	return room < config->message_limit_bytes ? room : config->message_limit_bytes;
}

/* The table must see every block; 0, -EBADMSG or -ENOMEM as http2_head_read(). */
static int block_read(struct http2_side *side, const struct http2_block *block, struct http2_head *head)
{
	struct protocol *protocol = side->owner;
	struct hpack *hpack = block->lost ? NULL : side->hpack;
	int err = http2_head_read(head, hpack, block->fragment, head_limit_bytes(protocol));

	if (block->lost) {
		hpack_prime(side->hpack);
		http2_note(protocol, NOTE_HEADER_BLOCK_LOST, 1);
		if (block->cut)
			http2_note(protocol, NOTE_HEADER_LIMIT, 1);
		else
			side->had_gap = true;
	} else if (err == -EBADMSG) {
		http2_note(protocol, NOTE_INFLATE_ERROR, 1);
	} else if (err == -ENOMEM) {
		refuse(protocol);
	}
	if (!err && head->cut)
		http2_note(protocol, NOTE_HEADER_LIMIT, 1);
	return err;
}

static void message_fill(const struct block_context *c, enum message_kind kind)
{
	struct message *message = c->head->message;

	message->kind = kind;
	message->version = HTTP_2;
	message->key = c->block->stream;
	message->direction = (enum event_direction)(c->side - c->protocol->side);
	message->first_byte_ns = c->block->first_byte_ns;
	message->head_ns = c->time_ns;
	message->last_byte_ns = c->time_ns;
	if (c->head->unknown)
		message->flags |= FLAG_PARTIAL_HEADERS | http2_side_flags(c->side);
	if (c->head->cut || c->block->cut)
		message->flags |= FLAG_TRUNCATED;
}

static struct message *head_take(const struct block_context *c)
{
	struct message *message = c->head->message;

	c->head->message = NULL;
	return message;
}

/* A response that shows 1xx is interim: given away at once, the head is still to come. */
static bool interim_take(const struct block_context *c)
{
	struct message *message = c->head->message;

	if (message->status < 100 || message->status > 199)
		return false;
	if (message->status == 101) { /* RFC 9113, 8.6: HTTP/2 has none */
		refuse(c->protocol);
		return true;
	}
	http2_note(c->protocol, NOTE_INTERIM, 1);
	c->protocol->handler.interim(c->protocol->handler.ctx, message);
	return true;
}

static bool is_status_unknown(const struct block_context *c)
{
	return c->head->unknown && !c->head->has_status;
}

static void head_begin(const struct block_context *c, struct http2_stream *stream, enum message_kind kind)
{
	bool is_response = kind == MESSAGE_RESPONSE, provisional;

	message_fill(c, kind);
	if (is_response && interim_take(c))
		return;
	provisional = is_response && is_status_unknown(c) && !c->block->end_stream;
	http2_half_open(c->protocol, stream, kind, head_take(c), provisional);
}

/* The head that was taken for the response's was an interim one's: this one takes its place. */
static void head_replace(const struct block_context *c, struct http2_half *half)
{
	struct message *old = half->message, *new = c->head->message;

	http2_note(c->protocol, NOTE_INTERIM, 1);
	message_fill(c, MESSAGE_RESPONSE);
	if (interim_take(c))
		return;
	new->body_known = old->body_known;
	new->flags |= (old->flags & FLAG_GAP);
	half->message = head_take(c);
	message_free(old);
	http2_half_weigh(c->protocol, half);
	half->provisional = is_status_unknown(c);
	if (!half->provisional)
		c->protocol->handler.head(c->protocol->handler.ctx, new);
}

static void trailers_add(const struct block_context *c, struct http2_half *half)
{
	struct message *message = half->message;
	const struct header_list *list = &c->head->message->headers;
	bool cut = c->head->cut;

	for (size_t i = 0; i < list->count; i++) {
		const struct header *header = &list->items[i];

		if (message_add_header(message, &message->trailers, header->name, header->value,
				       header->flags) < 0)
			cut = true;
	}
	http2_half_weigh(c->protocol, half);
	if (c->head->unknown)
		message->flags |= FLAG_PARTIAL_HEADERS | http2_side_flags(c->side);
	if (!cut)
		return;
	message->flags |= FLAG_TRUNCATED;
	if (!c->head->cut)
		http2_note(c->protocol, NOTE_HEADER_LIMIT, 1);
}

static bool has_pseudo(const struct http2_head *head, enum message_kind kind)
{
	return kind == MESSAGE_REQUEST ? head->has_request_field : head->has_status;
}

/* Of a block whose fields tell nothing, on a half that has no head yet. */
static enum block_meaning meaning_by_state(const struct block_context *c, const struct http2_stream *stream,
					   enum message_kind kind)
{
	if (!c->block->end_stream || !http2_side_flags(c->side))
		return BLOCK_HEAD;
	if (stream && kind == MESSAGE_RESPONSE && !stream->half[kind].suspect)
		return BLOCK_HEAD;
	return BLOCK_UNSURE;
}

static enum block_meaning block_meaning(const struct block_context *c, const struct http2_stream *stream,
					enum message_kind kind)
{
	const struct http2_half *half = stream ? &stream->half[kind] : NULL;
	enum message_kind other = kind == MESSAGE_REQUEST ? MESSAGE_RESPONSE : MESSAGE_REQUEST;
	bool is_open = half && half->state == HALF_OPEN;

	if (has_pseudo(c->head, other) || (half && half->state == HALF_ENDED))
		return BLOCK_WRONG;
	if (has_pseudo(c->head, kind))
		return is_open && !half->provisional ? BLOCK_WRONG : BLOCK_HEAD;
	if (c->head->first == FIRST_REGULAR || c->head->first == FIRST_NONE)
		return BLOCK_TRAILERS;
	if (is_open && !half->provisional)
		return BLOCK_TRAILERS;
	if (is_open)
		return c->block->end_stream ? BLOCK_UNSURE : BLOCK_HEAD;
	return meaning_by_state(c, stream, kind);
}

/* Trailers of a message whose head was not seen. */
static void trailers_orphan(const struct block_context *c, struct http2_stream *stream,
			    enum message_kind kind)
{
	if (!stream || kind != MESSAGE_RESPONSE || !stream->half[kind].suspect ||
	    http2_half_open_headless(c->protocol, stream, c->side, c->block->first_byte_ns) < 0) {
		refuse(c->protocol);
		return;
	}
	trailers_add(c, &stream->half[kind]);
}

static struct http2_stream *stream_begin(const struct block_context *c, enum message_kind kind)
{
	const struct http2_past *past = http2_past_find(c->protocol, c->block->stream);
	struct http2_stream *stream = http2_stream_add(c->protocol, c->block->stream);

	/* The response was here first, and is gone. */
	if (stream && past && kind == MESSAGE_REQUEST)
		stream->half[MESSAGE_RESPONSE].state = HALF_ENDED;
	return stream;
}

/* The block's message is over, or of no interest any more. */
static bool is_past(const struct http2_past *past, enum message_kind kind)
{
	return past && (past->had_request || kind == MESSAGE_RESPONSE);
}

static void message_block(const struct block_context *c, enum message_kind kind)
{
	struct protocol *protocol = c->protocol;
	struct http2_stream *stream = http2_stream_find(protocol, c->block->stream);
	const struct http2_past *past = stream ? NULL : http2_past_find(protocol, c->block->stream);
	/* Its peer refused the request before we saw it. */
	const struct http2_past refused = past ? *past : (struct http2_past){ 0 };
	enum block_meaning meaning = block_meaning(c, stream, kind);

	if (is_past(past, kind))
		return;
	if (!stream && meaning == BLOCK_HEAD) {
		stream = stream_begin(c, kind);
		if (!stream)
			return;
	}
	switch (meaning) {
	case BLOCK_HEAD:
		if (stream->half[kind].state == HALF_OPEN)
			head_replace(c, &stream->half[kind]);
		else
			head_begin(c, stream, kind);
		break;
	case BLOCK_TRAILERS:
		if (stream && stream->half[kind].state == HALF_OPEN)
			trailers_add(c, &stream->half[kind]);
		else
			trailers_orphan(c, stream, kind);
		break;
	case BLOCK_UNSURE:
	case BLOCK_WRONG:
		refuse(protocol);
		break;
	}
	if (stream && refused.was_reset)
		http2_stream_reset(protocol, stream, refused.error);
	else if (stream && c->block->end_stream)
		http2_half_end(protocol, stream, kind, c->time_ns);
}

/* A request that the server makes up (RFC 9113, 8.4); it has no body. */
static void promise_take(const struct block_context *c)
{
	struct http2_stream *stream;

	if (c->block->promised == 0 || c->head->has_status || c->head->first == FIRST_REGULAR ||
	    http2_stream_find(c->protocol, c->block->promised)) {
		refuse(c->protocol);
		return;
	}
	stream = http2_stream_add(c->protocol, c->block->promised);
	if (!stream)
		return;
	message_fill(c, MESSAGE_REQUEST);
	c->head->message->flags |= FLAG_PUSHED;
	http2_half_open(c->protocol, stream, MESSAGE_REQUEST, head_take(c), false);
	http2_half_end(c->protocol, stream, MESSAGE_REQUEST, c->time_ns);
}

/* The begin of the block was not seen: it may have been the head or the end of this stream's message. */
static void continuation_orphan(const struct block_context *c)
{
	struct http2_stream *stream = http2_stream_find(c->protocol, c->block->stream);

	if (stream)
		http2_half_suspect(&stream->half[http2_side_kind(c->side)], true);
}

static void role_tell(const struct block_context *c)
{
	if ((c->block->type == FRAME_PUSH_PROMISE && !c->block->lost) ||
	    (c->head->has_status && !c->head->has_request_field))
		http2_role_learn(c->protocol, c->side, MESSAGE_RESPONSE);
	else if (c->head->has_request_field && !c->head->has_status)
		http2_role_learn(c->protocol, c->side, MESSAGE_REQUEST);
}

void http2_block_take(struct http2_side *side, const struct http2_block *block, uint64_t time_ns)
{
	struct header_list fields = { 0 };
	struct http2_head head = { .fields = side->owner->config.want_frames ? &fields : NULL };
	const struct block_context c = {
		.protocol = side->owner, .side = side, .block = block, .head = &head, .time_ns = time_ns
	};
	int err = block_read(side, block, &head);

	http2_tell_block(side, block, err || block->lost ? NULL : head.fields, time_ns);
	if (err == -ENOMEM)
		return;
	role_tell(&c);
	if (side->owner->role == ROLE_UNKNOWN)
		refuse(side->owner);
	else if (block->type == FRAME_PUSH_PROMISE)
		promise_take(&c);
	else if (block->type == FRAME_HEADERS)
		message_block(&c, http2_side_kind(side));
	else
		continuation_orphan(&c);
	http2_head_fini(&head);
}
