/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Valid HTTP/1 conversations (RFC 9112): every framing, interim responses,
 * pipelining, HTTP/1.0 with keep-alive, and the ways out of HTTP/1.
 */
#include "conversation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX_BYTES	  20000
#define MESSAGE_MAX_BYTES (2 * BODY_MAX_BYTES + 4096)
#define PORTIONS_MAX	  64

enum framing {
	FRAMING_NONE,	 /* no body, and nothing says so */
	FRAMING_LENGTH,	 /* Content-Length */
	FRAMING_CHUNKED, /* Transfer-Encoding */
	FRAMING_CLOSE,	 /* up to the end of the connection */
	FRAMING_PROMISE, /* Content-Length of a body that does not come (HEAD, 304) */
};

/* A message on its way: its bytes and where its sender took a breath. */
struct draft {
	char bytes[MESSAGE_MAX_BYTES];
	size_t len;
	size_t ends[PORTIONS_MAX];
	size_t portions;
};

/* One exchange on its way. */
struct drafts {
	struct draft request, interim, response;
	size_t request_before_interim; /* portions of the request that come before the interim response */
	bool answer_first;	       /* the whole answer comes there, before the rest of the request */
};

__attribute__((format(printf, 2, 3))) static void draft_print(struct draft *draft, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(draft->bytes + draft->len, sizeof(draft->bytes) - draft->len, format, args);
	va_end(args);
	if (n < 0 || draft->len + (size_t)n >= sizeof(draft->bytes))
		abort();
	draft->len += (size_t)n;
}

/* The sender writes what it has so far. */
static void draft_portion(struct draft *draft)
{
	size_t last = draft->portions ? draft->ends[draft->portions - 1] : 0;

	if (draft->len == last || draft->portions == PORTIONS_MAX - 1)
		return;
	draft->ends[draft->portions++] = draft->len;
}

static size_t body_size(struct random *random)
{
	switch (random_below(random, 10)) {
	case 0:
		return 0;
	case 1:
		return 1 + random_below(random, 4);
	case 2:
		return random_below(random, 4000);
	case 3:
		return random_chance(random, 20) ? random_below(random, BODY_MAX_BYTES) : 200;
	default:
		return random_below(random, 300);
	}
}

/* Whole heads that nobody sent as heads: their number is that of no exchange. */
static void body_trap(struct random *random, char *body, size_t len)
{
	static const char *const traps[] = {
		"GET /trap HTTP/1.1\r\nHost: trap\r\nx-id: 99\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-id: 99\r\n\r\ntrap\n",
		"\nPOST /trap HTTP/1.1\r\nHost: trap\r\nContent-Length: 0\r\nx-id: 99\r\n\r\n",
		"GET /trap HTTP/1.1\nHTTP/1.1 404 Not Found\r\nx-id: 99\r\n\r\n",
	};
	size_t at = 0;

	memset(body, '\n', len);
	while (at < len) {
		const char *trap = traps[random_below(random, 4)];
		size_t n = strlen(trap) < len - at ? strlen(trap) : len - at;

		memcpy(body + at, trap, n);
		at += n;
	}
}

