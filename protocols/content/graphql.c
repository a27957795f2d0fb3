/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GraphQL over HTTP: the operation's type and name, and how many errors a response has that is 200 all the
 * same.
 *
 * A body is taken for such a request when it has no other members than those have, and its query is a
 * document of operations: balanced, with one that has a type in front. What could be something else (a query
 * without its type, or none at all) is taken only where the path says that it is GraphQL. Facts are told when
 * the body is whole.
 */
#include "ascii.h"
#include "contents.h"
#include "json_stream.h"

#include <string.h>

#define QUERY_MAX      16384
#define NAME_MAX_BYTES 128
#define OPERATIONS_MAX 8 /* of a document */

enum operation_type {
	ANONYMOUS,
	QUERY,
	MUTATION,
	SUBSCRIPTION
}; /* the first is a query without its type */

struct operation {
	enum operation_type type;
	size_t len; /* of its name; 0: none */
	char name[NAME_MAX_BYTES];
};

struct graphql {
	struct json_stream json[2];
	/* The request at hand, alone or of a batch. */
	struct operation operations[OPERATIONS_MAX];
	size_t count;
	bool has_query, persisted, too_many, named;
	struct operation asked; /* operationName */
	/* All requests of the body. */
	struct operation first;
	bool differ, unknown, by_path, is_batch, wrong;
	size_t requests;
	uint64_t errors;
	enum message_kind kind;
	struct reading *reading;
};

static const char *const type_names[] = { "query", "query", "mutation", "subscription" };

static bool is_name(uint8_t byte)
{
	return ascii_is_digit(byte) || ascii_is_letter(byte) || byte == '_';
}

/* --- a document of operations (GraphQL, 2) -------------------------------------------------- */

static struct slice skip_string(struct slice text)
{
	bool block = slice_has_prefix(text, SLICE("\"\"\""));
	size_t quotes = block ? 3 : 1;

	for (text = slice_drop(text, quotes); text.len; text = slice_drop(text, 1)) {
		if (text.data[0] == '\\') {
			text = slice_drop(text, block && !slice_has_prefix(text, SLICE("\\\"\"\"")) ? 0 : 1);
			if (block && slice_has_prefix(text, SLICE("\"\"\"")))
				text = slice_drop(text, 2);
			continue;
		}
		if (slice_has_prefix(text, slice_take(SLICE("\"\"\""), quotes)))
			return slice_drop(text, quotes);
	}
	return text;
}

/* A comment goes up to the end of its line, which CR may be as well as LF. */
static struct slice skip_comment(struct slice text)
{
	size_t end = slice_find(text, '\n');

	return slice_drop(text, slice_find(slice_take(text, end), '\r'));
}

static struct slice skip_ignored(struct slice text)
{
	while (text.len) {
		if (text.data[0] == '#')
			text = skip_comment(text);
		else if (!strchr(" \t\r\n,", text.data[0]) || !text.data[0])
			break;
		text = slice_drop(text, 1);
	}
	return text;
}

static struct slice name_next(struct slice *text)
{
	size_t len = 0;

	*text = skip_ignored(*text);
	while (len < text->len && is_name(text->data[len]))
		len++;
	*text = slice_drop(*text, len);
	return slice_of(text->data - len, len);
}

/* Passes over the definition that begins here, up to the braces that end it; false: there are none. */
static bool definition_skip(struct slice *text)
{
	size_t depth = 0, braces = 0;

	while (text->len) {
		uint8_t byte = text->data[0];

		if (byte == '"') {
			*text = skip_string(*text);
			continue;
		}
		if (byte == '#') {
			*text = skip_comment(*text);
			continue;
		}
		*text = slice_drop(*text, 1);
		braces += byte == '{' && !depth;
		depth += byte == '{' || byte == '(' || byte == '[';
		if (byte != '}' && byte != ')' && byte != ']')
			continue;
		if (!depth--)
			return false;
		if (!depth && byte == '}')
			return braces > 0;
	}
	return false;
}

static bool type_of(struct slice word, enum operation_type *type)
{
	for (*type = QUERY; *type <= SUBSCRIPTION; (*type)++)
		if (slice_equal(word, slice_of_string(type_names[*type])))
			return true;
	return false;
}

static void operation_add(struct graphql *graphql, enum operation_type type, struct slice name)
{
	struct operation *operation = &graphql->operations[graphql->count];

	if (graphql->count == OPERATIONS_MAX || name.len > sizeof(operation->name)) {
		graphql->too_many = true;
		return;
	}
	operation->type = type;
	operation->len = name.len;
	memcpy(operation->name, name.data, name.len);
	graphql->count++;
}

