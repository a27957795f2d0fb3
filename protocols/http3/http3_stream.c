/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections and bodies to messages (RFC 9114, 4.1): a head, perhaps after interim ones, a body, perhaps
 * trailers. The fields have HTTP/2's names and rules (4.3), so its head is filled by the same code.
 *
 * Where the beginning of a direction may have been missed, its first frame has to prove that it is one: a
 * whole section that begins with a pseudo-header field of its kind, and says a method or a status.
 */
#include "http3_connection.h"

#include "http2/http2_head.h"
#include "message_body.h"

#include <errno.h>

#define STREAM_STEP 4 /* ids of request streams differ by it (RFC 9000, 2.1) */

size_t http3_memory(const struct protocol *protocol)
{
	size_t bytes = sizeof(*protocol) + protocol->held_bytes +
		       HASH_COUNT(protocol->streams) * sizeof(*protocol->streams);

	for (int direction = 0; direction < 2; direction++)
		bytes += qpack_memory(protocol->side[direction].qpack);
	return bytes;
}

void http3_half_weigh(struct protocol *protocol, struct http3_half *half)
{
	size_t bytes = message_memory(half->message) + half->body.capacity + half->section.capacity +
		       half->behind.capacity;

	protocol->held_bytes += bytes - half->held_bytes;
	half->held_bytes = bytes;
}

static void refuse(struct protocol *protocol)
{
	protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
}

/* 0, or an error as qpack_read(); after -EBADMSG the head is there, and all of it unknown. */
static int head_read(const struct http3_place *place, bool now, struct http2_head *head)
{
	struct http3_side *side = http3_place_side(place);
	const struct hpack_sink sink = { .ctx = head, .field = http2_head_field };
	size_t limit = http2_head_limit_bytes(&place->protocol->config, http3_memory(place->protocol));
	int err = http2_head_begin(head, limit);

	if (err)
		return err;
	if (place->half->cut)
		err = -EBADMSG;
	else
		err = qpack_read(side->qpack, place->stream->id, bytes_slice(&place->half->section),
				 now || !side->table_allowed, &sink);
	if (!err) {
		http2_head_end(head);
		return 0;
	}
	http2_head_fini(head);
	if (err != -EBADMSG)
		return err;
	protocol_count(&place->protocol->handler, place->half->cut ? NOTE_HEADER_LIMIT : NOTE_INFLATE_ERROR,
		       1);
	if (http2_head_begin(head, limit) < 0)
		return -ENOMEM;
	head->first = FIRST_UNKNOWN;
	head->unknown = true;
	head->cut = place->half->cut;
	return -EBADMSG;
}

static unsigned int head_flags(const struct http2_head *head)
{
	return (head->unknown ? FLAG_PARTIAL_HEADERS : 0u) | (head->cut ? FLAG_TRUNCATED : 0u);
}

static enum message_kind kind_of(const struct http3_place *place)
{
	bool asks = (place->protocol->role == ROLE_CLIENT) == (place->direction == DIRECTION_SENT);

	return asks ? MESSAGE_REQUEST : MESSAGE_RESPONSE;
}

static void role_learn(const struct http3_place *place, const struct http2_head *head)
{
	bool sent = place->direction == DIRECTION_SENT;

	if (place->protocol->role == ROLE_UNKNOWN && head->has_request_field != head->has_status)
		place->protocol->role = sent == head->has_request_field ? ROLE_CLIENT : ROLE_SERVER;
}

/* Why something of this direction was missed. 0: nothing can have been. */
static unsigned int missed_flags(const struct http3_side *side)
{
	return side->had_loss ? FLAG_GAP : side->joined_late ? FLAG_LATE_JOINED : 0u;
}

/* May the request of a response have been missed? Why. */
static unsigned int request_missed(const struct http3_place *place)
{
	const struct http3_half *request = &place->stream->half[!place->direction];

	if (request->state != HALF_AWAITED)
		return 0;
	return missed_flags(&place->protocol->side[!place->direction]);
}

static void message_fill(const struct http3_place *place, struct http2_head *head)
{
	struct message *message = head->message;

	message->kind = kind_of(place);
	message->version = HTTP_3;
	message->key = (uint32_t)(place->stream->id / STREAM_STEP + 1);
	message->direction = place->direction;
	message->first_byte_ns = place->half->frames.first_ns;
	message->head_ns = message->last_byte_ns = place->time_ns;
	message->flags |= head_flags(head);
	if (head->cut)
		protocol_count(&place->protocol->handler, NOTE_HEADER_LIMIT, 1);
}

/* An interim response (RFC 9114, 4.1) is given away at once. */
static bool interim_take(const struct http3_place *place, const struct message *message)
{
	struct protocol *protocol = place->protocol;

	if (message->kind != MESSAGE_RESPONSE || message->status < 100 || message->status > 199)
		return false;
	if (message->status == 101) { /* RFC 9114, 4.5: HTTP/3 has none */
		refuse(protocol);
		return true;
	}
	protocol_count(&protocol->handler, NOTE_INTERIM, 1);
	protocol->handler.interim(protocol->handler.ctx, message);
	return true;
}

/* Nothing more will be known of the head. */
static void head_settle(const struct http3_place *place)
{
	struct http3_half *half = place->half;

	if (!half->provisional)
		return;
	half->provisional = false;
	place->protocol->handler.head(place->protocol->handler.ctx, half->message);
}

