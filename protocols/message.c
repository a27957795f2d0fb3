/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include "ascii.h"
#include "fact.h"

#include <errno.h>
#include <stdlib.h>

/* The arena begins in the message's own memory, and most messages need no more than that. */
#define HEAD_BYTES ((sizeof(struct message) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN)

struct message_room {
	struct message message;
	alignas(max_align_t) uint8_t bytes[ROOM_BYTES - HEAD_BYTES];
};

struct message *message_new_of(struct spares *rooms, enum message_kind kind, size_t limit_bytes)
{
	struct message_room *room = spares_find(rooms);

	if (!room)
		room = malloc(sizeof(*room));
	if (!room)
		return NULL;
	_Static_assert(sizeof(*room) == ROOM_BYTES, "a room");
	room->message = (struct message){
		.kind = kind,
		.arena = { .limit_bytes = limit_bytes,
			   .rooms = rooms,
			   .next = room->bytes,
			   .end = (uint8_t *)(room + 1) },
	};
	return &room->message;
}

struct message *message_new(enum message_kind kind, size_t limit_bytes)
{
	return message_new_of(NULL, kind, limit_bytes);
}

struct message *message_copy(const struct message *message, size_t limit_bytes)
{
	struct message *copy = message_new(message->kind, limit_bytes);
	struct arena arena;
	bool cut = false;

	if (!copy)
		return NULL;
	arena = copy->arena;
	*copy = *message;
	copy->arena = arena;
	copy->method = copy->target = copy->scheme = copy->authority = copy->body = (struct slice){ 0 };
	copy->headers = copy->trailers = (struct header_list){ 0 };
	copy->names = 0;
	copy->facts = NULL;
	cut |= message->method.data && arena_copy(&copy->arena, message->method, &copy->method);
	cut |= message->target.data && arena_copy(&copy->arena, message->target, &copy->target);
	cut |= message->scheme.data && arena_copy(&copy->arena, message->scheme, &copy->scheme);
	cut |= message->authority.data && arena_copy(&copy->arena, message->authority, &copy->authority);
	for (size_t i = 0; !cut && i < message->headers.count; i++) {
		const struct header *header = &message->headers.items[i];

		cut = message_add_header(copy, &copy->headers, header->name, header->value, header->flags);
	}
	if (cut)
		copy->flags |= FLAG_TRUNCATED;
	return copy;
}

/* False: one at least was left out. */
static bool facts_copy(struct message *copy, const struct fact *facts)
{
	struct fact **last = &copy->facts;

	for (; facts; facts = facts->next) {
		struct fact *fact = arena_alloc(&copy->arena, sizeof(*fact));

		if (!fact)
			return false;
		*fact = *facts;
		fact->next = NULL;
		if (facts->text.data && arena_copy(&copy->arena, facts->text, &fact->text) < 0)
			return false;
		*last = fact;
		last = &fact->next;
	}
	return true;
}

struct message *message_copy_whole(const struct message *message, size_t limit_bytes, size_t body_limit_bytes)
{
	struct message *copy = message_copy(message, limit_bytes);
	bool whole = true;

	if (!copy)
		return NULL;
	for (size_t i = 0; whole && i < message->trailers.count; i++) {
		const struct header *header = &message->trailers.items[i];

		whole = message_add_known(copy, &copy->trailers, header->known, header->name, header->value,
					  header->flags) == 0;
	}
	if (!whole || !facts_copy(copy, message->facts))
		copy->flags |= FLAG_TRUNCATED;
	copy->arena.limit_bytes = 0;
	if (body_limit_bytes && message->body.len)
		(void)arena_copy(&copy->arena, slice_take(message->body, body_limit_bytes), &copy->body);
	return copy;
}

void message_free(struct message *message)
{
	if (!message)
		return;
	if (message->arena.blocks)
		arena_fini(&message->arena);
	spares_give(message->arena.rooms, message);
}

static int header_list_grow(struct message *message, struct header_list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 8;
	struct header *items = arena_alloc(&message->arena, capacity * sizeof(*items));

	if (!items)
		return -ENOMEM;
	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	list->items = items;
	list->capacity = capacity;
	return 0;
}

int message_add_known(struct message *message, struct header_list *list, enum header_name known,
		      struct slice name, struct slice value, unsigned int flags)
{
	struct header *header;
	uint8_t *copy;

	if (list->count == list->capacity && header_list_grow(message, list) < 0)
		return -ENOMEM;
	copy = arena_alloc(&message->arena, name.len + value.len);
	if (!copy)
		return -ENOMEM;
	header = &list->items[list->count++];
	message->names |= 1u << known;
	*header = (struct header){ .flags = flags, .known = known };
	if (name.data)
		header->name = slice_of(memcpy(copy, name.data, name.len), name.len);
	if (value.data)
		header->value = slice_of(memcpy(copy + name.len, value.data, value.len), value.len);
	return 0;
}

