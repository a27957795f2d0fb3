/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning of a header block: the head of a message, an interim response,
 * trailers, or a promise. For a connection seen whole the stream's state tells.
 * Where its head may have been missed the block itself must: a head begins with
 * a pseudo-header field, trailers never do and always end the stream. A block
 * that could be either tells that the message ended, and nothing more.
 *
 * Every block goes through the inflater first, whatever becomes of it. After a
 * loss the table is in doubt, unless no block can have been in it: the client's
 * next stream follows the last one that was seen, and no request was under way
 * whose trailers might have been there.
 */
#include "http2_connection.h"
#include "http2_head.h"

#include <errno.h>

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
	protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
}

/* RFC 9113, 5.1.1: streams begin in the order of their ids. */
static bool is_next_block(const struct http2_side *side, const struct http2_block *block)
{
	const struct protocol *protocol = side->owner;

	if (protocol->role == ROLE_UNKNOWN || http2_side_kind(side) != MESSAGE_REQUEST ||
	    block->type != FRAME_HEADERS)
		return false;
	/* Trailers, whose head was in the loss, look like it otherwise. */
	if (block->end_stream && !hpack_names_request(block->fragment))
		return false;
	if (!protocol->ids.last)
		return block->stream == 1;
	return !side->trailers_missed && block->stream == protocol->ids.last + 2;
}

static void table_check(struct http2_side *side, const struct http2_block *block)
{
	if (!side->blocks_missed)
		return;
	if (!is_next_block(side, block))
		hpack_prime(side->hpack);
	side->blocks_missed = side->trailers_missed = false;
}

/* The table must see every block; 0 or an error as http2_head_read(). */
static int block_read(struct http2_side *side, const struct http2_block *block, struct http2_head *head)
{
	struct protocol *protocol = side->owner;
	struct hpack *hpack = block->lost ? NULL : side->hpack;
	int err;

	table_check(side, block);
	err = http2_head_read(head, hpack, block,
			      http2_head_limit_bytes(&protocol->config, http2_memory(protocol)));
	if (block->lost || block->ended)
		protocol_count(&protocol->handler, NOTE_HEADER_BLOCK_LOST, 1);
	if (block->lost) {
		hpack_prime(side->hpack);
		if (block->cut)
			protocol_count(&protocol->handler, NOTE_HEADER_LIMIT, 1);
		if (block->type == FRAME_PUSH_PROMISE)
			side->had_loss = true;
	} else if (err == -EBADMSG) {
		protocol_count(&protocol->handler, NOTE_INFLATE_ERROR, 1);
	} else if (err == -ENOMEM) {
		refuse(protocol);
	}
	if (!err && head->cut)
		protocol_count(&protocol->handler, NOTE_HEADER_LIMIT, 1);
	return err;
}

/* The faults of this block, as flags of its message. */
static unsigned int block_flags(const struct block_context *c)
{
	const struct http2_block *block = c->block;
	unsigned int flags = 0;

	if (c->head->unknown || block->ended)
		flags |= FLAG_PARTIAL_HEADERS;
	if (block->lost && !block->cut && !block->ended)
		flags |= FLAG_GAP;
	if (c->head->cut || block->cut)
		flags |= FLAG_TRUNCATED;
	return flags;
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
	message->flags |= block_flags(c);
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
	protocol_count(&c->protocol->handler, NOTE_INTERIM, 1);
	c->protocol->handler.interim(c->protocol->handler.ctx, message);
	return true;
}

static bool is_status_unknown(const struct block_context *c)
{
	return c->head->unknown && !c->head->has_status;
}

static void head_begin(const struct block_context *c, struct http2_stream *stream, enum message_kind kind)
{
	bool is_response = kind == MESSAGE_RESPONSE;
	enum http2_half_head head = HEAD_TOLD;

	message_fill(c, kind);
	if (is_response && interim_take(c))
		return;
	if (is_response && is_status_unknown(c) && !c->block->end_stream)
		head = HEAD_PROVISIONAL;
	http2_half_open(c->protocol, stream, kind, head_take(c), head);
}

