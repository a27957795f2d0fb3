/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the bytes of an HTTP/2 connection from a readable script, one frame a
 * line, and gives them back as one chunk a line:
 *
 *	> preface
 *	> settings
 *	< settings ack
 *	> headers 1 end :method=GET :path=/a
 *	< headers 1 padded priority split :status=200 a=b
 *	< data 1 end padded hello
 *	< promise 1 2 :method=GET :path=/b
 *	> rst 1 8
 *	< goaway 5 0
 *	> raw 000000ff0000000000
 *
 * `>` is the client's direction. The encoder indexes every field, :path too
 * (RFC 7541, 6.2.1), and uses its table wherever it can. `never` on a line
 * sends its fields as never indexed; `#` begins a comment.
 */
#ifndef HARK_TESTS_HTTP2_BUILD_H
#define HARK_TESTS_HTTP2_BUILD_H

#include "http2/http2_frame.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUILD_CHUNKS	 1024
#define BUILD_TABLE	 256
#define BUILD_CHUNK_SIZE 20000

struct build_entry {
	char name[64], value[256];
};

/* One direction's HPACK encoder. */
struct build_encoder {
	struct build_entry table[BUILD_TABLE]; /* newest first */
	size_t count, bytes;
};

struct build_chunk {
	int direction; /* 0: the client's */
	uint8_t *bytes;
	size_t len;
};

struct build {
	struct build_chunk chunks[BUILD_CHUNKS];
	size_t count;
	struct build_encoder encoder[2];
};

static inline void build_add(struct build_chunk *chunk, const void *bytes, size_t len)
{
	if (chunk->len + len > BUILD_CHUNK_SIZE)
		abort();
	if (len)
		memcpy(chunk->bytes + chunk->len, bytes, len);
	chunk->len += len;
}

static inline void build_byte(struct build_chunk *chunk, unsigned int byte)
{
	uint8_t b = (uint8_t)byte;

	build_add(chunk, &b, 1);
}

static inline void build_u32(struct build_chunk *chunk, uint32_t v)
{
	const uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	build_add(chunk, bytes, 4);
}

static inline void build_frame(struct build_chunk *chunk, unsigned int type, unsigned int flags,
			       uint32_t stream, const void *payload, size_t len)
{
	build_byte(chunk, (unsigned int)(len >> 16));
	build_byte(chunk, (unsigned int)(len >> 8));
	build_byte(chunk, (unsigned int)len);
	build_byte(chunk, type);
	build_byte(chunk, flags);
	build_u32(chunk, stream);
	build_add(chunk, payload, len);
}

/* RFC 7541, 5.1 */
static inline void build_integer(struct build_chunk *out, unsigned int first, unsigned int prefix, size_t v)
{
	size_t max = (1u << prefix) - 1;

	if (v < max) {
		build_byte(out, first | (unsigned int)v);
		return;
	}
	build_byte(out, first | (unsigned int)max);
	for (v -= max; v >= 128; v >>= 7)
		build_byte(out, (unsigned int)(v & 0x7f) | 0x80);
	build_byte(out, (unsigned int)v);
}

static inline size_t build_static_find(const char *name, const char *value, bool whole)
{
	static const struct {
		const char *name, *value;
		size_t index;
	} fields[] = { { ":authority", "", 1 }, { ":method", "GET", 2 },  { ":method", "POST", 3 },
		       { ":path", "/", 4 },	{ ":scheme", "http", 6 }, { ":scheme", "https", 7 },
		       { ":status", "200", 8 }, { ":status", "404", 13 }, { "cookie", "", 32 } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (strcmp(fields[i].name, name) == 0 && (!whole || strcmp(fields[i].value, value) == 0))
			return fields[i].index;
	}
	return 0;
}

static inline size_t build_find(const struct build_encoder *encoder, const char *name, const char *value,
				bool whole)
{
	size_t index = build_static_find(name, value, whole);

	for (size_t i = 0; !index && i < encoder->count; i++) {
		const struct build_entry *entry = &encoder->table[i];

		if (strcmp(entry->name, name) == 0 && (!whole || strcmp(entry->value, value) == 0))
			index = 62 + i;
	}
	return index;
}

