/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's conversation: the login, of which nothing is kept but the database, then commands and
 * their answers, in order. Framing is done (mysql.c). A query, a preparation and an execution are exchanges
 * each.
 *
 * Where an answer ends is told by the answer itself (a final OK or EOF without "more results"), whatever the
 * two sides agreed on: so a connection whose login nobody saw is read in the same way.
 */
#ifndef HARK_MYSQL_SESSION_H
#define HARK_MYSQL_SESSION_H

#include "protocol.h"
#include "sql/statement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MYSQL_DATABASE_MAX 128

enum mysql_phase {
	MYSQL_GREETING,
	MYSQL_LOGIN,
	MYSQL_AUTH,
	MYSQL_COMMANDS,
	MYSQL_OVER, /* compressed, or a replica's */
};

struct mysql_item;

struct mysql_session {
	const struct protocol_config *config;
	const struct protocol_handler *handler;
	enum event_direction asks;
	enum mysql_phase phase;
	struct query_source source;
	uint8_t database[MYSQL_DATABASE_MAX];
	struct statements statements; /* by their numbers, four bytes */
	struct statement *prepared;   /* the newest; a reference */
	struct mysql_item *items;     /* whose answers are to come, in order */
	size_t count;
	uint32_t keys;
	unsigned int doubt, dialect;
	bool compresses;
	uint64_t login_ns;
	size_t held_bytes;
	bool no_memory;
};

/* A packet, or the beginning of it, if it is long (cut). */
struct mysql_packet {
	struct slice payload;
	uint8_t number;
	bool cut;
	uint64_t bytes;
	uint64_t first_ns, last_ns;
};

void mysql_session_fini(struct mysql_session *session);
void mysql_session_ask(struct mysql_session *session, const struct mysql_packet *packet);
/* False: it is no answer to what was asked. */
bool mysql_session_answer(struct mysql_session *session, const struct mysql_packet *packet);
/* Some was lost: what is open ends as incomplete. */
void mysql_session_lose(struct mysql_session *session, unsigned int doubt);
/* The client's bytes go on behind the server's. */
void mysql_session_turn(struct mysql_session *session);
void mysql_session_end(struct mysql_session *session, enum protocol_end reason, uint64_t time_ns);
size_t mysql_session_memory(const struct mysql_session *session);

#endif
