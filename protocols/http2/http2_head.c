/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message is filled field by field while the inflater runs, and thrown
 * away when the block turns out to be wrong: fields in front of an error were
 * read with the same table that could not read what follows.
 */
#include "http2_head.h"

#include <errno.h>

#define HEAD_ALWAYS_BYTES 2048 /* kept of each head, however much the others take */

/* RFC 9110, 15: three digits. Anything else stays unknown. */
static int status_parse(struct slice value)
{
	int status = 0;

	if (value.len != 3)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return 0;
		status = status * 10 + value.data[i] - '0';
	}
	return status >= 100 ? status : 0;
}

/* True: the field is in the message. The first of two counts; the other stays in the list. */
static bool status_take(struct http2_head *head, const struct hpack_field *field)
{
	struct message *message = head->message;
	bool again = head->has_status;

	head->has_status = true;
	if (again) {
		message->flags |= FLAG_MALFORMED;
		return false;
	}
	message->status = status_parse(field->value);
	if (field->value.data && !message->status)
		message->flags |= FLAG_MALFORMED;
	return message->status || !field->value.data;
}

/* The slot of a request's pseudo-header field, and its bit in pseudo_seen; NULL: it has none. */
static struct slice *slot_find(struct message *message, struct slice name, unsigned int *bit)
{
	switch (name.len) {
	case sizeof(":path") - 1:
		*bit = 1;
		return slice_equal(name, SLICE(":path")) ? &message->target : NULL;
	case sizeof(":method") - 1: /* and :scheme */
		*bit = 2;
		if (slice_equal(name, SLICE(":method")))
			return &message->method;
		*bit = 4;
		return slice_equal(name, SLICE(":scheme")) ? &message->scheme : NULL;
	case sizeof(":authority") - 1:
		*bit = 8;
		return slice_equal(name, SLICE(":authority")) ? &message->authority : NULL;
	default:
		return NULL;
	}
}

/* The same for all that have a slot of their own. */
static bool pseudo_take(struct http2_head *head, const struct hpack_field *field)
{
	struct message *message = head->message;
	unsigned int bit;
	struct slice *slot = slot_find(message, field->name, &bit);

	if (!slot)
		return slice_equal(field->name, SLICE(":status")) && status_take(head, field);
	head->has_request_field = true;
	if (head->pseudo_seen & bit) {
		message->flags |= FLAG_MALFORMED;
		return false;
	}
	head->pseudo_seen |= bit;
	if (field->value.data && arena_copy(&message->arena, field->value, slot) < 0)
		head->cut = true;
	return true;
}

int http2_head_begin(struct http2_head *head, size_t limit_bytes)
{
	*head = (struct http2_head){ .message = message_new_of(head->rooms, MESSAGE_REQUEST, limit_bytes),
				     .fields = head->fields,
				     .few = head->few,
				     .rooms = head->rooms };
	return head->message ? 0 : -ENOMEM;
}

void http2_head_field(void *ctx, const struct hpack_field *field)
{
	struct http2_head *head = ctx;
	bool is_pseudo = field->name.data && field->name.data[0] == ':';
	enum header_name known;

	if (head->first == FIRST_NONE)
		head->first = !field->name.data ? FIRST_UNKNOWN : is_pseudo ? FIRST_PSEUDO : FIRST_REGULAR;
	if (field->flags & (HEADER_NAME_UNKNOWN | HEADER_VALUE_UNKNOWN))
		head->unknown = true;
	if (head->fields &&
	    message_add_header(head->message, head->fields, field->name, field->value, field->flags) < 0)
		head->cut = true;
	if (is_pseudo && pseudo_take(head, field))
		return;
	known = message_name(field->name);
	if (head->few && !message_asks(known))
		return;
	if (message_add_known(head->message, &head->message->headers, known, field->name, field->value,
			      field->flags) < 0)
		head->cut = true;
}

/* RFC 9113, 8.3.1: Host, where it is there, says what :authority says. */
static void hosts_compare(const struct http2_head *head)
{
	struct message *message = head->message;
	const struct header_list *list = &message->headers;
	size_t hosts = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct header *header = &list->items[i];

		if (!slice_equal(header->name, SLICE("host")))
			continue;
		hosts++;
		if (hosts > 1 || (message->authority.data && header->value.data &&
				  !slice_equal_nocase(header->value, message->authority)))
			message->flags |= FLAG_MALFORMED;
	}
}

void http2_head_end(struct http2_head *head)
{
	if (head->has_request_field && head->message->names >> HEADER_HOST & 1)
		hosts_compare(head);
}

static void head_forget(struct http2_head *head)
{
	http2_head_fini(head);
	if (head->fields)
		*head->fields = (struct header_list){ 0 };
	*head = (struct http2_head){ .rooms = head->rooms, .first = FIRST_UNKNOWN, .unknown = true };
}

int http2_head_read(struct http2_head *head, struct hpack *hpack, const struct http2_block *block,
		    size_t limit_bytes)
{
	const struct hpack_sink sink = { .ctx = head, .field = http2_head_field };
	int err = hpack ? 0 : -EBADMSG;

	if (http2_head_begin(head, limit_bytes) < 0) {
		/* The table must see each block, whether or not somebody can keep its fields. */
		if (hpack)
			hpack_inflate(hpack, block->fragment, !block->ended, NULL);
		return -ENOMEM;
	}
	if (hpack)
		err = hpack_inflate(hpack, block->fragment, !block->ended, &sink);
	if (!err) {
		http2_head_end(head);
		/* A block that was cut before its first field may be anything. */
		if (block->ended && head->first == FIRST_NONE) {
			head->first = FIRST_UNKNOWN;
			head->unknown = true;
		}
		return 0;
	}
	head_forget(head);
	head->message = message_new_of(head->rooms, MESSAGE_REQUEST, limit_bytes);
	if (!head->message)
		return -ENOMEM;
	return -EBADMSG;
}

void http2_head_fini(struct http2_head *head)
{
	message_free(head->message);
	head->message = NULL;
}

size_t http2_head_limit_bytes(const struct protocol_config *config, size_t held_bytes)
{
	size_t limit = config->memory_limit_bytes, used, room;

	if (!limit)
		return config->message_limit_bytes;
	used = held_bytes + (config->given_bytes ? *config->given_bytes : 0);
	room = used + HEAD_ALWAYS_BYTES < limit ? limit - used : HEAD_ALWAYS_BYTES;
	return room < config->message_limit_bytes ? room : config->message_limit_bytes;
}