static inline void build_insert(struct build_encoder *encoder, const char *name, const char *value)
{
	struct build_entry *table = encoder->table;
	size_t size = 32 + strlen(name) + strlen(value);

	while (encoder->count > 0 && encoder->bytes + size > 4096) {
		encoder->count--;
		encoder->bytes -=
			32 + strlen(table[encoder->count].name) + strlen(table[encoder->count].value);
	}
	memmove(table + 1, table, encoder->count * sizeof(*table));
	snprintf(table[0].name, sizeof(table[0].name), "%s", name);
	snprintf(table[0].value, sizeof(table[0].value), "%s", value);
	encoder->count++;
	encoder->bytes += size;
}

static inline void build_string(struct build_chunk *out, const char *string)
{
	build_integer(out, 0, 7, strlen(string));
	build_add(out, string, strlen(string));
}

static inline void build_field(struct build_encoder *encoder, struct build_chunk *out, const char *name,
			       const char *value, bool never)
{
	size_t index = never ? 0 : build_find(encoder, name, value, true);

	if (index) {
		build_integer(out, 0x80, 7, index);
		return;
	}
	index = build_find(encoder, name, value, false);
	if (never)
		build_integer(out, 0x10, 4, index);
	else
		build_integer(out, 0x40, 6, index);
	if (!index)
		build_string(out, name);
	build_string(out, value);
	if (!never)
		build_insert(encoder, name, value);
}

struct build_line {
	bool end, padded, priority, split, never, ack;
	int direction;
	char verb[16];
	uint32_t stream, number;
	int numbers; /* seen so far */
};

/* Takes the next word of *text, which is changed. NULL at the end. */
static inline char *build_word(char **text)
{
	char *word = *text + strspn(*text, " "), *end = word + strcspn(word, " ");

	if (!*word)
		return NULL;
	*text = *end ? end + 1 : end;
	*end = 0;
	return word;
}

static inline bool build_option(struct build_line *line, const char *word)
{
	if (line->numbers < 2 && *word >= '0' && *word <= '9')
		*(line->numbers++ ? &line->number : &line->stream) = (uint32_t)strtoul(word, NULL, 10);
	else if (strcmp(word, "end") == 0)
		line->end = true;
	else if (strcmp(word, "padded") == 0)
		line->padded = true;
	else if (strcmp(word, "priority") == 0)
		line->priority = true;
	else if (strcmp(word, "split") == 0)
		line->split = true;
	else if (strcmp(word, "never") == 0)
		line->never = true;
	else if (strcmp(word, "ack") == 0)
		line->ack = true;
	else
		return false;
	return true;
}

static inline void build_options(struct build_line *line, char **rest)
{
	while (*(*rest += strspn(*rest, " "))) {
		size_t len = strcspn(*rest, " ");
		char word[16];

		snprintf(word, sizeof(word), "%.*s", (int)len, *rest);
		if (!build_option(line, word))
			return;
		*rest += len;
	}
}

static inline void build_block(struct build *build, const struct build_line *line, char *fields,
			       struct build_chunk *out)
{
	char *word;

	while ((word = build_word(&fields))) {
		char *value = strchr(word + 1, '=');

		if (!value)
			abort();
		*value = 0;
		build_field(&build->encoder[line->direction], out, word, value + 1, line->never);
	}
}

/* HEADERS or PUSH_PROMISE, in one frame or (split) one frame for each third of the block. */
static inline void build_headers(struct build *build, const struct build_line *line, char *fields,
				 struct build_chunk *chunk)
{
	uint8_t block_bytes[BUILD_CHUNK_SIZE], payload_bytes[BUILD_CHUNK_SIZE];
	struct build_chunk block = { .bytes = block_bytes }, payload = { .bytes = payload_bytes };
	bool promise = strcmp(line->verb, "promise") == 0;
	unsigned int flags = (line->end ? 1u : 0) | (line->split ? 0 : 4u) | (line->padded ? 8u : 0) |
			     (line->priority ? 0x20u : 0);
	size_t part;