/* The head that was taken for the response's was an interim one's: this one takes its place. */
static void head_replace(const struct block_context *c, struct http2_half *half)
{
	struct message *old = half->message, *new = c->head->message;

	protocol_count(&c->protocol->handler, NOTE_INTERIM, 1);
	message_fill(c, MESSAGE_RESPONSE);
	if (interim_take(c))
		return;
	new->body_known = old->body_known;
	new->flags |= (old->flags & FLAG_GAP);
	half->message = head_take(c);
	message_free(old);
	http2_half_weigh(c->protocol, half);
	half->head = is_status_unknown(c) ? HEAD_PROVISIONAL : HEAD_TOLD;
	if (half->head == HEAD_TOLD)
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
	message->flags |= block_flags(c);
	if (!cut)
		return;
	message->flags |= FLAG_TRUNCATED;
	if (!c->head->cut)
		protocol_count(&c->protocol->handler, NOTE_HEADER_LIMIT, 1);
}

static bool has_pseudo(const struct http2_head *head, enum message_kind kind)
{
	return kind == MESSAGE_REQUEST ? head->has_request_field : head->has_status;
}

/* May trailers of this stream come, as far as its state tells, although its head was not seen? */
static bool is_trailers_possible(const struct block_context *c, const struct http2_stream *stream,
				 enum message_kind kind)
{
	if (!c->block->end_stream)
		return false;
	if (kind == MESSAGE_RESPONSE)
		return http2_head_missed(c->protocol, stream);
	/* A stream behind the newest one begins with this block, unless the newest is not known. */
	return http2_side_flags(c->side) &&
	       (c->side->heads_missed || c->block->stream <= c->protocol->ids.last);
}

static enum block_meaning block_meaning(const struct block_context *c, const struct http2_stream *stream,
					enum message_kind kind)
{
	const struct http2_half *half = stream ? &stream->half[kind] : NULL;
	enum http2_half_state state = half ? half->state : HALF_IDLE;

	if (has_pseudo(c->head, !kind) || state == HALF_ENDED)
		return BLOCK_WRONG;
	if (has_pseudo(c->head, kind))
		return state == HALF_OPEN && half->head != HEAD_PROVISIONAL ? BLOCK_WRONG : BLOCK_HEAD;
	if (c->head->first == FIRST_REGULAR || c->head->first == FIRST_NONE)
		return BLOCK_TRAILERS;
	switch (state) {
	case HALF_IDLE:
		return is_trailers_possible(c, stream, kind) ? BLOCK_UNSURE : BLOCK_HEAD;
	case HALF_UNSEEN:
		return BLOCK_TRAILERS;
	case HALF_OPEN:
		/* RFC 9113, 8.1: trailers end the stream. */
		if (half->head != HEAD_PROVISIONAL)
			return c->block->end_stream ? BLOCK_TRAILERS : BLOCK_WRONG;
		return c->block->end_stream ? BLOCK_UNSURE : BLOCK_HEAD;
	case HALF_ENDED:
		break;
	}
	return BLOCK_WRONG;
}

/* The response ended, and neither its head nor its request was seen so far. */
static void response_missed(const struct block_context *c)
{
	const struct http2_past past = { .id = c->block->stream, .end = PAST_MISSED };

	if (c->block->end_stream && !http2_past_find(c->protocol, past.id))
		http2_past_add(c->protocol, &past);
}

/* Trailers, or what may be them, of a message whose head was not seen. */
static void trailers_orphan(const struct block_context *c, struct http2_stream *stream,
			    enum message_kind kind, bool sure)
{
	struct http2_half *half = stream ? &stream->half[kind] : NULL;

	if (kind == MESSAGE_REQUEST || !http2_head_missed(c->protocol, NULL)) {
		refuse(c->protocol);
		return;
	}
	if (!stream || !stream->request_known) {
		refuse(c->protocol);
		if (stream)
			half->state = HALF_UNSEEN;
		else
			response_missed(c);
		return;
	}
	if (half->state == HALF_IDLE && http2_half_open_headless(c->protocol, stream, c->time_ns) < 0)
		return;
	if (sure)
		trailers_add(c, half);
	else if (half->head != HEAD_MISSED)
		refuse(c->protocol);
}

