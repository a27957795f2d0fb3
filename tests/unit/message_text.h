/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protocol_handler that writes what it is told as short readable lines, one
 * a callback, for use as expected values:
 *
 *	request 0 POST /a 1.1 {Host: x; X-For: y} "body" trailers {T: 1} [gap,closed]
 *	response 0 200 1.1 {} 0
 *	interim 100 {}
 *	reset 3 8
 *	upgrade h2c /a
 *
 * After the headers stands the kept body in quotes, or body_bytes when none is
 * kept; `~` after it says that body_known is false. A request shows scheme and
 * authority when known, as scheme://authority before the target. Control
 * bytes, quotes and bytes above 126 are written as \xNN. Times are left out.
 */
#ifndef HARK_TESTS_MESSAGE_TEXT_H
#define HARK_TESTS_MESSAGE_TEXT_H

#include "protocol.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message_text {
	char *text; /* NUL-terminated once something was written; else NULL */
	size_t len, capacity;
	uint64_t notes[NOTE_COUNT];
	uint64_t heads, bodies_bytes;
	bool failed; /* no memory for the text */
	/* When set, it gets each message that is done, after it was written; it must not free it. */
	void (*watch)(void *watch_ctx, const struct message *message);
	void *watch_ctx;
};

static inline void message_text_add(struct message_text *out, const char *bytes, size_t len)
{
	if (out->len + len + 1 > out->capacity) {
		size_t capacity = (out->len + len + 1) * 2;
		char *text = realloc(out->text, capacity);

		if (!text) {
			out->failed = true;
			return;
		}
		out->text = text;
		out->capacity = capacity;
	}
	memcpy(out->text + out->len, bytes, len);
	out->len += len;
	out->text[out->len] = 0;
}

__attribute__((format(printf, 2, 3))) static inline void message_text_printf(struct message_text *out,
									     const char *format, ...)
{
	char line[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len > 0)
		message_text_add(out, line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

static inline void message_text_slice(struct message_text *out, struct slice s)
{
	if (!s.data)
		message_text_add(out, "?", 1);
	for (size_t i = 0; i < s.len; i++) {
		char c = (char)s.data[i];

		if (s.data[i] < 32 || s.data[i] > 126 || c == '"' || c == '\\')
			message_text_printf(out, "\\x%02x", s.data[i]);
		else
			message_text_add(out, &c, 1);
	}
}

static inline void message_text_headers(struct message_text *out, const struct header_list *list)
{
	message_text_add(out, "{", 1);
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			message_text_add(out, "; ", 2);
		message_text_slice(out, list->items[i].name);
		message_text_add(out, ": ", 2);
		message_text_slice(out, list->items[i].value);
		if (list->items[i].flags & HEADER_NEVER_INDEXED)
			message_text_add(out, "!", 1);
	}
	message_text_add(out, "}", 1);
}

static inline void message_text_flags(struct message_text *out, unsigned int flags)
{
	static const char *const names[] = { "late-joined", "gap",	  "truncated", "partial-headers",
					     "reset",	    "closed",	  "timeout",   "in-flight",
					     "unanswered",  "no-request", "pushed",    "upgraded",
					     "malformed",   "guess",	  "relayed" };
	const char *comma = " [";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(flags & 1u << i))
			continue;
		message_text_printf(out, "%s%s", comma, names[i]);
		comma = ",";
	}
	if (flags)
		message_text_add(out, "]", 1);
}

static inline void message_text_write(struct message_text *out, const struct message *message)
{
	if (message->kind == MESSAGE_REQUEST) {
		message_text_printf(out, "request %u ", message->key);
		message_text_slice(out, message->method);
		message_text_add(out, " ", 1);
		if (message->scheme.data) {
			message_text_slice(out, message->scheme);
			message_text_add(out, "://", 3);
		}
		if (message->authority.data) {
			message_text_slice(out, message->authority);
			message_text_add(out, " ", 1);
		}
		message_text_slice(out, message->target);
	} else {
		message_text_printf(out, "response %u %d", message->key, message->status);
	}
	message_text_printf(out, " %d.%d ", message->version / 10, message->version % 10);
	message_text_headers(out, &message->headers);
	if (message->body.len) {
		message_text_add(out, " \"", 2);
		message_text_slice(out, message->body);
		message_text_add(out, "\"", 1);
	} else {
		message_text_printf(out, " %" PRIu64, message->body_bytes);
	}
	if (!message->body_known)
		message_text_add(out, "~", 1);
	if (message->trailers.count) {
		message_text_add(out, " trailers ", 10);
		message_text_headers(out, &message->trailers);
	}
	message_text_flags(out, message->flags);
	message_text_add(out, "\n", 1);
}

static inline void message_text_head(void *ctx, struct message *message)
{
	struct message_text *out = ctx;

	(void)message;
	out->heads++;
}

static inline void message_text_body(void *ctx, struct message *message, struct slice bytes)
{
	struct message_text *out = ctx;

	(void)message;
	out->bodies_bytes += bytes.len;
}

static inline void message_text_done(void *ctx, struct message *message)
{
	struct message_text *out = ctx;

	message_text_write(out, message);
	if (out->watch)
		out->watch(out->watch_ctx, message);
	message_free(message);
}

static inline void message_text_interim(void *ctx, const struct message *message)
{
	struct message_text *out = ctx;

	message_text_printf(out, "interim %d ", message->status);
	message_text_headers(out, &message->headers);
	message_text_add(out, "\n", 1);
}

static inline void message_text_reset(void *ctx, uint32_t key, uint32_t error)
{
	message_text_printf(ctx, "reset %u %u\n", key, error);
}

static inline void message_text_upgrade(void *ctx, struct slice to, const struct message *request)
{
	struct message_text *out = ctx;

	message_text_add(out, "upgrade ", 8);
	message_text_slice(out, to);
	message_text_add(out, " ", 1);
	message_text_slice(out, request ? request->target : (struct slice){ 0 });
	message_text_add(out, "\n", 1);
}

static inline void message_text_note(void *ctx, enum protocol_note note, uint64_t n)
{
	struct message_text *out = ctx;

	out->notes[note] += n;
}

static inline struct protocol_handler message_text_handler(struct message_text *out)
{
	return (struct protocol_handler){
		.ctx = out,
		.head = message_text_head,
		.body = message_text_body,
		.done = message_text_done,
		.interim = message_text_interim,
		.reset = message_text_reset,
		.upgrade = message_text_upgrade,
		.note = message_text_note,
	};
}

static inline const char *message_text_get(const struct message_text *out)
{
	return out->text ? out->text : "";
}

static inline void message_text_fini(struct message_text *out)
{
	free(out->text);
	out->text = NULL;
	out->len = out->capacity = 0;
}

#endif
