/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Valid HTTP/2 conversations (RFC 9113): streams in parallel, real HPACK by
 * nghttp2's deflater, CONTINUATION, padding, priorities, trailers, interim
 * responses, changes of the table's size, RST_STREAM, GOAWAY, h2c by Upgrade.
 */
#include "conversation.h"
#include "http2/http2_frame.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MAX_BYTES 4096
#define NAMES_MAX	24

enum phase {
	PHASE_HEAD,
	PHASE_BODY,
	PHASE_TRAILERS,
	PHASE_DONE,
};

struct half {
	enum phase phase;
	size_t portions;   /* DATA frames to come */
	bool has_trailers; /* then END_STREAM stands there */
};

struct stream {
	uint32_t id;
	bool open;
	struct half half[2]; /* 0: request */
	int reset_after;     /* so many frames of the response until RST_STREAM; -1: none */
};

struct maker {
	struct conversation *conversation;
	struct random *random;
	nghttp2_hd_deflater *deflater[2];
	struct stream stream[EXCHANGES_MAX];
	size_t wanted, begun;
	size_t parallel;
	bool leaving; /* GOAWAY was sent: no new stream */
};

static void frame_write(struct maker *maker, int direction, size_t owner, unsigned int type,
			unsigned int flags, uint32_t stream, const uint8_t *payload, size_t len)
{
	uint8_t *frame = malloc(HTTP2_FRAME_HEADER_BYTES + len);
	const uint8_t head[HTTP2_FRAME_HEADER_BYTES] = {
		(uint8_t)(len >> 16),	 (uint8_t)(len >> 8),	 (uint8_t)len,
		(uint8_t)type,		 (uint8_t)flags,	 (uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream,
	};

	if (!frame)
		abort();
	memcpy(frame, head, sizeof(head));
	if (len)
		memcpy(frame + sizeof(head), payload, len);
	conversation_write(maker->conversation, direction, owner, frame, sizeof(head) + len);
	free(frame);
}

static void put_u32(uint8_t *out, uint32_t v)
{
	const uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	memcpy(out, bytes, sizeof(bytes));
}

/* --- header blocks ------------------------------------------------------------ */

struct names {
	nghttp2_nv items[NAMES_MAX];
	size_t count;
};

static void names_add(struct names *names, const char *name, const char *value, uint8_t flags)
{
	names->items[names->count++] = (nghttp2_nv){
		.name = (uint8_t *)name,
		.namelen = strlen(name),
		.value = (uint8_t *)value,
		.valuelen = strlen(value),
		.flags = flags,
	};
}

static void names_add_fields(struct names *names, struct random *random, const struct true_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		names_add(names, fields->items[i].name, fields->items[i].value,
			  random_chance(random, 5) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
}

/* HEADERS, and CONTINUATION where the block is cut. Other frames of the direction may not stand between. */
static void block_write(struct maker *maker, int direction, size_t id, const struct names *names, bool end)
{
	uint8_t block[BLOCK_MAX_BYTES], payload[BLOCK_MAX_BYTES + 64];
	ssize_t total = nghttp2_hd_deflate_hd(maker->deflater[direction], block, sizeof(block), names->items,
					      names->count);
	size_t len, first, at = 0;
	bool cut = random_chance(maker->random, 15), padded = random_chance(maker->random, 15),
	     priority = random_chance(maker->random, 15);
	uint32_t stream = maker->stream[id].id;

	if (total < 0)
		abort();
	len = (size_t)total;
	first = cut ? random_below(maker->random, len + 1) : len;
	if (padded)
		payload[at++] = 7;
	if (priority) {
		put_u32(payload + at, 0);
		payload[at + 4] = 15;
		at += 5;
	}
	memcpy(payload + at, block, first);
	at += first;
	memset(payload + at, 0, 7);
	at += padded ? 7 : 0;
	frame_write(maker, direction, id, FRAME_HEADERS,
		    (end ? FRAME_FLAG_END_STREAM : 0u) | (cut ? 0 : FRAME_FLAG_END_HEADERS) |
			    (padded ? FRAME_FLAG_PADDED : 0u) | (priority ? FRAME_FLAG_PRIORITY : 0u),
		    stream, payload, at);
	if (!cut)
		return;
	at = first + random_below(maker->random, len - first + 1);
	frame_write(maker, direction, id, FRAME_CONTINUATION, 0, stream, block + first, at - first);
	frame_write(maker, direction, id, FRAME_CONTINUATION, FRAME_FLAG_END_HEADERS, stream, block + at,
		    len - at);
}

static void pool_fields(struct random *random, struct true_fields *fields)
{
	static const struct true_field pool[] = {
		{ "user-agent", "oracle/2.0" },
		{ "accept", "*/*" },
		{ "x-empty", "" },
		{ "cache-control", "no-cache" },
		{ "content-type", "application/json" },
		{ "x-long", "a value that is long enough to be worth a table" },
		{ "cookie", "a=1" },
		{ "cookie", "b=2" },
	};

	for (size_t i = 0; i < 8; i++) {
		if (random_chance(random, 40))
			fields_add(fields, pool[i].name, pool[i].value);
	}
	if (random_chance(random, 30)) {
		char name[24], value[24];

		snprintf(name, sizeof(name), "x-name-%u", (unsigned int)random_below(random, 40));
		snprintf(value, sizeof(value), "%u", (unsigned int)random_below(random, 1000000));
		fields_add(fields, name, value);
	}
}

static void message_number(struct true_message *message, size_t id)
{
	char value[24];

	snprintf(value, sizeof(value), "%zu", id);
	fields_add(&message->fields, "x-id", value);
}

static void half_plan(struct half *half, struct random *random, bool has_body)
{
	half->portions = has_body ? random_below(random, 4) : 0;
	half->has_trailers = random_chance(random, 15);
}

/* The part that follows the head says whether END_STREAM stands there already. */
static bool half_next(struct half *half)
{
	half->phase = half->portions ? PHASE_BODY : half->has_trailers ? PHASE_TRAILERS : PHASE_DONE;
	return half->phase == PHASE_DONE;
}

static void request_head(struct maker *maker, size_t id)
{
	static const char *const methods[] = { "GET", "GET", "GET", "POST", "PUT", "HEAD", "OPTIONS" };
	struct true_message *request = &maker->conversation->exchange[id].side[MESSAGE_REQUEST];
	struct half *half = &maker->stream[id].half[0];
	struct names names = { .count = 0 };

	request->exists = true;
	request->version = HTTP_2;
	snprintf(request->method, sizeof(request->method), "%s", methods[random_below(maker->random, 7)]);
	snprintf(request->target, sizeof(request->target), "/i%zu/path?q=%u", id,
		 (unsigned int)random_below(maker->random, 1000));
	snprintf(request->authority, sizeof(request->authority), "oracle.example");
	snprintf(request->scheme, sizeof(request->scheme), "https");
	message_number(request, id);
	pool_fields(maker->random, &request->fields);
	half_plan(half, maker->random, request->method[0] == 'P');
	names_add(&names, ":method", request->method, 0);
	names_add(&names, ":scheme", request->scheme, 0);
	names_add(&names, ":authority", request->authority, 0);
	names_add(&names, ":path", request->target, 0);
	names_add_fields(&names, maker->random, &request->fields);
	block_write(maker, 0, id, &names, half_next(half));
}

static void response_interim(struct maker *maker, size_t id)
{
	struct true_exchange *exchange = &maker->conversation->exchange[id];
	struct names names = { .count = 0 };
	char value[24];

	exchange->interims++;
	snprintf(value, sizeof(value), "%zu", id);
	names_add(&names, ":status", "103", 0);
	names_add(&names, "x-id", value, 0);
	block_write(maker, 1, id, &names, false);
}

static void response_head(struct maker *maker, size_t id)
{
	static const int statuses[] = { 200, 200, 200, 204, 201, 304, 404, 418, 500 };
	struct true_exchange *exchange = &maker->conversation->exchange[id];
	struct true_message *response = &exchange->side[MESSAGE_RESPONSE];
	struct half *half = &maker->stream[id].half[1];
	struct names names = { .count = 0 };
	char status[8];
	bool has_body;

	if (random_chance(maker->random, 8))
		response_interim(maker, id);
	response->exists = true;
	response->version = HTTP_2;
	response->status = statuses[random_below(maker->random, 9)];
	message_number(response, id);
	pool_fields(maker->random, &response->fields);
	has_body = response->status != 204 && response->status != 304 &&
		   strcmp(exchange->side[MESSAGE_REQUEST].method, "HEAD");
	half_plan(half, maker->random, has_body);
	half->has_trailers &= has_body;
	snprintf(status, sizeof(status), "%d", response->status);
	names_add(&names, ":status", status, 0);
	names_add_fields(&names, maker->random, &response->fields);
	block_write(maker, 1, id, &names, half_next(half));
}

/* --- streams ------------------------------------------------------------------ */

static void half_body(struct maker *maker, size_t id, int direction)
{
	struct half *half = &maker->stream[id].half[direction];
	size_t len = random_chance(maker->random, 10) ? 3000 : random_below(maker->random, 200), at = 0;
	bool padded = random_chance(maker->random, 15), end;
	uint8_t payload[3100];

	half->portions--;
	end = half_next(half);
	if (padded)
		payload[at++] = 9;
	for (size_t i = 0; i < len; i++)
		payload[at++] = (uint8_t)random_next(maker->random);
	memset(payload + at, 0, 9);
	at += padded ? 9 : 0;
	maker->conversation->exchange[id].side[direction].body_bytes += len;
	frame_write(maker, direction, id, FRAME_DATA,
		    (end ? FRAME_FLAG_END_STREAM : 0u) | (padded ? FRAME_FLAG_PADDED : 0u),
		    maker->stream[id].id, payload, at);
}

static void half_trailers(struct maker *maker, size_t id, int direction)
{
	struct true_message *message = &maker->conversation->exchange[id].side[direction];
	struct names names = { .count = 0 };

	fields_add(&message->trailers, "x-trailer", "end");
	if (random_chance(maker->random, 50))
		fields_add(&message->trailers, "x-sum", "0123456789");
	names_add_fields(&names, maker->random, &message->trailers);
	maker->stream[id].half[direction].phase = PHASE_DONE;
	block_write(maker, direction, id, &names, true);
}

static void half_go_on(struct maker *maker, size_t id, int direction)
{
	switch (maker->stream[id].half[direction].phase) {
	case PHASE_HEAD:
		if (direction == 0)
			request_head(maker, id);
		else
			response_head(maker, id);
		return;
	case PHASE_BODY:
		half_body(maker, id, direction);
		return;
	case PHASE_TRAILERS:
		half_trailers(maker, id, direction);
		return;
	case PHASE_DONE:
		return;
	}
}

/* The stream ends early, by either side. */
static void stream_reset(struct maker *maker, size_t id)
{
	static const uint32_t errors[] = { 8 /* CANCEL */, 2 /* INTERNAL_ERROR */, 7 /* REFUSED_STREAM */ };
	struct true_exchange *exchange = &maker->conversation->exchange[id];
	struct stream *stream = &maker->stream[id];
	uint8_t payload[4];
	bool answered = stream->half[1].phase != PHASE_HEAD;
	int direction = (int)random_below(maker->random, 2);

	exchange->error_known = true;
	exchange->error = errors[answered ? random_below(maker->random, 2) : random_below(maker->random, 3)];
	exchange->flags = FLAG_RESET | (answered ? 0u : FLAG_UNANSWERED);
	for (int i = 0; i < 2; i++)
		exchange->side[i].cut = stream->half[i].phase != PHASE_DONE;
	put_u32(payload, exchange->error);
	frame_write(maker, direction, id, FRAME_RST_STREAM, 0, stream->id, payload, 4);
	stream->half[0].phase = stream->half[1].phase = PHASE_DONE;
	stream->open = false;
}

static bool stream_done(const struct stream *stream)
{
	return stream->half[0].phase == PHASE_DONE && stream->half[1].phase == PHASE_DONE;
}

static void stream_go_on(struct maker *maker, size_t id)
{
	struct stream *stream = &maker->stream[id];
	bool request_left = stream->half[0].phase != PHASE_DONE;
	int direction = request_left && random_chance(maker->random, 70) ? 0 : 1;

	if (direction == 1 && stream->reset_after == 0 && !stream_done(stream)) {
		stream_reset(maker, id);
		return;
	}
	if (stream->half[direction].phase == PHASE_DONE)
		direction = !direction;
	stream->reset_after -= direction == 1 && stream->reset_after > 0;
	half_go_on(maker, id, direction);
	stream->open = !stream_done(stream);
}

static void stream_begin(struct maker *maker)
{
	size_t id = maker->begun++;
	struct stream *stream = &maker->stream[id];
	bool resets = maker->conversation->family == FAMILY_HTTP2_RESET;

	stream->id = (uint32_t)(2 * id + 1);
	stream->open = true;
	stream->reset_after =
		resets && random_chance(maker->random, 40) ? (int)random_below(maker->random, 3) : -1;
	maker->conversation->exchange[id].key = stream->id;
	maker->conversation->count = maker->begun;
	half_go_on(maker, id, 0);
}

/* --- the connection's own frames ------------------------------------------------ */

/* The receiver of this setting tells its own encoder, behind its acknowledgement (RFC 7541, 4.2). */
static void settings_write(struct maker *maker, int direction)
{
	static const uint32_t sizes[] = { 0, 64, 256, 1024, 4096, 8192, 65536 };
	uint32_t size = sizes[random_below(maker->random, 7)];
	uint8_t payload[6] = { 0, 1 };

	put_u32(payload + 2, size);
	frame_write(maker, direction, BYTE_NOBODY, FRAME_SETTINGS, 0, 0, payload, sizeof(payload));
	frame_write(maker, !direction, BYTE_NOBODY, FRAME_SETTINGS, FRAME_FLAG_ACK, 0, NULL, 0);
	if (nghttp2_hd_deflate_change_table_size(maker->deflater[!direction], size))
		abort();
}

static void own_frame(struct maker *maker)
{
	int direction = (int)random_below(maker->random, 2);
	uint8_t payload[8] = { 0, 0, 0, 99, 1, 2, 3, 4 };

	switch (random_below(maker->random, 4)) {
	case 0:
		settings_write(maker, direction);
		return;
	case 1:
		frame_write(maker, direction, BYTE_NOBODY, FRAME_PING, 0, 0, payload, 8);
		return;
	case 2:
		frame_write(maker, direction, BYTE_NOBODY, FRAME_WINDOW_UPDATE, 0, 0, payload, 4);
		return;
	default:
		frame_write(maker, direction, BYTE_NOBODY, 0xbb, 0, 0, payload,
			    3); /* unknown: ignored (4.1) */
	}
}

static void goaway_write(struct maker *maker)
{
	uint8_t payload[8] = { 0 };

	put_u32(payload, maker->begun ? maker->stream[maker->begun - 1].id : 0);
	frame_write(maker, 1, BYTE_NOBODY, FRAME_GOAWAY, 0, 0, payload, sizeof(payload));
	maker->leaving = true;
}

static size_t streams_open(const struct maker *maker)
{
	size_t count = 0;

	for (size_t i = 0; i < maker->begun; i++)
		count += maker->stream[i].open;
	return count;
}

static void any_stream_go_on(struct maker *maker)
{
	size_t nth = random_below(maker->random, streams_open(maker));

	for (size_t i = 0; i < maker->begun; i++) {
		if (maker->stream[i].open && nth-- == 0) {
			stream_go_on(maker, i);
			return;
		}
	}
}

static void connection_begin(struct maker *maker)
{
	static const uint8_t settings[] = { 0, 3, 0, 0, 0, 100 };

	conversation_write(maker->conversation, 0, BYTE_NOBODY, http2_preface, HTTP2_PREFACE_BYTES);
	frame_write(maker, 0, BYTE_NOBODY, FRAME_SETTINGS, 0, 0, settings, sizeof(settings));
	frame_write(maker, 1, BYTE_NOBODY, FRAME_SETTINGS, 0, 0, settings, sizeof(settings));
	frame_write(maker, 0, BYTE_NOBODY, FRAME_SETTINGS, FRAME_FLAG_ACK, 0, NULL, 0);
	frame_write(maker, 1, BYTE_NOBODY, FRAME_SETTINGS, FRAME_FLAG_ACK, 0, NULL, 0);
}

/* RFC 7540, 3.2: the request in HTTP/1.1 is stream 1, whose response comes in HTTP/2. */
static void upgrade_begin(struct maker *maker)
{
	struct true_message *request = &maker->conversation->exchange[0].side[MESSAGE_REQUEST];
	struct true_exchange *exchange = &maker->conversation->exchange[0];
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
				     "Upgrade: h2c\r\n\r\n";
	char text[512];
	int n;

	request->exists = true;
	request->version = HTTP_1_1;
	snprintf(request->method, sizeof(request->method), "GET");
	snprintf(request->target, sizeof(request->target), "/i0/path");
	fields_add(&request->fields, "Host", "oracle.example");
	message_number(request, 0);
	fields_add(&request->fields, "Connection", "Upgrade, HTTP2-Settings");
	fields_add(&request->fields, "Upgrade", "h2c");
	fields_add(&request->fields, "HTTP2-Settings", "AAMAAABkAAQAAP__");
	n = snprintf(text, sizeof(text), "GET /i0/path HTTP/1.1\r\n");
	for (size_t i = 0; i < request->fields.count; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s: %s\r\n", request->fields.items[i].name,
			      request->fields.items[i].value);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
	conversation_write(maker->conversation, 0, 0, text, (size_t)n);
	conversation_write(maker->conversation, 1, 0, answer, sizeof(answer) - 1);
	exchange->key = 1;
	exchange->may_flags = FLAG_UPGRADED;
	exchange->interims = 1; /* the 101 */
	maker->begun = maker->conversation->count = 1;
	maker->stream[0] = (struct stream){ .id = 1, .open = true, .reset_after = -1 };
	maker->stream[0].half[0].phase = PHASE_DONE;
}

void make_http2(struct conversation *conversation, struct random *random, size_t count)
{
	struct maker maker = {
		.conversation = conversation,
		.random = random,
		.wanted = count,
		.parallel = random_chance(random, 30) ? 1 : 1 + random_below(random, 8),
	};

	for (int i = 0; i < 2; i++) {
		if (nghttp2_hd_deflate_new(&maker.deflater[i], 65536))
			abort();
	}
	if (conversation->family == FAMILY_HTTP2_H2C)
		upgrade_begin(&maker);
	connection_begin(&maker);
	for (;;) {
		size_t open = streams_open(&maker);
		bool may_begin = maker.begun < maker.wanted && !maker.leaving;

		if (!open && !may_begin)
			break;
		if (random_chance(random, 4))
			own_frame(&maker);
		else if (may_begin && open < maker.parallel && (!open || random_chance(random, 40)))
			stream_begin(&maker);
		else if (open)
			any_stream_go_on(&maker);
	}
	if (random_chance(random, 30))
		goaway_write(&maker);
	for (int i = 0; i < 2; i++)
		nghttp2_hd_deflate_del(maker.deflater[i]);
}
