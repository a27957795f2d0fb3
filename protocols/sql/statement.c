/* SPDX-License-Identifier: Apache-2.0 */
#include "statement.h"

#include "fact.h"
#include "sql_text.h"

#include <stdlib.h>
#include <utlist.h>

#define TEXT_FACT_MAX 4096 /* of a text that is shown by itself; the body has more of it */
#define BUCKETS	      (sizeof(((struct statements *)0)->buckets) / sizeof(struct statement_name *))

struct statement_name {
	struct statement_name *next_hashed; /* of its bucket */
	struct statement_name *prev, *next; /* oldest first */
	struct statement *statement;	    /* NULL: its text is not known */
	size_t len;
	uint8_t name[];
};

/* --- a statement ------------------------------------------------------------------------------------- */

static struct slice put(uint8_t **to, struct slice bytes)
{
	struct slice copy = slice_of(bytes.len ? *to : NULL, bytes.len);

	if (bytes.len)
		memcpy(*to, bytes.data, bytes.len);
	*to += bytes.len;
	return copy;
}

static struct statement *statement_of(struct slice raw, struct slice text)
{
	struct statement *statement;
	struct sql_names names;
	size_t bytes;
	uint8_t *at;

	sql_summarise(text, &names);
	bytes = sizeof(*statement) + raw.len + text.len + names.summary_len + names.operation_len +
		names.collection_len;
	statement = malloc(bytes);
	if (!statement)
		return NULL;
	at = (uint8_t *)(statement + 1);
	*statement = (struct statement){ .refs = 1, .bytes = bytes };
	statement->raw = put(&at, raw);
	statement->text = put(&at, text);
	statement->summary = put(&at, slice_of(names.summary, names.summary_len));
	statement->operation = put(&at, slice_of(names.operation, names.operation_len));
	statement->collection = put(&at, slice_of(names.collection, names.collection_len));
	return statement;
}

struct statement *statement_new(struct slice text, bool cut, unsigned int dialect)
{
	uint8_t *clean = malloc(text.len + 1);
	struct statement *statement =
		clean ? statement_of(text, slice_of(clean, sql_sanitise(text, dialect, clean))) : NULL;

	free(clean);
	if (statement)
		statement->cut = cut;
	return statement;
}

struct statement *statement_ref(struct statement *statement)
{
	if (statement)
		statement->refs++;
	return statement;
}

void statement_unref(struct statement *statement)
{
	if (statement && --statement->refs == 0)
		free(statement);
}

/* --- by name ---------------------------------------------------------------------------------------------
 */

static struct statement_name **bucket_of(const struct statements *statements, struct slice name)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ name.data[i]) * 16777619;
	return (struct statement_name **)&statements->buckets[hash % BUCKETS];
}

static struct statement_name **place_of(const struct statements *statements, struct slice name)
{
	struct statement_name **at = bucket_of(statements, name);

	while (*at && !slice_equal(slice_of((*at)->name, (*at)->len), name))
		at = &(*at)->next_hashed;
	return at;
}

static size_t name_bytes(const struct statement_name *named)
{
	return sizeof(*named) + named->len + (named->statement ? named->statement->bytes : 0);
}

struct statement *statements_find(const struct statements *statements, struct slice name, bool *known)
{
	struct statement_name *named = *place_of(statements, name);

	*known = named;
	return named ? named->statement : NULL;
}

void statements_remove(struct statements *statements, struct slice name)
{
	struct statement_name **at = place_of(statements, name), *named = *at;

	if (!named)
		return;
	*at = named->next_hashed;
	DL_DELETE(statements->oldest, named);
	statements->count--;
	statements->bytes -= name_bytes(named);
	statement_unref(named->statement);
	free(named);
}

void statements_clear(struct statements *statements)
{
	while (statements->oldest)
		statements_remove(statements, slice_of(statements->oldest->name, statements->oldest->len));
}

bool statements_put(struct statements *statements, struct slice name, struct statement *statement)
{
	struct statement_name *named, **at;
	bool all = true;

	statements_remove(statements, name);
	named = malloc(sizeof(*named) + name.len);
	if (!named)
		return false;
	*named = (struct statement_name){ .statement = statement_ref(statement), .len = name.len };
	if (name.len)
		memcpy(named->name, name.data, name.len);
	at = bucket_of(statements, name);
	named->next_hashed = *at;
	*at = named;
	DL_APPEND(statements->oldest, named);
	statements->count++;
	statements->bytes += name_bytes(named);
	while (statements->count > STATEMENTS_MAX ||
	       (statements->bytes > STATEMENTS_BYTES && statements->count > 1)) {
		statements_remove(statements, slice_of(statements->oldest->name, statements->oldest->len));
		all = false;
	}
	return all;
}

