/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protocol_handler for fuzz targets whose messages have heads of fields (HTTP/2, HTTP/3, FastCGI): every
 * message that comes out is walked; an unknown status, a field without a flag for what it lacks, or a head
 * that is told twice ends the run.
 */
#ifndef HARK_TESTS_FUZZ_MESSAGE_H
#define HARK_TESTS_FUZZ_MESSAGE_H

#include "protocol.h"

#include <stdlib.h>

static enum http_version fuzz_version; /* that each message has to have; set by the target */

static uint64_t sum; /* so that no read is optimised away */

static void slice_walk(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		sum += s.data[i];
}

static void list_walk(const struct header_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct header *header = &list->items[i];

		if (!header->name.data != !!(header->flags & HEADER_NAME_UNKNOWN) ||
		    !header->value.data != !!(header->flags & HEADER_VALUE_UNKNOWN))
			abort();
		slice_walk(header->name);
		slice_walk(header->value);
	}
}

#define FLAG_HEAD_SEEN (1u << 31)

static void message_walk(const struct message *message)
{
	if (message->version != fuzz_version ||
	    (message->status && (message->status < 100 || message->status > 999)))
		abort();
	slice_walk(message->method);
	slice_walk(message->target);
	slice_walk(message->scheme);
	slice_walk(message->authority);
	slice_walk(message->body);
	list_walk(&message->headers);
	list_walk(&message->trailers);
}

static void on_head(void *ctx, struct message *message)
{
	(void)ctx;
	/* Nobody but this target sets it: a second head of the same message shows. */
	if (message->flags & FLAG_HEAD_SEEN)
		abort();
	message->flags |= FLAG_HEAD_SEEN;
	message_walk(message);
}

static void on_body(void *ctx, struct message *message, struct slice bytes)
{
	(void)ctx;
	slice_walk(bytes);
	message_walk(message);
}

static void on_done(void *ctx, struct message *message)
{
	(void)ctx;
	message_walk(message);
	message_free(message);
}

static void on_interim(void *ctx, const struct message *message)
{
	(void)ctx;
	message_walk(message);
	if (message->status < 100 || message->status > 199)
		abort();
}

static void on_reset(void *ctx, uint32_t key, uint32_t error)
{
	(void)ctx;
	sum += key + error;
}

static void on_note(void *ctx, enum protocol_note note, uint64_t n)
{
	(void)ctx;
	if (note >= NOTE_COUNT)
		abort();
	sum += n;
}

static const struct protocol_handler fuzz_handler = {
	.head = on_head,
	.body = on_body,
	.done = on_done,
	.interim = on_interim,
	.reset = on_reset,
	.note = on_note,
};

#endif
