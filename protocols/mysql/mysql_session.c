/* SPDX-License-Identifier: Apache-2.0 */
#include "mysql_session.h"

#include "bytes.h"
#include "mysql_evidence.h"
#include "sql/sql_text.h"

#include <stdlib.h>
#include <utlist.h>

#define ITEMS_MAX      1024 /* commands without an answer */
#define ERROR_TEXT_MAX 512
#define MARK_OK	       0x00
#define MARK_INFILE    0xfb
#define MARK_EOF       0xfe
#define MARK_ERROR     0xff
#define EOF_BYTES      5
#define OK_BYTES       7 /* at least */

enum { /* capabilities that matter */
	CAPABLE_WITH_DB = 1 << 3,
	CAPABLE_COMPRESS = 1 << 5,
	CAPABLE_41 = 1 << 9,
	CAPABLE_TLS = 1 << 11,
	CAPABLE_SECURE = 1 << 15,
	CAPABLE_LENENC_AUTH = 1 << 21,
	CAPABLE_ZSTD = 1 << 26,
};

enum { /* the server's status */
	STATUS_MORE = 1 << 3,
	STATUS_CURSOR = 1 << 6,
	STATUS_NO_BACKSLASHES = 1 << 9,
};

enum answer_state {
	ANSWER_FIRST,
	ANSWER_COLUMNS,
	ANSWER_ROWS,
	ANSWER_DEFINITIONS, /* of what was prepared */
};

struct mysql_item {
	struct mysql_item *prev, *next;
	uint8_t command;
	uint32_t key; /* of its exchange; 0: none */
	struct statement *statement;
	uint8_t database[MYSQL_DATABASE_MAX]; /* MYSQL_INIT_DB */
	size_t database_len;
	enum answer_state state;
	bool began;
	uint64_t left; /* columns, definitions */
	uint64_t first_ns, bytes, returned, affected;
	bool returns, changes;
	uint32_t code;
	uint8_t error[ERROR_TEXT_MAX];
	size_t error_len;
};

static uint32_t word(struct slice bytes, size_t at, size_t size)
{
	uint32_t value = 0;

	for (size_t i = 0; i < size && at + i < bytes.len; i++)
		value |= (uint32_t)bytes.data[at + i] << 8 * i;
	return value;
}

/* A number of one to nine bytes, taken from the front. */
static uint64_t take_number(struct slice *bytes)
{
	size_t size = 0;
	uint64_t value;

	if (!bytes->len)
		return 0;
	value = bytes->data[0];
	if (value >= 0xfc)
		size = value == 0xfc ? 2 : value == 0xfd ? 3 : 8;
	*bytes = slice_drop(*bytes, 1);
	if (!size)
		return value;
	value = 0;
	for (size_t i = 0; i < size && i < bytes->len; i++)
		value |= (uint64_t)bytes->data[i] << 8 * i;
	*bytes = slice_drop(*bytes, size);
	return value;
}

/* --- messages out ------------------------------------------------------------------------------------- */

static struct message *message_begin(struct mysql_session *session, enum message_kind kind, uint32_t key,
				     uint64_t first_ns)
{
	struct message *message =
		query_message(session->config, &session->source, kind, session->asks, key, first_ns);

	session->no_memory |= !message;
	return message;
}

static uint32_t request_give(struct mysql_session *session, const char *command, struct statement *statement,
			     bool known, const struct mysql_packet *packet)
{
	uint32_t key = ++session->keys ? session->keys : ++session->keys;
	struct message *request = message_begin(session, MESSAGE_REQUEST, key, packet->first_ns);

	if (!request)
		return key;
	query_fill(request, &session->source, command, statement);
	request->flags |= session->doubt;
	if (!known)
		request->flags |= session->config->from_start[session->asks] ? FLAG_GAP : FLAG_LATE_JOINED;
	request->body_bytes = packet->bytes;
	request->body_known = true;
	query_give(session->handler, request, packet->last_ns);
	return key;
}