/* --- messages ---------------------------------------------------------------------------------------------
 */

static struct fact *fact_add(struct message *message, const char *name, enum fact_kind kind)
{
	struct fact *fact = arena_alloc(&message->arena, sizeof(*fact)), **at = &message->facts;

	if (!fact) {
		message->flags |= FLAG_TRUNCATED;
		return NULL;
	}
	while (*at)
		at = &(*at)->next;
	*fact = (struct fact){ .name = name, .kind = kind };
	*at = fact;
	return fact;
}

void query_text(struct message *message, const char *name, struct slice text)
{
	struct slice copy;
	struct fact *fact;

	if (!text.data)
		return;
	if (arena_copy(&message->arena, text, &copy) < 0) {
		message->flags |= FLAG_TRUNCATED;
		return;
	}
	fact = fact_add(message, name, FACT_TEXT);
	if (fact)
		fact->text = copy;
}

void query_number(struct message *message, const char *name, uint64_t number)
{
	struct fact *fact = fact_add(message, name, FACT_NUMBER);

	if (fact)
		fact->number = number;
}

/* Of what is only prepared the summary says so: it is not what is counted under the statement's own. */
static void fill_summary(struct message *request, const char *command, const struct statement *statement)
{
	static const struct slice prepare = { (const uint8_t *)"PREPARE ", 8 };
	uint8_t text[SQL_SUMMARY_MAX + 8];
	struct slice summary = statement->summary;

	if (strcmp(command, "prepare") == 0 && summary.data) {
		memcpy(text, prepare.data, prepare.len);
		memcpy(text + prepare.len, summary.data, summary.len);
		summary = slice_of(text, prepare.len + summary.len);
	}
	query_text(request, "db.query.summary", summary);
}

void query_fill(struct message *request, const struct query_source *source, const char *command,
		const struct statement *statement)
{
	request->version = source->version;
	query_text(request, "db.system.name", slice_of_string(source->system));
	query_text(request, "db.namespace", source->database);
	query_text(request, "hark.db.command", slice_of_string(command));
	if (strcmp(command, "connect") == 0)
		query_text(request, "db.query.summary", SLICE("CONNECT"));
	if (!statement)
		return;
	if (statement->cut || statement->text.len > TEXT_FACT_MAX)
		request->flags |= FLAG_TRUNCATED;
	fill_summary(request, command, statement);
	query_text(request, "db.operation.name", statement->operation);
	query_text(request, "db.collection.name", statement->collection);
	query_text(request, "db.query.text", slice_take(statement->text, TEXT_FACT_MAX));
	if (statement->raw.len && arena_copy(&request->arena, statement->raw, &request->body) < 0)
		request->flags |= FLAG_TRUNCATED;
}

void query_fill_answer(struct message *response, const struct query_outcome *outcome)
{
	query_text(response, "db.response.status_code",
		   slice_of(outcome->code_len ? outcome->code : NULL, outcome->code_len));
	query_text(response, "db.operation.name", outcome->operation);
	if (outcome->returned_known)
		query_number(response, "db.response.returned_rows", outcome->returned);
	if (outcome->affected_known)
		query_number(response, "hark.db.affected_rows", outcome->affected);
	if (outcome->message.len && arena_copy(&response->arena, outcome->message, &response->body) < 0)
		response->flags |= FLAG_TRUNCATED;
}

struct message *query_message(const struct protocol_config *config, const struct query_source *source,
			      enum message_kind kind, enum event_direction asks, uint32_t key,
			      uint64_t first_ns)
{
	struct message *message = message_new_of(config->rooms, kind, config->message_limit_bytes);

	if (!message)
		return NULL;
	message->version = source->version;
	message->direction = kind == MESSAGE_REQUEST ? asks : !asks;
	message->key = key;
	message->first_byte_ns = first_ns;
	return message;
}

void query_give(const struct protocol_handler *handler, struct message *message, uint64_t time_ns)
{
	message->head_ns = message->last_byte_ns = time_ns;
	handler->head(handler->ctx, message);
	handler->done(handler->ctx, message);
}
