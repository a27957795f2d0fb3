/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement's text with what is derived from it once: many executions share it. And the messages that tell
 * of an execution: a request whose facts (fact.h) are OpenTelemetry's db.* and whose body is the text as it
 * was sent, literals and all; a response whose body is the server's message of an error.
 */
#ifndef HARK_STATEMENT_H
#define HARK_STATEMENT_H

#include "message.h"
#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>

#define STATEMENT_TEXT_MAX (64 * 1024) /* bytes of a text; more are cut */
#define STATEMENTS_MAX	   1024	       /* names that a connection remembers */
#define STATEMENTS_BYTES   (1024 * 1024)

struct statement {
	unsigned int refs;
	bool cut;					   /* the text is longer */
	size_t bytes;					   /* memory that it takes */
	struct slice raw;				   /* the text as sent */
	struct slice text, summary, operation, collection; /* data NULL: not known */
};

/* Keeps a copy of the text. dialect: enum sql_dialect. One reference is the caller's. NULL: out of memory. */
struct statement *statement_new(struct slice text, bool cut, unsigned int dialect);
struct statement *statement_ref(struct statement *statement); /* NULL is legal, also below */
void statement_unref(struct statement *statement);

/* Statements by name or number, of one connection; all zero: none. The oldest goes when there is no room. */
struct statement_name;

struct statements {
	struct statement_name *buckets[64];
	struct statement_name *oldest;
	size_t count, bytes;
};

/* The statement, borrowed; *known: is the name? A name may be known without its text (NULL). */
struct statement *statements_find(const struct statements *statements, struct slice name, bool *known);
/* Takes a reference of its own; replaces. False: something had no room, the name itself for lack of memory.
 */
bool statements_put(struct statements *statements, struct slice name, struct statement *statement);
void statements_remove(struct statements *statements, struct slice name);
void statements_clear(struct statements *statements);

/* What a connection's executions have in common. */
struct query_source {
	const char *system; /* "postgresql" */
	enum http_version version;
	struct slice database; /* data NULL: not known */
};

/* A fact, whose text is copied; without room it is left out. name: static. */
void query_text(struct message *message, const char *name, struct slice text);
void query_number(struct message *message, const char *name, uint64_t number);

/*
 * Fills a request. command: "query", "prepare", "execute", …, static. statement NULL: the text is not known.
 * What has no room is flagged as truncated.
 */
void query_fill(struct message *request, const struct query_source *source, const char *command,
		const struct statement *statement);

/*
 * A message of an execution, empty: a request goes the way of `asks`, a response the other. It is the
 * caller's until query_give(). NULL: out of memory.
 */
struct message *query_message(const struct protocol_config *config, const struct query_source *source,
			      enum message_kind kind, enum event_direction asks, uint32_t key,
			      uint64_t first_ns);
/* Hands it out, head and end at once; it is the handler's from then on. */
void query_give(const struct protocol_handler *handler, struct message *message, uint64_t time_ns);

/* What an answer said. */
struct query_outcome {
	uint8_t code[8];      /* SQLSTATE, or a number */
	size_t code_len;      /* 0: no error */
	struct slice message; /* of the error */
	uint64_t returned, affected;
	bool returned_known, affected_known;
	struct slice
		operation; /* where the text is not known: as the server names it; data NULL: it does not */
};

void query_fill_answer(struct message *response, const struct query_outcome *outcome);

#endif