/*
 * The block's message is over, or of no interest any more. What a
 * correct peer may still send is not counted.
 */
static bool is_over(const struct block_context *c, const struct http2_past *past, enum message_kind kind)
{
	const struct http2_side *requests = http2_kind_side(c->protocol, MESSAGE_REQUEST);
	uint32_t id = c->block->stream;

	if (past && (past->had_request || kind == MESSAGE_RESPONSE)) {
		if (past->end == PAST_ENDED)
			refuse(c->protocol);
		return true;
	}
	if (past || id % 2 == 0 || id > c->protocol->ids.last)
		return false;
	/* RFC 9113, 5.1.1: a stream is not used again. */
	if (kind == MESSAGE_REQUEST ? requests->heads_missed : http2_side_flags(requests) != 0)
		return false;
	refuse(c->protocol);
	return true;
}

static void request_count(const struct block_context *c)
{
	struct protocol *protocol = c->protocol;
	uint32_t next = protocol->ids.last ? protocol->ids.last + 2 : 1;

	/* The streams between were not seen, and their trailers may still come. */
	if (c->block->stream != next)
		protocol->loose_requests = true;
	if (!protocol->ids.first)
		protocol->ids.first = c->block->stream;
	protocol->ids.last = c->block->stream;
	c->side->heads_missed = false;
}

static void block_apply(const struct block_context *c, struct http2_stream *stream, enum message_kind kind,
			enum block_meaning meaning)
{
	struct http2_half *half = stream ? &stream->half[kind] : NULL;

	switch (meaning) {
	case BLOCK_HEAD:
		if (half->state == HALF_OPEN)
			head_replace(c, half);
		else
			head_begin(c, stream, kind);
		break;
	case BLOCK_TRAILERS:
		if (half && half->state == HALF_OPEN)
			trailers_add(c, half);
		else
			trailers_orphan(c, stream, kind, true);
		break;
	case BLOCK_UNSURE:
		trailers_orphan(c, stream, kind, false);
		break;
	case BLOCK_WRONG:
		refuse(c->protocol);
		break;
	}
}

/*
 * Gives the response the state that it reached before its request was seen: two threads move the two
 * directions.
 */
static void request_catch_up(const struct block_context *c, struct http2_stream *stream,
			     enum http2_past_end before)
{
	bool is_under_way = stream->half[MESSAGE_RESPONSE].state == HALF_UNSEEN;

	if (before == PAST_STOPPED) {
		http2_stream_stop(c->protocol, stream);
		return;
	}
	if ((before == PAST_MISSED || is_under_way) &&
	    http2_half_open_headless(c->protocol, stream, c->time_ns) == 0 && !is_under_way)
		http2_half_end(c->protocol, stream, MESSAGE_RESPONSE, c->time_ns);
}

/* The response was given away without its request, which waited behind a loss. */
static void request_tell_late(const struct block_context *c, const struct http2_stream *stream)
{
	unsigned int flags = http2_side_flags(c->side);

	if (flags && c->protocol->handler.lost && stream->half[MESSAGE_RESPONSE].state == HALF_ENDED)
		c->protocol->handler.lost(c->protocol->handler.ctx, MESSAGE_RESPONSE, stream->id, flags);
}

