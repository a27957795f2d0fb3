/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protocol_handler for decoders of statements: at the end each exchange is one line, in order of their
 *keys,
 *
 *	query "select 1" -> ok returned 1
 *	execute ? -> 42P01 [late-joined]
 *	prepare "x" -> nothing
 *
 * Behind the arrow: the code of an error, or ok; rows returned and affected, as far as they are known; the
 * flags of both messages together.
 */
#ifndef HARK_TESTS_QUERY_TEXT_H
#define HARK_TESTS_QUERY_TEXT_H

#include "fact.h"
#include "message_text.h"

#define QUERIES_MAX 64

struct query_text {
	struct {
		char request[512], response[128];
		unsigned int flags;
	} rows[QUERIES_MAX];
	uint64_t notes[NOTE_COUNT];
	uint32_t first, last; /* keys */
};

static inline void query_text_value(const struct message *message, const char *name, const char *before,
				    char *to, size_t size)
{
	const struct fact *fact = fact_find(message->facts, slice_of_string(name));
	size_t len = strlen(to);

	if (fact && fact->kind == FACT_TEXT)
		snprintf(to + len, size - len, "%s%.*s", before, (int)fact->text.len,
			 (const char *)fact->text.data);
	else if (fact)
		snprintf(to + len, size - len, "%s%" PRIu64, before, fact->number);
}

static inline void query_text_done(void *ctx, struct message *message)
{
	struct query_text *out = ctx;
	uint32_t key = message->key % QUERIES_MAX;
	char *to = message->kind == MESSAGE_REQUEST ? out->rows[key].request : out->rows[key].response;

	if (!message->key || *to)
		abort(); /* twice */
	if (message->kind == MESSAGE_REQUEST) {
		query_text_value(message, "hark.db.command", "", to, sizeof(out->rows[key].request));
		if (fact_find(message->facts, SLICE("db.query.text")))
			snprintf(to + strlen(to), sizeof(out->rows[key].request) - strlen(to), " \"%.*s\"",
				 (int)(message->body.len < 200 ? message->body.len : 200),
				 message->body.len ? (const char *)message->body.data : "");
		else
			strcat(to, " ?");
	} else {
		if (fact_find(message->facts, SLICE("db.response.status_code")))
			query_text_value(message, "db.response.status_code", "", to, 128);
		else
			strcpy(to, message->last_byte_ns ? "ok" : "nothing");
		query_text_value(message, "db.response.returned_rows", " returned ", to, 128);
		query_text_value(message, "hark.db.affected_rows", " affected ", to, 128);
	}
	out->rows[key].flags |= message->flags;
	out->last = message->key > out->last ? message->key : out->last;
	message_free(message);
}

static inline void query_text_head(void *ctx, struct message *message)
{
	(void)ctx;
	(void)message;
}

static inline void query_text_note(void *ctx, enum protocol_note note, uint64_t n)
{
	((struct query_text *)ctx)->notes[note] += n;
}

static inline struct protocol_handler query_text_handler(struct query_text *out)
{
	return (struct protocol_handler){
		.ctx = out, .head = query_text_head, .done = query_text_done, .note = query_text_note
	};
}

/* All of them; free it. */
static inline char *query_text_get(const struct query_text *out)
{
	struct message_text text = { .text = NULL };

	message_text_add(&text, "", 0);
	for (uint32_t key = 1; key <= out->last && key < QUERIES_MAX; key++) {
		if (!*out->rows[key].request && !*out->rows[key].response)
			continue;
		message_text_printf(&text, "%.300s -> %s",
				    *out->rows[key].request ? out->rows[key].request : "unseen",
				    *out->rows[key].response ? out->rows[key].response : "unanswered");
		message_text_flags(&text, out->rows[key].flags);
		message_text_add(&text, "\n", 1);
	}
	return text.text;
}

/* Is each line one of the expected ones, or one with a mark? */
static inline bool query_text_fits(const char *text, const char *expected)
{
	while (*text) {
		size_t len = (size_t)(strchr(text, '\n') - text) + 1;
		char line[600];
		const char *at;

		memcpy(line, text, len);
		line[len] = '\0';
		at = strstr(expected, line);
		if (!strstr(line, " [") && !strstr(line, "-> unanswered") &&
		    (!at || (at != expected && at[-1] != '\n')))
			return false;
		text += len;
	}
	return true;
}

#endif