static void body_fill(struct random *random, enum family family, char *body, size_t len)
{
	bool text = random_chance(random, 50);

	if (family == FAMILY_HTTP1_TRAPS) {
		body_trap(random, body, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		body[i] = (char)(text ? "abcdefghij klmno\r\npqrstuvwxyz{}\":,0123"[random_below(random, 39)]
				      : (int)random_below(random, 256));
}

static void draft_fields(struct draft *draft, const struct true_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		draft_print(draft, "%s: %s\r\n", fields->items[i].name, fields->items[i].value);
}

static void draft_raw(struct draft *draft, const char *bytes, size_t len)
{
	if (draft->len + len >= sizeof(draft->bytes))
		abort();
	memcpy(draft->bytes + draft->len, bytes, len);
	draft->len += len;
}

static void draft_chunk_head(struct draft *draft, struct random *random, size_t n)
{
	switch (random_below(random, 6)) {
	case 0:
		draft_print(draft, "%zX\r\n", n);
		return;
	case 1:
		draft_print(draft, "%zx;name=value\r\n", n);
		return;
	case 2:
		draft_print(draft, "%04zx\r\n", n);
		return;
	default:
		draft_print(draft, "%zx\r\n", n);
	}
}

static void draft_chunks(struct draft *draft, struct random *random, struct true_message *message,
			 const char *body, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t n = 1 + random_below(random, len - at < 2000 ? len - at : 2000);

		draft_chunk_head(draft, random, n);
		draft_raw(draft, body + at, n);
		draft_print(draft, "\r\n");
		at += n;
		if (random_chance(random, 40))
			draft_portion(draft);
	}
	draft_print(draft, "0\r\n");
	if (random_chance(random, 30)) {
		fields_add(&message->trailers, "x-trailer", "end");
		draft_fields(draft, &message->trailers);
	}
	draft_print(draft, "\r\n");
}

/* Everything behind the start line. */
static void draft_rest(struct draft *draft, struct random *random, enum family family,
		       struct true_message *message, enum framing framing)
{
	static char body[BODY_MAX_BYTES];
	static const char *const length_names[] = { "Content-Length", "Content-Length", "content-length",
						    "CONTENT-LENGTH" };
	size_t len = framing == FRAMING_NONE ? 0 : body_size(random), at = 0;
	char value[24];

	body_fill(random, family, body, len);
	snprintf(value, sizeof(value), "%zu", len);
	if (framing == FRAMING_LENGTH || framing == FRAMING_PROMISE)
		fields_add(&message->fields, length_names[random_below(random, 4)], value);
	else if (framing == FRAMING_CHUNKED)
		fields_add(&message->fields, "Transfer-Encoding",
			   random_chance(random, 90) ? "chunked" : "Chunked");
	draft_fields(draft, &message->fields);
	draft_print(draft, "\r\n");
	if (framing == FRAMING_PROMISE || framing == FRAMING_NONE)
		return;
	message->body_bytes = len;
	if (random_chance(random, 60))
		draft_portion(draft);
	if (framing == FRAMING_CHUNKED) {
		draft_chunks(draft, random, message, body, len);
		return;
	}
	while (at < len) {
		size_t n = random_chance(random, 70) ? len - at : 1 + random_below(random, len - at);

		draft_raw(draft, body + at, n);
		at += n;
		draft_portion(draft);
	}
}

static void extra_fields(struct random *random, struct true_fields *fields)
{
	static const struct true_field pool[] = {
		{ "User-Agent", "oracle/1.0" },
		{ "Accept", "*/*" },
		{ "X-Empty", "" },
		{ "Cache-Control", "no-cache, max-age=0" },
		{ "Content-Type", "text/plain" },
		{ "X-Colons", "a:b:c; d=\"e\"" },
		{ "x-same", "one" },
		{ "x-same", "two" },
	};

	for (size_t i = 0; i < 3; i++) {
		const struct true_field *field = &pool[random_below(random, 8)];

		if (random_chance(random, 50))
			fields_add(fields, field->name, field->value);
	}
}

static const char *pick_method(struct random *random)
{
	static const char *const methods[] = { "GET", "GET",	"GET",	   "HEAD", "POST",
					       "PUT", "DELETE", "OPTIONS", "PATCH" };

	return methods[random_below(random, 9)];
}

static void message_number(struct true_message *message, size_t id)
{
	char value[24];

	snprintf(value, sizeof(value), "%zu", id);
	fields_add(&message->fields, "x-id", value);
}

static void draft_request(struct drafts *drafts, struct conversation *conversation, struct random *random,
			  size_t id, const char *method, const char *extra)
{
	struct true_exchange *exchange = &conversation->exchange[id];
	struct true_message *request = &exchange->side[MESSAGE_REQUEST];
	bool has_body = strchr("PD", method[0]) && random_chance(random, 80);
	enum framing framing = !has_body || extra ? FRAMING_NONE : FRAMING_LENGTH;

	request->exists = true;
	request->version =
		strcmp(method, "CONNECT") && !extra && random_chance(random, 10) ? HTTP_1_0 : HTTP_1_1;
	snprintf(request->method, sizeof(request->method), "%s", method);
	snprintf(request->target, sizeof(request->target),
		 strcmp(method, "CONNECT") ? "/i%zu/path?q=%u" : "i%zu.example:%u", id,
		 (unsigned int)random_below(random, 1000));
	if (framing == FRAMING_LENGTH && request->version == HTTP_1_1 && random_chance(random, 40))
		framing = FRAMING_CHUNKED;
	if (random_chance(random, 3))
		draft_print(&drafts->request, "\r\n");
	draft_print(&drafts->request, "%s %s HTTP/1.%d\r\n", method, request->target,
		    request->version == HTTP_1_1);
	fields_add(&request->fields, "Host", "oracle.example");
	message_number(request, id);
	if (request->version == HTTP_1_0)
		fields_add(&request->fields, "Connection", "keep-alive");
	if (extra) {
		fields_add(&request->fields, "Connection", "Upgrade");
		fields_add(&request->fields, "Upgrade", extra);
	}
	/* Asked for and not granted: the connection stays HTTP/1. */
	if (!extra && request->version == HTTP_1_1 && random_chance(random, 3)) {
		fields_add(&request->fields, "Connection", "Upgrade");
		fields_add(&request->fields, "Upgrade", "websocket");
	}
	extra_fields(random, &request->fields);
	if (framing != FRAMING_NONE && request->version == HTTP_1_1 &&
	    conversation->family != FAMILY_HTTP1_PIPED && random_chance(random, 20)) {
		fields_add(&request->fields, "Expect", "100-continue");
		drafts->request_before_interim = 1;
	} else if (framing != FRAMING_NONE && conversation->family != FAMILY_HTTP1_PIPED &&
		   random_chance(random, 10)) {
		drafts->request_before_interim = 1;
		drafts->answer_first = true;
	}
	draft_rest(&drafts->request, random, conversation->family, request, framing);
}

static void draft_interim(struct drafts *drafts, struct true_exchange *exchange, size_t id, int status)
{
	exchange->interims++;
	draft_print(&drafts->interim, "HTTP/1.1 %d %s\r\nx-id: %zu\r\n\r\n", status,
		    status == 100 ? "Continue" : "Early Hints", id);
	draft_portion(&drafts->interim);
}

static int pick_status(struct random *random)
{
	static const int statuses[] = { 200, 200, 200, 200, 201, 204, 206, 301, 304, 404, 500, 503 };

	return statuses[random_below(random, 12)];
}

static enum framing pick_framing(struct random *random, const struct true_exchange *exchange)
{
	const struct true_message *request = &exchange->side[MESSAGE_REQUEST];
	int status = exchange->side[MESSAGE_RESPONSE].status;

	if (status == 204)
		return FRAMING_NONE;
	if (status == 304 || strcmp(request->method, "HEAD") == 0)
		return random_chance(random, 50) ? FRAMING_PROMISE : FRAMING_NONE;
	return request->version == HTTP_1_1 && random_chance(random, 40) ? FRAMING_CHUNKED : FRAMING_LENGTH;
}

static void draft_response(struct drafts *drafts, struct conversation *conversation, struct random *random,
			   size_t id, bool last)
{
	struct true_exchange *exchange = &conversation->exchange[id];
	struct true_message *response = &exchange->side[MESSAGE_RESPONSE];
	enum framing framing;

	response->exists = true;
	response->version = exchange->side[MESSAGE_REQUEST].version;
	response->status = pick_status(random);
	framing = pick_framing(random, exchange);
	if (drafts->request_before_interim && !drafts->answer_first)
		draft_interim(drafts, exchange, id, 100);
	else if (response->version == HTTP_1_1 && random_chance(random, 8))
		draft_interim(drafts, exchange, id, 103);
	draft_print(&drafts->response, "HTTP/1.%d %d Reason Phrase\r\n", response->version == HTTP_1_1,
		    response->status);
	message_number(response, id);
	if (last && framing == FRAMING_LENGTH && random_chance(random, 60)) {
		framing = FRAMING_CLOSE;
		conversation->needs_end = true;
		fields_add(&response->fields, "Connection", "close");
	} else if (response->version == HTTP_1_0) {
		fields_add(&response->fields, "Connection", "keep-alive");
	}
	extra_fields(random, &response->fields);
	draft_rest(&drafts->response, random, conversation->family, response, framing);
}

/* The way out: what follows on both directions is not HTTP. */
static void draft_leave(struct drafts *drafts, struct conversation *conversation, struct random *random,
			size_t id)
{
	struct true_exchange *exchange = &conversation->exchange[id];
	struct true_message *response = &exchange->side[MESSAGE_RESPONSE];
	bool tunnel = random_chance(random, 50);

	draft_request(drafts, conversation, random, id, tunnel ? "CONNECT" : "GET",
		      tunnel ? NULL : "websocket");
	response->exists = true;
	response->version = HTTP_1_1;
	response->status = tunnel ? 200 : 101;
	exchange->flags = FLAG_UPGRADED;
	draft_print(&drafts->response, "HTTP/1.1 %d Reason\r\n", response->status);
	message_number(response, id);
	if (!tunnel) {
		fields_add(&response->fields, "Upgrade", "websocket");
		fields_add(&response->fields, "Connection", "Upgrade");
	}
	draft_fields(&drafts->response, &response->fields);
	draft_print(&drafts->response, "\r\n");
}

static void draft_write(struct conversation *conversation, int direction, size_t id, struct draft *draft,
			size_t from, size_t to)
{
	for (size_t i = from; i < to && i < draft->portions; i++) {
		size_t begin = i ? draft->ends[i - 1] : 0;

		/* An empty line before a request is no part of it (RFC 9112, 2.2). */
		if (begin == 0 && draft->bytes[0] == '\r') {
			conversation_write(conversation, direction, BYTE_NOBODY, draft->bytes, 2);
			begin = 2;
		}
		conversation_write(conversation, direction, id, draft->bytes + begin, draft->ends[i] - begin);
	}
}

static struct drafts *drafts_make(struct conversation *conversation, struct random *random, size_t id,
				  bool last)
{
	struct drafts *drafts = calloc(1, sizeof(*drafts));

	if (!drafts)
		abort();
	conversation->count = id + 1;
	if (last && conversation->family == FAMILY_HTTP1_LEFT) {
		draft_leave(drafts, conversation, random, id);
	} else {
		draft_request(drafts, conversation, random, id, pick_method(random), NULL);
		draft_response(drafts, conversation, random, id, last);
	}
	draft_portion(&drafts->request);
	draft_portion(&drafts->response);
	return drafts;
}

/* The next request may leave before the answer to the one before came. */
static void write_piped(struct conversation *conversation, struct random *random, struct drafts **drafts,
			size_t count)
{
	size_t asked = 0, answered = 0, ahead = 2 + random_below(random, 5);

	while (answered < count) {
		bool ask = asked < count &&
			   (asked == answered || (asked - answered < ahead && random_chance(random, 60)));
		size_t id = ask ? asked : answered;

		if (ask) {
			draft_write(conversation, 0, id, &drafts[id]->request, 0, PORTIONS_MAX);
			asked++;
			continue;
		}
		draft_write(conversation, 1, id, &drafts[id]->interim, 0, PORTIONS_MAX);
		draft_write(conversation, 1, id, &drafts[id]->response, 0, PORTIONS_MAX);
		answered++;
	}
}

static void write_in_turn(struct conversation *conversation, struct drafts **drafts, size_t count)
{
	for (size_t id = 0; id < count; id++) {
		size_t before = drafts[id]->request_before_interim;

		draft_write(conversation, 0, id, &drafts[id]->request, 0, before ? before : PORTIONS_MAX);
		draft_write(conversation, 1, id, &drafts[id]->interim, 0, PORTIONS_MAX);
		if (before && !drafts[id]->answer_first)
			draft_write(conversation, 0, id, &drafts[id]->request, before, PORTIONS_MAX);
		draft_write(conversation, 1, id, &drafts[id]->response, 0, PORTIONS_MAX);
		if (before && drafts[id]->answer_first)
			draft_write(conversation, 0, id, &drafts[id]->request, before, PORTIONS_MAX);
	}
}

static void write_tunnel(struct conversation *conversation, struct random *random)
{
	uint8_t frame[300] = { 0x81, 0x05 };

	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 2; j < sizeof(frame); j++)
			frame[j] = (uint8_t)random_next(random);
		conversation_write(conversation, (int)random_below(random, 2), BYTE_NOBODY, frame,
				   2 + random_below(random, 298));
	}
}

void make_http1(struct conversation *conversation, struct random *random, size_t count)
{
	struct drafts *drafts[EXCHANGES_MAX];

	for (size_t id = 0; id < count; id++)
		drafts[id] = drafts_make(conversation, random, id, id + 1 == count);
	if (conversation->family == FAMILY_HTTP1_PIPED)
		write_piped(conversation, random, drafts, count);
	else
		write_in_turn(conversation, drafts, count);
	if (conversation->family == FAMILY_HTTP1_LEFT)
		write_tunnel(conversation, random);
	for (size_t id = 0; id < count; id++)
		free(drafts[id]);
}
