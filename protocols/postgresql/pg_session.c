/* SPDX-License-Identifier: Apache-2.0 */
#include "pg_session.h"

#include "ascii.h"
#include "bytes.h"
#include "pg_evidence.h"
#include "sql/sql_text.h"

#include <stdlib.h>
#include <utlist.h>

#define ITEMS_MAX      8192 /* messages whose answer is awaited */
#define ERROR_TEXT_MAX 1024
#define OPERATION_MAX  32

enum pg_kind {
	ITEM_STARTUP,
	ITEM_QUERY,
	ITEM_FUNCTION,
	ITEM_PARSE,
	ITEM_BIND,
	ITEM_DESCRIBE,
	ITEM_EXECUTE,
	ITEM_CLOSE,
	ITEM_SYNC,
};

struct pg_item {
	struct pg_item *prev, *next;
	enum pg_kind kind;
	uint32_t key;	 /* of its exchange; 0: none */
	bool answers;	 /* its answer is the exchange's */
	bool unnamed;	 /* the statement's text is not known */
	size_t bytes;	 /* of this item's memory */
	size_t name_len; /* ITEM_PARSE: of the statement */

	/* The answer so far. */
	uint64_t first_ns, answer_bytes;
	uint64_t returned, affected;
	bool returns, affected_known;
	uint8_t code[5];
	size_t code_len;
	uint8_t operation[OPERATION_MAX];
	size_t operation_len;
	struct bytes error;

	uint8_t name[];
};

/* --- messages out ----------------------------------------------------------------------------------------
 */

static uint32_t key_new(struct pg_session *session)
{
	session->keys++;
	session->keys += session->keys == 0;
	return session->keys;
}

static struct message *message_begin(struct pg_session *session, enum message_kind kind, uint32_t key,
				     uint64_t first_ns)
{
	struct message *message =
		query_message(session->config, &session->source, kind, session->asks, key, first_ns);

	session->no_memory |= !message;
	return message;
}

/* What is asked. */
static void request_give(struct pg_session *session, const struct pg_unit *unit, const char *command,
			 uint64_t time_ns)
{
	struct message *request = message_begin(session, MESSAGE_REQUEST, unit->key, unit->first_ns);

	if (!request)
		return;
	query_fill(request, &session->source, command, unit->statement);
	request->flags |= session->doubt;
	/* A statement that was prepared before hark, or in what was lost. */
	if (!unit->known)
		request->flags |= session->config->from_start[session->asks] ? FLAG_GAP : FLAG_LATE_JOINED;
	request->body_bytes = unit->bytes;
	request->body_known = true;
	query_give(session->handler, request, time_ns);
}

/* An answer of which nothing is known, so that its exchange ends. */
static void answer_nothing(struct pg_session *session, uint32_t key, unsigned int flags)
{
	struct message *response;

	if (!key || key == session->failed_key)
		return;
	response = message_begin(session, MESSAGE_RESPONSE, key, 0);
	if (!response)
		return;
	response->flags |= flags;
	query_give(session->handler, response, 0);
}

/* The answer to an item; without a time its end was not seen. */
static void answer_give(struct pg_session *session, const struct pg_item *item, unsigned int flags,
			uint64_t time_ns)
{
	struct query_outcome outcome = {
		.code_len = item->code_len,
		.message = slice_of(item->error.data, item->error.len),
		.returned = item->returned,
		.returned_known = item->returns && !(flags & FLAG_GAP) && time_ns,
		.affected = item->affected,
		.affected_known = item->affected_known,
		.operation = slice_of(item->operation_len && item->unnamed ? item->operation : NULL,
				      item->unnamed ? item->operation_len : 0),
	};
	struct message *response;

	if (!item->key || item->key == session->failed_key)
		return;
	response = message_begin(session, MESSAGE_RESPONSE, item->key, item->first_ns);
	if (!response)
		return;
	memcpy(outcome.code, item->code, item->code_len);
	query_fill_answer(response, &outcome);
	response->flags |= flags;
	response->body_bytes = item->answer_bytes;
	response->body_known = time_ns && !(flags & FLAG_GAP);
	query_give(session->handler, response, time_ns);
}

