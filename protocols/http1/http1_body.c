/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What frames a body is a number, of Content-Length or of a chunk, or the end of the direction: bytes and
 * holes are counted against it, and looked at only when somebody wants them.
 */
#include "http1_body.h"

#include "ascii.h"

#define CHUNK_SIZE_DIGITS 32 /* leading zeros are legal */

/* Room for the kept body; a known length is reserved at once, an unknown one grows. */
static bool body_reserve(struct http1_parser *parser, size_t needed)
{
	struct message *message = parser->message;
	uint64_t capacity = parser->body_capacity ? 2 * (uint64_t)parser->body_capacity : 1024;
	uint8_t *bytes;

	if (needed <= parser->body_capacity)
		return true;
	if (parser->state == HTTP1_BODY_LENGTH && !parser->body_capacity)
		capacity = needed + parser->body_left;
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

static void body_take(struct http1_parser *parser, struct slice bytes)
{
	if (parser->unmeasured)
		return;
	parser->message->body_bytes += bytes.len;
	body_keep(parser, bytes);
	if (parser->handler->body)
		parser->handler->body(parser->handler->ctx, parser->message, bytes);
}

/* Nothing is left of what the number told. */
static enum http1_body_verdict part_end(struct http1_parser *parser)
{
	if (parser->state == HTTP1_BODY_LENGTH)
		return HTTP1_BODY_DONE;
	parser->state = HTTP1_CHUNK_END;
	return HTTP1_BODY_MORE;
}

/* Transfer-Encoding wins; a request with neither has no body (RFC 9112, 6.3). */
enum http1_body_verdict http1_body_begin(struct http1_parser *parser)
{
	const struct http1_framing *framing = &parser->framing;
	bool request = parser->kind == MESSAGE_REQUEST;

	if (framing->refused || (framing->coding == HTTP1_CODING_OTHER && request))
		return HTTP1_BODY_REFUSED;
	if (framing->coding == HTTP1_CODING_CHUNKED) {
		parser->state = HTTP1_CHUNK_SIZE;
	} else if (framing->coding != HTTP1_CODING_OTHER && framing->has_length) {
		if (!framing->length)
			return HTTP1_BODY_DONE;
		parser->state = HTTP1_BODY_LENGTH;
		parser->body_left = framing->length;
	} else if (request) {
		return HTTP1_BODY_DONE;
	} else {
		parser->state = HTTP1_BODY_CLOSE;
	}
	return HTTP1_BODY_MORE;
}

enum http1_body_verdict http1_body_feed(struct http1_parser *parser, struct slice bytes, size_t *taken)
{
	bool counted = parser->state != HTTP1_BODY_CLOSE;

	if (counted && bytes.len > parser->body_left)
		bytes.len = (size_t)parser->body_left;
	*taken = bytes.len;
	body_take(parser, bytes);
	if (!counted)
		return HTTP1_BODY_MORE;
	parser->body_left -= bytes.len;
	return parser->body_left ? HTTP1_BODY_MORE : part_end(parser);
}

/* Hexadecimal. False: there are none, something else is there, or the number is too large. */
static bool size_parse(struct slice digits, uint64_t *size)
{
	*size = 0;
	for (size_t i = 0; i < digits.len; i++) {
		int digit = ascii_hex_value(digits.data[i]);

		if (digit < 0 || *size >> 60)
			return false;
		*size = *size << 4 | (uint64_t)digit;
	}
	return digits.len > 0;
}

enum http1_body_verdict http1_body_chunk_size(struct http1_parser *parser, struct slice line)
{
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
	if (!size_parse(slice_take(line, n), &parser->body_left))
		return HTTP1_BODY_REFUSED;
	parser->state = parser->body_left ? HTTP1_CHUNK_DATA : HTTP1_TRAILER;
	return HTTP1_BODY_MORE;
}

/* Passes over size bytes that nobody saw; size is at most what is left. */
static enum http1_body_verdict body_skip(struct http1_parser *parser, uint64_t size)
{
	parser->message->body_bytes += size;
	parser->body_left -= size;
	return parser->body_left ? HTTP1_BODY_MORE : part_end(parser);
}

enum http1_body_verdict http1_body_hole(struct http1_parser *parser, uint64_t *size)
{
	struct message *message = parser->message;
	uint64_t inside = *size < parser->body_left ? *size : parser->body_left;
	enum http1_body_verdict verdict;

	if (parser->config->want_bodies || *size == HOLE_UNKNOWN_SIZE)
		message->flags |= FLAG_GAP;
	parser->body_cut = true;
	protocol_body_hole(parser->handler, message,
			   *size == HOLE_UNKNOWN_SIZE || parser->state == HTTP1_BODY_CLOSE ? *size : inside);
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
