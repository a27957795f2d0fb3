/* SPDX-License-Identifier: Apache-2.0 */
#include "query_show.h"

#include "base/escape.h"
#include "fact.h"

static const struct fact *fact_of(const struct message *message, struct slice name)
{
	return message ? fact_find(message->facts, name) : NULL;
}

static struct slice text_of(const struct message *message, struct slice name)
{
	const struct fact *fact = fact_of(message, name);

	return fact && fact->kind == FACT_TEXT ? fact->text : slice_of(NULL, 0);
}

struct slice query_show_statement(const struct exchange *exchange, const struct redact *redact)
{
	const struct message *request = exchange->request;

	if (request && redact_is_off(redact) && request->body.len)
		return request->body;
	return text_of(request, SLICE("db.query.text"));
}

struct slice query_show_error(const struct exchange *exchange, const struct redact *redact)
{
	const struct message *response = exchange->response;

	return response && redact_is_off(redact) && response->body.len ? response->body : slice_of(NULL, 0);
}

void query_show_text(struct buffer *buffer, const struct exchange *exchange, const struct redact *redact,
		     bool utf8)
{
	struct slice text = query_show_statement(exchange, redact);
	struct slice command = text_of(exchange->request, SLICE("hark.db.command"));

	if (slice_equal(command, SLICE("prepare")))
		buffer_string(buffer, "PREPARE ");
	if (text.data) {
		escape_text(buffer, text, utf8);
		return;
	}
	text = text_of(exchange->response, SLICE("db.operation.name"));
	if (text.data) {
		escape_text(buffer, text, utf8);
		buffer_string(buffer, " ?");
	} else if (command.data && !slice_equal(command, SLICE("execute"))) {
		escape_text(buffer, command, utf8);
	} else {
		buffer_char(buffer, '?');
	}
}

void query_show_rows(struct buffer *buffer, const struct exchange *exchange)
{
	const struct fact *returned = fact_of(exchange->response, SLICE("db.response.returned_rows"));
	const struct fact *affected = fact_of(exchange->response, SLICE("hark.db.affected_rows"));

	if (returned) {
		buffer_u64(buffer, returned->number);
		buffer_string(buffer, returned->number == 1 ? " row" : " rows");
	} else if (affected) {
		buffer_u64(buffer, affected->number);
		buffer_string(buffer, " changed");
	} else {
		buffer_char(buffer, '-');
	}
}