/* --- items
 * --------------------------------------------------------------------------------------------------- */

static bool is_end(enum pg_kind kind)
{
	return kind == ITEM_STARTUP || kind == ITEM_QUERY || kind == ITEM_FUNCTION || kind == ITEM_SYNC;
}

static void item_remove(struct pg_session *session, struct pg_item *item, uint64_t time_ns)
{
	if (session->unit.item == item) {
		session->unit.item = NULL;
		session->unit.answered_ns = time_ns;
	}
	DL_DELETE(session->items, item);
	session->count--;
	session->ends -= is_end(item->kind);
	session->held_bytes -= item->bytes + item->error.capacity;
	bytes_fini(&item->error);
	free(item);
}

/* Everything that is awaited comes out unanswered. */
static void items_drop(struct pg_session *session, unsigned int flags)
{
	while (session->items) {
		if (session->items->answers)
			answer_nothing(session, session->items->key, flags);
		item_remove(session, session->items, 0);
	}
	session->skipping = false;
}

static void unit_forget(struct pg_session *session)
{
	statement_unref(session->unit.statement);
	session->unit = (struct pg_unit){ .open = false };
}

/* What is asked from here on may have been answered, or be answered by what belongs to something lost. */
static void session_doubt(struct pg_session *session, unsigned int flags)
{
	items_drop(session, FLAG_GAP);
	unit_forget(session);
	session->doubt = flags;
	session->doubt_asked = false;
}

/* NULL: nothing is awaited for it. */
static struct pg_item *item_add(struct pg_session *session, enum pg_kind kind, uint32_t key,
				struct slice name, uint64_t time_ns)
{
	struct pg_item *item;

	/* Its answer came before the record of it: it is not to be taken for that of the next. */
	if (session->orphan_ns && time_ns <= session->orphan_ns)
		return NULL;
	if (session->skipping && kind != ITEM_SYNC)
		return NULL;
	session->skipping = false;
	item = session->count < ITEMS_MAX ? calloc(1, sizeof(*item) + name.len) : NULL;
	if (!item) {
		session->no_memory |= session->count < ITEMS_MAX;
		if (session->count >= ITEMS_MAX)
			protocol_count(session->handler, NOTE_PIPELINE_LIMIT, 1);
		session_doubt(session, FLAG_GAP);
		return NULL;
	}
	item->kind = kind;
	item->key = key;
	item->bytes = sizeof(*item) + name.len;
	item->name_len = name.len;
	if (name.len)
		memcpy(item->name, name.data, name.len);
	DL_APPEND(session->items, item);
	session->count++;
	session->ends += is_end(kind);
	session->held_bytes += item->bytes;
	session->doubt_asked = true;
	return item;
}

/* The same of one whose answer is an exchange's, which ends without one if nothing is awaited. */
static struct pg_item *item_add_answering(struct pg_session *session, enum pg_kind kind, uint32_t key,
					  bool known, uint64_t time_ns)
{
	bool skipped = session->skipping;
	struct pg_item *item = item_add(session, kind, key, slice_of(NULL, 0), time_ns);

	if (item) {
		item->answers = true;
		item->unnamed = !known;
	} else {
		answer_nothing(session, key, skipped ? FLAG_UNANSWERED : FLAG_GAP);
	}
	return item;
}

/* --- what the client asks ---------------------------------------------------------------------------------
 */

/* A string with its NUL, taken from the front; false: it is cut. */
static bool take_string(struct slice *bytes, struct slice *string)
{
	size_t len = slice_find(*bytes, 0);

	*string = slice_take(*bytes, len);
	if (len == bytes->len)
		return false;
	*bytes = slice_drop(*bytes, len + 1);
	return true;
}

static void name_keep(struct pg_unit *unit, struct slice name)
{
	unit->name_len = name.len;
	if (name.len <= PG_NAME_KEPT && name.len)
		memcpy(unit->name, name.data, name.len);
}

static bool name_is(const struct pg_unit *unit, struct slice name)
{
	return unit->name_len <= PG_NAME_KEPT && slice_equal(slice_of(unit->name, unit->name_len), name);
}

