/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llhttp gets a start line of ours, the one field that frames the body, and
 * the body. It never sees the rest of the head: it refuses heads that programs
 * accept (any method but its own, bytes above 126 in a target) and takes some
 * that nobody should (a bare CR as a line end), while about the body's end it
 * is as strict as an observer must be. A new parser for each message, or a copy
 * of one that saw nothing of a message yet, means that nothing of an earlier
 * one can linger. Chunk sizes go in without extensions and blanks, which 8.1
 * refuses in part.
 *
 * Holes inside a part of known length shorten llhttp's own counter
 * (llhttp_t.content_length, the same in 8.1 and 9.2); the last byte of a chunk
 * that a hole swallowed is fed as a stand-in, so that llhttp moves on.
 */
#include "http1_body.h"

#define CHUNK_SIZE_DIGITS 32 /* leading zeros are legal */

static int on_body(llhttp_t *llhttp, const char *at, size_t len);
static int on_message_complete(llhttp_t *llhttp);

static const llhttp_settings_t body_settings = {
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* Room for the kept body; a known length is reserved at once, an unknown one grows. */
static bool body_reserve(struct http1_parser *parser, size_t needed)
{
	struct message *message = parser->message;
	uint64_t capacity = parser->body_capacity ? 2 * (uint64_t)parser->body_capacity : 1024;
	uint8_t *bytes;

	if (needed <= parser->body_capacity)
		return true;
	if (parser->state == HTTP1_BODY_LENGTH && !parser->body_capacity)
		capacity = needed + parser->llhttp.content_length;
	if (capacity < needed)
		capacity = needed;
	if (capacity > parser->config->body_limit_bytes)
		capacity = parser->config->body_limit_bytes;
	bytes = arena_alloc(&message->arena, (size_t)capacity);
	if (!bytes)
		return false;
	if (message->body.len)
		memcpy(bytes, message->body.data, message->body.len);
	message->body.data = bytes;
	parser->body_capacity = (size_t)capacity;
	return true;
}

static void body_keep(struct http1_parser *parser, struct slice bytes)
{
	struct message *message = parser->message;
	size_t limit = parser->config->body_limit_bytes;

	if (!parser->config->want_bodies || parser->body_cut)
		return;
	if (bytes.len >= limit - message->body.len) {
		bytes.len = limit - message->body.len;
		parser->body_cut = true;
	}
	if (!bytes.len)
		return;
	if (!body_reserve(parser, message->body.len + bytes.len)) {
		message->flags |= FLAG_TRUNCATED;
		parser->body_cut = true;
		return;
	}
	memcpy((uint8_t *)message->body.data + message->body.len, bytes.data, bytes.len);
	message->body.len += bytes.len;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
	struct http1_parser *parser = llhttp->data;
	struct slice bytes = slice_of(at, len);

	if (parser->unmeasured)
		return 0;
	parser->message->body_bytes += len;
	body_keep(parser, bytes);
	if (parser->handler->body)
		parser->handler->body(parser->handler->ctx, parser->message, bytes);
	return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
	struct http1_parser *parser = llhttp->data;

	parser->complete = true;
	return 0;
}

static enum http1_body_verdict body_execute(struct http1_parser *parser, struct slice bytes)
{
	if (llhttp_execute(&parser->llhttp, (const char *)bytes.data, bytes.len) != HPE_OK)
		return HTTP1_BODY_REFUSED;
	return parser->complete ? HTTP1_BODY_DONE : HTTP1_BODY_MORE;
}

static void body_init(struct http1_parser *parser)
{
	llhttp_init(&parser->llhttp, parser->kind == MESSAGE_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE,
		    &body_settings);
	parser->llhttp.data = parser;
}

/* A head with nothing in it but what frames the body begins so, */
static enum http1_body_verdict body_tell_start(struct http1_parser *parser)
{
	return body_execute(parser, parser->kind == MESSAGE_REQUEST ? SLICE("POST / HTTP/1.1\r\n")
								    : SLICE("HTTP/1.1 200 OK\r\n"));
}

/* or, up to the length, is the same each time: llhttp is told once and copied. */
static enum http1_body_verdict body_tell_length(struct http1_parser *parser)
{
	static const uint8_t end[] = { '\r', '\n', '\r', '\n' };
	uint8_t text[sizeof(parser->framing.length) + sizeof(end)];
	size_t len = strlen(parser->framing.length);

	if (parser->before_length.data) {
		parser->llhttp = parser->before_length;
	} else {
		body_init(parser);
		body_tell_start(parser);
		body_execute(parser, SLICE("Content-Length: "));
		parser->before_length = parser->llhttp;
	}
	memcpy(text, parser->framing.length, len);
	memcpy(text + len, end, sizeof(end));
	return body_execute(parser, slice_of(text, len + sizeof(end)));
}

/* Transfer-Encoding wins; a request with neither has no body, which llhttp need not say (RFC 9112, 6.3). */
static enum http1_body_verdict body_tell_head(struct http1_parser *parser)
{
	const struct http1_framing *framing = &parser->framing;
	bool request = parser->kind == MESSAGE_REQUEST;
	bool chunked = framing->coding == HTTP1_CODING_CHUNKED;

	if (framing->coding == HTTP1_CODING_OTHER && request)
		return HTTP1_BODY_REFUSED;
	if (!chunked && framing->coding != HTTP1_CODING_OTHER && framing->has_length)
		return body_tell_length(parser);
	if (!chunked && request)
		return HTTP1_BODY_DONE;
	body_init(parser);
	body_tell_start(parser);
	return body_execute(parser, chunked ? SLICE("Transfer-Encoding: chunked\r\n\r\n") : SLICE("\r\n"));
}

enum http1_body_verdict http1_body_begin(struct http1_parser *parser)
{
	enum http1_body_verdict verdict;

	if (parser->framing.refused)
		return HTTP1_BODY_REFUSED;
	verdict = body_tell_head(parser);
	if (verdict != HTTP1_BODY_MORE)
		return verdict;
	if (parser->llhttp.flags & F_CHUNKED)
		parser->state = HTTP1_CHUNK_SIZE;
	else if (parser->llhttp.flags & F_CONTENT_LENGTH)
		parser->state = HTTP1_BODY_LENGTH;
	else
		parser->state = HTTP1_BODY_CLOSE;
	return HTTP1_BODY_MORE;
}

enum http1_body_verdict http1_body_feed(struct http1_parser *parser, struct slice bytes, size_t *taken)
{
	enum http1_body_verdict verdict;

	if (parser->state != HTTP1_BODY_CLOSE && bytes.len > parser->llhttp.content_length)
		bytes.len = (size_t)parser->llhttp.content_length;
	*taken = bytes.len;
	verdict = body_execute(parser, bytes);
	if (verdict == HTTP1_BODY_MORE && parser->state == HTTP1_CHUNK_DATA && !parser->llhttp.content_length)
		parser->state = HTTP1_CHUNK_END;
	return verdict;
}

enum http1_body_verdict http1_body_chunk_size(struct http1_parser *parser, struct slice line)
{
	char text[CHUNK_SIZE_DIGITS + 3];
	struct slice rest;
	size_t n = 0;

	while (n < line.len && line.data[n] != ';' && line.data[n] != ' ' && line.data[n] != '\t')
		n++;
	rest = slice_drop(line, n);
	while (rest.len && (rest.data[0] == ' ' || rest.data[0] == '\t'))
		rest = slice_drop(rest, 1);
	if (!n || n > CHUNK_SIZE_DIGITS || (rest.len && rest.data[0] != ';'))
		return HTTP1_BODY_REFUSED;
	/* Programs differ about where a line with a bare CR ends. */
	if (memchr(line.data, '\r', line.len))
		return HTTP1_BODY_REFUSED;
	memcpy(text, line.data, n);
	text[n] = '\r';
	text[n + 1] = '\n';
	if (body_execute(parser, slice_of(text, n + 2)) != HTTP1_BODY_MORE)
		return HTTP1_BODY_REFUSED;
	parser->state = parser->llhttp.content_length ? HTTP1_CHUNK_DATA : HTTP1_TRAILER;
	return HTTP1_BODY_MORE;
}

enum http1_body_verdict http1_body_line_end(struct http1_parser *parser, enum http1_body_verdict due)
{
	return body_execute(parser, SLICE("\r\n")) == due ? due : HTTP1_BODY_REFUSED;
}

/* Moves llhttp over size bytes that nobody saw; size is at most what is left. */
static enum http1_body_verdict body_skip(struct http1_parser *parser, uint64_t size)
{
	bool unmeasured = parser->unmeasured;
	enum http1_body_verdict verdict;
	size_t taken;

	parser->message->body_bytes += size;
	if (size < parser->llhttp.content_length) {
		parser->llhttp.content_length -= size;
		return HTTP1_BODY_MORE;
	}
	parser->llhttp.content_length = 1;
	parser->unmeasured = true;
	verdict = http1_body_feed(parser, SLICE("x"), &taken);
	parser->unmeasured = unmeasured;
	return verdict;
}

enum http1_body_verdict http1_body_hole(struct http1_parser *parser, uint64_t *size)
{
	struct message *message = parser->message;
	uint64_t left = parser->llhttp.content_length;
	uint64_t inside = *size < left ? *size : left;
	enum http1_body_verdict verdict;

	if (parser->config->want_bodies || *size == HOLE_UNKNOWN_SIZE)
		message->flags |= FLAG_GAP;
	parser->body_cut = true;
	if (parser->state == HTTP1_BODY_CLOSE) {
		message->body_known &= *size != HOLE_UNKNOWN_SIZE;
		message->body_bytes += *size != HOLE_UNKNOWN_SIZE && !parser->unmeasured ? *size : 0;
		*size = 0;
		return HTTP1_BODY_MORE;
	}
	if (*size == HOLE_UNKNOWN_SIZE)
		return HTTP1_BODY_LOST;
	*size -= inside;
	verdict = body_skip(parser, inside);
	return *size && verdict == HTTP1_BODY_MORE ? HTTP1_BODY_LOST : verdict;
}

bool http1_body_finish(struct http1_parser *parser)
{
	return parser->state == HTTP1_BODY_CLOSE && llhttp_finish(&parser->llhttp) == HPE_OK &&
	       parser->complete;
}
