/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both bodies of an exchange of one Content-Type, as a script: the first byte chooses a content coding and
 * what is wanted, then a byte says what happens to which body, a second one how much, then come the bytes of
 * a feed.
 */
#ifndef HARK_TESTS_FUZZ_CONTENT_H
#define HARK_TESTS_FUZZ_CONTENT_H

#include "content/contents.h"
#include "content/readings.h"
#include "fuzz_script.h"

#define FUZZ_MEMORY_MAX (24u << 20) /* of one exchange; brotli and zstd may take 8 MiB each */

/* A tunnel's Upgrade token, in place of a type; set before fuzz_content(). */
static const char *fuzz_upgrade;

static inline void fuzz_message(void *ctx, void *exchange, const struct content_message *message)
{
	size_t *sum = ctx;

	(void)exchange;
	for (size_t i = 0; i < message->body.len; i++)
		*sum += message->body.data[i];
	for (size_t i = 0; i < message->type.len; i++)
		*sum += message->type.data[i];
	if (message->body.len && message->flags & FLAG_TRUNCATED && message->body.len >= message->bytes)
		abort();
	for (const struct fact *fact = message->facts; fact; fact = fact->next)
		*sum += fact->text.len ? fact->text.data[fact->text.len - 1] : 0;
}

static inline void fuzz_content_note(void *ctx, enum protocol_note note, uint64_t n)
{
	(void)ctx;
	(void)note;
	(void)n;
}

static inline void fuzz_field(struct message *message, const char *name, const char *value)
{
	message_add_header(message, &message->headers, slice_of_string(name), slice_of_string(value), 0);
}

static inline void fuzz_head(struct readings **readings, const struct readings_config *config,
			     struct message **messages, enum message_kind kind)
{
	struct slice type = message_known(messages[kind], HEADER_CONTENT_TYPE);

	readings_head(readings, config, config->ctx,
		      fuzz_upgrade ? content_of_upgrade(slice_of_string(fuzz_upgrade))
				   : content_of_type(type),
		      messages[kind], messages[!kind]);
}

/* What is asked for; NULL: "/a.B/C". Set before fuzz_content(). */
static const char *fuzz_target;

/* fields: names and values by turns, which both messages get; NULL ends them. */
static inline void fuzz_content(const char *const *fields, struct slice script)
{
	static const char *const encodings[] = { "", "gzip", "deflate", "br", "zstd", "gzip, br", "", "x" };
	uint8_t choice = script.len ? script.data[0] : 0;
	size_t sum = 0;
	struct readings_config config = {
		.wants = choice >> 3, .ctx = &sum, .message = fuzz_message, .note = fuzz_content_note
	};
	struct readings *readings = NULL;
	struct message *messages[2];
	struct fuzz_step step;
	bool answered = false; /* what a response's head is asked depends on what the request's body said */

	script = slice_drop(script, 1);
	for (int i = 0; i < 2; i++) {
		messages[i] = message_new((enum message_kind)i, 65536);
		messages[i]->first_byte_ns = 1;
		messages[i]->status = i ? 101 : 0;
		messages[i]->target = slice_of_string(fuzz_target ? fuzz_target : "/a.B/C");
		messages[i]->method = i ? slice_of(NULL, 0) : SLICE("POST");
		for (const char *const *at = fields; *at; at += 2)
			fuzz_field(messages[i], at[0], at[1]);
		fuzz_field(messages[i], "content-encoding", encodings[choice & 7]);
	}
	fuzz_head(&readings, &config, messages, MESSAGE_REQUEST);
	while (fuzz_step_next(&script, &step)) {
		enum message_kind kind = (enum message_kind)step.direction;

		if (kind == MESSAGE_RESPONSE && !answered)
			fuzz_head(&readings, &config, messages, MESSAGE_RESPONSE);
		answered |= kind == MESSAGE_RESPONSE;
		if (step.verb == FUZZ_FEED || step.verb == FUZZ_FEED_LONG)
			readings_body(readings, kind, step.bytes, step.amount);
		else if (step.verb == FUZZ_HOLE || step.verb == FUZZ_HOLE_LONG)
			readings_hole(readings, kind, step.amount, step.amount);
		else if (step.verb == FUZZ_HOLE_UNKNOWN)
			readings_hole(readings, kind, READER_UNKNOWN_SIZE, step.amount);
		else if (step.verb == FUZZ_FINISH)
			readings_end(readings, messages[kind], step.amount);
		if (readings_memory(readings) > FUZZ_MEMORY_MAX)
			abort();
	}
	for (int i = 0; i < 2; i++)
		readings_end(readings, messages[i], 3);
	readings_free(readings);
	for (int i = 0; i < 2; i++)
		message_free(messages[i]);
}

#endif