int message_add_header(struct message *message, struct header_list *list, struct slice name,
		       struct slice value, unsigned int flags)
{
	return message_add_known(message, list, message_name(name), name, value, flags);
}

struct slice message_header(const struct message *message, struct slice name)
{
	for (size_t i = 0; i < message->headers.count; i++) {
		const struct header *header = &message->headers.items[i];

		if (header->name.data && header->value.data && slice_equal_nocase(header->name, name))
			return header->value;
	}
	return (struct slice){ 0 };
}

struct slice message_known(const struct message *message, enum header_name known)
{
	if (!(message->names >> known & 1))
		return (struct slice){ 0 };
	for (size_t i = 0; i < message->headers.count; i++) {
		const struct header *header = &message->headers.items[i];

		if (header->known == known && header->value.data)
			return header->value;
	}
	return (struct slice){ 0 };
}

#define NAME_IS(name, lower) ascii_name_is((name).data, lower, sizeof(lower) - 1)

enum header_name message_name(struct slice name)
{
	switch (name.len) {
	case sizeof("b3") - 1:
		return slice_equal_nocase(name, SLICE("b3")) ? HEADER_B3 : HEADER_OTHER;
	case sizeof("host") - 1:
		return NAME_IS(name, "host") ? HEADER_HOST : HEADER_OTHER;
	case sizeof("upgrade") - 1:
		return NAME_IS(name, "upgrade") ? HEADER_UPGRADE : HEADER_OTHER;
	case sizeof("connection") - 1:
		return NAME_IS(name, "connection") ? HEADER_CONNECTION : HEADER_OTHER;
	case sizeof("traceparent") - 1:
		if (NAME_IS(name, "traceparent"))
			return HEADER_TRACEPARENT;
		if (NAME_IS(name, "grpc-status"))
			return HEADER_GRPC_STATUS;
		return NAME_IS(name, "x-b3-spanid") ? HEADER_B3_SPAN_ID : HEADER_OTHER;
	case sizeof("content-type") - 1:
		if (NAME_IS(name, "content-type"))
			return HEADER_CONTENT_TYPE;
		if (NAME_IS(name, "x-request-id"))
			return HEADER_REQUEST_ID;
		if (NAME_IS(name, "grpc-timeout"))
			return HEADER_GRPC_TIMEOUT;
		if (NAME_IS(name, "grpc-message"))
			return HEADER_GRPC_MESSAGE;
		return NAME_IS(name, "x-b3-traceid") ? HEADER_B3_TRACE_ID : HEADER_OTHER;
	case sizeof("grpc-encoding") - 1:
		return NAME_IS(name, "grpc-encoding") ? HEADER_GRPC_ENCODING : HEADER_OTHER;
	case sizeof("content-length") - 1:
		if (NAME_IS(name, "content-length"))
			return HEADER_CONTENT_LENGTH;
		if (NAME_IS(name, "http2-settings"))
			return HEADER_HTTP2_SETTINGS;
		return NAME_IS(name, "mcp-session-id") ? HEADER_MCP_SESSION_ID : HEADER_OTHER;
	case sizeof("content-encoding") - 1:
		return NAME_IS(name, "content-encoding") ? HEADER_CONTENT_ENCODING : HEADER_OTHER;
	case sizeof("transfer-encoding") - 1:
		if (NAME_IS(name, "transfer-encoding"))
			return HEADER_TRANSFER_ENCODING;
		return NAME_IS(name, "x-b3-parentspanid") ? HEADER_B3_PARENT_SPAN_ID : HEADER_OTHER;
	case sizeof("mcp-protocol-version") - 1:
		return NAME_IS(name, "mcp-protocol-version") ? HEADER_MCP_PROTOCOL_VERSION : HEADER_OTHER;
	default:
		return HEADER_OTHER;
	}
}

const char *message_version_name(enum http_version version)
{
	static const char *const names[] = {
		[HTTP_1_0] = "1.0", [HTTP_1_1] = "1.1", [HTTP_2] = "2", [HTTP_3] = "3"
	};

	return names[version];
}

const char *message_protocol_name(enum http_version version)
{
	static const char *const names[] = {
		[FASTCGI_1] = "fastcgi", [POSTGRESQL_3] = "postgresql", [MYSQL_41] = "mysql"
	};

	return version < sizeof(names) / sizeof(names[0]) ? names[version] : NULL;
}