static void head_take(const struct http3_place *place, struct http2_head *head)
{
	struct http3_half *half = place->half;
	bool again = half->state == HALF_OPEN; /* the one before was an interim one's */

	message_fill(place, head);
	if (again)
		protocol_count(&place->protocol->handler, NOTE_INTERIM, 1);
	if (interim_take(place, head->message))
		return;
	message_free(half->message);
	half->message = head->message;
	head->message = NULL;
	half->message->body_known = true;
	half->state = HALF_OPEN;
	place->protocol->open_messages += !again;
	half->provisional = half->message->kind == MESSAGE_RESPONSE && head->unknown && !head->has_status;
	http3_half_weigh(place->protocol, half);
	if (!half->provisional)
		place->protocol->handler.head(place->protocol->handler.ctx, half->message);
}

static void trailers_take(const struct http3_place *place, const struct http2_head *head)
{
	const struct header_list *list = &head->message->headers;
	struct message *message = place->half->message;
	bool cut = head->cut;

	head_settle(place);
	for (size_t i = 0; i < list->count; i++) {
		const struct header *header = &list->items[i];

		if (message_add_header(message, &message->trailers, header->name, header->value,
				       header->flags) < 0)
			cut = true;
	}
	message->flags |= head_flags(head) | (cut ? FLAG_TRUNCATED : 0u);
	message->last_byte_ns = place->time_ns;
	if (cut)
		protocol_count(&place->protocol->handler, NOTE_HEADER_LIMIT, 1);
	http3_half_weigh(place->protocol, place->half);
}

/* Does the section show that a message begins with it? */
static bool head_proves(const struct http2_head *head, enum message_kind kind)
{
	if (head->first != FIRST_PSEUDO)
		return false;
	return kind == MESSAGE_REQUEST ? head->message->method.data != NULL : head->message->status != 0;
}

/* The first that proves its beginning since something was missed, and any below it, is marked. */
static void start_prove(const struct http3_place *place)
{
	struct http3_side *side = http3_place_side(place);
	uint64_t id = place->stream->id;

	if (place->half->message && (!side->proven || id <= side->proven_id))
		place->half->message->flags |= missed_flags(side);
	if (!side->proven || id > side->proven_id)
		side->proven_id = id;
	side->proven = true;
}

static int section_apply(const struct http3_place *place, struct http2_head *head)
{
	struct http3_half *half = place->half;
	enum message_kind kind = kind_of(place);
	bool alien = kind == MESSAGE_REQUEST ? head->has_status : head->has_request_field;
	bool own = kind == MESSAGE_REQUEST ? head->has_request_field : head->has_status;

	bool doubted = half->start == START_DOUBTED;

	if (doubted && (alien || !head_proves(head, kind)))
		return -ENODATA;
	half->start = START_SEEN;
	if (alien || (own && half->state == HALF_OPEN && !half->provisional) ||
	    (half->state == HALF_AWAITED && (head->first == FIRST_REGULAR || head->first == FIRST_NONE)))
		refuse(place->protocol);
	else if (half->state == HALF_AWAITED || (own && half->provisional))
		head_take(place, head);
	else
		trailers_take(place, head);
	if (doubted)
		start_prove(place);
	return 0;
}

int http3_section_take(const struct http3_place *place, bool now)
{
	struct http3_half *half = place->half;
	const struct protocol_config *config = &place->protocol->config;
	struct http2_head head = { .few = config->few_fields, .rooms = config->rooms };
	int err = head_read(place, now, &head);

	if (err == -EAGAIN)
		return err;
	bytes_fini(&half->section);
	if (err == -ENOMEM) {
		refuse(place->protocol);
		err = -ENODATA;
	} else {
		role_learn(place, &head);
		err = place->protocol->role == ROLE_UNKNOWN ? -ENODATA : section_apply(place, &head);
	}
	half->cut = false;
	http2_head_fini(&head);
	http3_half_weigh(place->protocol, half);
	return err;
}

void http3_body_take(const struct http3_place *place, struct slice bytes)
{
	const struct protocol_config *config = &place->protocol->config;
	struct http3_half *half = place->half;
	struct message *message = half->message;

	if (half->state != HALF_OPEN || !bytes.len)
		return;
	head_settle(place);
	message->body_bytes += bytes.len;
	message->last_byte_ns = place->time_ns;
	if (!bytes.data) {
		half->body_cut = true;
		protocol_body_hole(&place->protocol->handler, message, bytes.len);
		message->flags |= config->want_bodies ? FLAG_GAP : 0u;
		return;
	}
	if (config->want_bodies && !half->body_cut) {
		half->body_cut = !message_body_add(message, &half->body, bytes, config->body_limit_bytes);
		http3_half_weigh(place->protocol, half);
	}
	place->protocol->handler.body(place->protocol->handler.ctx, message, bytes);
}

void http3_message_end(const struct http3_place *place, unsigned int flags)
{
	struct protocol *protocol = place->protocol;
	struct http3_half *half = place->half;
	struct message *message = half->message;

	if (half->state == HALF_OPEN) {
		head_settle(place);
		if (!message_body_end(message, &half->body))
			protocol_count(&protocol->handler, NOTE_HEADER_LIMIT, 1);
		message->flags |= flags;
		if (message->kind == MESSAGE_RESPONSE)
			message->flags |= request_missed(place);
		if (!flags)
			message->last_byte_ns = place->time_ns;
		half->message = NULL;
		protocol->open_messages--;
		protocol->handler.done(protocol->handler.ctx, message);
	}
	half->state = HALF_ENDED;
	bytes_fini(&half->section);
	bytes_fini(&half->behind);
	bytes_fini(&half->body);
	half->waits = false;
	http3_half_weigh(protocol, half);
}

void http3_message_doubt(const struct protocol *protocol, struct http3_half *half)
{
	if (half->state != HALF_OPEN)
		return;
	protocol_body_hole(&protocol->handler, half->message, HOLE_UNKNOWN_SIZE);
	half->body_cut = true;
	half->message->flags |= FLAG_GAP;
	half->message->body_known = false;
}