/* stream is of this block and may have to be made first; before: what is remembered of it else. */
static void message_apply(const struct block_context *c, struct http2_stream *stream, enum message_kind kind,
			  const struct http2_past *before)
{
	struct protocol *protocol = c->protocol;
	enum block_meaning meaning = block_meaning(c, stream, kind);
	bool is_request = kind == MESSAGE_REQUEST;

	if (is_request && c->block->stream % 2 == 0)
		meaning = BLOCK_WRONG;
	if (is_request && meaning == BLOCK_HEAD)
		request_count(c);
	if (!stream && meaning == BLOCK_HEAD) {
		stream = http2_stream_add(protocol, c->block->stream);
		if (!stream)
			return;
		/* The response was here first, and is gone. */
		if (before->id && is_request)
			stream->half[MESSAGE_RESPONSE].state =
				before->end == PAST_MISSED ? HALF_IDLE : HALF_ENDED;
	}
	block_apply(c, stream, kind, meaning);
	if (stream && is_request && meaning == BLOCK_HEAD)
		request_tell_late(c, stream);
	if (stream && before->end == PAST_RESET) {
		http2_stream_reset(protocol, stream, MESSAGE_RESPONSE, before->error);
		return;
	}
	if (stream && c->block->end_stream && !c->block->ended) {
		http2_half_end(protocol, stream, kind, c->time_ns);
		stream = http2_stream_find(protocol, c->block->stream);
	}
	if (stream && is_request && meaning == BLOCK_HEAD)
		request_catch_up(c, stream, before->end);
}

static void message_block(const struct block_context *c, enum message_kind kind)
{
	struct protocol *protocol = c->protocol;
	uint32_t id = c->block->stream;
	struct http2_stream *stream = http2_stream_find(protocol, id);
	const struct http2_past *past;

	if (!stream && kind == MESSAGE_RESPONSE) {
		http2_wire_confirm(http2_kind_side(protocol, MESSAGE_REQUEST)->wire, id);
		stream = http2_stream_find(protocol, id);
	}
	past = stream ? NULL : http2_past_find(protocol, id);
	if (stream || !is_over(c, past, kind)) {
		const struct http2_past before = past ? *past : (struct http2_past){ .end = PAST_ENDED };

		message_apply(c, stream, kind, &before);
	}
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
	http2_half_open(c->protocol, stream, MESSAGE_REQUEST, head_take(c), HEAD_TOLD);
	http2_half_end(c->protocol, stream, MESSAGE_REQUEST, c->time_ns);
}

/* The begin of the block was not seen: it may have been the head or the end of this stream's message. */
static void continuation_orphan(const struct block_context *c)
{
	struct http2_stream *stream = http2_stream_find(c->protocol, c->block->stream);

	if (stream)
		http2_half_suspect(c->protocol, &stream->half[http2_side_kind(c->side)]);
}

static void role_tell(const struct block_context *c)
{
	if ((c->block->type == FRAME_PUSH_PROMISE && !c->block->lost) ||
	    (c->head->has_status && !c->head->has_request_field))
		http2_role_learn(c->protocol, c->side, MESSAGE_RESPONSE, c->time_ns);
	else if (c->head->has_request_field && !c->head->has_status)
		http2_role_learn(c->protocol, c->side, MESSAGE_REQUEST, c->time_ns);
}

void http2_block_take(void *ctx, const struct http2_block *block, uint64_t time_ns)
{
	struct http2_side *side = ctx;
	struct header_list fields = { 0 };
	const struct protocol_config *config = &side->owner->config;
	struct http2_head head = { .fields = config->want_frames ? &fields : NULL,
				   .few = config->few_fields,
				   .rooms = config->rooms };
	const struct block_context c = {
		.protocol = side->owner, .side = side, .block = block, .head = &head, .time_ns = time_ns
	};
	int err = block_read(side, block, &head);

	http2_tell_block(side, block, err || block->lost ? NULL : head.fields, time_ns);
	if (err == -ENOMEM)
		return;
	role_tell(&c);
	if (side->owner->role == ROLE_UNKNOWN) {
		/* Whatever it was, its stream will miss it, whose request may be found later. */
		side->had_loss |= !side->joined_late;
		http2_side_clean(side, time_ns);
		refuse(side->owner);
	} else if (block->type == FRAME_PUSH_PROMISE)
		promise_take(&c);
	else if (block->type == FRAME_HEADERS)
		message_block(&c, http2_side_kind(side));
	else
		continuation_orphan(&c);
	http2_head_fini(&head);
}