static void unit_open(struct pg_session *session, struct statement *statement, bool known,
		      const struct pg_message *message)
{
	statement_unref(session->unit.statement);
	session->unit = (struct pg_unit){
		.open = true,
		.known = known,
		.key = key_new(session),
		.statement = statement_ref(statement),
		.first_ns = message->first_ns,
	};
}

/* Nothing executes it: what was prepared or bound is an exchange by itself. */
static void unit_close(struct pg_session *session, uint64_t time_ns)
{
	struct pg_unit *unit = &session->unit;

	if (!unit->open)
		return;
	request_give(session, unit, unit->bound ? "bind" : "prepare", time_ns);
	if (unit->item)
		unit->item->answers = true;
	else if (unit->key != session->failed_key) {
		struct pg_item item = { .key = unit->key, .first_ns = unit->answered_ns };

		answer_give(session, &item, unit->answered_ns ? 0 : FLAG_UNANSWERED, unit->answered_ns);
	}
	unit_forget(session);
}

static void ask_query(struct pg_session *session, const struct pg_message *message, bool text_known)
{
	struct slice text = message->content;
	struct statement *statement = NULL;

	unit_close(session, message->last_ns);
	if (!message->cut && text.len)
		text.len--; /* its NUL */
	if (text_known)
		statement = statement_new(slice_take(text, STATEMENT_TEXT_MAX),
					  message->cut || text.len > STATEMENT_TEXT_MAX, session->dialect);
	session->no_memory |= text_known && !statement;
	unit_open(session, statement, true, message);
	statement_unref(statement);
	session->unit.bytes = message->bytes;
	request_give(session, &session->unit, text_known ? "query" : "function", message->last_ns);
	item_add_answering(session, text_known ? ITEM_QUERY : ITEM_FUNCTION, session->unit.key, statement,
			   message->last_ns);
	unit_forget(session);
}

/* The name is the text's from here on; where an error comes, nobody knows whose it is. */
static void ask_parse(struct pg_session *session, const struct pg_message *message)
{
	struct slice bytes = message->content, name, text;
	struct statement *statement = NULL;
	struct pg_unit *unit = &session->unit;
	bool whole;

	unit_close(session, message->last_ns);
	if (!take_string(&bytes, &name))
		return;
	whole = take_string(&bytes, &text);
	statement = statement_new(slice_take(text, STATEMENT_TEXT_MAX),
				  !whole || text.len > STATEMENT_TEXT_MAX, session->dialect);
	session->no_memory |= !statement;
	unit_open(session, statement, statement, message);
	unit->bytes = message->bytes;
	name_keep(unit, name);
	unit->item = item_add(session, ITEM_PARSE, unit->key, name, message->last_ns);
	statements_remove(&session->statements, name);
	if (unit->item && statement && !statements_put(&session->statements, name, statement))
		protocol_count(session->handler, NOTE_STATEMENT_LIMIT, 1);
	statement_unref(statement);
}

static void ask_bind(struct pg_session *session, const struct pg_message *message)
{
	struct slice bytes = message->content, portal, name;
	struct pg_unit *unit = &session->unit;
	struct statement *statement;
	bool known;

	if (!take_string(&bytes, &portal) || !take_string(&bytes, &name)) {
		unit_close(session, message->last_ns);
		return;
	}
	if (!unit->open || unit->bound || !name_is(unit, name)) {
		unit_close(session, message->last_ns);
		statement = statements_find(&session->statements, name, &known);
		unit_open(session, statement, known, message);
	}
	unit->bound = true;
	unit->bytes += message->bytes;
	name_keep(unit, portal);
	unit->item = item_add(session, ITEM_BIND, unit->key, slice_of(NULL, 0), message->last_ns);
	statements_remove(&session->portals, portal);
	if (unit->known && !statements_put(&session->portals, portal, unit->statement))
		protocol_count(session->handler, NOTE_STATEMENT_LIMIT, 1);
}