/* Without a time the end of the answer was not seen. */
static void answer_give(struct mysql_session *session, const struct mysql_item *item, unsigned int flags,
			uint64_t time_ns)
{
	struct query_outcome outcome = {
		.message = slice_of(item->error_len ? item->error : NULL, item->error_len),
		.returned = item->returned,
		.returned_known = item->returns && time_ns,
		.affected = item->affected,
		.affected_known = item->changes && time_ns && !item->returns && !item->code,
	};
	uint8_t digits[SLICE_DIGITS_MAX];
	struct slice code = slice_of_number(item->code, digits);
	struct message *response;

	if (!item->key)
		return;
	response = message_begin(session, MESSAGE_RESPONSE, item->key, item->first_ns);
	if (!response)
		return;
	if (item->code && code.len <= sizeof(outcome.code)) {
		memcpy(outcome.code, code.data, code.len);
		outcome.code_len = code.len;
	}
	query_fill_answer(response, &outcome);
	response->flags |= flags;
	response->body_bytes = item->bytes;
	response->body_known = time_ns;
	query_give(session->handler, response, time_ns);
}

/* --- items ------------------------------------------------------------------------------------------------
 */

static void item_remove(struct mysql_session *session, struct mysql_item *item)
{
	DL_DELETE(session->items, item);
	session->count--;
	session->held_bytes -= sizeof(*item);
	statement_unref(item->statement);
	free(item);
}

static void items_drop(struct mysql_session *session, unsigned int flags)
{
	while (session->items) {
		session->items->first_ns = 0;
		session->items->returns = session->items->changes = false;
		answer_give(session, session->items, flags, 0);
		item_remove(session, session->items);
	}
}

/* NULL: nothing is awaited for it. */
static struct mysql_item *item_add(struct mysql_session *session, uint8_t command, uint32_t key,
				   struct statement *statement)
{
	struct mysql_item *item = session->count < ITEMS_MAX ? calloc(1, sizeof(*item)) : NULL,
			  lone = { .key = key };

	if (!item) {
		session->no_memory |= session->count < ITEMS_MAX;
		if (session->count >= ITEMS_MAX)
			protocol_count(session->handler, NOTE_PIPELINE_LIMIT, 1);
		mysql_session_lose(session, FLAG_GAP);
		answer_give(session, &lone, FLAG_GAP, 0);
		return NULL;
	}
	item->command = command;
	item->key = key;
	item->statement = statement_ref(statement);
	DL_APPEND(session->items, item);
	session->count++;
	session->held_bytes += sizeof(*item);
	return item;
}

void mysql_session_lose(struct mysql_session *session, unsigned int doubt)
{
	items_drop(session, FLAG_GAP);
	statements_clear(&session->statements);
	statement_unref(session->prepared);
	session->prepared = NULL;
	session->doubt = doubt;
	if (session->phase != MYSQL_OVER)
		session->phase = MYSQL_COMMANDS;
}

void mysql_session_turn(struct mysql_session *session)
{
	if (!session->items && session->phase == MYSQL_COMMANDS && session->keys)
		session->doubt = 0;
}

/* --- the login ---------------------------------------------------------------------------------------------
 */

static void take_greeting(struct mysql_session *session, struct slice payload)
{
	struct slice version = slice_drop(payload, 1);

	version = slice_take(version, slice_find(version, 0));
	session->source.system = "mysql";
	while (version.len) {
		if (slice_has_prefix(version, SLICE("MariaDB")))
			session->source.system = "mariadb";
		version = slice_drop(version, 1);
	}
	session->phase = MYSQL_LOGIN;
}

static void database_set(struct mysql_session *session, struct slice name)
{
	name = slice_take(name, sizeof(session->database));
	if (name.len)
		memcpy(session->database, name.data, name.len);
	session->source.database = slice_of(name.len ? session->database : NULL, name.len);
}

/* Capabilities, packet size, character set, zeros; then user, what authenticates, database. */
static void take_login(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct slice rest = slice_drop(packet->payload, 32);
	uint32_t capable = word(packet->payload, 0, 4);
	uint64_t auth;

	if (capable & CAPABLE_TLS && packet->bytes == 32 + MYSQL_HEADER_BYTES)
		return; /* TLS begins */
	session->phase = MYSQL_AUTH;
	session->login_ns = packet->first_ns;
	session->compresses = capable & (CAPABLE_COMPRESS | CAPABLE_ZSTD);
	rest = slice_drop(rest, slice_find(rest, 0) + 1);
	if (capable & CAPABLE_LENENC_AUTH)
		auth = take_number(&rest);
	else if (capable & CAPABLE_SECURE)
		auth = rest.len ? rest.data[0] + 1U : 0;
	else
		auth = slice_find(rest, 0) + 1;
	rest = slice_drop(rest, auth < rest.len ? (size_t)auth : rest.len);
	if (capable & CAPABLE_WITH_DB)
		database_set(session, slice_take(rest, slice_find(rest, 0)));
}