	build_block(build, line, fields, &block);
	part = line->split ? block.len / 3 : block.len;
	if (line->padded)
		build_byte(&payload, 5);
	if (line->priority)
		build_add(&payload, "\0\0\0\0\x10", 5);
	if (promise)
		build_u32(&payload, line->number);
	build_add(&payload, block.bytes, part);
	if (line->padded)
		build_add(&payload, "\0\0\0\0\0", 5);
	build_frame(chunk, promise ? FRAME_PUSH_PROMISE : FRAME_HEADERS, flags, line->stream, payload.bytes,
		    payload.len);
	if (!line->split)
		return;
	build_frame(chunk, FRAME_CONTINUATION, 0, line->stream, block.bytes + part, part);
	build_frame(chunk, FRAME_CONTINUATION, 4, line->stream, block.bytes + 2 * part, block.len - 2 * part);
}

static inline void build_data(const struct build_line *line, const char *text, struct build_chunk *chunk)
{
	uint8_t bytes[BUILD_CHUNK_SIZE];
	struct build_chunk payload = { .bytes = bytes };

	if (line->padded)
		build_byte(&payload, 3);
	build_add(&payload, text, strlen(text));
	if (line->padded)
		build_add(&payload, "\0\0\0", 3);
	build_frame(chunk, FRAME_DATA, (line->end ? 1u : 0) | (line->padded ? 8u : 0), line->stream,
		    payload.bytes, payload.len);
}

static inline void build_raw(const char *hex, struct build_chunk *chunk)
{
	unsigned int byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		build_byte(chunk, byte);
}

static inline void build_pair(struct build_chunk *chunk, unsigned int type, uint32_t stream, uint32_t a,
			      uint32_t b, size_t len)
{
	uint8_t bytes[8];
	struct build_chunk payload = { .bytes = bytes };

	build_u32(&payload, a);
	build_u32(&payload, b);
	build_frame(chunk, type, 0, stream, payload.bytes, len);
}

static inline void build_verb(struct build *build, const struct build_line *line, char *rest,
			      struct build_chunk *chunk)
{
	const char *verb = line->verb;

	if (strcmp(verb, "preface") == 0)
		build_add(chunk, http2_preface, HTTP2_PREFACE_BYTES);
	else if (strcmp(verb, "settings") == 0)
		build_frame(chunk, FRAME_SETTINGS, line->ack, 0, "\0\3\0\0\0\x64", line->ack ? 0 : 6);
	else if (strcmp(verb, "ping") == 0)
		build_frame(chunk, FRAME_PING, line->ack, 0, "12345678", 8);
	else if (strcmp(verb, "window") == 0)
		build_pair(chunk, FRAME_WINDOW_UPDATE, line->stream, 1000, 0, 4);
	else if (strcmp(verb, "priority") == 0)
		build_frame(chunk, FRAME_PRIORITY, 0, line->stream, "\0\0\0\0\x10", 5);
	else if (strcmp(verb, "headers") == 0 || strcmp(verb, "promise") == 0)
		build_headers(build, line, rest, chunk);
	else if (strcmp(verb, "data") == 0)
		build_data(line, rest, chunk);
	else if (strcmp(verb, "rst") == 0)
		build_pair(chunk, FRAME_RST_STREAM, line->stream, line->number, 0, 4);
	else if (strcmp(verb, "goaway") == 0)
		build_pair(chunk, FRAME_GOAWAY, 0, line->stream, line->number, 8);
	else
		abort();
}

static inline void build_line(struct build *build, char *text)
{
	struct build_chunk *chunk = &build->chunks[build->count];
	struct build_line line = { .direction = text[0] == '<' };
	char *rest = text + 1, *word = build_word(&rest);

	if (!word || text[0] == '#')
		return;
	if (build->count == BUILD_CHUNKS)
		abort();
	*chunk = (struct build_chunk){ .direction = line.direction, .bytes = malloc(BUILD_CHUNK_SIZE) };
	build->count++;
	if (strcmp(word, "raw") == 0) {
		build_raw(rest, chunk);
		return;
	}
	snprintf(line.verb, sizeof(line.verb), "%s", word);
	build_options(&line, &rest);
	build_verb(build, &line, rest, chunk);
}

static inline struct build *build_new(const char *script)
{
	struct build *build = calloc(1, sizeof(*build));
	char *copy = strdup(script);

	for (char *at = copy, *next; at && *at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = 0;
		if (*at)
			build_line(build, at);
	}
	free(copy);
	return build;
}

static inline void build_free(struct build *build)
{
	for (size_t i = 0; build && i < build->count; i++)
		free(build->chunks[i].bytes);
	free(build);
}

#endif
