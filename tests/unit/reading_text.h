/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of a body make of it, as text: a line a message ("< tick #1 id 7 3 [abc]"), then one a
 * fact of the request and of the response. Bodies are fed whole, byte by byte, cut or with holes.
 */
#ifndef HARK_TESTS_READING_TEXT_H
#define HARK_TESTS_READING_TEXT_H

#include "content/contents.h"
#include "content/readings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define READING_TEXT_MAX 16384

struct reading_text {
	struct readings *readings;
	struct readings_config config;
	struct message *message[2]; /* by enum message_kind */
	uint64_t time_ns;
	uint64_t refused; /* notes */
	size_t len;
	char text[READING_TEXT_MAX];
};

static inline void reading_text_put(struct reading_text *out, const char *format, ...)
{
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(out->text + out->len, sizeof(out->text) - out->len, format, list);
	va_end(list);
	if (len > 0)
		out->len += (size_t)len < sizeof(out->text) - out->len ? (size_t)len
								       : sizeof(out->text) - out->len - 1;
}

static inline void reading_text_slice(struct reading_text *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		reading_text_put(out, bytes.data[i] >= ' ' && bytes.data[i] < 0x7f ? "%c" : "\\%02x",
				 bytes.data[i]);
}

static inline void reading_text_facts(struct reading_text *out, const struct fact *facts)
{
	for (; facts; facts = facts->next) {
		reading_text_put(out, "%s=", facts->name);
		if (facts->kind == FACT_TEXT)
			reading_text_slice(out, facts->text);
		else if (facts->kind == FACT_INTEGER)
			reading_text_put(out, "%" PRId64, (int64_t)facts->number);
		else
			reading_text_put(out, "%" PRIu64, facts->number);
		reading_text_put(out, "\n");
	}
}

static inline void reading_text_message(void *ctx, void *exchange, const struct content_message *message)
{
	struct reading_text *out = ctx;

	(void)exchange;
	reading_text_put(out, "%c ", message->kind == MESSAGE_REQUEST ? '>' : '<');
	reading_text_slice(out, message->type);
	if (message->number)
		reading_text_put(out, " #%" PRIu64, message->number);
	if (message->id.data) {
		reading_text_put(out, " id ");
		reading_text_slice(out, message->id);
	}
	if (message->bytes != READER_UNKNOWN_SIZE)
		reading_text_put(out, " %" PRIu64, message->bytes);
	if (message->body.data) {
		reading_text_put(out, " [");
		reading_text_slice(out, message->body);
		reading_text_put(out, "]");
	}
	if (message->flags)
		reading_text_put(out, " flags %x", message->flags);
	reading_text_put(out, "\n");
	reading_text_facts(out, message->facts);
}

static inline void reading_text_note(void *ctx, enum protocol_note note, uint64_t n)
{
	(void)note;
	((struct reading_text *)ctx)->refused += n;
}

/* Two messages of HTTP/1 without fields; add those before reading_text_head(). */
static inline void reading_text_init(struct reading_text *out, unsigned int wants)
{
	*out = (struct reading_text){ .time_ns = 1000000 };
	out->config = (struct readings_config){
		.wants = wants, .ctx = out, .message = reading_text_message, .note = reading_text_note
	};
	for (int i = 0; i < 2; i++) {
		out->message[i] = message_new((enum message_kind)i, 65536);
		out->message[i]->first_byte_ns = 1000000;
		out->message[i]->version = HTTP_1_1;
	}
}

static inline void reading_text_field(struct reading_text *out, enum message_kind kind, const char *name,
				      const char *value)
{
	message_add_header(out->message[kind], &out->message[kind]->headers, slice_of_string(name),
			   slice_of_string(value), 0);
}

static inline bool reading_text_head(struct reading_text *out, enum message_kind kind)
{
	struct message *message = out->message[kind];
	struct slice type = message_known(message, HEADER_CONTENT_TYPE);

	return readings_head(&out->readings, &out->config, out, content_of_type(type), message,
			     out->message[!kind]);
}

/* A millisecond later than what came before. */
static inline void reading_text_feed(struct reading_text *out, enum message_kind kind, struct slice bytes)
{
	readings_body(out->readings, kind, bytes, out->time_ns += 1000000);
}

/* Feeds bytes in pieces of so many; 0: whole. */
static inline void reading_text_pieces(struct reading_text *out, enum message_kind kind, struct slice bytes,
				       size_t piece)
{
	while (bytes.len) {
		struct slice next = piece ? slice_take(bytes, piece) : bytes;

		readings_body(out->readings, kind, next, out->time_ns);
		bytes = slice_drop(bytes, next.len);
	}
}

/* Feeds bytes in two pieces, the first one of `cut` bytes; beyond the end: byte by byte. */
static inline void reading_text_cut(struct reading_text *out, enum message_kind kind, struct slice bytes,
				    size_t cut)
{
	reading_text_pieces(out, kind, slice_take(bytes, cut), cut > bytes.len);
	reading_text_pieces(out, kind, slice_drop(bytes, cut), 0);
}

static inline void reading_text_hole(struct reading_text *out, enum message_kind kind, uint64_t size)
{
	readings_hole(out->readings, kind, size, out->time_ns += 1000000);
}

/* Feeds all but the `size` bytes from `from` on, which are missing. */
static inline void reading_text_around(struct reading_text *out, enum message_kind kind, struct slice bytes,
				       size_t from, size_t size)
{
	reading_text_pieces(out, kind, slice_take(bytes, from), 0);
	reading_text_hole(out, kind, size);
	reading_text_pieces(out, kind, slice_drop(bytes, from + size), 0);
}

/* Feeds both bodies, each cut behind so many bytes; where that is odd, the rest comes byte by byte. */
static inline void reading_text_exchange(struct reading_text *out, struct slice request,
					 struct slice response, size_t cut)
{
	reading_text_pieces(out, MESSAGE_REQUEST, slice_take(request, cut), 0);
	reading_text_pieces(out, MESSAGE_REQUEST, slice_drop(request, cut), cut % 2);
	readings_end(out->readings, out->message[MESSAGE_REQUEST], out->time_ns);
	reading_text_head(out, MESSAGE_RESPONSE);
	reading_text_pieces(out, MESSAGE_RESPONSE, slice_take(response, cut), 0);
	reading_text_pieces(out, MESSAGE_RESPONSE, slice_drop(response, cut), cut % 2);
}

/* Both messages end: their facts follow. */
static inline const char *reading_text_end(struct reading_text *out)
{
	for (int i = 0; i < 2; i++)
		readings_end(out->readings, out->message[i], out->time_ns);
	for (int i = 0; i < 2; i++)
		reading_text_facts(out, out->message[i]->facts);
	return out->text;
}

/* The first line that is none of these and has no mark; NULL: there is none. Takes the text apart. */
static inline const char *reading_text_invented(struct reading_text *out, const char *const *lines,
						size_t count)
{
	char *line, *rest = NULL;

	for (line = strtok_r(out->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool found = strstr(line, " flags ") != NULL;

		for (size_t i = 0; i < count; i++)
			found |= strcmp(line, lines[i]) == 0;
		if (!found)
			return line;
	}
	return NULL;
}

static inline void reading_text_fini(struct reading_text *out)
{
	readings_free(out->readings);
	for (int i = 0; i < 2; i++)
		message_free(out->message[i]);
}

#endif