static void take_error(struct mysql_item *item, struct slice payload)
{
	struct slice text = slice_drop(payload, 3);

	item->code = word(payload, 1, 2);
	if (text.len > 5 && text.data[0] == '#')
		text = slice_drop(text, 6);
	item->error_len = text.len < ERROR_TEXT_MAX ? text.len : ERROR_TEXT_MAX;
	if (item->error_len)
		memcpy(item->error, text.data, item->error_len);
}

static void take_status(struct mysql_session *session, uint32_t status)
{
	session->dialect = SQL_MYSQL | (status & STATUS_NO_BACKSLASHES ? 0 : SQL_BACKSLASHES);
}

/* Of an OK: behind the rows that it changed and the last id that was inserted. */
static uint32_t ok_status(struct slice payload, uint64_t *affected)
{
	struct slice bytes = slice_drop(payload, 1);

	*affected = take_number(&bytes);
	take_number(&bytes);
	return word(bytes, 0, 2);
}

static void take_auth_answer(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct mysql_packet login = *packet;
	struct mysql_item item = { .first_ns = packet->first_ns, .bytes = packet->bytes };
	uint64_t affected;

	if (packet->payload.data[0] == MARK_OK) {
		session->phase = session->compresses ? MYSQL_OVER : MYSQL_COMMANDS;
		take_status(session, ok_status(packet->payload, &affected));
	}
	if (packet->payload.data[0] != MARK_ERROR)
		return;
	take_error(&item, packet->payload);
	login.first_ns = login.last_ns = session->login_ns ? session->login_ns : packet->first_ns;
	login.bytes = 0;
	item.key = request_give(session, "connect", NULL, true, &login);
	answer_give(session, &item, 0, packet->last_ns);
	session->phase = MYSQL_OVER;
}

/* --- commands
 * ------------------------------------------------------------------------------------------------ */

/*
 * Attributes of a query, of MySQL 8, stand before the text: how many they are, and in how many sets, which is
 * one. What they say is no statement, and no literal either that anybody would find in it.
 */
static bool is_text(struct slice bytes)
{
	if (!bytes.len)
		return true;
	if (bytes.len > 1 && bytes.data[1] == 1)
		return false;
	switch (bytes.data[0]) {
	case '\t':
	case '\n':
	case '\r':
		return true;
	default:
		return bytes.data[0] >= ' ' && bytes.data[0] <= '~';
	}
}

static void ask_text(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct slice text = slice_drop(packet->payload, 1);
	uint8_t command = packet->payload.data[0];
	struct statement *statement = NULL;

	/* None of them, in one set. */
	if (command == MYSQL_QUERY && text.len > 2 && text.data[0] == 0 && text.data[1] == 1)
		text = slice_drop(text, 2);
	if (is_text(text))
		statement = statement_new(slice_take(text, STATEMENT_TEXT_MAX),
					  packet->cut || text.len > STATEMENT_TEXT_MAX, session->dialect);
	item_add(session, command,
		 request_give(session, command == MYSQL_QUERY ? "query" : "prepare", statement, statement,
			      packet),
		 statement);
	statement_unref(statement);
}

static void ask_execute(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct slice number = slice_take(slice_drop(packet->payload, 1), 4);
	struct statement *statement = NULL;
	bool known = false;

	if (word(number, 0, 4) == UINT32_MAX) { /* the one that is being prepared */
		statement = session->items && session->items->prev->command == MYSQL_PREPARE
				    ? session->items->prev->statement
				    : session->prepared;
		known = statement;
	} else if (number.len == 4) {
		statement = statements_find(&session->statements, number, &known);
	}
	item_add(session, packet->payload.data[0], request_give(session, "execute", statement, known, packet),
		 statement);
}