/* False: it is no document. */
static bool document_read(struct graphql *graphql, struct slice text)
{
	enum operation_type type;

	for (text = skip_ignored(text); text.len; text = skip_ignored(text)) {
		struct slice word = name_next(&text);
		bool fragment = slice_equal(word, SLICE("fragment"));

		text = skip_ignored(text);
		if (!word.len && text.data && text.len && text.data[0] == '{')
			operation_add(graphql, ANONYMOUS, word);
		else if (type_of(word, &type))
			operation_add(graphql, type, name_next(&text));
		else if (!fragment)
			return false;
		if (!definition_skip(&text))
			return false;
	}
	return true;
}

/* --- values ---------------------------------------------------------------------------------- */

/* Where the member is there twice, nobody knows which one the server takes. */
static void take_query(struct graphql *graphql, const struct json_value *value)
{
	graphql->unknown |= graphql->has_query;
	graphql->has_query = true;
	if (value->type != JSON_STRING || !value->text.data) {
		graphql->wrong = value->type != JSON_NULL; /* of a persisted one */
		graphql->has_query = false;
	} else if (value->cut) {
		graphql->too_many = true;
	} else if (!document_read(graphql, value->text) || (!graphql->count && !graphql->too_many)) {
		graphql->wrong = true;
	}
}

static void take_member(struct graphql *graphql, struct slice key, const struct json_value *value)
{
	struct operation *asked = &graphql->asked;

	if (slice_equal(key, SLICE("query"))) {
		take_query(graphql, value);
	} else if (slice_equal(key, SLICE("operationName"))) {
		graphql->wrong |= value->type != JSON_STRING && value->type != JSON_NULL;
		if (value->type != JSON_STRING || !value->text.len)
			return;
		graphql->unknown |= graphql->named;
		graphql->named = true;
		asked->len = value->cut || value->text.len > sizeof(asked->name) ? 0 : value->text.len;
		memcpy(asked->name, value->text.data ? value->text.data : (const uint8_t *)"", asked->len);
	} else if (slice_equal(key, SLICE("variables")) || slice_equal(key, SLICE("extensions"))) {
		graphql->wrong |= value->type != JSON_OBJECT && value->type != JSON_NULL;
	} else if (!slice_equal(key, SLICE("id")) && !slice_equal(key, SLICE("documentId"))) {
		graphql->wrong = true;
	}
}

static void request_end(struct graphql *graphql);
static void all_end(struct graphql *graphql);

static bool take_asked(struct graphql *graphql, struct slice path, const struct json_value *value)
{
	if (!path.len) {
		if (value->type == JSON_END && (value->path.len || !graphql->is_batch))
			request_end(graphql);
		else
			graphql->wrong |= value->type != JSON_OBJECT && value->type != JSON_END;
		return true;
	}
	if (value->type == JSON_END)
		return false;
	if (slice_equal(path, SLICE("extensions.persistedQuery")))
		graphql->persisted = value->type == JSON_OBJECT;
	else if (slice_find(path, '.') == path.len)
		take_member(graphql, path, value);
	return slice_equal(path, SLICE("extensions"));
}

static bool take_answered(struct graphql *graphql, struct slice path, const struct json_value *value)
{
	graphql->errors += slice_equal(path, SLICE("errors.#")) && value->type != JSON_END;
	return !path.len || slice_equal(path, SLICE("errors"));
}

static bool take_value(struct graphql *graphql, const struct json_value *value)
{
	struct slice path = value->path;

	if (graphql->wrong)
		return false;
	if (value->type == JSON_DONE) {
		all_end(graphql);
		return false;
	}
	if (!path.len && value->type != JSON_END) {
		graphql->is_batch = value->type == JSON_ARRAY;
		graphql->wrong = !graphql->is_batch && value->type != JSON_OBJECT;
		return true;
	}
	if (graphql->is_batch && path.len)
		path = slice_drop(path, path.len > 1 ? 2 : 1);
	return (graphql->kind == MESSAGE_REQUEST ? take_asked : take_answered)(graphql, path, value);
}

static bool on_value(void *ctx, const struct json_value *value)
{
	struct graphql *graphql = ctx;
	bool enter = take_value(graphql, value);

	if (graphql->wrong)
		json_stream_stop(&graphql->json[graphql->kind]);
	return enter;
}

/* --- what is told ---------------------------------------------------------------------------- */

/* The operation that is run; NULL: not known. */
static const struct operation *operation_of(struct graphql *graphql)
{
	struct operation *asked = &graphql->asked;

	if (graphql->named && !asked->len)
		return NULL;
	if (!graphql->named)
		return graphql->count == 1 && !graphql->too_many ? &graphql->operations[0] : NULL;
	for (size_t i = 0; i < graphql->count; i++)
		if (slice_equal(slice_of(graphql->operations[i].name, graphql->operations[i].len),
				slice_of(asked->name, asked->len)))
			return &graphql->operations[i];
	return graphql->has_query ? NULL : asked;
}

