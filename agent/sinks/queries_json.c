/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object a statement, flat, in OpenTelemetry's names (db.*) as far as there are some. */
#include "sinks.h"

#include "base/budget.h"
#include "exchange_json.h"
#include "fact.h"
#include "json_origin.h"
#include "message_json.h"
#include "query_show.h"

#include <errno.h>

struct sink {
	struct json_writer writer;
	bool pending_wanted;
	struct json_origins *origins;
	struct budget *budget;
	size_t charged_bytes; /* for the origins */
};

static int queries_json_init(struct sink *sink, const struct sink_config *config)
{
	sink->pending_wanted = config->pending_wanted;
	json_init(&sink->writer, config);
	sink->origins = json_origins_new();
	sink->budget = config->stats ? config->stats->budget : NULL;
	if (!sink->origins)
		return -ENOMEM;
	budget_set(sink->budget, &sink->charged_bytes, json_origins_bytes());
	return 0;
}

static void queries_json_fini(struct sink *sink)
{
	json_fini(&sink->writer);
	json_origins_free(sink->origins);
	budget_set(sink->budget, &sink->charged_bytes, 0);
}

/* The facts, but for the text, which is shown as the user asked for it. */
static void put_facts(struct sink *sink, const struct exchange *exchange)
{
	struct json_writer *writer = &sink->writer;
	struct slice text = query_show_statement(exchange, writer->redact);
	const struct message *messages[] = { exchange->request, exchange->response };

	if (text.data)
		json_text(writer, "db.query.text", text);
	for (size_t i = 0; i < 2; i++) {
		for (const struct fact *fact = messages[i] ? messages[i]->facts : NULL; fact;
		     fact = fact->next) {
			if (fact_is(fact, "db.query.text"))
				continue;
			buffer_format(&writer->line, ",\"%s\":", fact->name);
			if (fact->kind == FACT_TEXT)
				escape_json(&writer->line, fact->text);
			else
				buffer_u64(&writer->line, fact->number);
		}
	}
	text = query_show_error(exchange, writer->redact);
	if (text.data)
		json_text(writer, "hark.db.error", text);
}

static void queries_json_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	struct json_writer *writer = &sink->writer;

	if (result->kind == RESULT_PENDING && !sink->pending_wanted)
		return;
	if (exchange->start_ns)
		json_time(writer, "time", exchange->start_ns);
	put_facts(sink, exchange);
	json_server_address(writer, exchange->conn);
	json_origin(writer, sink->origins, exchange, true);
	json_fd(writer, &exchange->mover, &exchange->conn->sock);
	exchange_json_put_took(writer, exchange);
	json_flags(writer, exchange->flags);
	json_end(writer);
}

const struct sink_ops query_json_sink = {
	.format = "json",
	.view = VIEW_SQL,
	.size = sizeof(struct sink),
	.init = queries_json_init,
	.show = {
		[RESULT_EXCHANGE] = queries_json_exchange,
		[RESULT_PENDING] = queries_json_exchange,
	},
	.fini = queries_json_fini,
};