static void ask_execute(struct pg_session *session, const struct pg_message *message)
{
	struct slice bytes = message->content, portal = { 0 };
	struct pg_unit *unit = &session->unit;
	struct statement *statement = NULL;
	bool known = false;

	if (take_string(&bytes, &portal))
		statement = statements_find(&session->portals, portal, &known);
	if (!unit->open || !unit->bound || !name_is(unit, portal)) {
		unit_close(session, message->last_ns);
		unit_open(session, statement, known, message);
	}
	unit->bytes += message->bytes;
	request_give(session, unit, "execute", message->last_ns);
	item_add_answering(session, ITEM_EXECUTE, unit->key, unit->known, message->last_ns);
	unit_forget(session);
}

static void ask_close(struct pg_session *session, const struct pg_message *message)
{
	struct slice bytes = slice_drop(message->content, 1), name;

	if (message->content.len && take_string(&bytes, &name))
		statements_remove(message->content.data[0] == 'S' ? &session->statements : &session->portals,
				  name);
	item_add(session, ITEM_CLOSE, session->unit.key, slice_of(NULL, 0), message->last_ns);
}

/* Of the startup message the database is kept; without one it has the user's name. */
static void ask_startup(struct pg_session *session, const struct pg_message *message)
{
	struct slice bytes = message->content, name, value, user = { 0 }, database = { 0 };

	while (take_string(&bytes, &name) && name.len && take_string(&bytes, &value)) {
		if (slice_equal(name, SLICE("user")))
			user = value;
		else if (slice_equal(name, SLICE("database")))
			database = value;
	}
	database = slice_take(database.len ? database : user, sizeof(session->database));
	if (database.len)
		memcpy(session->database, database.data, database.len);
	session->source.database = slice_of(database.len ? session->database : NULL, database.len);
	unit_open(session, NULL, true, message);
	session->unit.bytes = message->bytes;
	item_add(session, ITEM_STARTUP, session->unit.key, slice_of(NULL, 0), message->last_ns);
	if (session->items)
		session->items->first_ns = message->first_ns;
	unit_forget(session);
}

void pg_session_ask(struct pg_session *session, const struct pg_message *message)
{
	switch (message->type) {
	case 0:
		ask_startup(session, message);
		break;
	case 'Q':
		ask_query(session, message, true);
		break;
	case 'F':
		ask_query(session, message, false);
		break;
	case 'P':
		ask_parse(session, message);
		break;
	case 'B':
		ask_bind(session, message);
		break;
	case 'D':
		item_add(session, ITEM_DESCRIBE, session->unit.key, slice_of(NULL, 0), message->last_ns);
		break;
	case 'E':
		ask_execute(session, message);
		break;
	case 'C':
		ask_close(session, message);
		break;
	case 'S':
		unit_close(session, message->last_ns);
		item_add(session, ITEM_SYNC, 0, slice_of(NULL, 0), message->last_ns);
		break;
	case 'H':
		unit_close(session, message->last_ns);
		break;
	default: /* COPY's data, passwords, the end */
		break;
	}
}

void pg_session_turn(struct pg_session *session, bool lost)
{
	/* Nobody asks again before the answer, or else nobody knows which one comes. */
	if (lost && session->items)
		session_doubt(session, FLAG_GAP);
	if (session->doubt && session->doubt_asked && !session->items)
		session->doubt = 0;
}

/* --- what the server answers
 * -------------------------------------------------------------------------------- */

static bool head_is(const struct pg_session *session, enum pg_kind kind)
{
	return session->items && session->items->kind == kind;
}

static bool head_runs(const struct pg_session *session)
{
	return head_is(session, ITEM_QUERY) || head_is(session, ITEM_EXECUTE) ||
	       head_is(session, ITEM_FUNCTION);
}

/* The head's answer is complete. */
static void head_end(struct pg_session *session, unsigned int flags, uint64_t time_ns)
{
	struct pg_item *item = session->items;

	if (item->answers)
		answer_give(session, item, flags, time_ns);
	item_remove(session, item, time_ns);
}