static bool is_graphql(const struct graphql *graphql)
{
	bool typed = graphql->has_query &&
		     (graphql->count > 1 || graphql->too_many || graphql->operations[0].type != ANONYMOUS);

	return typed || graphql->persisted || (graphql->by_path && (graphql->has_query || graphql->named));
}

static void request_end(struct graphql *graphql)
{
	const struct operation *operation = operation_of(graphql);

	graphql->wrong |= !is_graphql(graphql);
	if (!graphql->wrong) {
		graphql->unknown |= !operation;
		if (operation && !graphql->requests)
			graphql->first = *operation;
		else if (operation)
			graphql->differ |= operation->len != graphql->first.len ||
					   operation->type != graphql->first.type ||
					   memcmp(operation->name, graphql->first.name, operation->len) != 0;
		graphql->requests++;
	}
	graphql->count = graphql->asked.len = 0;
	graphql->has_query = graphql->persisted = graphql->too_many = graphql->named = false;
}

/* "query GetUser"; of a persisted one its name alone. */
static void tell_operation(struct graphql *graphql, bool type_known)
{
	const struct operation *operation = &graphql->first;
	struct slice type = slice_of_string(type_known ? type_names[operation->type] : "");
	char text[NAME_MAX_BYTES + 16];
	size_t len = type.len;

	memcpy(text, type.data, type.len);
	if (type_known && operation->len)
		text[len++] = ' ';
	memcpy(text + len, operation->name, operation->len);
	reading_text(graphql->reading, MESSAGE_REQUEST, "hark.operation",
		     slice_of(text, len + operation->len));
}

static void all_end(struct graphql *graphql)
{
	struct reading *reading = graphql->reading;
	const struct operation *operation = &graphql->first;
	bool type_known = operation->type != ANONYMOUS || !operation->len;

	if (graphql->kind == MESSAGE_RESPONSE) {
		reading_number(reading, MESSAGE_RESPONSE, "hark.graphql.errors", graphql->errors);
		return;
	}
	if (!graphql->requests)
		return;
	reading_number(reading, MESSAGE_REQUEST, "hark.graphql.requests", graphql->requests);
	if (graphql->unknown)
		return;
	if (graphql->differ) {
		reading_text(reading, MESSAGE_REQUEST, "hark.operation", SLICE("batch"));
		return;
	}
	if (type_known)
		reading_text(reading, MESSAGE_REQUEST, "graphql.operation.type",
			     slice_of_string(type_names[operation->type]));
	if (operation->len)
		reading_text(reading, MESSAGE_REQUEST, "graphql.operation.name",
			     slice_of(operation->name, operation->len));
	tell_operation(graphql, type_known);
}

/* --- the reader ------------------------------------------------------------------------------ */

static bool graphql_claims(const struct message *message, const struct message *other)
{
	if (message->kind == MESSAGE_REQUEST)
		return slice_equal(message->method, SLICE("POST"));
	return other && other->facts && fact_find(other->facts, SLICE("hark.graphql.requests"));
}

/* ".../graphql", ".../gql" */
static bool path_says_so(struct slice target)
{
	struct slice path = slice_take(target, slice_find(target, '?'));

	for (size_t i = 0; i < path.len; i++)
		if (slice_equal_nocase(slice_take(slice_drop(path, i), 7), SLICE("graphql")) ||
		    slice_equal_nocase(slice_drop(path, i), SLICE("/gql")))
			return true;
	return false;
}

static void graphql_head(struct reading *reading, const struct message *message)
{
	struct graphql *graphql = reading->state;

	graphql->reading = reading;
	graphql->json[message->kind].text_max = message->kind == MESSAGE_REQUEST ? QUERY_MAX : 1;
	if (message->kind == MESSAGE_REQUEST)
		graphql->by_path = path_says_so(message->target);
	graphql->wrong = false;
}

static void graphql_hole(struct reading *reading, enum message_kind kind, uint64_t size)
{
	struct graphql *graphql = reading->state;

	(void)size;
	json_stream_hole(&graphql->json[kind]);
}

static void graphql_bytes(struct reading *reading, enum message_kind kind, struct slice bytes)
{
	struct graphql *graphql = reading->state;

	graphql->kind = kind;
	json_stream_feed(&graphql->json[kind], bytes, on_value, graphql);
	if (graphql->wrong || graphql->json[kind].state == JSON_WRONG)
		reading_give_up(reading, kind);
	reading_charge(reading, graphql->json[0].text.capacity + graphql->json[1].text.capacity);
}

static void graphql_fini(void *state)
{
	struct graphql *graphql = state;

	json_stream_fini(&graphql->json[0]);
	json_stream_fini(&graphql->json[1]);
}

const struct content_reader graphql_reader = {
	.name = "graphql",
	.gives = READER_FACTS | READER_OPERATION,
	.size = sizeof(struct graphql),
	.claims = graphql_claims,
	.head = graphql_head,
	.bytes = graphql_bytes,
	.hole = graphql_hole,
	.fini = graphql_fini,
};