static void ask_command(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct slice name = slice_drop(packet->payload, 1);
	uint8_t command = packet->payload.data[0];
	struct mysql_item *item;

	switch (command) {
	case MYSQL_QUERY:
	case MYSQL_PREPARE:
		ask_text(session, packet);
		return;
	case MYSQL_EXECUTE:
	case MYSQL_BULK_EXECUTE:
		ask_execute(session, packet);
		return;
	case MYSQL_CLOSE:
		statements_remove(&session->statements, slice_take(name, 4));
		return;
	case MYSQL_QUIT:
	case MYSQL_LONG_DATA:
		return; /* without an answer */
	case MYSQL_BINLOG_DUMP:
	case MYSQL_BINLOG_DUMP_GTID:
		session->phase = MYSQL_OVER;
		return;
	case MYSQL_CHANGE_USER:
		statements_clear(&session->statements);
		session->source.database = slice_of(NULL, 0);
		session->phase = MYSQL_AUTH;
		return;
	case MYSQL_RESET:
		statements_clear(&session->statements);
		break;
	}
	item = item_add(session, command, 0, NULL);
	if (!item || command != MYSQL_INIT_DB)
		return;
	item->database_len = name.len < MYSQL_DATABASE_MAX ? name.len : MYSQL_DATABASE_MAX;
	if (item->database_len)
		memcpy(item->database, name.data, item->database_len);
}

void mysql_session_ask(struct mysql_session *session, const struct mysql_packet *packet)
{
	switch (session->phase) {
	case MYSQL_GREETING:
	case MYSQL_LOGIN:
		take_login(session, packet);
		return;
	case MYSQL_AUTH: /* secrets */
	case MYSQL_OVER:
		return;
	case MYSQL_COMMANDS:
		/* Others are data of a LOCAL INFILE. */
		if (packet->number == 0 && packet->payload.len)
			ask_command(session, packet);
		return;
	}
}

/* --- answers
 * -------------------------------------------------------------------------------------------------- */

static void head_end(struct mysql_session *session, uint64_t time_ns)
{
	struct mysql_item *item = session->items;

	if (!item->code && item->command == MYSQL_INIT_DB)
		database_set(session, slice_of(item->database, item->database_len));
	else if (!item->code && item->statement && slice_equal(item->statement->operation, SLICE("USE")))
		session->source.database = slice_of(NULL, 0); /* another one */
	answer_give(session, item, 0, time_ns);
	item_remove(session, item);
}

/* One of an answer's results is complete. */
static void result_end(struct mysql_session *session, uint32_t status, uint64_t time_ns)
{
	take_status(session, status);
	if (status & STATUS_MORE)
		session->items->state = ANSWER_FIRST;
	else
		head_end(session, time_ns);
}

/* OK, or what stands for it at the end of rows. */
static void take_ok(struct mysql_session *session, const struct mysql_packet *packet, bool rows)
{
	struct mysql_item *item = session->items;
	uint64_t affected;
	uint32_t status = ok_status(packet->payload, &affected);

	if (!rows) {
		item->affected += affected;
		item->changes = true;
	}
	result_end(session, status, packet->last_ns);
}

static void take_prepared(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct mysql_item *item = session->items;
	struct slice payload = packet->payload;

	item->left = word(payload, 5, 2) + word(payload, 7, 2);
	item->state = ANSWER_DEFINITIONS;
	statement_unref(session->prepared);
	session->prepared = statement_ref(item->statement);
	if (payload.len >= 5 && item->statement &&
	    !statements_put(&session->statements, slice_of(payload.data + 1, 4), item->statement))
		protocol_count(session->handler, NOTE_STATEMENT_LIMIT, 1);
	if (!item->left)
		head_end(session, packet->last_ns);
}