/* "INSERT 0 5": the command, and how many rows, if that is a number. */
static void take_tag(struct pg_item *item, struct slice tag)
{
	size_t end = tag.len, digits;
	uint64_t rows;
	bool counts = false;

	while (end && ascii_is_digit(tag.data[end - 1]))
		end--;
	digits = end;
	if (digits && digits < tag.len && tag.data[digits - 1] == ' ')
		counts = slice_number(slice_drop(tag, digits), &rows);
	while (end && (ascii_is_digit(tag.data[end - 1]) || tag.data[end - 1] == ' '))
		end--;
	if (!item->operation_len) {
		item->operation_len = end < OPERATION_MAX ? end : OPERATION_MAX;
		memcpy(item->operation, tag.data, item->operation_len);
	}
	tag = slice_take(tag, end);
	if (slice_equal(tag, SLICE("SELECT")) || slice_equal(tag, SLICE("FETCH"))) {
		item->returns = true;
	} else if (counts) {
		item->affected += rows;
		item->affected_known = true;
	}
}

/* Fields of an error, each a letter with a string; C is SQLSTATE, M the message. */
static void take_error(struct pg_session *session, struct pg_item *item, struct slice bytes)
{
	struct slice text;

	while (bytes.len > 1 && bytes.data[0]) {
		uint8_t field = bytes.data[0];
		bool whole;

		bytes = slice_drop(bytes, 1);
		whole = take_string(&bytes, &text);
		if (field == 'C' && text.len == sizeof(item->code) && whole && !item->code_len) {
			memcpy(item->code, text.data, text.len);
			item->code_len = text.len;
		} else if (field == 'M' && !item->error.len) {
			session->held_bytes -= item->error.capacity;
			if (bytes_append(&item->error, slice_take(text, ERROR_TEXT_MAX), ERROR_TEXT_MAX) < 0)
				session->no_memory = true;
			session->held_bytes += item->error.capacity;
		}
		if (!whole)
			return;
	}
}

/* An error of the extended protocol: nothing runs up to the next Sync. */
static void skip_to_sync(struct pg_session *session)
{
	while (session->items && session->items->kind != ITEM_SYNC) {
		struct pg_item *item = session->items;

		if (item->answers)
			answer_nothing(session, item->key, FLAG_UNANSWERED);
		if (item->kind == ITEM_PARSE)
			statements_remove(&session->statements, slice_of(item->name, item->name_len));
		item_remove(session, item, 0);
	}
	session->skipping = !session->items;
}

/* The connection is refused. */
static void answer_refused(struct pg_session *session, uint64_t time_ns)
{
	const struct pg_item *item = session->items;
	struct pg_unit unit = { .known = true, .key = item->key, .first_ns = item->first_ns };

	request_give(session, &unit, "connect", item->first_ns);
	session->items->first_ns = time_ns;
	answer_give(session, item, 0, time_ns);
	item_remove(session, session->items, time_ns);
}

static void answer_error(struct pg_session *session, const struct pg_message *message)
{
	struct pg_item *item = session->items;

	if (!item) {
		session->orphan_ns = session->skipping ? session->orphan_ns : message->last_ns;
		return;
	}
	take_error(session, item, message->content);
	if (item->kind == ITEM_STARTUP) {
		answer_refused(session, message->last_ns);
	} else if (!is_end(item->kind)) {
		item->first_ns = item->first_ns ? item->first_ns : message->first_ns;
		answer_give(session, item, 0, message->last_ns);
		session->failed_key = item->key;
		skip_to_sync(session);
	}
}

static bool answer_ready(struct pg_session *session, uint64_t time_ns)
{
	if (!session->items) {
		session->orphan_ns = time_ns;
		session->doubt_asked = false;
		return true;
	}
	if (!is_end(session->items->kind))
		return false;
	head_end(session, 0, time_ns);
	return true;
}

/* Those that have no part in an exchange but their place. */
static bool answer_step(struct pg_session *session, enum pg_kind kind, uint64_t time_ns)
{
	if (!head_is(session, kind))
		return !session->items;
	session->items->first_ns = session->items->first_ns ? session->items->first_ns : time_ns;
	head_end(session, 0, time_ns);
	return true;
}

static void answer_count(struct pg_session *session, const struct pg_message *message)
{
	struct pg_item *item = session->items;

	if (!head_runs(session))
		return;
	item->first_ns = item->first_ns ? item->first_ns : message->first_ns;
	item->answer_bytes += message->bytes;
	item->returned += message->type == 'D';
	item->returns |= message->type == 'D' || message->type == 'T';
}

