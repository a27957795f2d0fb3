/* SPDX-License-Identifier: Apache-2.0 */
/* One line a statement; with -v what is known of it under the line, its whole text among that. */
#include "sinks.h"

#include "fact.h"
#include "line_text.h"
#include "message_text.h"
#include "query_show.h"

struct sink {
	struct buffer text;
	struct style style;
	FILE *out;
	int verbose;
	bool both_ends;
};

static int queries_text_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	sink->verbose = config->verbose;
	sink->both_ends = config->both_ends;
	line_style_init(&sink->style, config);
	return 0;
}

static void queries_text_fini(struct sink *sink)
{
	buffer_fini(&sink->text);
	line_style_fini(&sink->style);
}

static void put_lines(struct sink *sink, const char *mark, struct slice text)
{
	if (text.data)
		line_put_lines(&sink->text, &sink->style, mark, text, false);
}

/* What the statement's own lines do not say already. */
static void put_request_facts(struct sink *sink, const struct message *request, struct slice statement)
{
	for (const struct fact *fact = request->facts; fact; fact = fact->next) {
		struct fact one = *fact;

		one.next = NULL;
		if (fact->cut || fact->kind != FACT_TEXT || fact->text.data != statement.data)
			message_text_facts(&sink->text, &sink->style, &one);
	}
}

static void put_details(struct sink *sink, const struct exchange *exchange)
{
	const struct redact *redact = sink->style.redact;
	struct slice statement = query_show_statement(exchange, redact);

	put_lines(sink, "    > ", statement);
	if (exchange->request)
		put_request_facts(sink, exchange->request, statement);
	put_lines(sink, "    < ", query_show_error(exchange, redact));
	if (exchange->response)
		message_text_facts(&sink->text, &sink->style, exchange->response->facts);
}

static void queries_text_exchange(struct sink *sink, const struct result *result)
{
	struct exchange exchange = *result->exchange;

	if (sink->both_ends)
		exchange.other = NULL;
	else if (exchange.other && exchange.join == JOIN_SECOND)
		return; /* it stands in the line of the other */
	line_text_put(&sink->text, &sink->style, &exchange);
	buffer_char(&sink->text, '\n');
	if (sink->verbose > 0)
		put_details(sink, &exchange);
	buffer_write(&sink->text, sink->out);
}

const struct sink_ops query_text_sink = {
	.format = "text",
	.view = VIEW_SQL,
	.size = sizeof(struct sink),
	.init = queries_text_init,
	.show = {
		[RESULT_EXCHANGE] = queries_text_exchange,
		[RESULT_PENDING] = queries_text_exchange,
	},
	.fini = queries_text_fini,
};