/* The first packet of an answer, or of its next result. */
static void answer_first(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct mysql_item *item = session->items;
	struct slice payload = packet->payload;
	uint8_t mark = payload.data[0];

	if (mark == MARK_ERROR) {
		take_error(item, payload);
		head_end(session, packet->last_ns);
	} else if (item->command == MYSQL_PREPARE && mark == MARK_OK) {
		take_prepared(session, packet);
	} else if (item->command == MYSQL_STATISTICS) {
		head_end(session, packet->last_ns);
	} else if (mark == MARK_OK) {
		take_ok(session, packet, false);
	} else if (mark == MARK_EOF) {
		result_end(session, word(payload, 3, 2), packet->last_ns);
	} else if (item->command == MYSQL_FIELD_LIST || item->command == MYSQL_FETCH) {
		item->state = ANSWER_ROWS;
	} else if (mark != MARK_INFILE) {
		item->left = take_number(&payload);
		/* MariaDB may leave out what it told before. */
		item->state = payload.len == 1 && !payload.data[0] ? ANSWER_ROWS : ANSWER_COLUMNS;
		item->returns = true;
	}
}

static bool is_end(const struct mysql_packet *packet)
{
	return packet->payload.data[0] == MARK_EOF && packet->bytes < 0xffffff &&
	       (packet->payload.len == EOF_BYTES || packet->payload.len >= OK_BYTES);
}

static void answer_row(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct mysql_item *item = session->items;

	if (packet->payload.data[0] == MARK_ERROR) {
		take_error(item, packet->payload);
		head_end(session, packet->last_ns);
	} else if (!is_end(packet)) {
		item->returned++;
	} else if (packet->payload.len == EOF_BYTES) {
		result_end(session, word(packet->payload, 3, 2), packet->last_ns);
	} else {
		take_ok(session, packet, true);
	}
}

/* Behind the columns an EOF stands, or nothing does; with a cursor the rows are asked for later. */
static void answer_column(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct mysql_item *item = session->items;

	if (item->left) {
		item->left--;
		return;
	}
	item->state = ANSWER_ROWS;
	if (packet->payload.data[0] != MARK_EOF || packet->payload.len != EOF_BYTES)
		answer_row(session, packet);
	else if (word(packet->payload, 3, 2) & STATUS_CURSOR)
		head_end(session, packet->last_ns);
}

static void answer_definition(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct mysql_item *item = session->items;

	if (is_end(packet))
		return;
	if (--item->left == 0)
		head_end(session, packet->last_ns);
}

static bool answer_command(struct mysql_session *session, const struct mysql_packet *packet)
{
	struct mysql_item *item = session->items;

	/* The EOF behind the last definition of what was prepared comes when that is over. */
	if (!item || (!item->began && packet->number != 1))
		return !item || is_end(packet) || packet->number > 1;
	item->began = true;
	item->first_ns = item->first_ns ? item->first_ns : packet->first_ns;
	item->bytes += packet->bytes;
	switch (item->state) {
	case ANSWER_FIRST:
		answer_first(session, packet);
		break;
	case ANSWER_COLUMNS:
		answer_column(session, packet);
		break;
	case ANSWER_ROWS:
		answer_row(session, packet);
		break;
	case ANSWER_DEFINITIONS:
		answer_definition(session, packet);
		break;
	}
	return true;
}

bool mysql_session_answer(struct mysql_session *session, const struct mysql_packet *packet)
{
	if (!packet->payload.len)
		return session->phase != MYSQL_COMMANDS;
	switch (session->phase) {
	case MYSQL_GREETING:
		if (packet->payload.data[0] == MARK_ERROR)
			take_auth_answer(session, packet);
		else
			take_greeting(session, packet->payload);
		return true;
	case MYSQL_LOGIN:
	case MYSQL_AUTH:
		take_auth_answer(session, packet);
		return true;
	case MYSQL_COMMANDS:
		return answer_command(session, packet);
	case MYSQL_OVER:
		return true;
	}
	return true;
}

void mysql_session_end(struct mysql_session *session, enum protocol_end reason, uint64_t time_ns)
{
	(void)time_ns;
	while (session->items) {
		if (session->items->first_ns)
			answer_give(session, session->items, protocol_end_flags(reason), 0);
		item_remove(session, session->items);
	}
}

void mysql_session_fini(struct mysql_session *session)
{
	while (session->items)
		item_remove(session, session->items);
	statements_clear(&session->statements);
	statement_unref(session->prepared);
}

size_t mysql_session_memory(const struct mysql_session *session)
{
	return session->held_bytes + session->statements.bytes;
}