/* CommandComplete, or what stands for it. */
static bool answer_complete(struct pg_session *session, const struct pg_message *message)
{
	struct slice tag = message->content;

	if (!head_runs(session)) {
		session->orphan_ns = session->items ? session->orphan_ns : message->last_ns;
		return !session->items;
	}
	if (message->type == 'C' && tag.len)
		take_tag(session->items, slice_take(tag, slice_find(tag, 0)));
	if (head_is(session, ITEM_EXECUTE))
		head_end(session, 0, message->last_ns);
	return true;
}

static void answer_parameter(struct pg_session *session, struct slice bytes)
{
	struct slice name, value;

	if (!take_string(&bytes, &name) || !take_string(&bytes, &value) ||
	    !slice_equal(name, SLICE("standard_conforming_strings")))
		return;
	session->dialect = slice_equal(value, SLICE("off")) ? SQL_BACKSLASHES : SQL_POSTGRESQL;
}

bool pg_session_answer(struct pg_session *session, const struct pg_message *message)
{
	answer_count(session, message);
	switch (message->type) {
	case 'S':
		answer_parameter(session, message->content);
		return true;
	case 'E':
		answer_error(session, message);
		return true;
	case 'Z':
		return answer_ready(session, message->last_ns);
	case '1':
		return answer_step(session, ITEM_PARSE, message->last_ns);
	case '2':
		return answer_step(session, ITEM_BIND, message->last_ns);
	case '3':
		return answer_step(session, ITEM_CLOSE, message->last_ns);
	case 'n':
		return answer_step(session, ITEM_DESCRIBE, message->last_ns);
	case 'T':
		return head_runs(session) || answer_step(session, ITEM_DESCRIBE, message->last_ns);
	case 't':
		return !session->items || head_is(session, ITEM_DESCRIBE);
	case 'D':
		return !session->items || head_runs(session);
	case 'C':
	case 'I':
	case 's':
		return answer_complete(session, message);
	default: /* what says nothing of a statement: notices, data of COPY, keys */
		return true;
	}
}

/* --- losses, and the end ----------------------------------------------------------------------------------
 */

bool pg_session_lose(struct pg_session *session, bool questions)
{
	bool idle = !session->items;

	if (questions) {
		statements_clear(&session->statements);
		statements_clear(&session->portals);
	} else if (session->ends == 1 && is_end(session->items->prev->kind)) {
		return true; /* one ReadyForQuery is awaited, and nothing behind it */
	}
	session_doubt(session, FLAG_GAP);
	return idle && !questions;
}

void pg_session_found(struct pg_session *session, uint64_t time_ns)
{
	struct pg_item *item;

	session->skipping = false;
	while (session->items && !is_end(session->items->kind)) {
		item = session->items;
		if (item->answers)
			answer_nothing(session, item->key, FLAG_GAP);
		item_remove(session, item, 0);
	}
	if (session->items)
		head_end(session, FLAG_GAP, time_ns);
	else
		session->orphan_ns = time_ns;
}

void pg_session_end(struct pg_session *session, enum protocol_end reason, uint64_t time_ns)
{
	unsigned int flags = protocol_end_flags(reason);

	(void)time_ns;
	if (session->unit.open)
		request_give(session, &session->unit, session->unit.bound ? "bind" : "prepare", 0);
	unit_forget(session);
	while (session->items) {
		struct pg_item *item = session->items;

		/* Of an answer that began there is something to tell. */
		if (item->answers && item->first_ns)
			answer_give(session, item, flags, item->code_len ? time_ns : 0);
		item_remove(session, item, 0);
	}
}

void pg_session_fini(struct pg_session *session)
{
	while (session->items)
		item_remove(session, session->items, 0);
	statement_unref(session->unit.statement);
	statements_clear(&session->statements);
	statements_clear(&session->portals);
}

size_t pg_session_memory(const struct pg_session *session)
{
	return session->held_bytes + session->statements.bytes + session->portals.bytes;
}
