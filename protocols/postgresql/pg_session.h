/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's conversation: what the client's messages ask for, in order, and what the server's answer.
 * Framing is done (postgresql.c). An exchange is a simple query up to ReadyForQuery, or one Execute with the
 * Parse and Bind before it, up to its CommandComplete; a Parse that nothing executes is one too ("prepare").
 *
 * Invariants: `items` are the messages whose answer is still to come, in order; a request is given away when
 * its last message came, so that an item knows only its key; nothing of the authentication is kept.
 */
#ifndef HARK_PG_SESSION_H
#define HARK_PG_SESSION_H

#include "protocol.h"
#include "sql/statement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg_item;

#define PG_NAME_KEPT	64
#define PG_DATABASE_MAX 64

/* An execution that is being put together. */
struct pg_unit {
	bool open, bound;
	bool known; /* is its statement? */
	uint32_t key;
	struct statement *statement; /* a reference */
	uint8_t name[PG_NAME_KEPT];  /* of the statement, then of the portal */
	size_t name_len;	     /* larger than PG_NAME_KEPT: not kept */
	uint64_t first_ns, bytes;
	struct pg_item *item; /* its newest; NULL: it was answered already, */
	uint64_t answered_ns; /* then */
};

struct pg_session {
	const struct protocol_config *config;
	const struct protocol_handler *handler;
	enum event_direction asks;
	struct query_source source;
	uint8_t database[PG_DATABASE_MAX];
	struct statements statements, portals;
	struct pg_item *items;
	size_t count, ends; /* items; those of them that a ReadyForQuery answers */
	struct pg_unit unit;
	uint32_t keys;	     /* given out */
	uint32_t failed_key; /* its error was told */
	bool skipping;	     /* an error came: the server passes over all up to the next Sync */
	unsigned int doubt;  /* flags of what is asked until it is sure that answers and questions fit */
	bool doubt_asked;    /* since then something was */
	uint64_t orphan_ns;  /* when the newest answer to nothing came */
	unsigned int dialect;
	size_t held_bytes; /* of items */
	bool no_memory;
};

/* A message of a client or server, or the beginning of its content, if it is long (cut). */
struct pg_message {
	uint8_t type; /* 0: startup */
	struct slice content;
	bool cut;
	uint64_t bytes;
	uint64_t first_ns, last_ns;
};

void pg_session_fini(struct pg_session *session);
void pg_session_ask(struct pg_session *session, const struct pg_message *message);
/* False: it is no answer to what was asked. */
bool pg_session_answer(struct pg_session *session, const struct pg_message *message);
/* The client's bytes go on behind the server's: a turn. lost: of those nobody knows where they stand. */
void pg_session_turn(struct pg_session *session, bool lost);
/*
 * Some of what was asked is missing (questions), or of what was answered. What is open then ends as
 * incomplete, unless one end alone is awaited. True: what is asked next is still known to be what will be
 * answered.
 */
bool pg_session_lose(struct pg_session *session, bool questions);
/* After a loss the server was found to be ready. */
void pg_session_found(struct pg_session *session, uint64_t time_ns);
void pg_session_end(struct pg_session *session, enum protocol_end reason, uint64_t time_ns);
size_t pg_session_memory(const struct pg_session *session);

#endif
