/* SPDX-License-Identifier: Apache-2.0 */
#include "message_json.h"

#include "base/escape.h"
#include "base/fact_text.h"
#include "base/url.h"
#include "body.h"

#include <string.h>

static void put_value(struct json_writer *writer, const struct fact *fact)
{
	struct slice text = fact->cut ? escape_utf8_trim(fact->text) : fact->text;

	if (fact->kind == FACT_TEXT)
		escape_json(&writer->line,
			    fact_text_shown(writer->redact, fact->name, text, &writer->scratch));
	else
		fact_text_put(&writer->line, fact);
}

static bool came_before(const struct fact *facts, const struct fact *fact)
{
	while (facts != fact && !fact_is(facts, fact->name))
		facts = facts->next;
	return facts != fact;
}

static void put_list(struct json_writer *writer, const struct fact *fact)
{
	const char *name = fact->name;

	buffer_char(&writer->line, '[');
	for (bool first = true; fact; fact = fact->next) {
		if (!fact_is(fact, name))
			continue;
		buffer_string(&writer->line, first ? "" : ",");
		put_value(writer, fact);
		first = false;
	}
	buffer_char(&writer->line, ']');
}

void message_json_facts(struct json_writer *writer, const struct fact *facts)
{
	for (const struct fact *fact = facts; fact; fact = fact->next) {
		if (fact->listed && came_before(facts, fact))
			continue;
		if (fact->cut)
			buffer_format(&writer->line, ",\"%s.truncated\":true", fact->name);
		buffer_format(&writer->line, ",\"%s\":", fact->name);
		if (fact->listed)
			put_list(writer, fact);
		else
			put_value(writer, fact);
	}
}

static void put_body(struct json_writer *writer, const struct content_message *message)
{
	struct slice text = body_message_text(message, writer->redact, &writer->scratch);

	json_key(writer, "hark.message.body");
	if (text.data)
		escape_json_text(&writer->line, text);
	else
		json_put_base64(writer, message->body);
}

/* The exchange that the message is of: the request's names, the connection and its process. */
static void put_origin(struct json_writer *writer, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	struct url url = { 0 };

	if (exchange->request) {
		url_of_request(exchange->request, &url);
		if (exchange->request->method.data)
			json_text(writer, "http.request.method", exchange->request->method);
	}
	if (url.path.data)
		json_text(writer, "url.path", redact_target(writer->redact, url.path, &writer->scratch));
	if (url.host.data)
		json_text(writer, "server.address", url.host);
	json_connection(writer, result->conn);
	if (exchange->key)
		json_number(writer, "hark.stream", message_stream(exchange_version(exchange), exchange->key));
	json_role(writer, result->conn->role);
	json_process(writer, result->mover);
}

void message_json_put(struct json_writer *writer, const struct result *result)
{
	const struct content_message *message = result->message;

	json_time(writer, "time", message->time_ns);
	json_name(writer, "hark.message", message->protocol);
	json_name(writer, "hark.message.from", message->kind == MESSAGE_REQUEST ? "client" : "server");
	if (message->number)
		json_number(writer, "hark.message.number", message->number);
	if (message->type.data)
		json_text(writer, "hark.message.type", message->type);
	if (message->id.data)
		json_text(writer, "hark.message.id", message->id);
	if (message->bytes != READER_UNKNOWN_SIZE)
		json_number(writer, "hark.message.size", message->bytes);
	message_json_facts(writer, message->facts);
	put_origin(writer, result);
	json_flags(writer, message->flags);
	if (message->body.data)
		put_body(writer, message);
	json_end(writer);
}
